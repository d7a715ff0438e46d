use anyhow::{Context, Result};
use choreo::plugin::{Plugin, PluginKind, Registry};
use serde_json::{Value, json};

/// The JSON Schema of a plug-in's part of a stack.
pub(crate) fn of_plugin(plugin: &Plugin) -> Result<Value> {
    let (kind, name) = (plugin.kind(), plugin.name());
    let broken =
        || format!("the schema of the {kind} {name:?} is no JSON: its OptionValue writes it");
    serde_json::from_str(&plugin.schema()).with_context(broken)
}

/// The JSON Schema of a stack file, for editors.
pub(crate) fn of_stack(registry: &Registry) -> Result<Value> {
    let any = |kind: PluginKind| {
        let of_kind = registry.iter().filter(|plugin| plugin.kind() == kind);
        let schemas = of_kind.map(of_plugin).collect::<Result<Vec<_>>>()?;
        anyhow::Ok(json!({ "oneOf": schemas }))
    };
    Ok(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A handler stack of choreo",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "role": { "description": "The role that the stack plays.", "type": "string", "minLength": 1 },
            "transport": any(PluginKind::Transport)?,
            "codec": any(PluginKind::Codec)?,
            "handler": any(PluginKind::Handler)?,
            "layers": {
                "description": "From the inside out.",
                "type": "array",
                "maxItems": choreo::plugin::StackSpec::MAX_LAYERS,
                "items": any(PluginKind::Layer)?,
            },
        },
        "anyOf": [{ "required": ["handler"] }, { "required": ["transport"] }],
    }))
}
