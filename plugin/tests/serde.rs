//! Options of serde's types, with the places of what is wrong in them; and stacks as data.
#![cfg(all(feature = "toml", feature = "json", not(target_arch = "wasm32")))]

use choreo_core::{DynHandler, Result};
use choreo_handler_inmemory::PLUGIN as MEMORY;
use choreo_plugin::{
    LayerOptions, LayerPlugin, OptionValue, Part, Place, Registry, Setting, Site, StackSpec, Value,
    options,
};
use futures::executor::block_on;
use serde::{Deserialize, Serialize};

const FIND: LayerPlugin = LayerPlugin::of::<FindOptions>("find", "Find", "Has a type of serde's.");

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Finder {
    #[serde(default)]
    servers: Vec<Server>,
    #[serde(default)]
    share: f64,
    #[serde(default)]
    loud: bool,
    order: Option<Order>,
    tries: Option<u8>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
struct Server {
    host: String,
    port: u16,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Order {
    Ranked,
    AtMost(u32),
}

impl OptionValue for Finder {
    fn schema(out: &mut String) {
        out.push_str(r#""type":"object""#);
    }

    fn show(&self, out: &mut String) {
        out.push_str("null");
    }

    fn read(setting: Setting<'_>) -> Result<Self> {
        setting.deserialize()
    }
}

options! {
    /// What the layer takes.
    struct FindOptions {
        /// Where and how.
        finder: Finder,
    }
}

impl LayerOptions for FindOptions {
    fn layer(self, inner: DynHandler, place: &Place) -> Result<DynHandler> {
        place.site().put(self.finder);
        Ok(inner)
    }
}

fn registry() -> Registry {
    let registry = Registry::new().with(MEMORY).and_then(|all| all.with(FIND));
    registry.expect("names are told apart")
}

fn toml(finder: &str) -> Result<StackSpec> {
    StackSpec::from_toml(&format!(
        "role = \"Alice\"\nhandler.use = \"inmemory\"\n[[layers]]\nuse = \"find\"\n{finder}\n"
    ))
}

fn found(spec: Result<StackSpec>) -> Result<Finder, String> {
    let site = Site::new();
    let stack = spec.and_then(|spec| block_on(spec.build_with(&registry(), &site)));
    stack.map_err(|error| error.to_string())?;
    Ok(site.get().expect("the layer put it there"))
}

#[test]
fn types_are_read_from_a_file() {
    let text = "[layers.finder]\nshare = 0.25\nloud = true\norder = { at-most = 3 }\ntries = 7\n\
                servers = [{ host = \"a\", port = 1 }, { host = \"b\", port = 65535 }]";
    let server = |host: &str, port| Server {
        host: host.to_owned(),
        port,
    };
    let expected = Finder {
        servers: vec![server("a", 1), server("b", 65535)],
        share: 0.25,
        loud: true,
        order: Some(Order::AtMost(3)),
        tries: Some(7),
    };
    assert_eq!(found(toml(text)), Ok(expected.clone()));
    let spec = toml(text).expect("it is TOML");
    let json = serde_json::to_string(&spec).expect("it is data");
    assert_eq!(found(StackSpec::from_json(&json)), Ok(expected));
}

#[test]
fn variables_have_no_types() {
    let variables = [
        ("CHOREO_LAYERS__FIND__FINDER__TRIES", "9"),
        ("CHOREO_LAYERS__FIND__FINDER__TRIES", "8"),
    ];
    let spec = toml("[layers.finder]").and_then(|spec| spec.with_overrides(variables));
    assert_eq!(found(spec).map(|finder| finder.tries), Ok(Some(8)));
    for (name, value, is) in [
        ("SHARE", "0.5", (0.5, false, None)),
        ("SHARE", "1", (1.0, false, None)),
        ("LOUD", "true", (0.0, true, None)),
        ("ORDER", "ranked", (0.0, false, Some(Order::Ranked))),
    ] {
        let variable = format!("CHOREO_LAYERS__FIND__FINDER__{name}");
        let spec =
            toml("[layers.finder]").and_then(|spec| spec.with_overrides([(variable, value)]));
        let finder = found(spec).expect("it is of its type");
        assert_eq!((finder.share, finder.loud, finder.order), is, "{name}");
    }
}

#[test]
fn errors_have_the_place_of_what_is_wrong() {
    for (finder, expected) in [
        (
            "finder = 7",
            "TOML:5:10: layers[0].finder: expected struct Finder, found the number 7",
        ),
        (
            "[layers.finder]\nloud = \"hunter2\"",
            "TOML:6:8: layers[0].finder.loud: expected a boolean, found a text",
        ),
        (
            "[layers.finder]\ntries = 256",
            "TOML:6:9: layers[0].finder.tries: expected u8, found the number 256",
        ),
        (
            "[layers.finder]\nshare = nan",
            "TOML:6:9: layers[0].finder.share: expected a number, found the number nan",
        ),
        (
            "[layers.finder]\nservers = [{ host = \"a\", port = 1 },\n { host = \"b\", port = -1 }]",
            "TOML:7:23: layers[0].finder.servers[1].port: expected u16, found the number -1",
        ),
        (
            "[layers.finder]\nservers = [{ host = \"a\" }]",
            "TOML:6:12: layers[0].finder.servers[0]: missing field `port`",
        ),
        (
            "[layers.finder]\norder = \"hunter2\"",
            "TOML:6:9: layers[0].finder.order: expected one of \"ranked\", \"at-most\", found a text",
        ),
        (
            "[layers.finder]\norder = { at-most = \"x\" }",
            "TOML:6:21: layers[0].finder.order.at-most: expected u32, found a text",
        ),
        (
            "[layers.finder]\norder = []",
            "TOML:6:9: layers[0].finder.order: expected the name of a variant, found a list",
        ),
        (
            "[layers.finder]\nloude = true",
            "TOML:6:9: layers[0].finder.loude: unknown field `loude`, expected one of `servers`, `share`, `loud`, `order`, `tries`",
        ),
    ] {
        assert_eq!(found(toml(finder)), Err(expected.to_owned()), "{finder}");
    }
    let variable = ("CHOREO_LAYERS__FIND__FINDER__TRIES", "many");
    let spec = toml("[layers.finder]").and_then(|spec| spec.with_overrides([variable]));
    let expected =
        "CHOREO_LAYERS__FIND__FINDER__TRIES: layers[0].finder.tries: expected u8, found a text";
    assert_eq!(found(spec), Err(expected.to_owned()));
}

fn of_all_kinds() -> StackSpec {
    StackSpec::new("Alice")
        .transport(
            Part::new("websocket")
                .with("url", "ws://host")
                .with("token", Value::table([("env", "T")])),
        )
        .handler(Part::new("session").with("peers", ["Bob", "Carol"]))
        .layer(
            Part::new("retry")
                .with("retries", 3)
                .with("jitter", false)
                .with("budget", None::<u32>),
        )
        .layer(Part::new("loss").with("rate", 0.125).with("least", -7))
}

/// A program's own file, of which a stack is a part.
#[derive(Deserialize, Serialize)]
struct Config {
    name: String,
    stack: StackSpec,
}

#[test]
fn data_in_any_format_is_the_same_stack() {
    let json = serde_json::to_value(of_all_kinds()).expect("it is data");
    assert_eq!(
        json,
        serde_json::json!({
            "role": "Alice",
            "transport": { "use": "websocket", "url": "ws://host", "token": { "env": "T" } },
            "handler": { "use": "session", "peers": ["Bob", "Carol"] },
            "layers": [
                { "use": "retry", "retries": 3, "jitter": false },
                { "use": "loss", "rate": 0.125, "least": -7 },
            ],
        })
    );
    let again: StackSpec = serde_json::from_value(json.clone()).expect("it is a stack");
    assert_eq!(serde_json::to_value(again).ok(), Some(json.clone()));
    let again = StackSpec::from_json(&json.to_string()).expect("it is a stack");
    assert_eq!(serde_json::to_value(again).ok(), Some(json.clone()));

    let config = Config {
        name: "game".to_owned(),
        stack: of_all_kinds(),
    };
    let text = toml::to_string(&config).expect("it is data");
    let again: Config = toml::from_str(&text).expect("it is a file of the program");
    assert_eq!(
        (again.name.as_str(), serde_json::to_value(again.stack).ok()),
        ("game", Some(json.clone()))
    );
    let text = toml::to_string(&of_all_kinds()).expect("it is data");
    let again = StackSpec::from_toml(&text).expect("it is a stack");
    assert_eq!(serde_json::to_value(again).ok(), Some(json));
}

#[test]
fn data_that_is_no_stack_is_refused() {
    let report = |text: &str| {
        serde_json::from_str::<StackSpec>(text)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(report("7"), "expected a table, found the number 7");
    assert_eq!(
        report("{\"rule\": 1}"),
        "rule: a stack has only role, handler, transport, codec, layers (did you mean \"role\"?)"
    );
    assert!(report("{\"layers\": [{}]}").starts_with("layers[0].use: is missing"));
    assert!(report("{\"role\": 1, \"role\": 2}").starts_with("role is there twice"));
    assert!(report("{\"role\": 18446744073709551615}").starts_with("the number is too large"));
    let deep = "[".repeat(100);
    assert!(report(&deep).starts_with("tables and lists are too deep in each other"));
    // What does not describe itself cannot be read.
    assert!(postcard::from_bytes::<StackSpec>(&[1, 2, 3]).is_err());
}
