//! Stacks by name, wherever a program runs: from texts, from what is registered and from constants.

use choreo::plugin::{Plugin, Registry, Site, StackSpec};
use choreo::plugins;
use choreo::prelude::*;

#[cfg(not(target_arch = "wasm32"))]
use tokio::test;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const JSON: &str = r#"{
    "role": "Alice",
    "handler": { "use": "inmemory" },
    "layers": [
        { "use": "retry", "retries": 3, "base_delay": "1ms" },
        { "use": "timeout", "send": "1min", "recv": "1min" },
        { "use": "metrics" },
        { "use": "trace" }
    ]
}"#;

const TOML: &str = r#"
role = "Bob"
handler.use = "inmemory"

[[layers]]
use = "fault-injection"
delay_max = "1ms"

[[layers]]
use = "record"
"#;

/// Builds both stacks, and plays a round over them.
async fn plays(registry: &Registry) -> Result<()> {
    let site = Site::new();
    let alice = StackSpec::from_json(JSON)?
        .build_with(registry, &site)
        .await?;
    let bob = StackSpec::from_toml(TOML)?
        .build_with(registry, &site)
        .await?;
    assert_eq!(alice.describe(), "Trace<Metrics<Timeout<Retry<InMemory>>>>");
    assert_eq!(bob.describe(), "Record<FaultInjection<InMemory>>");
    alice.send(&(), "Bob".into(), &"ping").await?;
    assert_eq!(bob.recv::<String>(&(), "Alice".into()).await?, "ping");
    bob.send(&(), "Alice".into(), &"pong").await?;
    assert_eq!(alice.recv::<String>(&(), "Bob".into()).await?, "pong");
    Ok(())
}

#[cfg(feature = "discover")]
#[test]
async fn of_what_is_registered() {
    let registry = Registry::discovered().expect("names are told apart");
    plays(&registry).await.expect("all are there");
}

#[test]
async fn of_constants_alone() {
    let none = Ok(Registry::new());
    let with = |registry: Result<Registry>, plugin: &Plugin| registry?.with(*plugin);
    let registry = plugins::ALL.iter().fold(none, with);
    plays(&registry.expect("names are told apart"))
        .await
        .expect("all are there");
}

#[cfg(feature = "discover")]
#[test]
async fn each_plug_in_is_registered_once() {
    let discovered = Registry::discovered().expect("names are told apart");
    let ours = plugins::registry().expect("they are the same");
    let names = |registry: &Registry| -> Vec<_> {
        let plugins = registry.iter();
        plugins
            .map(|plugin| (plugin.kind(), plugin.name()))
            .collect()
    };
    assert_eq!(names(&discovered), names(&ours));
    assert_eq!(ours.iter().count(), plugins::ALL.len());
}
