//! Plug-ins as people read and write them.

use choreo::plugin::{Field, Plugin, PluginKind};
use serde_json::Value;

/// The part of a stack file, with every option: those that must not be left out to be filled in,
/// those with a default as comments.
pub(crate) fn toml(plugin: &Plugin) -> String {
    let table = match plugin.kind() {
        PluginKind::Layer => "[[layers]]".to_owned(),
        kind => format!("[{kind}]"),
    };
    let mut toml = format!("{table} # {}\nuse = \"{}\"\n", plugin.help(), plugin.name());
    for field in plugin.fields() {
        let line = match (field.optional, field.default_json()) {
            (_, Some(value)) => format!("# {} = {value}\n", field.name),
            (true, None) => format!("# {} = {}\n", field.name, example(&schema(field))),
            (false, None) => format!("{} = {}\n", field.name, blank(&schema(field))),
        };
        toml.push_str(&line);
    }
    toml
}

/// What values an option takes, in words.
pub(crate) fn kind(field: &Field) -> String {
    words(&schema(field))
}

/// The description of an option in one line.
pub(crate) fn doc(field: &Field) -> String {
    field.doc.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn schema(field: &Field) -> Value {
    let mut members = String::from("{");
    (field.schema)(&mut members);
    members.push('}');
    serde_json::from_str(&members).unwrap_or(Value::Null)
}

fn words(schema: &Value) -> String {
    if let Some(choices) = schema["enum"].as_array() {
        let choices: Vec<String> = choices.iter().map(Value::to_string).collect();
        return choices.join(" or ");
    }
    match (schema["type"].as_str(), schema["pattern"].as_str()) {
        (Some("string"), Some(pattern)) if pattern.contains("|ms|") => "time".to_owned(),
        (Some("string"), _) => "text".to_owned(),
        (Some("integer"), _) => "whole number".to_owned(),
        (Some("number"), _) => "number".to_owned(),
        (Some("boolean"), _) => "true or false".to_owned(),
        (Some("array"), _) => format!("list of {}", words(&schema["items"])),
        (Some("object"), _) if schema["properties"]["env"].is_object() => "secret".to_owned(),
        (Some("object"), _) => "table".to_owned(),
        _ => "value".to_owned(),
    }
}

/// What is no value of that kind, so that it is not forgotten.
fn blank(schema: &Value) -> String {
    match words(schema).as_str() {
        "secret" | "table" => example(schema),
        list if list.starts_with("list") => "[\"…\"]".to_owned(),
        _ => "\"…\"".to_owned(),
    }
}

/// A value of that kind, to be replaced.
fn example(schema: &Value) -> String {
    if let Some(first) = schema["enum"].get(0) {
        return first.to_string();
    }
    match words(schema).as_str() {
        "time" => "\"1s\"".to_owned(),
        "whole number" | "number" => schema["minimum"].as_i64().unwrap_or(0).to_string(),
        "true or false" => "false".to_owned(),
        "secret" => "{ env = \"NAME\" }".to_owned(),
        "table" => "{}".to_owned(),
        list if list.starts_with("list") => format!("[{}]", example(&schema["items"])),
        _ => "\"…\"".to_owned(),
    }
}
