use std::fs::File;
use std::io::Read;
use std::path::Path;

use choreo_core::{Error, ErrorKind, Result};

use crate::StackSpec;

impl StackSpec {
    /// A stack from a file, whose name says whether it is TOML (`.toml`) or JSON (`.json`). Errors
    /// name it. In browsers there are no files.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when it cannot be read, and as `from_toml` and `from_json`.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let source = path.display().to_string();
        let refuse = |why: String| Error::new(ErrorKind::Config, format!("{source}: {why}"));
        let parse = match path.extension().and_then(|extension| extension.to_str()) {
            #[cfg(feature = "toml")]
            Some("toml") => Self::from_toml_named,
            #[cfg(feature = "json")]
            Some("json") => Self::from_json_named,
            _ => {
                return Err(refuse(
                    "a stack's file ends in .toml or .json, as its format".into(),
                ));
            }
        };
        let mut text = String::new();
        let most = Self::MAX_TEXT as u64 + 1;
        let read = File::open(path).and_then(|file| file.take(most).read_to_string(&mut text));
        read.map_err(|error| refuse(format!("it cannot be read: {error}")))?;
        parse(&source, &text)
    }

    /// A stack from a text that is not in a file of its own, such as a program's input: JSON if it
    /// begins with a `{`, TOML otherwise. Errors give `source` as where it was read.
    ///
    /// ```
    /// use choreo_plugin::StackSpec;
    ///
    /// let error = StackSpec::from_text("stdin", "role = Alice").unwrap_err().to_string();
    /// assert!(error.starts_with("stdin:1:8: "), "{error}");
    /// ```
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config), as `from_toml` and `from_json`.
    #[cfg(all(feature = "json", feature = "toml"))]
    pub fn from_text(source: &str, text: &str) -> Result<Self> {
        if text.trim_start().starts_with('{') {
            Self::from_json_named(source, text)
        } else {
            Self::from_toml_named(source, text)
        }
    }
}
