use std::path::Path;

use anyhow::{Result, bail};
use choreo::plugin::{PluginKind, Registry};
use choreo::{ProtocolRole, RoleId};
use clap::CommandFactory;
use clap::error::ErrorKind;

use crate::cli::{Cli, Stacks};
use crate::demos::Demo;
use crate::file::StackFile;

/// A role of a protocol, and the stack that it plays over.
pub(crate) struct Player<R> {
    pub(crate) role: R,
    pub(crate) file: StackFile,
}

/// Who plays in this process, if the stacks are right and the protocol can be played so.
pub(crate) fn cast<D: Demo>(stacks: &Stacks, registry: &Registry) -> Result<Vec<Player<D::Role>>> {
    let mut players: Vec<Player<D::Role>> = Vec::new();
    for file in files(stacks)? {
        let role = find::<D>(&file)?;
        if let Some(other) = players.iter().find(|player| player.role == role) {
            let (first, second) = (&other.file.name, &file.name);
            let role = role.name();
            bail!("{first} and {second}: two stacks play {role}; each role plays once");
        }
        file.placed(file.spec.check(registry))?;
        players.push(Player { role, file });
    }
    all_in_memory(&players)?;
    Ok(players)
}

/// A file for each role that is to be played.
fn files(stacks: &Stacks) -> Result<Vec<StackFile>> {
    let read = |path: &Path| StackFile::read(path, &stacks.settings);
    match (stacks.roles.as_slice(), stacks.files.as_slice()) {
        ([], files) => files.iter().map(|path| read(path)).collect(),
        (roles, [path]) => {
            let file = read(path)?;
            roles.iter().map(|role| file.with_role(role)).collect()
        }
        _ => {
            let why = "--role goes with one --stack; several stack files each name their own role";
            Err(Cli::command()
                .error(ErrorKind::ArgumentConflict, why)
                .into())
        }
    }
}

fn find<D: Demo>(file: &StackFile) -> Result<D::Role> {
    let name = file.placed(file.spec.role())?;
    let roles = D::Role::ALL;
    if let Some(role) = roles.iter().find(|role| role.name() == name.as_str()) {
        return Ok(*role);
    }
    bail!(
        "{}: {} has no role {:?}; there are: {} (--role says which one is played, whatever the file says)",
        file.name,
        D::NAME,
        name.as_str(),
        names(roles)
    )
}

/// Roles in memory meet only in this process: without the others they would wait for ever.
fn all_in_memory<R: ProtocolRole>(players: &[Player<R>]) -> Result<()> {
    let (here, elsewhere): (Vec<&Player<R>>, Vec<_>) = players.iter().partition(|player| {
        let mut parts = player.file.spec.parts();
        parts.any(|(kind, part)| kind == PluginKind::Handler && part.name() == "inmemory")
    });
    let Some(first) = here.first() else {
        return Ok(());
    };
    let (file, role) = (&first.file.name, first.role.name());
    if let Some(other) = elsewhere.first() {
        bail!(
            "{file}: {role} speaks in memory, but {} by another way ({}): let both use one",
            other.role.name(),
            other.file.name
        );
    }
    let is_missing = |role: &&R| here.iter().all(|player| player.role != **role);
    let missing: Vec<R> = R::ALL.iter().filter(is_missing).copied().collect();
    if !missing.is_empty() {
        let (missing, all) = (names(&missing), names(R::ALL).replace(", ", ","));
        bail!(
            "{file}: {role} speaks in memory, where all roles play in one process, and nobody plays \
             {missing}: add --stack FILE for each, or play all over this stack (--role {all}), or \
             give it a [transport] to others"
        );
    }
    Ok(())
}

fn names<R: ProtocolRole>(roles: &[R]) -> String {
    let names: Vec<String> = roles.iter().map(|role| role.name()).collect();
    names.join(", ")
}
