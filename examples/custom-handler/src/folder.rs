use std::fs;
use std::io::{self, ErrorKind as Io};
use std::path::{Path, PathBuf};

use choreo_core::{Bytes, Error, ErrorKind, Result};

/// The largest file, in bytes.
const MAX_FILE: u64 = 16 << 20;

/// The files from one role to another: each a payload, named by its number.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn open(session: &Path, from: &str, to: &str) -> Result<Self> {
        let folder = Self(session.join(format!("{from}@{to}")));
        fs::create_dir_all(&folder.0).map_err(|error| folder.failed(error))?;
        Ok(folder)
    }

    /// Puts a payload in, wholly or not at all: it gets its name when all of it is there.
    pub(crate) fn put(&self, number: u64, frame: &[u8]) -> Result<()> {
        if frame.len() as u64 > MAX_FILE {
            let detail = format!("{} bytes are above the limit of {MAX_FILE}", frame.len());
            return Err(config(detail));
        }
        let unfinished = self.0.join("unfinished");
        fs::write(&unfinished, frame)
            .and_then(|()| fs::rename(&unfinished, self.file(number)))
            .map_err(|error| self.failed(error))
    }

    /// Takes a payload out, if it is there.
    pub(crate) fn take(&self, number: u64) -> Result<Option<Bytes>> {
        let file = self.file(number);
        let length = match fs::metadata(&file) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == Io::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(error)),
        };
        let frame = if length <= MAX_FILE {
            fs::read(&file).map_err(|error| self.failed(error))?
        } else {
            Vec::new() // which is no payload
        };
        fs::remove_file(&file).map_err(|error| self.failed(error))?;
        Ok(Some(frame.into()))
    }

    pub(crate) fn has(&self, number: u64) -> bool {
        self.file(number).exists()
    }

    /// Says that nothing more will be put in.
    pub(crate) fn leave(&self) {
        // Where this fails the folder is gone, and with it what could have been left.
        let _ = fs::write(self.0.join("left"), "");
    }

    /// Whether who puts payloads in has left.
    pub(crate) fn is_left(&self) -> bool {
        self.0.join("left").exists() || !self.0.exists()
    }

    fn file(&self, number: u64) -> PathBuf {
        self.0.join(number.to_string())
    }

    fn failed(&self, error: io::Error) -> Error {
        let detail = format!("the folder {} is of no use", self.0.display());
        Error::new(ErrorKind::Transport, detail).with_source(error)
    }
}

/// Lets a role in, once: a folder is that of one session.
pub(crate) fn enter(session: &Path, role: &str) -> Result<()> {
    let joined = session.join(format!("{role}.joined"));
    let entered = fs::create_dir_all(session).and_then(|()| fs::File::create_new(joined));
    entered.map(drop).map_err(|error| match error.kind() {
        Io::AlreadyExists => config(format!(
            "{role} has been in the folder {}: take a new one for each session",
            session.display()
        )),
        _ => config(format!("the folder {} is of no use", session.display())).with_source(error),
    })
}

/// Refuses a role whose name would be that of a file elsewhere.
pub(crate) fn check_name(role: &str) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if role.is_empty() || !role.bytes().all(allowed) {
        let detail = format!("{role:?} names no file: take letters, digits, - and _");
        return Err(config(detail));
    }
    Ok(())
}

fn config(detail: String) -> Error {
    Error::new(ErrorKind::Config, detail)
}
