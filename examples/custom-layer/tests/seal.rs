//! What the seal is for, and what it says when it is broken.
#![cfg(not(target_arch = "wasm32"))]

use choreo_core::{
    Bytes, ChoreoHandler, ChoreoHandlerExt, Codec, Encoded, ErrorKind, Incoming, Label, Message,
    Outgoing, Result, RoleName, TypeTag, erased_serde,
};
use choreo_plugin::{Part, Registry, Site, StackSpec};
use choreo_testkit::{Call, Probe, ProbeEndpoint};
use custom_layer::{Seal, SealKey, SealLayer};
use futures::executor::block_on;

const AT: ProbeEndpoint = ProbeEndpoint { id: 0 };

/// A role whose layer stands over a probe, which is the wire: what goes out there is taken from it,
/// and what comes in is put there.
struct End {
    role: RoleName,
    wire: Probe,
    sealed: Seal<Probe>,
}

impl End {
    fn new(role: &str, key: &SealKey, session: &str) -> Self {
        let (role, wire) = (RoleName::from(role), Probe::new());
        let sealed = wire.clone().layer(SealLayer::new(key, session, &role));
        Self { role, wire, sealed }
    }

    /// What goes over the wire when this is sent.
    fn sends(&self, to: &End, payload: Outgoing<'_>) -> Incoming {
        block_on(self.sealed.send_payload(&AT, &to.role, payload)).expect("the probe takes it");
        match self.wire.take_calls().pop() {
            Some(Call::Send { payload, .. }) => payload,
            other => panic!("one send was due, not {other:?}"),
        }
    }

    /// What the role gets when this comes over the wire.
    fn receives(&self, from: &End, payload: Incoming) -> Result<Incoming> {
        self.wire.deliver(payload);
        block_on(self.sealed.recv_payload(&AT, &from.role))
    }

    fn refuses(&self, from: &End, payload: Incoming) -> (ErrorKind, String) {
        let error = self
            .receives(from, payload)
            .expect_err("the seal is broken");
        (error.kind(), error.to_string())
    }
}

fn ends() -> [End; 3] {
    let key = SealKey::generate();
    ["Alice", "Bob", "Carol"].map(|role| End::new(role, &key, "game-7"))
}

fn bytes(payload: &Incoming) -> Bytes {
    let Incoming::Message(message) = payload else {
        panic!("what is sealed goes out as a message, not as {payload:?}")
    };
    message.bytes().clone()
}

/// The same message with other bytes, as somebody on the way would send it.
fn with_bytes(payload: &Incoming, bytes: Vec<u8>) -> Incoming {
    let Incoming::Message(message) = payload.clone() else {
        panic!("what is sealed goes out as a message, not as {payload:?}")
    };
    let forged = Encoded::from_parts(bytes.into(), message.codec(), message.type_tag());
    Incoming::Message(forged)
}

