use std::env::VarError;
use std::fs::File;
use std::io::Read;

use choreo_core::{Error, ErrorKind, Result};

use crate::node::Kind;
use crate::{OptionValue, Setting};

/// Where a secret is to be found: `{ file = "relay.token" }` or `{ env = "RELAY_TOKEN" }`.
///
/// The secret itself never stands in a configuration, and nothing here prints it.
#[derive(Clone, Debug)]
pub struct Secret(Place);

#[derive(Clone, Debug)]
enum Place {
    File(String),
    Variable(String),
}

impl Secret {
    /// The most bytes that a secret's file may have.
    pub const MAX_BYTES: u64 = 16 * 1024;

    /// Reads the secret, without the line ends behind it.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when the file or the variable is not there, is no UTF-8, is
    /// empty or too long. In browsers there are neither.
    pub fn reveal(&self) -> Result<String> {
        let (place, secret) = match &self.0 {
            Place::File(path) => (format!("the file {path}"), read(path)),
            Place::Variable(name) => {
                // The error of one that is no UTF-8 would print it.
                let why = |error| match error {
                    VarError::NotPresent => "there is none".to_owned(),
                    VarError::NotUnicode(_) => "it is no UTF-8".to_owned(),
                };
                let secret = std::env::var(name).map_err(why);
                (format!("the environment variable {name}"), secret)
            }
        };
        let refuse = |why: &str| {
            let detail = format!("the secret in {place} cannot be read: {why}");
            Error::new(ErrorKind::Config, detail)
        };
        let secret = secret.map_err(|why| refuse(&why))?;
        match secret.trim_end_matches(['\r', '\n']) {
            "" => Err(refuse("it is empty")),
            secret => Ok(secret.to_owned()),
        }
    }
}

impl OptionValue for Secret {
    fn schema(out: &mut String) {
        out.push_str(concat!(
            r#""type":"object","minProperties":1,"maxProperties":1,"additionalProperties":false,"#,
            r#""properties":{"file":{"type":"string"},"env":{"type":"string"}}"#,
        ));
    }

    fn show(&self, out: &mut String) {
        out.push_str("null");
    }

    fn read(setting: Setting<'_>) -> Result<Self> {
        if let Kind::Table(table) = setting.kind()
            && let [entry] = table.as_slice()
            && let Kind::Text(text) = &entry.node.kind
        {
            match entry.key.as_str() {
                "file" => return Ok(Self(Place::File(text.clone()))),
                "env" => return Ok(Self(Place::Variable(text.clone()))),
                _ => {}
            }
        }
        Err(setting.refuse(
            "expected where the secret is, { file = \"…\" } or { env = \"…\" }; it must not stand here itself",
        ))
    }
}

fn read(path: &str) -> Result<String, String> {
    let mut secret = Vec::new();
    let read = |file: File| file.take(Secret::MAX_BYTES + 1).read_to_end(&mut secret);
    File::open(path)
        .and_then(read)
        .map_err(|error| error.kind().to_string())?;
    if secret.len() as u64 > Secret::MAX_BYTES {
        return Err(format!("it has more than {} bytes", Secret::MAX_BYTES));
    }
    String::from_utf8(secret).map_err(|_| "it is no UTF-8".to_owned())
}
