use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs, thread};

/// What went wrong in a simulated world, and how to see it again.
///
/// It shows itself whole: what failed, in which world and when, who waited for what, how to run this
/// world alone, and the sequence diagram as Mermaid text.
#[derive(Clone, PartialEq, Eq)]
pub struct SimFailure {
    pub(super) seed: u64,
    pub(super) at: Duration,
    pub(super) cause: Cause,
    pub(super) waits: Vec<String>,
    pub(super) mermaid: String,
    pub(super) svg: String,
}

/// Why a simulated world failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The test returned an error.
    Error(String),
    /// A task panicked.
    Panic(String),
    /// Everybody waits, and nothing will ever happen.
    Deadlock,
    /// The world took longer, in its time.
    TimeLimit(Duration),
    /// The world took more steps.
    StepLimit(u64),
}

impl SimFailure {
    /// The seed of the world.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// When it was, in virtual time.
    #[must_use]
    pub fn at(&self) -> Duration {
        self.at
    }

    /// Why it failed.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Who waited for what then, and who had crashed.
    #[must_use]
    pub fn waits(&self) -> &[String] {
        &self.waits
    }

    /// The sequence diagram as Mermaid text, with what was lost and repeated, and who crashed.
    #[must_use]
    pub fn mermaid(&self) -> &str {
        &self.mermaid
    }

    /// The sequence diagram as an SVG picture.
    #[must_use]
    pub fn svg(&self) -> &str {
        &self.svg
    }

    /// What a test that fails prints; the picture is put beside what cargo builds, where that can be
    /// found.
    pub(super) fn printed(&self) -> String {
        let thread = thread::current();
        let test = thread.name().filter(|name| *name != "main");
        let replay = match test {
            Some(test) => format!("SIM_SEED={} cargo test {test}", self.seed),
            None => format!("run it again with SIM_SEED={}", self.seed),
        };
        let mut printed = format!("{self:?}\nto see it again: {replay}\n");
        if let Some(picture) = self.save(test.unwrap_or("simulation")) {
            printed += &format!("its picture: {}\n", picture.display());
        }
        printed
    }

    fn save(&self, test: &str) -> Option<PathBuf> {
        let program = env::current_exe().ok()?;
        let is_target = |folder: &&Path| folder.join("CACHEDIR.TAG").exists();
        let folder = program.ancestors().find(is_target)?.join("simulations");
        let name = test.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let picture = folder.join(format!("{name}-seed-{}.svg", self.seed));
        fs::create_dir_all(folder).ok()?;
        fs::write(&picture, &self.svg).ok()?;
        Some(picture)
    }
}

impl fmt::Display for SimFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}, after {:?}: {}", self.seed, self.at, self.cause)
    }
}

/// All of it, on many lines.
impl fmt::Debug for SimFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{self}")?;
        for wait in &self.waits {
            writeln!(f, "  {wait}")?;
        }
        write!(f, "\n{}", self.mermaid)
    }
}

impl Error for SimFailure {}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => write!(f, "the test failed: {error}"),
            Self::Panic(panic) => write!(f, "panicked: {panic}"),
            Self::Deadlock => f.write_str("everybody waits, and nothing will ever happen"),
            Self::TimeLimit(limit) => write!(
                f,
                "not done after {limit:?} of virtual time (`time_limit` sets another limit)"
            ),
            Self::StepLimit(limit) => write!(
                f,
                "not done after {limit} steps (`step_limit` sets another limit)"
            ),
        }
    }
}
