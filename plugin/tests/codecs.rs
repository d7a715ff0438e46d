//! Stacks name the codec of their messages.
#![cfg(all(feature = "toml", feature = "json", not(target_arch = "wasm32")))]

use choreo_codec_json::PLUGIN as JSON;
use choreo_core::{
    ChoreoHandler, ChoreoHandlerExt, Codec, Connect, ErrorKind, Incoming, Result, async_trait,
};
use choreo_handler_inmemory::{InMemoryNetwork, PLUGIN as MEMORY};
use choreo_plugin::{
    CodecOptions, CodecPlugin, HandlerOptions, HandlerPlugin, Opened, POSTCARD, Part, Place,
    Plugin, PluginKind, Registry, Settings, Site, Stack, StackSpec, TransportOptions,
    TransportPlugin, options,
};
use futures::executor::block_on;
use std::sync::Arc;

const DEAF: HandlerPlugin = HandlerPlugin::of::<DeafOptions>("deaf", "Deaf", "Takes no codec.");
const OVER: HandlerPlugin = HandlerPlugin::of::<OverOptions>("over", "Over", "Over a transport.");
const NOWHERE: TransportPlugin =
    TransportPlugin::of::<NowhereOptions>("nowhere", "Nowhere", "Leads nowhere.");
const PICKY: CodecPlugin =
    CodecPlugin::of::<PickyOptions>("picky", "Picky", "Postcard, with an option.");

options! {
    /// None.
    struct DeafOptions {}
}

options! {
    /// None.
    struct OverOptions {}
}

options! {
    /// None.
    struct NowhereOptions {}
}

options! {
    /// One.
    struct PickyOptions {
        /// How picky.
        level: u16 = 3,
    }
}

#[async_trait]
impl HandlerOptions for DeafOptions {
    async fn open(self, place: Place) -> Result<Opened> {
        // What is not said to be taken is not there either.
        assert_eq!(place.codec(), Codec::Postcard);
        Ok(Opened::new(
            InMemoryNetwork::new().join(place.role().clone())?,
        ))
    }
}

#[async_trait]
impl HandlerOptions for OverOptions {
    const OVER_TRANSPORT: bool = true;
    const TAKES_CODEC: bool = true;

    async fn open(self, place: Place) -> Result<Opened> {
        place.site().put(place.codec());
        Ok(Opened::new(
            InMemoryNetwork::new().join(place.role().clone())?,
        ))
    }
}

impl TransportOptions for NowhereOptions {
    fn connector(self, _: &Place) -> Result<Arc<dyn Connect>> {
        Ok(Arc::new(Never))
    }
}

struct Never;

#[async_trait]
impl Connect for Never {
    async fn connect(&self) -> Result<Box<dyn choreo_core::Transport>> {
        unreachable!("no handler asks for it")
    }
}

impl CodecOptions for PickyOptions {
    fn check(&self, settings: &Settings<'_>) -> Result<()> {
        match self.level {
            0 => Err(settings.refuse("level", "it is always a bit picky")),
            _ => Ok(()),
        }
    }

    fn codec(self) -> Result<Codec> {
        Ok(Codec::Postcard)
    }
}

fn registry() -> Registry {
    let all: [Plugin; 7] = [
        MEMORY.into(),
        DEAF.into(),
        OVER.into(),
        NOWHERE.into(),
        JSON.into(),
        POSTCARD.into(),
        PICKY.into(),
    ];
    let mut all = all.into_iter();
    let registry = all.try_fold(Registry::new(), Registry::with);
    registry.expect("they have names of their own")
}

fn built(spec: &StackSpec, site: &Site) -> Stack {
    block_on(spec.build_with(&registry(), site)).expect("all is well")
}

fn in_memory(role: &str) -> StackSpec {
    StackSpec::new(role).handler(Part::new("inmemory"))
}

/// What Alice's stack sends to Bob's, and whether he understands it.
fn passed_on(alice: &StackSpec, bob: &StackSpec) -> Result<Incoming> {
    let site = Site::new();
    let (alice, bob) = (built(alice, &site), built(bob, &site));
    block_on(async {
        alice.send(&(), "Bob".into(), &("ping", 7_u8)).await?;
        bob.recv_payload(&(), &"Alice".into()).await
    })
}

