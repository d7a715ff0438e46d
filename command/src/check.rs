//! `choreo check`.

use anyhow::Result;
use choreo::plugins;

use crate::cli::Check;
use crate::file::StackFile;
use crate::run::{FAILED, print, tell};

pub(crate) fn run(args: &Check) -> Result<u8> {
    let registry = plugins::registry()?;
    let mut code = 0;
    for path in &args.files {
        let checked = StackFile::read(path, &args.settings).and_then(|file| {
            let made = file.placed(file.spec.describe(&registry))?;
            let role = file.placed(file.spec.role())?;
            Ok(format!("{}: {role} plays over {made}\n", file.name))
        });
        match checked {
            Ok(line) => print(&line)?,
            Err(error) => {
                tell(&error);
                code = FAILED;
            }
        }
    }
    Ok(code)
}
