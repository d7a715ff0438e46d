//! The size of the browser example, held against its budget.

use std::fmt::{self, Display, Formatter};
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
    raw: 100 * 1024,
    gzip: 40 * 1024,
};

/// The size of something to load, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
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
    let sizes = Sizes::measure(&bundle)?;
    println!("{sizes}");
    sizes.check()?;
    Ok(ExitCode::SUCCESS)
}

/// The sizes of what the page loads.
pub(crate) struct Sizes {
    module: Size,
    script: Size,
}

impl Sizes {
    /// Measures a bundle.
    ///
    /// # Errors
    /// If its module was not optimised.
    pub(crate) fn measure(bundle: &Bundle) -> Result<Self> {
        ensure!(
            bundle.optimised,
            "wasm-opt is missing, and the budget is that of an optimised module; \
             `cargo xtask setup` installs it"
        );
        Ok(Self {
            module: Size::of_file(&bundle.wasm)?,
            script: Size::of_file(&bundle.script)?,
        })
    }

    /// Says in a few words that the module fits its budget.
    ///
    /// # Errors
    /// If it does not.
    pub(crate) fn check(&self) -> Result<String> {
        let (module, budget) = (self.module, BUDGET);
        let fits = module.raw <= budget.raw && module.gzip <= budget.gzip;
        ensure!(fits, "the module has {module}; its budget is {budget}");
        Ok(module.to_string())
    }
}

impl Display for Sizes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "module  {}", self.module)?;
        writeln!(f, "budget  {BUDGET}")?;
        write!(
            f,
            "script  {}  (wasm-bindgen's, not in the budget)",
            self.script
        )
    }
}

impl Size {
    fn of_file(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::of(&bytes)
    }

    fn of(bytes: &[u8]) -> Result<Self> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(bytes)?;
        Ok(Self {
            raw: bytes.len(),
            gzip: gzip.finish()?.len(),
        })
    }
}

impl Display for Size {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let [raw, gzip] = [self.raw, self.gzip].map(grouped);
        write!(f, "{raw} bytes, {gzip} gzipped")
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
        let sizes = |raw, gzip| Sizes {
            module: Size { raw, gzip },
            script: Size { raw: 1, gzip: 1 },
        };
        assert!(sizes(BUDGET.raw, BUDGET.gzip).check().is_ok());
        assert!(sizes(BUDGET.raw + 1, 1).check().is_err());
        let error = sizes(1, BUDGET.gzip + 1).check().unwrap_err().to_string();
        assert!(error.contains("40,961"), "{error}");
    }

    #[test]
    fn gzip_makes_repetition_small() {
        let size = Size::of(&[7; 10_000]).unwrap();
        assert_eq!(size.raw, 10_000);
        assert!(size.gzip < 100);
    }
}
