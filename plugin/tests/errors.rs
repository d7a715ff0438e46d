//! Each error says where, what was expected, and what there is.
#![cfg(all(feature = "toml", feature = "json", not(target_arch = "wasm32")))]

use std::time::Duration;

use choreo_core::{DynHandler, ErrorKind, Result};
use choreo_handler_inmemory::InMemoryNetwork;
use choreo_plugin::{
    HandlerOptions, HandlerPlugin, LayerOptions, LayerPlugin, Opened, Part, Place, Registry,
    Secret, Settings, StackSpec, Value, async_trait, choices, options,
};

const MEMORY: HandlerPlugin = HandlerPlugin::of::<MemoryOptions>("memory", "Memory", "In here.");
const MANY: LayerPlugin = LayerPlugin::of::<ManyOptions>("many", "Many", "Has one of \"each\".");
const OTHER: LayerPlugin = LayerPlugin::of::<OtherOptions>("many", "Other", "Another.");

options! {
    /// None.
    struct MemoryOptions {}
}

choices! {
    /// A choice.
    enum Order {
        /// The one.
        Ranked = "ranked",
        /// The other.
        Shuffled = "shuffled",
    }
}

options! {
    /// One of each.
    struct ManyOptions {
        /// How often,
        /// at most.
        tries: u16 = 3,
        /// How long.
        pause: Duration = Duration::from_millis(1500),
        /// How likely.
        rate: f64 = 0.5,
        /// Whether.
        loud: bool = false,
        /// Which.
        order: Order = Order::Ranked,
        /// With whom.
        peers: Vec<String> = vec!["Bob".to_owned()],
        /// What nobody sees.
        token: Option<Secret>,
        /// Where to.
        url: String,
    }
}

options! {
    /// None.
    struct OtherOptions {}
}

#[async_trait]
impl HandlerOptions for MemoryOptions {
    async fn open(self, place: Place) -> Result<Opened> {
        let network = place.site().get_or_insert_with(InMemoryNetwork::new);
        Ok(Opened::new(network.join(place.role().clone())?))
    }
}

impl LayerOptions for ManyOptions {
    fn check(&self, settings: &Settings<'_>) -> Result<()> {
        if self.url.contains(' ') {
            return Err(settings.refuse("url", "no address has a space in it"));
        }
        Ok(())
    }

    fn layer(self, inner: DynHandler, place: &Place) -> Result<DynHandler> {
        place.site().put(self);
        Ok(inner)
    }
}

impl LayerOptions for OtherOptions {
    fn layer(self, inner: DynHandler, _: &Place) -> Result<DynHandler> {
        Ok(inner)
    }
}

fn registry() -> Registry {
    let registry = Registry::new()
        .with(MEMORY)
        .and_then(|registry| registry.with(MANY));
    registry.expect("they have names of their own")
}

