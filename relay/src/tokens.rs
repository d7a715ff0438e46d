use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use choreo_core::{Error, ErrorKind, Result};
use choreo_session::wire::{Abort, Code, Hello, check_name};
use choreo_session::{Authority, Ticket};
use pasetors::Public;
use pasetors::keys::{
    AsymmetricKeyPair, AsymmetricPublicKey, AsymmetricSecretKey, Generate, SymmetricKey,
};
use pasetors::paserk::FormatAsPaserk;
use pasetors::token::UntrustedToken;
use pasetors::version4::{PublicToken, V4};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// How far a clock that makes tokens may be ahead of the relay's.
const AHEAD: time::Duration = time::Duration::minutes(1);

/// The keys of a relay: one that signs tokens, one that checks them, and one by which roles are
/// known again after a restart.
///
/// The file has a key a line, each in the form of [PASERK](https://github.com/paseto-standard/paserk):
/// `k4.public.…`, `k4.local.…` and `k4.secret.…`. A relay only checks tokens, so its file needs no
/// `k4.secret` line: keep that where tokens are made.
///
/// ```
/// use std::time::Duration;
/// use choreo_relay::{Claims, KeyFile, Relay, RelayConfig};
///
/// let keys = KeyFile::generate()?;
/// let token = keys.token(&Claims::new("game-7", "Alice"), Duration::from_secs(600))?;
/// assert!(token.starts_with("v4.public."));
///
/// let config = RelayConfig::default().with_master(keys.master());
/// let relay = Relay::new(keys.tokens(), config)?;
/// # Ok::<(), choreo_core::Error>(())
/// ```
pub struct KeyFile {
    public: AsymmetricPublicKey<V4>,
    secret: Option<AsymmetricSecretKey<V4>>,
    master: [u8; 32],
}

impl KeyFile {
    /// New keys.
    ///
    /// # Errors
    /// When the platform gives no random numbers.
    pub fn generate() -> Result<Self> {
        let pair = AsymmetricKeyPair::<V4>::generate().map_err(|_| no_random())?;
        Ok(Self {
            public: pair.public,
            secret: Some(pair.secret),
            master: random()?,
        })
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// `Config` if it cannot be read, or is no key file. What is in it is not shown.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let place = || format!("key file {}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| {
            let detail = format!("{} cannot be read", place());
            Error::new(ErrorKind::Config, detail).with_source(error)
        })?;
        warn_if_open(path);
        Self::parse(&text).map_err(|error| error.context(place()))
    }

    /// Writes a new key file that only its owner can read.
    ///
    /// # Errors
    /// `Config` if it cannot be written, or is there already.
    pub fn write_new(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options
            .open(path)
            .and_then(|mut file| file.write_all(self.text().as_bytes()));
        written.map_err(|error| {
            let detail = format!("key file {} cannot be written", path.display());
            Error::new(ErrorKind::Config, detail).with_source(error)
        })
    }

    /// Makes a token that lets one process play one role in one session, and that is good for
    /// joining that long.
    ///
    /// # Errors
    /// `Config` if the file has no secret key, or the claims have names that no session takes.
    pub fn token(&self, claims: &Claims, valid_for: Duration) -> Result<String> {
        let config = |detail: &str| Error::new(ErrorKind::Config, detail);
        let secret = self.secret.as_ref().ok_or_else(|| {
            config("the key file has no k4.secret line: make tokens where that is")
        })?;
        let names = [("the session", &claims.session), ("the role", &claims.role)];
        for (what, name) in names {
            check_name(what, name).map_err(|abort| config(abort.reason()))?;
        }
        let now = OffsetDateTime::now_utc();
        let expires = time::Duration::try_from(valid_for).ok();
        let expires = expires.and_then(|valid_for| now.checked_add(valid_for));
        let id = u128::from_le_bytes(random()?);
        let payload = Payload {
            session: claims.session.clone(),
            role: claims.role.clone(),
            fingerprint: claims.fingerprint,
            jti: format!("{id:032x}"),
            iat: Some(now),
            nbf: None,
            exp: expires.ok_or_else(|| config("a token cannot be valid for so long"))?,
        };
        let payload = serde_json::to_vec(&payload);
        let payload = payload.map_err(|error| config("the claims").with_source(error))?;
        PublicToken::sign(secret, &payload, None, None)
            .map_err(|_| config("the token could not be signed: the secret key is wrong"))
    }

    /// The key from which the keys of roles are derived, for
    /// [`RelayConfig::with_master`](crate::RelayConfig::with_master).
    #[must_use]
    pub fn master(&self) -> [u8; 32] {
        self.master
    }

    /// Who lets in whoever brings a token of these keys.
    #[must_use]
    pub fn tokens(&self) -> Tokens {
        Tokens {
            public: self.public.clone(),
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let lines = || text.lines().map(str::trim);
        let key = |start: &str| {
            let detail = format!("no line begins with `{start}`; `choreo-relay key` makes a file");
            let found = lines().find(|line| line.starts_with(start));
            found.ok_or_else(|| Error::new(ErrorKind::Config, detail))
        };
        let wrong = |start: &str| {
            let detail = format!("the line `{start}` is no key");
            Error::new(ErrorKind::Config, detail)
        };
        let public = AsymmetricPublicKey::try_from(key("k4.public.")?);
        let public = public.map_err(|_| wrong("k4.public.…"))?;
        let master = SymmetricKey::<V4>::try_from(key("k4.local.")?).ok();
        let master = master.and_then(|key| key.as_bytes().try_into().ok());
        let secret = match key("k4.secret.") {
            Ok(line) => {
                Some(AsymmetricSecretKey::try_from(line).map_err(|_| wrong("k4.secret.…"))?)
            }
            Err(_) => None,
        };
        let signs_for = |secret: &AsymmetricSecretKey<V4>| {
            AsymmetricPublicKey::try_from(secret).is_ok_and(|key| key == public)
        };
        if !secret.as_ref().is_none_or(signs_for) {
            let detail = "the lines `k4.public.…` and `k4.secret.…` are not of one pair";
            return Err(Error::new(ErrorKind::Config, detail));
        }
        Ok(Self {
            public,
            secret,
            master: master.ok_or_else(|| wrong("k4.local.…"))?,
        })
    }

    fn text(&self) -> String {
        let mut text = String::from(
            "# Keys of a choreo-relay. Keep this file secret. A relay needs no k4.secret line:\n\
             # it only checks tokens.\n",
        );
        let mut line = |key: &dyn FormatAsPaserk| {
            // Writing into a string does not fail.
            let _ = key.fmt(&mut text);
            text.push('\n');
        };
        line(&self.public);
        if let Ok(master) = SymmetricKey::<V4>::from(&self.master) {
            line(&master);
        }
        if let Some(secret) = &self.secret {
            line(secret);
        }
        text
    }
}

