use choreo_core::{Error, ErrorKind, Result};

/// A checked `ws://` or `wss://` address.
#[derive(Clone, Debug)]
#[cfg_attr(
    target_arch = "wasm32",
    allow(dead_code, reason = "browsers connect by the URL")
)]
pub(crate) struct Address {
    /// As it was given.
    pub(crate) url: String,
    /// Whether it is `wss://`.
    pub(crate) tls: bool,
    /// The name or address of the host, without the brackets of IPv6.
    pub(crate) host: String,
    /// The port, the scheme's own where none is given.
    pub(crate) port: u16,
}

impl Address {
    /// Checks an address.
    ///
    /// # Errors
    /// `Config`, if it is none for a WebSocket. The error shows nothing that may be a secret.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let invalid = |what: &str| Error::new(ErrorKind::Config, format!("{} {what}", shown(url)));
        let (scheme, rest) = split_scheme(url)
            .ok_or_else(|| invalid("is not one such as wss://example.org/path"))?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "ws" => false,
            "wss" => true,
            _ => return Err(invalid("has another scheme than ws:// or wss://")),
        };
        let odd = |byte| matches!(byte, 0..=b' ' | 0x7f | b'\\');
        if rest.bytes().any(odd) {
            return Err(invalid(
                "has a space, a control character or a backslash in it",
            ));
        }
        if rest.contains('#') {
            return Err(invalid(
                "has a fragment (`#`), which WebSockets do not have",
            ));
        }
        let authority = before(rest, b"/?");
        if authority.contains('@') {
            return Err(invalid(
                "has a user name or password in it: browsers refuse them; authenticate in the \
                 first message",
            ));
        }
        let (host, port) = split_port(authority).ok_or_else(|| invalid("has no valid host"))?;
        let port = match port {
            "" if tls => 443,
            "" => 80,
            port => port
                .parse()
                .map_err(|_| invalid("has a port that is no number up to 65535"))?,
        };
        Ok(Self {
            url: url.to_owned(),
            tls,
            host: host.to_owned(),
            port,
        })
    }

    /// The address for people: without the query.
    pub(crate) fn shown(&self) -> String {
        shown(&self.url)
    }
}

/// The host and the port, which may be empty.
fn split_port(authority: &str) -> Option<(&str, &str)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            match port.strip_prefix(':') {
                Some(port) => (host, port),
                None if port.is_empty() => (host, port),
                None => return None,
            }
        }
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    (!host.is_empty()).then_some((host, port))
}

/// What is before and after `://`. (A search for one character makes a far smaller module.)
fn split_scheme(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once(':')?;
    Some((scheme, rest.strip_prefix("//")?))
}

/// What stands before the first of these characters. (So does `split`, in more code.)
fn before<'a>(text: &'a str, ends: &[u8]) -> &'a str {
    let end = text.bytes().position(|byte| ends.contains(&byte));
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// A URL without the parts that may hold a secret: credentials, query and fragment.
fn shown(url: &str) -> String {
    let url = before(url, b"?#");
    let Some((scheme, rest)) = split_scheme(url) else {
        return "the address".to_owned();
    };
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, Some(path)),
        None => (rest, None),
    };
    let mut host = authority;
    while let Some((_, behind)) = host.split_once('@') {
        host = behind;
    }
    match path {
        Some(path) => format!("{scheme}://{host}/{path}"),
        None => format!("{scheme}://{host}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        let error = Address::parse(url).expect_err(url);
        assert_eq!(error.kind(), ErrorKind::Config);
        error.to_string()
    }

    #[test]
    fn addresses_are_taken_apart() {
        let parts = |url: &str| {
            let address = Address::parse(url).expect(url);
            (address.tls, address.host, address.port)
        };
        assert_eq!(parts("ws://host"), (false, "host".to_owned(), 80));
        assert_eq!(parts("WSS://host/a:1?b=@"), (true, "host".to_owned(), 443));
        assert_eq!(parts("ws://host:9001?x"), (false, "host".to_owned(), 9001));
        assert_eq!(parts("ws://[::1]:9001/"), (false, "::1".to_owned(), 9001));
        assert_eq!(parts("wss://[::1]"), (true, "::1".to_owned(), 443));
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
        let address = Address::parse("wss://host/path?token=hunter2").unwrap();
        assert_eq!(address.shown(), "wss://host/path");
        let error = refused("wss://host:x/path?token=hunter2");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