#[track_caller]
fn error(spec: Result<StackSpec>) -> String {
    let error = spec.and_then(|spec| spec.check(&registry())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    error.to_string()
}

#[track_caller]
fn toml(text: &str) -> String {
    error(StackSpec::from_toml(text))
}

/// What is said of a layer's option.
#[track_caller]
fn option(line: &str) -> String {
    toml(&format!(
        "role = \"A\"\nhandler.use = \"memory\"\n[[layers]]\nuse = \"many\"\n{line}"
    ))
}

fn built(spec: &StackSpec) -> ManyOptions {
    let site = choreo_plugin::Site::new();
    let stack = futures::executor::block_on(spec.build_with(&registry(), &site));
    assert_eq!(stack.expect("all is well").describe(), "Many<Memory>");
    site.get().expect("the layer was made")
}

#[test]
fn of_stacks() {
    for (text, expected) in [
        ("", "TOML: role: is missing: the role that the stack plays"),
        (
            "role = 1",
            "TOML:1:8: role: expected a text, found the number 1",
        ),
        ("role = \"\"", "TOML:1:8: role: a role has a name"),
        (
            "role = \"A\"",
            "TOML: a stack needs a [handler] or a [transport]; handlers: memory; transports: none",
        ),
        (
            "role = \"A\"\n[handlr]",
            "TOML:2:2: handlr: a stack has only role, handler, transport, codec, layers \
             (did you mean \"handler\"?)",
        ),
        (
            "role = \"A\"\n[handler]",
            "TOML:2:1: handler.use: is missing: the name of a plug-in, use = \"…\"",
        ),
        (
            "handler = \"memory\"",
            "TOML:1:11: handler: expected a table with the name of a plug-in, use = \"…\", \
             found a text",
        ),
        (
            "layers = 1",
            "TOML:1:10: layers: expected a list of layers, [[layers]], found the number 1",
        ),
        (
            "role = \"A\"\n[handler]\nuse = \"memry\"",
            "TOML:3:7: handler: there is no handler \"memry\"; there are: memory \
             (did you mean \"memory\"?)",
        ),
        (
            "role = \"A\"\n[handler]\nuse = \"many\"",
            "TOML:3:7: handler: there is no handler \"many\"; there are: memory \
             (\"many\" is a layer)",
        ),
        (
            "role = \"A\"\nhandler.use = \"memory\"\n[[layers]]\nuse = \"zzz\"",
            "TOML:4:7: layers[0]: there is no layer \"zzz\"; there are: many",
        ),
        (
            "role = \"A\"\n[transport]\nuse = \"memory\"",
            "TOML:3:7: transport: there is no transport \"memory\"; there are: none (\"memory\" is a handler)",
        ),
        (
            "role = 1979-05-27",
            "TOML:1:8: no option is a date; put quotes around a text",
        ),
        (
            "seed = 99999999999999999999",
            "TOML:1:8: the number is too large",
        ),
    ] {
        assert_eq!(toml(text), expected, "{text}");
    }
    let twice = toml("role = \"A\"\nrole = \"B\"");
    assert!(twice.starts_with("TOML:2:1: "), "{twice}");
}

#[test]
fn of_options() {
    for (line, expected) in [
        (
            "",
            "TOML:3:1: layers[0].url: is missing, and has no default",
        ),
        (
            "tires = 3",
            "TOML:5:1: layers[0].tires: there is no such option; there are: tries, pause, rate, \
             loud, order, peers, token, url (did you mean \"tries\"?)",
        ),
        (
            "tries = -1",
            "TOML:5:9: layers[0].tries: expected a whole number from 0 to 65535, found the number -1",
        ),
        (
            "pause = 100",
            "TOML:5:9: layers[0].pause: expected a time with its unit (us, ms, s, min or h), such \
             as \"100ms\", found the number 100",
        ),
        (
            "pause = \"1m\"",
            "TOML:5:9: layers[0].pause: expected a time with its unit (us, ms, s, min or h), such \
             as \"100ms\", found \"1m\"",
        ),
        (
            "rate = inf",
            "TOML:5:8: layers[0].rate: expected a number, found the number inf",
        ),
        (
            "order = \"best\"",
            "TOML:5:9: layers[0].order: expected one of \"ranked\", \"shuffled\", found \"best\"",
        ),
        (
            "peers = [\"Bob\", true]",
            "TOML:5:17: layers[0].peers[1]: expected a text, found true",
        ),
        (
            "url = \"a b\"",
            "TOML:5:7: layers[0].url: no address has a space in it",
        ),
        (
            "token = { file = \"a\", env = \"b\" }",
            "TOML:5:9: layers[0].token: expected where the secret is, { file = \"…\" } or \
             { env = \"…\" }; it must not stand here itself",
        ),
    ] {
        assert_eq!(option(line), expected, "{line}");
    }
}

#[test]
fn of_json() {
    for (text, expected) in [
        ("", "JSON:1:0: EOF while parsing a value"),
        ("[]", "JSON:1:1: expected a table, found a list"),
        (
            "{\n  \"role\": 7\n}",
            "JSON:2:11: role: expected a text, found the number 7",
        ),
        ("{\"role\": \"A\",}", "JSON:1:14: key must be a string"),
        (
            "{\"role\": \"A\", \"role\": \"B\"}",
            "JSON:1:1: \"role\" is there twice",
        ),
        (
            "{\"role\": \"é\", \"handler\": {\"use\": \"memory\"},\n \"layers\": [{\"use\": \"many\", \"rate\": 1e999}]}",
            "JSON:2:37: layers[0].rate: expected a number, found the number 1e999",
        ),
        (
            "{\"a\": 99999999999999999999}",
            "JSON:1:7: the number is too large",
        ),
        (
            "{\"role\": \"é\", \"handler\": {\"use\": \"memory\"},\n \"layers\": [{\"use\": \"many\", \"rate\": {}}]}",
            "JSON:2:37: layers[0].rate: expected a number, found a table",
        ),
    ] {
        assert_eq!(error(StackSpec::from_json(text)), expected, "{text}");
    }
}

#[test]
fn of_variables() {
    let text =
        "role = \"A\"\nhandler.use = \"memory\"\n[[layers]]\nuse = \"many\"\nurl = \"there\"";
    let with = |name: &str, value: &str| {
        let spec = StackSpec::from_toml(text).expect("it is well-formed");
        error(spec.with_overrides([(name, value)]))
    };
    assert_eq!(
        with("CHOREO_LAYERS__MANY__TRIES", "many"),
        "CHOREO_LAYERS__MANY__TRIES: layers[0].tries: expected a whole number from 0 to 65535, \
         found a text"
    );
    assert!(
        with("CHOREO_LAYERS__0__TIRES", "3")
            .starts_with("CHOREO_LAYERS__0__TIRES: layers[0].tires: there is no such option")
    );
    assert_eq!(
        with("CHOREO_LAYERS__RETRY__TRIES", "3"),
        "CHOREO_LAYERS__RETRY__TRIES: layers: \"retry\" does not name one layer; the stack has: \
         0 many"
    );
    assert_eq!(
        with("CHOREO_TRANSPORT__URL", "ws://host"),
        "CHOREO_TRANSPORT__URL: the stack has no [transport]"
    );
    for unknown in [
        "CHOREO_COLOUR",
        "CHOREO_",
        "CHOREO_HANDLER",
        "CHOREO_LAYERS__MANY",
    ] {
        let error = with(unknown, "1");
        assert!(
            error.starts_with(&format!("{unknown}: it names nothing")),
            "{error}"
        );
    }
}

#[test]
fn of_settings() {
    let spec = || {
        let part = Part::new("many").with("url", "there");
        StackSpec::new("A").handler(Part::new("memory")).layer(part)
    };
    let with = |path: &str| error(spec().with_setting("here", path, "x"));
    assert_eq!(
        with("layers.many.tries"),
        "here: layers[0].tries: expected a whole number from 0 to 65535, found a text"
    );
    assert_eq!(with("transport.url"), "here: the stack has no [transport]");
    for unknown in ["", "colour", "handler", "layers.many", "layers..tries"] {
        assert_eq!(
            with(unknown),
            "here: it names nothing in a stack: role, handler.…, transport.…, codec.… and \
             layers.<name>.… do",
            "{unknown}"
        );
    }
    let set = spec().with_setting("here", "layers.many.tries", "7");
    let set = set
        .and_then(|spec| spec.with_setting("here", "role", "B"))
        .unwrap();
    assert_eq!(set.role().unwrap().as_str(), "B");
    assert_eq!(set.describe(&registry()).unwrap(), "Many<Memory>");
    assert_eq!(built(&set).tries, 7);
}

#[test]
fn variables_stand_for_what_a_file_says() {
    let spec = StackSpec::new("A")
        .handler(Part::new("memory"))
        .layer(Part::new("many").with("url", "there"))
        .with_overrides([
            ("CHOREO_LAYERS__MANY__TRIES", "7"),
            ("CHOREO_LAYERS__MANY__PAUSE", "2s"),
            ("CHOREO_LAYERS__MANY__LOUD", "true"),
            ("CHOREO_LAYERS__MANY__ORDER", "shuffled"),
            ("CHOREO_LAYERS__0__PEERS", "Bob, Carol"),
            ("CHOREO_LAYERS__MANY__RATE", "0.25"),
            ("CHOREO_LAYERS__MANY__TOKEN__ENV", "NOBODY"),
            ("PATH", "/bin"),
        ]);
    let options = built(&spec.expect("they name what there is"));
    assert_eq!(
        (options.tries, options.loud, options.order),
        (7, true, Order::Shuffled)
    );
    assert_eq!(options.pause, Duration::from_secs(2));
    assert_eq!(options.peers, ["Bob", "Carol"]);
    assert!((options.rate - 0.25).abs() < f64::EPSILON);
    let error = options.token.expect("it was told").reveal().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the secret in the environment variable NOBODY cannot be read: there is none"
    );
}