/// Without the keys.
impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile")
            .field("makes_tokens", &self.secret.is_some())
            .finish_non_exhaustive()
    }
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claims {
    /// The session's name.
    pub session: String,
    /// The role.
    pub role: String,
    /// What the choreography is, if the token is for no other.
    pub fingerprint: Option<u64>,
}

impl Claims {
    /// A role in a session.
    pub fn new(session: impl Into<String>, role: impl Into<String>) -> Self {
        Self {
            session: session.into(),
            role: role.into(),
            fingerprint: None,
        }
    }

    /// For this choreography only.
    #[must_use]
    pub fn with_fingerprint(mut self, fingerprint: u64) -> Self {
        self.fingerprint = Some(fingerprint);
        self
    }
}

/// Lets in whoever brings a token: [PASETO](https://paseto.io) `v4.public` with the claims
/// `session`, `role`, `exp` and `jti`, and perhaps `fingerprint` (a number), `nbf` and `iat`.
///
/// Anything that knows PASETO can make them with the secret key.
#[derive(Clone)]
pub struct Tokens {
    public: AsymmetricPublicKey<V4>,
}

impl Authority for Tokens {
    fn admit(&self, token: &str, hello: &Hello) -> Result<Ticket, Abort> {
        self.check(token, hello, OffsetDateTime::now_utc())
    }
}

impl Tokens {
    fn check(&self, token: &str, hello: &Hello, now: OffsetDateTime) -> Result<Ticket, Abort> {
        let unauthorized = |reason| Abort::new(Code::Unauthorized, reason);
        if token.is_empty() {
            return Err(unauthorized("a token is needed here"));
        }
        let untrusted = UntrustedToken::<Public, V4>::try_from(token)
            .map_err(|_| unauthorized("the token is no PASETO of the kind v4.public"))?;
        let trusted = PublicToken::verify(&self.public, &untrusted, None, None)
            .map_err(|_| unauthorized("the token is not signed by this relay's key"))?;
        let payload: Payload = serde_json::from_str(trusted.payload()).map_err(|_| {
            unauthorized("the token lacks a claim; session, role, exp and jti are needed")
        })?;
        let valid_for = payload.exp - now;
        if !valid_for.is_positive() {
            return Err(unauthorized("the token has expired"));
        }
        let begins = payload.nbf.or(payload.iat);
        if begins.is_some_and(|begins| begins - now > AHEAD) {
            return Err(unauthorized(
                "the token is not valid yet; are the clocks right?",
            ));
        }
        if payload.session != hello.session {
            return Err(Abort::new(
                Code::Forbidden,
                "the token is for another session",
            ));
        }
        if payload.role != hello.role {
            return Err(Abort::new(Code::Forbidden, "the token is for another role"));
        }
        let fingerprint = payload.fingerprint.unwrap_or(hello.fingerprint);
        if fingerprint != hello.fingerprint {
            let speaks = hello.fingerprint;
            let reason =
                format_args!("the token is for protocol {fingerprint:016x}, not {speaks:016x}");
            return Err(Abort::new(Code::Version, reason));
        }
        Ok(Ticket {
            id: Some(payload.jti),
            valid_for: valid_for.unsigned_abs(),
        })
    }
}

