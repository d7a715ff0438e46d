//! Every library with each of its features alone, and with none.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use crate::exec;
use crate::progress::Status;
use crate::report::{Outcome, Report};
use crate::workspace::{WASM_TARGET, Workspace};

/// Checks all combinations, natively and for wasm: one step for each target.
pub(crate) fn check(workspace: &Workspace, report: &Report) {
    for (name, target, libraries) in [
        ("native", None, workspace.library_features()),
        ("wasm", Some(WASM_TARGET), workspace.wasm_library_features()),
    ] {
        let combinations = combinations(&libraries);
        report.step(&format!("each feature alone, {name}"), |status| {
            let mut broken = Vec::new();
            for combination in &combinations {
                if let Err(error) = combination.check(workspace, target, status) {
                    broken.push(format!("{error:#}"));
                }
            }
            if broken.is_empty() {
                let count = combinations.len();
                return Ok(Outcome::Passed(format!("{count} combinations")));
            }
            bail!("{}", broken.join("\n\n"))
        });
    }
}

/// One library with one feature, or none.
#[derive(Debug, PartialEq, Eq)]
struct Combination {
    package: String,
    feature: Option<String>,
}

impl Combination {
    fn check(&self, workspace: &Workspace, target: Option<&str>, status: &Status) -> Result<()> {
        let mut cargo = workspace.cargo(["check", "--package", &self.package]);
        cargo.arg("--no-default-features");
        if let Some(feature) = &self.feature {
            cargo.args(["--features", feature]);
        }
        if let Some(target) = target {
            cargo.args(["--target", target]);
        }
        let output = exec::succeed(&mut cargo, status)?;
        // Only our own packages are shown with warnings. Denying them by RUSTFLAGS would
        // compile all dependencies again.
        if output.lines().any(|line| line.starts_with("warning: ")) {
            bail!("{}: it warns\n\n{output}", exec::describe(&cargo));
        }
        Ok(())
    }
}

fn combinations(libraries: &BTreeMap<String, Vec<String>>) -> Vec<Combination> {
    let alone = |(package, features): (&String, &Vec<String>)| {
        let features: Vec<_> = [None]
            .into_iter()
            .chain(features.iter().cloned().map(Some))
            .collect();
        let package = package.clone();
        features.into_iter().map(move |feature| Combination {
            package: package.clone(),
            feature,
        })
    };
    libraries.iter().flat_map(alone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_library_comes_bare_and_with_each_feature() {
        let libraries = BTreeMap::from([
            (
                "core".to_owned(),
                vec!["wasm".to_owned(), "fast".to_owned()],
            ),
            ("plain".to_owned(), vec![]),
        ]);
        let all: Vec<_> = combinations(&libraries)
            .into_iter()
            .map(|c| format!("{}+{}", c.package, c.feature.unwrap_or_default()))
            .collect();
        assert_eq!(all, ["core+", "core+wasm", "core+fast", "plain+"]);
    }
}
