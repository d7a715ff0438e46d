use std::fmt;

use crate::{Error, ErrorKind, Result};

/// A checked address, for transports that connect by one.
///
/// It displays without what may be a secret: no query, no credentials.
///
/// ```
/// use choreo_core::Address;
///
/// let address = Address::parse("wss://example.org/game?seat=3", &[("ws", 80), ("wss", 443)])?;
/// assert_eq!((address.scheme(), address.host(), address.port()), ("wss", "example.org", 443));
/// assert_eq!(address.to_string(), "wss://example.org/game");
///
/// let error = Address::parse("http://example.org", &[("ws", 80), ("wss", 443)]).unwrap_err();
/// assert_eq!(error.detail(), "http://example.org has another scheme than ws:// or wss://");
/// # Ok::<(), choreo_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Address {
    url: String,
    scheme: &'static str,
    host: String,
    port: u16,
}

impl Address {
    /// Checks an address with one of these schemes, each with its own port.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config), if it has another scheme, no host, credentials, a fragment, or
    /// a character that cannot stand in it. The error shows nothing that may be a secret.
    pub fn parse(url: &str, schemes: &[(&'static str, u16)]) -> Result<Self> {
        let invalid = |what: &str| Error::new(ErrorKind::Config, format!("{} {what}", shown(url)));
        let (scheme, rest) = split_scheme(url).ok_or_else(|| {
            let best = schemes.last().map_or("", |(scheme, _)| scheme);
            invalid(&format!("is not one such as {best}://example.org/path"))
        })?;
        let found = schemes
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(scheme));
        let Some((scheme, own_port)) = found else {
            let mut than = "has another scheme than ".to_owned();
            for (index, (scheme, _)) in schemes.iter().enumerate() {
                than += if index == 0 { "" } else { " or " };
                than += scheme;
                than += "://";
            }
            return Err(invalid(&than));
        };
        let odd = |byte| matches!(byte, 0..=b' ' | 0x7f | b'\\');
        if rest.bytes().any(odd) {
            return Err(invalid(
                "has a space, a control character or a backslash in it",
            ));
        }
        let (_, fragment) = cut(rest, b"#");
        if !fragment.is_empty() {
            return Err(invalid(
                "has a fragment (`#`), which connections do not have",
            ));
        }
        let (authority, _) = cut(rest, b"/?");
        let (_, credentials) = cut(authority, b"@");
        if !credentials.is_empty() {
            return Err(invalid(
                "has a user name or password in it: browsers refuse them; authenticate in the \
                 first message",
            ));
        }
        let (host, port) = split_port(authority).ok_or_else(|| invalid("has no valid host"))?;
        let port = match port {
            "" => *own_port,
            port => port
                .parse()
                .map_err(|_| invalid("has a port that is no number up to 65535"))?,
        };
        Ok(Self {
            url: url.to_owned(),
            scheme,
            host: host.to_owned(),
            port,
        })
    }

    /// As it was given.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its scheme, of those that were allowed.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// The name or address of the host, without the brackets of IPv6.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, the scheme's own where none is given.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// The address for people: without the query.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.url))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The host and the port, which may be empty.
fn split_port(authority: &str) -> Option<(&str, &str)> {
    let (host, behind) = match authority.strip_prefix("[") {
        Some(rest) => {
            let (host, behind) = cut(rest, b"]");
            (host, behind.strip_prefix("]")?)
        }
        None => cut(authority, b":"),
    };
    let port = match behind {
        "" => "",
        behind => behind.strip_prefix(":")?,
    };
    (!host.is_empty()).then_some((host, port))
}

/// What is before and after `://`.
fn split_scheme(url: &str) -> Option<(&str, &str)> {
    let (scheme, behind) = cut(url, b":");
    Some((scheme, behind.strip_prefix("://")?))
}

/// What stands before the first of these characters, and the rest, which begins with it. (So do the
/// methods of `str`, in far more code.)
fn cut<'a>(text: &'a str, at: &[u8]) -> (&'a str, &'a str) {
    let end = text.bytes().position(|byte| at.contains(&byte));
    end.and_then(|end| text.split_at_checked(end))
        .unwrap_or((text, ""))
}

/// A URL without the parts that may hold a secret: credentials, query and fragment.
fn shown(url: &str) -> String {
    let (url, _) = cut(url, b"?#");
    let Some((scheme, rest)) = split_scheme(url) else {
        return "the address".to_owned();
    };
    let (mut host, path) = cut(rest, b"/");
    while let Some(behind) = cut(host, b"@").1.strip_prefix("@") {
        host = behind;
    }
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address> {
        Address::parse(url, &[("ws", 80), ("wss", 443)])
    }

    fn refused(url: &str) -> String {
        let error = parse(url).expect_err(url);
        assert_eq!(error.kind(), ErrorKind::Config);
        error.to_string()
    }

    #[test]
    fn addresses_are_taken_apart() {
        let parts = |url: &str| {
            let address = parse(url).expect(url);
            (address.scheme, address.host, address.port)
        };
        assert_eq!(parts("ws://host"), ("ws", "host".to_owned(), 80));
        assert_eq!(parts("WSS://host/a:1?b=@"), ("wss", "host".to_owned(), 443));
        assert_eq!(parts("ws://host:9001?x"), ("ws", "host".to_owned(), 9001));
        assert_eq!(parts("ws://[::1]:9001/"), ("ws", "::1".to_owned(), 9001));
        assert_eq!(parts("wss://[::1]"), ("wss", "::1".to_owned(), 443));
    }

    #[test]
    fn errors_say_what_is_wrong() {
        for (url, why) in [
            ("", "wss://example.org"),
            ("example.org", "wss://example.org"),
            ("http://host", "scheme"),
            ("ws://", "host"),
            ("ws://:80", "host"),
            ("ws://[::1", "host"),
            ("ws://[::1]x", "host"),
            ("ws://host:99999", "port"),
            ("ws://host:x", "port"),
            ("ws://host/#top", "fragment"),
            ("ws://ho st", "space"),
            ("ws://host\\@other", "backslash"),
            ("ws://host\n", "control"),
        ] {
            assert!(refused(url).contains(why), "{url}: {}", refused(url));
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let error = refused("wss://user:hunter2@host/path");
        assert!(error.contains("user name"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
        let address = parse("wss://host/path?token=hunter2").unwrap();
        assert_eq!(address.to_string(), "wss://host/path");
        let error = refused("wss://host:x/path?token=hunter2");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
