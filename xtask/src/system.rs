//! Packages of the operating system: installed where the user may, named where not.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::exec;

/// Installs Debian packages.
///
/// Returns what a person must do instead, in one line, where we cannot install.
///
/// # Errors
/// If `apt-get` runs and fails.
pub(crate) fn install(packages: &BTreeSet<&'static str>) -> Result<Option<String>> {
    if packages.is_empty() {
        return Ok(None);
    }
    let names: Vec<&str> = packages.iter().copied().collect();
    let Some(apt) = apt() else {
        let names = names.join(" ");
        return Ok(Some(format!(
            "install by hand (names as in Debian; here is no apt-get that this user may run): {names}"
        )));
    };
    let apt_get = |args: &[&str]| {
        let mut command = Command::new(apt[0]);
        command.args(&apt[1..]).args(args);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    exec::step(&format!("apt-get install {}", names.join(" ")), |status| {
        exec::succeed(&mut apt_get(&["update"]), status)?;
        let mut install = apt_get(&["install", "--yes", "--no-install-recommends"]);
        exec::succeed(install.args(&names), status)?;
        Ok(None)
    })
}

/// Whether this user is root: browsers refuse their sandbox then.
pub(crate) fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// The first of these programs that `PATH` finds.
pub(crate) fn program(names: &[&str]) -> Option<std::path::PathBuf> {
    names.iter().find_map(|name| which::which(name).ok())
}

/// The words that start `apt-get` with the rights it needs.
fn apt() -> Option<&'static [&'static str]> {
    if !Path::new("/usr/bin/apt-get").exists() {
        return None;
    }
    if is_root() {
        return Some(&["apt-get"]);
    }
    let sudo = Command::new("sudo").args(["-n", "true"]).output();
    let allowed = sudo.is_ok_and(|output| output.status.success());
    allowed.then_some(&["sudo", "-n", "--preserve-env=DEBIAN_FRONTEND", "apt-get"])
}