#[test]
fn messages_are_in_the_codec_that_is_named() {
    let json = |role| in_memory(role).codec(Part::new("json"));
    let message = passed_on(&json("Alice"), &json("Bob"));
    let message = message.and_then(Incoming::into_message).unwrap();
    assert_eq!(&message.bytes()[..], b"[\"ping\",7]");
    let decoded: (String, u8) = message.decode().unwrap();
    assert_eq!(decoded, ("ping".to_owned(), 7));

    // Postcard is what there is without, and what all read.
    let named = in_memory("Alice").codec(Part::new("postcard"));
    for alice in [in_memory("Alice"), named] {
        let message = passed_on(&alice, &json("Bob"));
        let message = message.and_then(Incoming::into_message).unwrap();
        assert_eq!(&message.bytes()[..], b"\x04ping\x07");
    }

    let error = passed_on(&json("Alice"), &in_memory("Bob")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(
        error.to_string(),
        "Bob: receive from Alice: message refused: 2 (json) is no codec that is known here; \
         there are: postcard; give both ends the same (`with_codec`)"
    );
}

#[test]
fn a_stack_names_its_codec_where_the_spec_does() {
    let over = StackSpec::new("Alice")
        .handler(Part::new("over"))
        .transport(Part::new("nowhere"))
        .codec(Part::new("json"));
    let parts: Vec<_> = over
        .parts()
        .map(|(kind, part)| (kind, part.name()))
        .collect();
    assert_eq!(
        parts,
        [
            (PluginKind::Transport, "nowhere"),
            (PluginKind::Codec, "json"),
            (PluginKind::Handler, "over"),
        ]
    );

    let describe = |spec: &StackSpec| built(spec, &Site::new()).describe().to_owned();
    assert_eq!(describe(&in_memory("Alice")), "InMemory");
    let json = in_memory("Alice").codec(Part::new("json"));
    assert_eq!(describe(&json), "InMemory<Json>");
    let postcard = in_memory("Alice").codec(Part::new("postcard"));
    assert_eq!(describe(&postcard), "InMemory<Postcard>");

    let over = StackSpec::new("Alice")
        .handler(Part::new("over"))
        .transport(Part::new("nowhere"));
    assert_eq!(describe(&over), "Over<Nowhere>");
    let (over, site) = (over.codec(Part::new("json")), Site::new());
    assert_eq!(built(&over, &site).describe(), "Over<Nowhere, Json>");
    assert_eq!(
        site.get::<Codec>().map(|codec| codec.to_string()),
        Some("json".to_owned())
    );
}

#[test]
fn files_variables_and_data_name_it() {
    let text =
        "role = \"Alice\"\nhandler.use = \"inmemory\"\n[codec]\nuse = \"picky\"\nlevel = 1\n";
    let file = StackSpec::from_toml(text).unwrap();
    assert_eq!(
        built(&file, &Site::new()).describe(),
        "InMemory<Picky>",
        "{file:?}"
    );
    let variable = file.clone().with_overrides([("CHOREO_CODEC__USE", "json")]);
    let error = variable.unwrap().check(&registry()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "TOML:5:1: codec.level: there is no such option; there are: none"
    );
    let variable = file
        .clone()
        .with_overrides([("CHOREO_CODEC__LEVEL", "some")]);
    let error = variable.unwrap().check(&registry()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "CHOREO_CODEC__LEVEL: codec.level: expected a whole number from 0 to 65535, found a text"
    );
    let set = file.clone().with_setting("--set", "codec.use", "postcard");
    let error = set.unwrap().check(&registry()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "TOML:5:1: codec.level: there is no such option; there are: none"
    );
    let error = in_memory("Alice").with_overrides([("CHOREO_CODEC__USE", "json")]);
    assert_eq!(
        error.unwrap_err().to_string(),
        "CHOREO_CODEC__USE: the stack has no [codec]"
    );

    let json = serde_json::to_value(&file).expect("it is data");
    assert_eq!(
        json["codec"],
        serde_json::json!({ "use": "picky", "level": 1 })
    );
    let again: StackSpec = serde_json::from_value(json.clone()).expect("it is a stack");
    assert_eq!(serde_json::to_value(again).ok(), Some(json.clone()));
    let again = StackSpec::from_json(&json.to_string()).expect("it is a stack");
    assert_eq!(built(&again, &Site::new()).describe(), "InMemory<Picky>");
}

#[test]
fn what_is_wrong_has_its_place() {
    for (text, expected) in [
        (
            "handler.use = \"inmemory\"\ncodec.use = \"jsn\"",
            "TOML:3:13: codec: there is no codec \"jsn\"; there are: json, picky, postcard \
             (did you mean \"json\"?)",
        ),
        (
            "handler.use = \"deaf\"\ncodec.use = \"json\"",
            "TOML:2:15: handler: \"deaf\" takes no codec; the [codec] would not be used",
        ),
        (
            "handler.use = \"inmemory\"\n[codec]\nuse = \"picky\"\nlevel = 0",
            "TOML:5:9: codec.level: it is always a bit picky",
        ),
        (
            "handler.use = \"inmemory\"\n[codec]\nlevel = 1",
            "TOML:3:1: codec.use: is missing: the name of a plug-in, use = \"…\"",
        ),
        (
            "handler.use = \"inmemory\"\ncodec = \"json\"",
            "TOML:3:9: codec: expected a table with the name of a plug-in, use = \"…\", found a text",
        ),
    ] {
        let spec = StackSpec::from_toml(&format!("role = \"Alice\"\n{text}"));
        let error = spec.and_then(|spec| spec.check(&registry())).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (ErrorKind::Config, expected.to_owned())
        );
    }
    let deaf = StackSpec::new("Alice").handler(Part::new("deaf"));
    assert_eq!(built(&deaf, &Site::new()).describe(), "Deaf");
}

#[test]
fn a_codec_is_a_plug_in_as_others_are() {
    let plugin = PICKY.plugin();
    assert_eq!(plugin.kind(), PluginKind::Codec);
    assert_eq!(plugin.kind().to_string(), "codec");
    assert_eq!(
        (plugin.name(), plugin.title(), plugin.help()),
        ("picky", "Picky", "Postcard, with an option.")
    );
    assert_eq!(
        plugin.schema(),
        concat!(
            r#"{"title":"Picky","description":"Postcard, with an option.","type":"object","#,
            r#""additionalProperties":false,"properties":{"use":{"const":"picky"},"level":"#,
            r#"{"description":"How picky.","type":"integer","minimum":0,"maximum":65535,"#,
            r#""default":3}},"required":["use"]}"#,
        )
    );
    let registry = registry();
    assert_eq!(registry.codec("json").unwrap().title(), "Json");
    let codecs = registry
        .iter()
        .filter(|known| known.kind() == PluginKind::Codec);
    let names: Vec<&str> = codecs.map(Plugin::name).collect();
    assert_eq!(names, ["json", "picky", "postcard"]);
}