#[test]
fn all_formats_say_the_same() {
    let toml = StackSpec::from_toml(
        "role = \"A\"\nhandler.use = \"memory\"\n[[layers]]\nuse = \"many\"\nurl = \"there\"\ntries = 5\n\
         pause = \"2min\"\nrate = 1\npeers = []\norder = \"shuffled\"",
    );
    let json = StackSpec::from_json(
        r#"{"role": "A", "handler": {"use": "memory"}, "layers": [{"use": "many", "url": "there",
            "tries": 5, "pause": "2min", "rate": 1, "peers": [], "order": "shuffled", "token": null}]}"#,
    );
    let part = Part::new("many")
        .with("url", "there")
        .with("tries", 5)
        .with("pause", Duration::from_secs(120))
        .with("rate", 1.0)
        .with("peers", Vec::<String>::new())
        .with("order", "shuffled")
        .with("token", None::<Value>);
    let code = StackSpec::new("A").handler(Part::new("memory")).layer(part);
    let shown = |spec: &StackSpec| format!("{:?}", built(spec));
    let toml = shown(&toml.unwrap());
    assert_eq!(toml, shown(&json.unwrap()));
    assert_eq!(toml, shown(&code));
    assert!(toml.contains("tries: 5, pause: 120s, rate: 1.0"), "{toml}");
}

