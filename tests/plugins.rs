//! Stacks from a configuration, with all plug-ins that come with choreo.
#![cfg(not(target_arch = "wasm32"))]

use std::time::Duration;

#[cfg(feature = "codec-json")]
use choreo::middleware::Replay;
use choreo::middleware::{MetricsHandle, Recording};
use choreo::plugin::{Part, Plugin, PluginKind, Site, Stack, StackSpec};
use choreo::prelude::*;
use choreo::session::Anyone;
use choreo::websocket::WebSocketAcceptor;
use choreo::{plugins, protocol};
use choreo_relay::{Relay, RelayConfig};
use proptest::prelude::*;
use proptest::sample::select;
use tokio::net::TcpListener;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(30);

async fn build(text: &str, site: &Site) -> Result<Stack> {
    let registry = plugins::registry()?;
    StackSpec::from_toml(text)?
        .build_with(&registry, site)
        .await
}

async fn relay() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let relay = Relay::new(Anyone, RelayConfig::default()).expect("the terms are kept");
    tokio::spawn(async move { relay.listen(listener).await });
    address.to_string()
}

#[test]
fn each_feature_brings_its_plug_in() {
    let names = |kind| {
        let of_kind = move |plugin: &&Plugin| plugin.kind() == kind;
        let registry = plugins::registry().expect("names are told apart");
        let names: Vec<_> = registry.iter().filter(of_kind).map(Plugin::name).collect();
        names.join(" ")
    };
    let layers = "fault-injection metrics monitor record retry timeout trace";
    assert_eq!(names(PluginKind::Handler), "inmemory rumpsteak session");
    assert_eq!(names(PluginKind::Layer), layers);
    assert_eq!(
        names(PluginKind::Transport).split(' ').next_back(),
        Some("websocket")
    );
    assert_eq!(
        names(PluginKind::Codec).split(' ').next_back(),
        Some("postcard")
    );
}

#[cfg(feature = "codec-json")]
#[tokio::test]
async fn layers_over_messages_in_json() {
    let text = |role: &str| {
        format!(
            "role = \"{role}\"\nhandler.use = \"inmemory\"\ncodec.use = \"json\"\n\
             layers = [{{ use = \"record\" }}, {{ use = \"metrics\" }}, {{ use = \"trace\" }}]"
        )
    };
    let site = Site::new();
    let alice = build(&text("Alice"), &site).await.expect("all is well");
    let metrics: MetricsHandle = site.get().expect("the layer put it there");
    let bob = build(&text("Bob"), &site).await.expect("all is well");
    assert_eq!(alice.describe(), "Trace<Metrics<Record<InMemory<Json>>>>");
    alice.send(&(), "Bob".into(), &("ping", 7)).await.unwrap();
    let ping: (String, i32) = bob.recv(&(), "Alice".into()).await.unwrap();
    bob.send(&(), "Alice".into(), &ping).await.unwrap();
    let pong: (String, i32) = alice.recv(&(), "Bob".into()).await.unwrap();
    assert_eq!(pong, ("ping".to_owned(), 7));

    let sent = metrics.snapshot().peer("Bob").expect("it was sent to").send;
    assert_eq!(sent.bytes, "[\"ping\",7]".len() as u64);

    // What was recorded is read, and played again, by those who know the codec.
    let recording: Recording = site.get().expect("the layer put it there");
    let transcript = recording.to_transcript();
    let error = Recording::from_transcript(&transcript).unwrap_err();
    assert_eq!(
        error.to_string(),
        "transcript refused at line 4: its codec is neither postcard nor the one that was given"
    );
    let again = Recording::from_transcript_with(&transcript, choreo::json::CODEC).unwrap();
    assert_eq!(again.entries(), recording.entries());
    let replay = Replay::new(&again, "Alice").unwrap();
    let error = replay.send(&(), "Bob", &("pang", 7)).await.unwrap_err();
    assert!(error.to_string().contains("[\\\"pang\\\",7]"), "{error}");
    let replay = Replay::new(&again, "Alice").unwrap();
    replay.send(&(), "Bob", &("ping", 7)).await.unwrap();
    assert_eq!(
        replay.recv::<(String, i32)>(&(), "Bob").await.unwrap(),
        pong
    );
    replay.finish().unwrap();
}