#[test]
fn nothing_of_it_can_be_read_on_the_way() {
    let [alice, bob, _] = ends();
    let found = |payload: &Incoming, text: &str| {
        let bytes = bytes(payload);
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    let (secret, label) = ("the treasure is under the oak", "dig-at-midnight");
    let message = alice.sends(&bob, Outgoing::Message(&secret));
    let choice = alice.sends(&bob, Outgoing::Label(label));
    assert!(!found(&message, secret) && !found(&choice, label));

    // Which of them is a label does not show either, nor of which type a message is, nor that one is
    // sent a second time.
    let tags = [&message, &choice].map(|payload| match payload {
        Incoming::Message(message) => message.type_tag(),
        Incoming::Label(label) => panic!("the label {label} goes out as it is"),
    });
    assert_eq!(tags[0], tags[1]);
    assert_ne!(tags[0], TypeTag::of::<String>());
    let again = alice.sends(&bob, Outgoing::Message(&secret));
    assert_ne!(bytes(&message)[1..], bytes(&again)[1..]);

    assert_eq!(
        bob.receives(&alice, message).unwrap(),
        Outgoing::Message(&secret)
            .to_incoming(Codec::default())
            .unwrap()
    );
    let label = Incoming::Label(Label::from(label));
    assert_eq!(bob.receives(&alice, choice).unwrap(), label);
}

#[test]
fn a_change_of_any_byte_breaks_the_seal() {
    let [alice, bob, _] = ends();
    let sealed = alice.sends(&bob, Outgoing::Message(&7_u32));
    let whole = bytes(&sealed);
    for place in 0..whole.len() {
        let mut changed = whole.to_vec();
        changed[place] ^= 0x11;
        let (kind, error) = bob.refuses(&alice, with_bytes(&sealed, changed));
        assert!(
            matches!(kind, ErrorKind::Decode | ErrorKind::Protocol),
            "byte {place}: {error}"
        );
    }
    for length in 0..whole.len() {
        bob.refuses(&alice, with_bytes(&sealed, whole[..length].to_vec()));
    }
    let mut changed = whole.to_vec();
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(
        bob.refuses(&alice, with_bytes(&sealed, changed)),
        (
            ErrorKind::Decode,
            "Bob: receive from Alice: the seal of message 1 is broken: it was changed on its way, \
             is not from Alice to Bob in session \"game-7\", or the keys differ"
                .to_owned()
        )
    );
    // The right one still passes: nobody shuts a role out by what they forge.
    bob.receives(&alice, sealed).unwrap();
}

#[test]
fn what_is_repeated_or_held_back_is_refused() {
    let [alice, bob, _] = ends();
    let sent = [1_u32, 2, 3].map(|number| alice.sends(&bob, Outgoing::Message(&number)));
    let [first, second, third] = sent;
    bob.receives(&alice, first.clone()).unwrap();
    // One that was dropped before it went out leaves a gap, and is no error.
    bob.receives(&alice, third).unwrap();
    for late in [first, second] {
        let (kind, error) = bob.refuses(&alice, late);
        assert_eq!(kind, ErrorKind::Protocol);
        assert!(error.ends_with("came after message 3: it was repeated or held back on its way"));
    }
}

#[test]
fn what_was_said_to_one_is_not_said_to_another() {
    let [alice, bob, carol] = ends();
    let sealed = alice.sends(&bob, Outgoing::Message(&7_u32));
    let broken = |(kind, error): (ErrorKind, String)| {
        assert_eq!(kind, ErrorKind::Decode, "{error}");
        assert!(error.contains("is broken"), "{error}");
    };
    broken(carol.refuses(&alice, sealed.clone())); // to another
    broken(bob.refuses(&carol, sealed.clone())); // from another
    broken(alice.refuses(&bob, sealed.clone())); // back to who said it
    broken(End::new("Bob", &SealKey::generate(), "game-7").refuses(&alice, sealed));
}

#[test]
fn another_session_is_another_seal() {
    let key = SealKey::generate();
    let alice = End::new("Alice", &key, "game-7");
    let sealed = alice.sends(&End::new("Bob", &key, "game-7"), Outgoing::Label("yes"));
    let (_, error) = End::new("Bob", &key, "game-8").refuses(&alice, sealed);
    assert!(error.contains("in session \"game-8\""), "{error}");
}

#[test]
fn what_came_without_a_seal_is_refused() {
    /// What a peer without the layer sends.
    struct Bare;
    impl Message for Bare {
        fn type_tag(&self) -> TypeTag {
            TypeTag::of::<u32>()
        }
        fn encode(&self, _: Codec, out: &mut Vec<u8>) -> Result<()> {
            out.push(7);
            Ok(())
        }
        fn as_serialize(&self) -> &dyn erased_serde::Serialize {
            &7_u32
        }
    }

    let [alice, bob, _] = ends();
    for bare in [Outgoing::Message(&Bare), Outgoing::Label("yes")] {
        let bare = bare.to_incoming(Codec::default()).unwrap();
        let (kind, error) = bob.refuses(&alice, bare);
        assert_eq!(kind, ErrorKind::Protocol);
        assert!(
            error.contains("it came without a seal: expected a message"),
            "{error}"
        );
    }
}

#[test]
fn a_stack_has_it_by_name() {
    block_on(async {
        // Of this program, which names the crate, it is registered: `with` does no harm.
        let registry = Registry::discovered().unwrap();
        assert_eq!(registry.layer("seal").unwrap().title(), "Seal");
        let registry = registry.with(custom_layer::PLUGIN).unwrap();
        let registry = registry.with(choreo_handler_inmemory::PLUGIN).unwrap();

        let path = std::env::temp_dir().join(format!("custom-layer-{}.key", std::process::id()));
        let text = |role| {
            let path = path.display();
            format!(
                "role = \"{role}\"\nhandler.use = \"inmemory\"\n[[layers]]\nuse = \"seal\"\n\
                 key = {{ file = '{path}' }}\nsession = \"game-7\""
            )
        };
        let spec = |role| StackSpec::from_toml(&text(role)).unwrap();

        std::fs::write(&path, "open sesame").unwrap();
        let error = spec("Alice").check(&registry).unwrap_err().to_string();
        assert!(
            error.contains("layers[0].key: a key is 64 hexadecimal digits"),
            "{error}"
        );

        std::fs::write(&path, "5e".repeat(32) + "\n").unwrap();
        let site = Site::new();
        let alice = spec("Alice").build_with(&registry, &site).await.unwrap();
        let bob = spec("Bob").build_with(&registry, &site).await.unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(alice.describe(), "Seal<InMemory>");
        alice.send(&(), "Bob".into(), &"hello").await.unwrap();
        assert_eq!(
            bob.recv::<String>(&(), "Alice".into()).await.unwrap(),
            "hello"
        );

        let bare = StackSpec::new("Carol").handler(Part::new("inmemory"));
        let carol = bare.build_with(&registry, &site).await.unwrap();
        alice.send(&(), "Carol".into(), &"hello").await.unwrap();
        carol.recv::<String>(&(), "Alice".into()).await.unwrap_err();
    });
}