#[test]
fn nothing_secret_is_shown() {
    let text =
        "role = \"A\"\nhandler.use = \"memory\"\n[[layers]]\nuse = \"many\"\ntoken = \"hunter2\"\n";
    let spec = StackSpec::from_toml(text).unwrap();
    assert!(!format!("{spec:?}").contains("hunter2"));
    let error = spec.check(&registry()).unwrap_err();
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");

    let file = std::env::temp_dir().join(format!("choreo-secret-{}", std::process::id()));
    std::fs::write(&file, "hunter2\n").unwrap();
    let place = Value::table([("file", file.display().to_string())]);
    let part = Part::new("many").with("url", "there").with("token", place);
    let options = built(&StackSpec::new("A").handler(Part::new("memory")).layer(part));
    assert!(!format!("{options:?}").contains("hunter2"), "{options:?}");
    assert_eq!(options.token.unwrap().reveal().unwrap(), "hunter2");
    std::fs::remove_file(file).unwrap();
}

#[test]
fn two_of_a_name_are_refused_and_one_twice_is_not() {
    let error = registry()
        .with(MANY)
        .and_then(|registry| registry.with(OTHER))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "there are two plug-ins for the layer \"many\": errors::ManyOptions and errors::OtherOptions"
    );
    let twice = registry().with(MEMORY).unwrap();
    assert_eq!(twice.iter().count(), 2);
}

#[test]
fn a_schema_says_what_the_struct_does() {
    assert_eq!(
        MANY.plugin().schema(),
        concat!(
            r#"{"title":"Many","description":"Has one of \"each\".","type":"object","#,
            r#""additionalProperties":false,"properties":{"use":{"const":"many"},"#,
            r#""tries":{"description":"How often, at most.","type":"integer","minimum":0,"maximum":65535,"default":3},"#,
            r#""pause":{"description":"How long.","type":"string","pattern":"^[0-9]+ ?(us|ms|s|min|h)$","default":"1500ms"},"#,
            r#""rate":{"description":"How likely.","type":"number","default":0.5},"#,
            r#""loud":{"description":"Whether.","type":"boolean","default":false},"#,
            r#""order":{"description":"Which.","enum":["ranked","shuffled"],"default":"ranked"},"#,
            r#""peers":{"description":"With whom.","type":"array","items":{"type":"string"},"default":["Bob"]},"#,
            r#""token":{"description":"What nobody sees.","type":"object","minProperties":1,"maxProperties":1,"#,
            r#""additionalProperties":false,"properties":{"file":{"type":"string"},"env":{"type":"string"}}},"#,
            r#""url":{"description":"Where to.","type":"string"}},"required":["use","url"]}"#,
        )
    );
}

#[test]
fn what_is_too_much_is_refused() {
    let long = format!("role = \"{}\"", "A".repeat(StackSpec::MAX_TEXT));
    let error = StackSpec::from_toml(&long).unwrap_err().to_string();
    assert_eq!(error, "TOML: 65545 bytes, at most 65536 are allowed");

    let many = "[[layers]]\nuse = \"many\"\n".repeat(StackSpec::MAX_LAYERS + 1);
    let error = StackSpec::from_toml(&many).unwrap_err().to_string();
    assert_eq!(error, "TOML:1:1: layers: 33 layers, at most 32 are allowed");
    let mut spec = StackSpec::new("A").handler(Part::new("memory"));
    for _ in 0..=StackSpec::MAX_LAYERS {
        spec = spec.layer(Part::new("many").with("url", "there"));
    }
    let error = spec.check(&registry()).unwrap_err().to_string();
    assert_eq!(error, "layers: 33 layers, at most 32 are allowed");

    for depth in [20, 10_000] {
        let deep = format!("a = {}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(StackSpec::from_toml(&deep).is_err());
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(StackSpec::from_json(&deep).is_err());
    }
}

#[test]
fn files_are_named_in_errors() {
    let file = std::env::temp_dir().join(format!("choreo-stack-{}.toml", std::process::id()));
    std::fs::write(&file, "role = \"A\"\n[handler]\nuse = \"nope\"").unwrap();
    let error = error(StackSpec::from_file(&file));
    let name = file.display();
    assert!(
        error.starts_with(&format!("{name}:3:7: handler: there is no handler")),
        "{error}"
    );
    std::fs::remove_file(&file).unwrap();
    let missing = StackSpec::from_file(&file).unwrap_err().to_string();
    assert!(
        missing.starts_with(&format!("{name}: it cannot be read: ")),
        "{missing}"
    );
    let other = StackSpec::from_file("stack.yaml").unwrap_err().to_string();
    assert_eq!(
        other,
        "stack.yaml: a stack's file ends in .toml or .json, as its format"
    );
}