#[tokio::test]
async fn all_layers_of_ours_in_one_stack() {
    let site = Site::new();
    site.put(
        protocol::Global::new("Greeting")
            .role("Alice")
            .role("Bob")
            .then(protocol::Step::message(
                "Alice",
                "Bob",
                protocol::Message::new("Hello").carrying("String"),
            )),
    );
    let text = r#"
        role = "Alice"
        [handler]
        use = "inmemory"
        capacity = 1
        [[layers]]
        use = "fault-injection"
        seed = 7
        before_send = 0.9
        delay_max = "1ms"
        [[layers]]
        use = "retry"
        retries = 1000
        base_delay = "1us"
        max_delay = "1us"
        jitter = false
        budget = "1min"
        [[layers]]
        use = "timeout"
        send = "1min"
        recv = "5ms"
        [[layers]]
        use = "monitor"
        [[layers]]
        use = "record"
        [[layers]]
        use = "metrics"
        time_every = 1
        [[layers]]
        use = "trace"
    "#;
    let alice = build(text, &site).await.expect("all is well");
    assert_eq!(
        alice.describe(),
        "Trace<Metrics<Record<Monitor<Timeout<Retry<FaultInjection<InMemory>>>>>>>"
    );
    let bob = "role = \"Bob\"\nhandler.use = \"inmemory\"";
    let bob = build(bob, &site).await.expect("all is well");

    alice
        .send(&(), "Bob".into(), &"hello")
        .await
        .expect("it is tried often enough");
    assert_eq!(
        bob.recv::<String>(&(), "Alice".into()).await.unwrap(),
        "hello"
    );
    let error = alice.send(&(), "Bob".into(), &"again").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");

    let recording: Recording = site.get().expect("the layer put it there");
    assert!(recording.to_mermaid().contains("Alice"));
    let metrics: MetricsHandle = site.get().expect("the layer put it there");
    let snapshot = metrics.snapshot();
    assert_eq!(snapshot.peer("Bob").expect("it was sent to").send.count, 1);
}

