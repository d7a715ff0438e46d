//! The size of the browser example, held against its budget.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::bundle::{self, Bundle};
use crate::exec;
use crate::setup::Needs;
use crate::workspace::Workspace;

/// At most so many bytes after wasm-opt, and after gzip.
const BUDGET: Size = Size {
    raw: 100_000,
    gzip: 40_000,
};

/// The size of something to load, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    raw: usize,
    gzip: usize,
}

/// Builds the example, prints its sizes, and fails above the budget.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let needs = Needs {
        wasm: true,
        wasm_opt: true,
        ..Needs::default()
    };
    needs.install(workspace)?;
    let bundle = exec::step("build the demo", |status| bundle::build(workspace, status))?;
    println!("{}", measure(&bundle)?);
    Ok(ExitCode::SUCCESS)
}

/// The table of sizes.
///
/// # Errors
/// If the module was not optimised, or is over its budget.
pub(crate) fn measure(bundle: &Bundle) -> Result<String> {
    ensure!(
        bundle.optimised,
        "wasm-opt is missing, and the budget is that of an optimised module; \
         `cargo xtask setup` installs it"
    );
    let read =
        |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let (wasm, script) = (read(&bundle.wasm)?, read(&bundle.script)?);
    let module = Size::of(&wasm)?;
    let table = [
        module.row("module"),
        BUDGET.row("  its budget"),
        Size::of(&script)?.row("script that loads it"),
    ]
    .join("\n");
    ensure!(
        module.fits(BUDGET),
        "{table}\nthe module is over its budget"
    );
    Ok(table)
}

impl Size {
    fn of(bytes: &[u8]) -> Result<Self> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(bytes)?;
        Ok(Self {
            raw: bytes.len(),
            gzip: gzip.finish()?.len(),
        })
    }

    fn fits(self, budget: Self) -> bool {
        self.raw <= budget.raw && self.gzip <= budget.gzip
    }

    fn row(self, name: &str) -> String {
        let [raw, gzip] = [self.raw, self.gzip].map(grouped);
        format!("{name:<22}{raw:>9} bytes  {gzip:>8} gzipped")
    }
}

/// A number with its thousands apart: `83,112`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(40_000), "40,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }

    #[test]
    fn both_sizes_must_fit() {
        assert!(BUDGET.fits(BUDGET));
        let raw = Size {
            raw: BUDGET.raw + 1,
            gzip: 1,
        };
        let gzip = Size {
            raw: 1,
            gzip: BUDGET.gzip + 1,
        };
        assert!(!raw.fits(BUDGET));
        assert!(!gzip.fits(BUDGET));
    }

    #[test]
    fn gzip_makes_repetition_small() {
        let size = Size::of(&[7; 10_000]).unwrap();
        assert_eq!(size.raw, 10_000);
        assert!(size.gzip < 100);
    }
}
