//! The sizes of the browser examples, held against their budgets.

use std::fmt::{self, Display, Formatter};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::bundle::{self, Bundle, Tuned};
use crate::exec;
use crate::progress::Status;
use crate::setup::Needs;
use crate::workspace::{PING_PONG, PING_PONG_DEMO, SIZE, TWO_BROWSERS, Workspace};

/// What a page with these features may weigh.
pub(crate) struct Budget {
    pub(crate) page: &'static str,
    pub(crate) features: &'static [&'static str],
    pub(crate) most: Size,
}

/// The examples, and a program that has plug-ins and names none.
pub(crate) const BUDGETS: [Budget; 5] = [
    Budget {
        page: PING_PONG,
        features: &[],
        most: Size::kilobytes(100, 40),
    },
    // It has a registry of plug-ins, too, their options and schemas, and a parser of JSON.
    Budget {
        page: PING_PONG,
        features: PING_PONG_DEMO,
        most: Size::kilobytes(168, 78),
    },
    // It has the session, too, and the one or the other way to a server.
    Budget {
        page: TWO_BROWSERS,
        features: &["websocket"],
        most: Size::kilobytes(160, 65),
    },
    Budget {
        page: TWO_BROWSERS,
        features: &["fetch"],
        most: Size::kilobytes(140, 58),
    },
    // Without plug-ins it has 30 KB; those that nobody names may add 15, and do not.
    Budget {
        page: SIZE,
        features: &["plugins"],
        most: Size::kilobytes(45, 20),
    },
];

/// The size of something to load, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    raw: usize,
    gzip: usize,
}

/// Builds the examples, prints their sizes, and fails above a budget.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let needs = Needs {
        wasm: true,
        own_std: true,
        wasm_opt: true,
        ..Needs::default()
    };
    needs.install(workspace)?;
    let mut all = Vec::new();
    for budget in BUDGETS {
        let name = format!("build {budget}");
        let sizes = exec::step(&name, |status| budget.spend(workspace, status))?;
        println!("{sizes}");
        all.push(sizes);
    }
    all.iter().try_for_each(|sizes| sizes.check().map(drop))?;
    Ok(ExitCode::SUCCESS)
}

impl Budget {
    /// Builds the example, and measures it.
    ///
    /// # Errors
    /// If it does not compile, or was not made as small as it can be.
    pub(crate) fn spend(&self, workspace: &Workspace, status: &Status) -> Result<Sizes> {
        let (page, features) = (self.page, self.features);
        let bundle = bundle::build_with(workspace, page, features, Tuned::Size, status)?;
        Sizes::measure(&bundle, self.most)
    }
}

/// What the example is called.
impl Display for Budget {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.page)?;
        match self.features {
            [] => Ok(()),
            features => write!(f, " with {}", features.join(", ")),
        }
    }
}

/// The sizes of what the page loads.
pub(crate) struct Sizes {
    module: Size,
    script: Size,
    budget: Size,
}

impl Sizes {
    /// Measures a bundle that has a budget.
    ///
    /// # Errors
    /// If its module was not made as small as it can be.
    fn measure(bundle: &Bundle, budget: Size) -> Result<Self> {
        ensure!(
            bundle.own_std,
            "the budget is that of a module with a std of its own, and this one has rustc's; \
             `cargo xtask setup` brings what it takes, or says what to install"
        );
        ensure!(
            bundle.optimised,
            "wasm-opt is missing, and the budget is that of an optimised module; \
             `cargo xtask setup` installs it"
        );
        Ok(Self {
            module: Size::of_file(&bundle.wasm)?,
            script: Size::of_file(&bundle.script)?,
            budget,
        })
    }

    /// Says in a few words that the module fits its budget.
    ///
    /// # Errors
    /// If it does not.
    pub(crate) fn check(&self) -> Result<String> {
        let Self { module, budget, .. } = self;
        let fits = module.raw <= budget.raw && module.gzip <= budget.gzip;
        ensure!(fits, "the module has {module}; its budget is {budget}");
        Ok(module.to_string())
    }
}

impl Display for Sizes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "module  {}", self.module)?;
        writeln!(f, "budget  {}", self.budget)?;
        write!(
            f,
            "script  {}  (wasm-bindgen's, not in the budget)",
            self.script
        )
    }
}

impl Size {
    const fn kilobytes(raw: usize, gzip: usize) -> Self {
        Self {
            raw: raw * 1024,
            gzip: gzip * 1024,
        }
    }

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
        let budget = Size::kilobytes(100, 40);
        let sizes = |raw, gzip| Sizes {
            module: Size { raw, gzip },
            script: Size { raw: 1, gzip: 1 },
            budget,
        };
        assert!(sizes(budget.raw, budget.gzip).check().is_ok());
        assert!(sizes(budget.raw + 1, 1).check().is_err());
        let error = sizes(1, budget.gzip + 1).check().unwrap_err().to_string();
        assert!(error.contains("40,961"), "{error}");
    }

    #[test]
    fn gzip_makes_repetition_small() {
        let size = Size::of(&[7; 10_000]).unwrap();
        assert_eq!(size.raw, 10_000);
        assert!(size.gzip < 100);
    }
}