#[tokio::test]
async fn limits_are_those_of_the_file() {
    let text = "role = \"Alice\"\nhandler.use = \"inmemory\"\n[[layers]]\nuse = \"timeout\"\nrecv = \"5ms\"";
    let alice = build(text, &Site::new()).await.expect("all is well");
    let received = alice.recv::<String>(&(), "Bob".into());
    let error = timeout(LONG, received)
        .await
        .expect("the layer has a limit")
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn the_monitor_wants_a_protocol() {
    let text = "role = \"Alice\"\nhandler.use = \"inmemory\"\n[[layers]]\nuse = \"monitor\"";
    let error = build(text, &Site::new()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the layer \"monitor\" knows no protocol: put a Global at the stack's site"
    );
}

/// Two roles at a relay, each over one transport or the other.
async fn meet(address: &str, alice: &str, bob: &str) -> String {
    let text = |role: &str, peer: &str, transport: &str| {
        format!(
            "role = \"{role}\"\n[transport]\n{transport}\n\
             [handler]\nuse = \"session\"\nsession = \"game-7\"\npeers = [\"{peer}\"]\n\
             [[layers]]\nuse = \"retry\"\n[[layers]]\nuse = \"trace\"\n"
        )
        .replace("@", address)
    };
    let site = Site::new();
    let (alice, bob) = (text("Alice", "Bob", alice), text("Bob", "Alice", bob));
    let both = async { tokio::try_join!(build(&alice, &site), build(&bob, &site)) };
    let (alice, bob) = timeout(LONG, both)
        .await
        .expect("in time")
        .expect("they are let in");
    let description = alice.describe().to_owned();

    let asks = async {
        alice.send(&(), "Bob".into(), &1_u32).await?;
        let answer = alice.recv::<u32>(&(), "Bob".into()).await?;
        alice.close().await.map(|()| answer)
    };
    let answers = async {
        let number = bob.recv::<u32>(&(), "Alice".into()).await?;
        bob.send(&(), "Alice".into(), &(number + 1)).await?;
        bob.close().await
    };
    let played = async { tokio::try_join!(asks, answers) };
    let (answer, ()) = timeout(LONG, played)
        .await
        .expect("in time")
        .expect("they play");
    assert_eq!(answer, 2);
    description
}

const WEBSOCKET: &str = "use = \"websocket\"\nurl = \"ws://@\"";

#[tokio::test]
async fn two_roles_meet_at_a_relay() {
    let described = meet(&relay().await, WEBSOCKET, WEBSOCKET).await;
    assert_eq!(described, "Trace<Retry<Session<WebSocket>>>");
}

#[cfg(feature = "codec-json")]
#[tokio::test]
async fn two_roles_meet_at_a_relay_in_json() {
    let json = format!("{WEBSOCKET}\n[codec]\nuse = \"json\"");
    let described = meet(&relay().await, &json, &json).await;
    assert_eq!(described, "Trace<Retry<Session<WebSocket, Json>>>");
}

#[cfg(feature = "codec-json")]
#[tokio::test]
async fn a_role_without_the_codec_says_at_the_first_message_what_it_lacks() {
    use choreo::session::SessionConfig;
    use choreo::websocket::WebSocketConnector;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    enum Role {
        Alice,
        Bob,
    }

    impl choreo::ProtocolRole for Role {
        const ALL: &'static [Self] = &[Self::Alice, Self::Bob];
        const FINGERPRINT: u64 = 0x5eed;
    }

    let url = format!("ws://{}", relay().await);
    let connector = || WebSocketConnector::new(&*url).expect("it is an address");
    let meeting = Meeting::new(connector(), "game-8").with_codec(choreo::json::CODEC);
    let plays = async {
        let alice = meeting.join(Role::Alice).await?;
        let config = SessionConfig::playing("game-8", Role::Bob);
        let bob = choreo::session::Session::join(connector(), config).await?;
        let bob = Seat::new(Role::Bob, bob)?;
        alice.send(&(), Role::Bob, &1_u8).await?;
        let error = bob.recv::<u8>(&(), Role::Alice).await.unwrap_err();
        // It reads what all read, and so does she; the next is fine.
        bob.send(&(), Role::Alice, &2_u8).await?;
        let answer = alice.recv::<u8>(&(), Role::Bob).await?;
        let bob = bob.with_codec(choreo::json::CODEC);
        alice.send(&(), Role::Bob, &3_u8).await?;
        let next = bob.recv::<u8>(&(), Role::Alice).await?;
        futures::try_join!(alice.close(), bob.close())?;
        Ok::<_, Error>((error.to_string(), answer, next))
    };
    let played = timeout(LONG, plays).await.expect("in time");
    let (error, answer, next) = played.expect("they play");
    assert_eq!(
        error,
        "Bob: receive from Alice: frame refused: 2 (json) is neither a label's mark nor a codec \
         that is known here; there are: postcard; give both ends the same (`with_codec`)"
    );
    assert_eq!((answer, next), (2, 3));
}

#[cfg(feature = "fetch")]
#[tokio::test]
async fn two_roles_meet_at_a_relay_over_http() {
    let streamed = "use = \"fetch\"\nurl = \"http://@\"\nopen_timeout = \"20s\"";
    let polled = "use = \"fetch\"\nurl = \"http://@\"\nlong_polls = true";
    let address = relay().await;
    meet(&address, streamed, polled).await;
    meet(&address, polled, WEBSOCKET).await;
}

#[tokio::test]
async fn one_peer_over_a_bare_transport() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let text = format!(
        "role = \"Alice\"\n[transport]\nuse = \"websocket\"\nurl = \"ws://{address}\"\n\
         [handler]\nuse = \"rumpsteak\"\npeer = \"Bob\"\n"
    );
    let accepts = async {
        let (stream, _) = listener.accept().await.expect("Alice calls");
        WebSocketAcceptor::new().accept(stream).await
    };
    let site = Site::new();
    let both = async { tokio::try_join!(build(&text, &site), accepts) };
    let (alice, transport) = timeout(LONG, both)
        .await
        .expect("in time")
        .expect("they meet");
    assert_eq!(alice.describe(), "Rumpsteak<WebSocket>");

    let endpoint = RumpsteakEndpoint::new(RoleName::from("Bob"));
    endpoint.register_transport("Alice".into(), transport);
    let bob = RumpsteakHandler::new().bind(endpoint);
    let plays = async {
        alice.send(&(), "Bob".into(), &"ping").await?;
        let ping: String = bob.recv(&(), "Alice".into()).await?;
        bob.send(&(), "Alice".into(), &(ping + ", pong")).await?;
        let pong: String = alice.recv(&(), "Bob".into()).await?;
        alice.close().await?;
        let left = bob.recv::<String>(&(), "Alice".into()).await;
        Ok::<_, Error>((pong, left.map_err(|error| error.kind())))
    };
    let (pong, left) = timeout(LONG, plays)
        .await
        .expect("in time")
        .expect("they play");
    assert_eq!(pong, "ping, pong");
    assert_eq!(left, Err(ErrorKind::Closed));
}

