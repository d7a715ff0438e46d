//! `choreo plugins`.

use std::fmt::Write;

use anyhow::Result;
use choreo::plugin::{Field, Plugin};
use choreo::plugins;
use serde_json::{Value, json};

use crate::cli::Plugins;
use crate::run::print;
use crate::{schema, snippet};

pub(crate) fn run(args: &Plugins) -> Result<()> {
    let registry = plugins::registry()?;
    let is_meant = |plugin: &&Plugin| {
        let kind = args
            .kind
            .as_ref()
            .is_none_or(|kind| plugin.kind().to_string() == *kind);
        kind && args.name.as_ref().is_none_or(|name| plugin.name() == name)
    };
    let meant: Vec<&Plugin> = registry.iter().filter(is_meant).collect();
    if let (Some(name), Some(kind), []) = (&args.name, &args.kind, meant.as_slice()) {
        let all = registry
            .iter()
            .filter(|plugin| plugin.kind().to_string() == *kind);
        let names: Vec<&str> = all.map(Plugin::name).collect();
        anyhow::bail!(
            "there is no {kind} {name:?}; there are: {}",
            names.join(", ")
        );
    }
    match (args.schema, &args.name) {
        (true, None) => print(&pretty(&schema::of_stack(&registry)?)),
        (true, Some(_)) => meant
            .into_iter()
            .try_for_each(|plugin| print(&pretty(&schema::of_plugin(plugin)?))),
        (false, _) if args.json => {
            let all = meant.into_iter().map(as_json).collect::<Result<Vec<_>>>()?;
            print(&pretty(&Value::from(all)))
        }
        (false, None) => print(&table(&meant)),
        (false, Some(_)) => {
            let pages: Vec<String> = meant.into_iter().map(page).collect();
            print(&pages.join("\n"))
        }
    }
}

/// A line for each.
fn table(plugins: &[&Plugin]) -> String {
    let rows = plugins.iter().map(|plugin| {
        [
            plugin.kind().to_string(),
            plugin.name().to_owned(),
            plugin.help().to_owned(),
        ]
    });
    columns(&rows.collect::<Vec<_>>())
}

/// All that is known of one.
fn page(plugin: &Plugin) -> String {
    let mut page = format!("{} {}: {}\n", plugin.kind(), plugin.name(), plugin.help());
    let option = |field: &Field| {
        let default = match (field.default_json(), field.optional) {
            (Some(value), _) => format!("{value} unless said otherwise"),
            (None, true) => "may be left out".to_owned(),
            (None, false) => "must be there".to_owned(),
        };
        let told = format!("{}; {default}", snippet::kind(field));
        [field.name.to_owned(), told, snippet::doc(field)]
    };
    let options: Vec<_> = plugin.fields().iter().map(option).collect();
    if !options.is_empty() {
        let _ = write!(page, "\nOptions:\n{}", columns(&options));
    }
    let _ = write!(page, "\nIn a stack file:\n\n{}", snippet::toml(plugin));
    page
}

/// Rows whose cells stand below each other.
fn columns(rows: &[[String; 3]]) -> String {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let (first, second) = (width(0), width(1));
    let mut lines = String::new();
    for [one, two, three] in rows {
        let _ = writeln!(lines, "{one:first$}  {two:second$}  {three}");
    }
    lines
}

fn as_json(plugin: &Plugin) -> Result<Value> {
    Ok(json!({
        "kind": plugin.kind().to_string(),
        "name": plugin.name(),
        "title": plugin.title(),
        "help": plugin.help(),
        "schema": schema::of_plugin(plugin)?,
    }))
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
