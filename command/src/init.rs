//! `choreo init`.

use anyhow::{Context, Result};
use choreo::plugin::PluginKind;
use choreo::plugins;

use crate::cli::Init;
use crate::run::print;
use crate::snippet;

pub(crate) fn run(args: &Init) -> Result<()> {
    let registry = plugins::registry()?;
    let mut parts = Vec::new();
    if let Some(name) = &args.transport {
        parts.push(registry.transport(name)?.plugin());
    }
    if let Some(name) = &args.codec {
        parts.push(registry.codec(name)?.plugin());
    }
    let handler = match (&args.handler, &args.transport) {
        (Some(name), _) => name,
        (None, Some(_)) => "session",
        (None, None) => "inmemory",
    };
    parts.push(registry.handler(handler)?.plugin());
    for name in &args.layers {
        parts.push(registry.layer(name)?.plugin());
    }
    let role = serde_json::to_string(&args.role).context("the role is no text")?;
    let mut file = format!(
        "# Fill in what is \"…\"; `choreo check FILE` tells what is left to do.\nrole = {role}\n"
    );
    for (index, part) in parts.iter().enumerate() {
        if part.kind() == PluginKind::Layer && parts[index - 1].kind() != part.kind() {
            file.push_str("\n# Layers, from the inside out.");
        }
        file.push('\n');
        file.push_str(&snippet::toml(part));
    }
    print(&file)
}