#[tokio::test]
async fn handlers_say_whether_they_want_a_transport() {
    let registry = plugins::registry().expect("names are told apart");
    let spec = || StackSpec::new("Alice");
    let websocket = || Part::new("websocket").with("url", "ws://localhost");
    let check = |spec: StackSpec| spec.check(&registry).map_err(|error| error.to_string());
    assert_eq!(
        check(spec().handler(Part::new("inmemory")).transport(websocket())),
        Err("handler: \"inmemory\" speaks by itself; the [transport] would not be used".into())
    );
    let rumpsteak = || Part::new("rumpsteak").with("peer", "Bob");
    assert_eq!(
        check(spec().handler(rumpsteak())),
        Err("handler: \"rumpsteak\" speaks over a transport, and there is no [transport]".into())
    );
    assert_eq!(
        check(spec().handler(rumpsteak()).transport(websocket())),
        Ok(())
    );
    assert_eq!(
        check(spec().transport(websocket())),
        Err("handler.session: is missing, and has no default; without a [handler] it is \"session\"".into())
    );
}

#[test]
fn a_handler_over_a_transport_is_a_session_unless_it_is_named() {
    let registry = plugins::registry().expect("names are told apart");
    let text = "role = \"Alice\"\ntransport = { use = \"websocket\", url = \"ws://localhost\" }\n\
                [handler]\nsession = \"game-7\"\npeers = [\"Bob\"]";
    let spec = StackSpec::from_toml(text).expect("TOML");
    let made = spec.describe(&registry).expect("all is there");
    assert_eq!(made, "Session<WebSocket>");
}

#[test]
fn peers_are_others_and_each_is_one() {
    let registry = plugins::registry().expect("names are told apart");
    for (peers, expected) in [
        (
            r#"["Bob", "Alice"]"#,
            "TOML:6:9: handler.peers: Alice is the role that the stack plays; its peers are others",
        ),
        (
            r#"["Bob", "Carol", "Bob"]"#,
            "TOML:6:9: handler.peers: Bob is listed twice",
        ),
    ] {
        let text = format!(
            "role = \"Alice\"\ntransport = {{ use = \"websocket\", url = \"ws://localhost\" }}\n\
             [handler]\nuse = \"session\"\nsession = \"game-7\"\npeers = {peers}"
        );
        let spec = StackSpec::from_toml(&text).expect("TOML");
        assert_eq!(spec.check(&registry).unwrap_err().detail(), expected);
    }
}

/// A part with some of the options of a plug-in, and values of which a few are right.
fn part() -> impl Strategy<Value = String> {
    let values = select(vec![
        "0",
        "1",
        "-1",
        "0.5",
        "1e99",
        "nan",
        "true",
        "\"\"",
        "\"Bob\"",
        "\"1min\"",
        "\"ws://host\"",
        "\"http://host\"",
        "[]",
        "[\"Bob\"]",
        "{ env = \"TOKEN\" }",
        "{}",
        "1979-05-27",
        "\"\"\"\u{1F980}\"\"\"",
    ]);
    let options = prop::collection::vec((any::<prop::sample::Index>(), values), 0..6);
    (select(plugins::ALL), options).prop_map(|(plugin, options)| {
        let mut part = format!("use = \"{}\"\n", plugin.name());
        for (index, value) in options {
            if let Some(field) = plugin
                .fields()
                .get(index.index(plugin.fields().len().max(1)))
            {
                part += &format!("{} = {value}\n", field.name);
            }
        }
        part
    })
}

proptest! {
    #[test]
    fn any_stack_is_right_or_an_error_says_where_not(
        handler in prop::option::of(part()),
        transport in prop::option::of(part()),
        codec in prop::option::of(part()),
        layers in prop::collection::vec(part(), 0..4),
    ) {
        let mut text = "role = \"Alice\"\n".to_owned();
        let heads = [("[handler]", handler), ("[transport]", transport), ("[codec]", codec)];
        for (head, part) in heads.into_iter().chain(layers.into_iter().map(|part| ("[[layers]]", Some(part)))) {
            text += &part.map_or_else(String::new, |part| format!("{head}\n{part}"));
        }
        let registry = plugins::registry().expect("names are told apart");
        if let Err(error) = StackSpec::from_toml(&text).and_then(|spec| spec.check(&registry)) {
            prop_assert_eq!(error.kind(), ErrorKind::Config);
            prop_assert!(error.detail().starts_with("TOML:"), "{}\n{}", text, error);
        }
    }

    #[test]
    fn a_layer_of_the_right_options_is_right(
        retries in any::<u32>(),
        rate in 0.0..=1.0,
        delay in 0_u32..=u32::MAX,
    ) {
        let retry = Part::new("retry").with("retries", i64::from(retries));
        let faults = Part::new("fault-injection")
            .with("recv", rate)
            .with("delay_max", Duration::from_micros(delay.into()));
        let spec = StackSpec::new("Alice").handler(Part::new("inmemory"));
        let registry = plugins::registry().expect("names are told apart");
        prop_assert_eq!(spec.layer(retry).layer(faults).check(&registry).map_err(|e| e.to_string()), Ok(()));
    }
}
