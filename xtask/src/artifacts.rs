//! The programs that a cargo command builds.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, anyhow};
use cargo_metadata::Message;

use crate::exec;
use crate::progress::Status;

/// One program, as cargo names it.
pub(crate) struct Program {
    pub(crate) name: String,
    /// The folder of its package.
    pub(crate) package_dir: PathBuf,
    pub(crate) path: PathBuf,
    /// Whether it is one of tests.
    pub(crate) tests: bool,
}

/// Runs a cargo command that builds, and returns the programs it built or found fresh.
///
/// # Errors
/// If they do not compile.
pub(crate) fn build(cargo: &mut Command, status: &Status) -> Result<Vec<Program>> {
    cargo.arg("--message-format=json-render-diagnostics");
    let output = exec::succeed(cargo, status).map_err(|error| anyhow!(readable(&error)))?;
    Ok(programs(&output))
}

fn programs(output: &str) -> Vec<Program> {
    Message::parse_stream(output.as_bytes())
        .filter_map(|message| match message {
            Ok(Message::CompilerArtifact(artifact)) => Some(Program {
                package_dir: artifact.manifest_path.parent()?.into(),
                path: artifact.executable?.into(),
                name: artifact.target.name,
                tests: artifact.profile.test,
            }),
            _ => None,
        })
        .collect()
}

/// The error without the lines that are for programs.
fn readable(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    let lines = text
        .lines()
        .filter(|line| !line.starts_with(r#"{"reason""#));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_programs_is_not_shown() {
        let error = anyhow!("cargo: exit 101\n{{\"reason\":\"build-finished\"}}\nerror: no");
        assert_eq!(readable(&error), "cargo: exit 101\nerror: no");
    }

    #[test]
    fn other_lines_are_passed_over() {
        assert!(programs("   Compiling x v0.1.0\nnot json\n").is_empty());
    }
}