/// The token's JSON.
#[derive(Serialize, Deserialize)]
struct Payload {
    session: String,
    role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<u64>,
    jti: String,
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    iat: Option<OffsetDateTime>,
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    nbf: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    exp: OffsetDateTime,
}

/// Keys are secrets.
fn warn_if_open(path: &Path) {
    #[cfg(unix)]
    if let Ok(metadata) = std::fs::metadata(path)
        && std::os::unix::fs::MetadataExt::mode(&metadata) & 0o077 != 0
    {
        let file = path.display();
        tracing::warn!(%file, "others can read the key file; chmod 600 keeps it secret");
    }
    #[cfg(not(unix))]
    let _ = path;
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| no_random())?;
    Ok(bytes)
}

fn no_random() -> Error {
    let detail = "the platform gives no random numbers, which keys need";
    Error::new(ErrorKind::Config, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use choreo_session::Limits;

    fn hello(session: &str, role: &str) -> Hello {
        Hello {
            versions: vec![1],
            fingerprint: 7,
            session: session.to_owned(),
            role: role.to_owned(),
            instance: 1,
            epoch: 1,
            token: None,
            peers: Vec::new(),
            limits: Limits::default(),
        }
    }

    fn token(keys: &KeyFile, claims: &Claims) -> String {
        keys.token(claims, Duration::from_secs(60)).unwrap()
    }

    #[test]
    fn a_token_lets_its_role_in_until_it_expires() {
        let keys = KeyFile::generate().unwrap();
        let (tokens, now) = (keys.tokens(), OffsetDateTime::now_utc());
        let made = token(&keys, &Claims::new("s", "Alice"));
        let check = |token: &str, hello: &Hello, now| tokens.check(token, hello, now);
        let ticket = check(&made, &hello("s", "Alice"), now).unwrap();
        assert_eq!(ticket.id.unwrap().len(), 32);
        assert!(ticket.valid_for <= Duration::from_secs(61));

        let code = |token: &str, hello: &Hello, seconds| {
            let now = now + time::Duration::seconds(seconds);
            check(token, hello, now).unwrap_err().code()
        };
        let alice = hello("s", "Alice");
        assert_eq!(code(&made, &alice, 61), Code::Unauthorized);
        assert_eq!(code(&made, &alice, -120), Code::Unauthorized);
        assert_eq!(code(&made, &hello("s", "Bob"), 0), Code::Forbidden);
        assert_eq!(code(&made, &hello("t", "Alice"), 0), Code::Forbidden);
        for wrong in ["", "x", "v4.public.AAAA", &made[..made.len() - 1]] {
            assert_eq!(code(wrong, &alice, 0), Code::Unauthorized, "{wrong}");
        }
        let foreign = token(&KeyFile::generate().unwrap(), &Claims::new("s", "Alice"));
        assert_eq!(code(&foreign, &alice, 0), Code::Unauthorized);
        let other = token(&keys, &Claims::new("s", "Alice").with_fingerprint(8));
        assert_eq!(code(&other, &alice, 0), Code::Version);
    }

    #[test]
    fn a_file_comes_back_and_a_relay_needs_no_secret() {
        let keys = KeyFile::generate().unwrap();
        let text = keys.text();
        let again = KeyFile::parse(&text).unwrap();
        assert_eq!(
            (again.text(), again.master()),
            (text.clone(), keys.master())
        );

        let without: String = text
            .lines()
            .filter(|line| !line.contains("secret."))
            .map(|line| format!("{line}\n"))
            .collect();
        let relay = KeyFile::parse(&without).unwrap();
        let made = token(&keys, &Claims::new("s", "Alice"));
        relay.tokens().admit(&made, &hello("s", "Alice")).unwrap();
        let error = relay.token(&Claims::new("s", "Alice"), Duration::from_secs(1));
        assert!(error.unwrap_err().to_string().contains("k4.secret"));
        assert!(!format!("{keys:?}").contains("k4."));
    }

    #[test]
    fn files_that_are_none_are_named_without_what_is_in_them() {
        let text = KeyFile::generate().unwrap().text();
        let other = KeyFile::generate().unwrap().text();
        let mixed = text
            .lines()
            .take(4)
            .chain(other.lines().skip(4))
            .collect::<Vec<_>>()
            .join("\n");
        for (text, expected) in [
            (String::new(), "k4.public"),
            (text.replace("k4.local.", "k4.local.A"), "k4.local"),
            (mixed, "not of one pair"),
        ] {
            let error = KeyFile::parse(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn names_that_no_session_takes_get_no_token() {
        let keys = KeyFile::generate().unwrap();
        for name in ["", "a\nb", "\u{1b}[31m", &"x".repeat(65)] {
            for claims in [Claims::new(name, "Alice"), Claims::new("s", name)] {
                let error = keys.token(&claims, Duration::from_secs(1)).unwrap_err();
                assert!(!error.to_string().contains('\n') && !error.to_string().contains('\u{1b}'));
            }
        }
    }
}
