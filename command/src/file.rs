use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

use anyhow::{Result, anyhow};
use choreo::Error;
use choreo::plugin::StackSpec;

use crate::cli::Settings;
use crate::excerpt::excerpt;

/// A stack as a file says it, and what stands above the file.
#[derive(Clone)]
pub(crate) struct StackFile {
    /// The file's name, for errors.
    pub(crate) name: String,
    pub(crate) spec: StackSpec,
    /// What it says, for errors.
    text: String,
}

impl StackFile {
    /// Reads a file, or the program's input for `-`.
    pub(crate) fn read(path: &Path, settings: &Settings) -> Result<Self> {
        let input = path == Path::new("-");
        let (name, text, read) = if input {
            let name = "stdin".to_owned();
            let text =
                bounded(stdin()).map_err(|error| anyhow!("{name}: it cannot be read: {error}"))?;
            let read = StackSpec::from_text(&name, &text);
            (name, text, read)
        } else {
            let read = StackSpec::from_file(path);
            // For errors alone, so that one here says less and is none of its own.
            let text = File::open(path).and_then(bounded).unwrap_or_default();
            (path.display().to_string(), text, read)
        };
        let placed = |error: &Error| placed(&name, &text, error);
        let spec = above(read.map_err(|error| placed(&error))?, settings, placed)?;
        Ok(Self { name, spec, text })
    }

    /// The same stack for that role.
    pub(crate) fn with_role(&self, role: &str) -> Result<Self> {
        let mut file = self.clone();
        file.spec = file.placed(file.spec.clone().with_setting("--role", "role", role))?;
        Ok(file)
    }

    /// With the line at which an error points below it.
    pub(crate) fn placed<T>(&self, result: choreo::Result<T>) -> Result<T> {
        result.map_err(|error| placed(&self.name, &self.text, &error))
    }
}

/// With what environment variables and the command line say.
fn above(
    mut spec: StackSpec,
    settings: &Settings,
    placed: impl Fn(&Error) -> anyhow::Error,
) -> Result<StackSpec> {
    for (name, value) in std::env::vars_os() {
        // A name that is no UTF-8 is not one of ours.
        let Some(name) = name.to_str().filter(|name| name.starts_with("CHOREO_")) else {
            continue;
        };
        let value = value
            .into_string()
            .map_err(|_| anyhow!("{name}: it is no UTF-8"))?;
        spec = spec
            .with_overrides([(name, value)])
            .map_err(|error| placed(&error))?;
    }
    for (path, value) in &settings.set {
        let place = format!("--set {path}");
        spec = spec
            .with_setting(&place, path, value)
            .map_err(|error| placed(&error))?;
    }
    Ok(spec)
}

/// An error in a file, with the line at which it points below it.
fn placed(name: &str, text: &str, error: &Error) -> anyhow::Error {
    let report = error.report();
    let place = report
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix(':'));
    let mut numbers = place
        .unwrap_or_default()
        .split(':')
        .map(|number| number.parse().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(line), Some(column)) => anyhow!("{report}{}", excerpt(text, line, column)),
        _ => anyhow!(report),
    }
}

/// As much of a text as a stack may have, and a byte more, so that one that is too long is refused.
fn bounded(source: impl Read) -> std::io::Result<String> {
    let mut text = String::new();
    let most = StackSpec::MAX_TEXT as u64 + 1;
    source.take(most).read_to_string(&mut text)?;
    Ok(text)
}
