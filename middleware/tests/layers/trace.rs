//! What is told about an operation, and to whom.
#![cfg(all(feature = "trace", feature = "timeout"))]

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::{ALICE, BOB, CAROL, pair};
use choreo_core::{ChoreoHandler, ChoreoHandlerExt, Error, ErrorKind, Outgoing, RoleName, labels};
use choreo_middleware::{Timeout, Trace, TraceLayer};
use choreo_testkit::{Probe, ProbeEndpoint};
use tracing::Level;
use tracing::subscriber::DefaultGuard;

labels! {
    enum Decision { Accept }
}

/// What was said so far.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Heard {
    /// Listens to this thread from now on.
    fn listen(most: Level) -> (Self, DefaultGuard) {
        let heard = Self::default();
        let writer = heard.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(most)
            .without_time()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        (heard, tracing::subscriber::set_default(subscriber))
    }

    /// The lines, with the times taken out.
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let timeless = |line: &str| match line.split_once(" elapsed=") {
            None => line.trim().to_owned(),
            // A number and its unit.
            Some((head, tail)) => {
                let rest: String = tail
                    .splitn(3, ' ')
                    .skip(2)
                    .map(|rest| format!(" {rest}"))
                    .collect();
                format!("{}{rest}", head.trim())
            }
        };
        text.lines().map(timeless).collect()
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

tests! {
    async fn an_operation_is_told_with_role_peer_kind_type_and_size() {
        let (alice, bob) = pair();
        let alice = Trace::new(alice, ALICE);
        let (heard, _guard) = Heard::listen(Level::DEBUG);
        alice.send(&(), BOB, &"hello").await.unwrap();
        alice.choose(&(), BOB, Decision::Accept).await.unwrap();
        bob.send(&(), ALICE, &7_u8).await.unwrap();
        bob.choose(&(), ALICE, Decision::Accept).await.unwrap();
        alice.recv::<u8>(&(), BOB).await.unwrap();
        alice.offer::<Decision>(&(), BOB).await.unwrap();
        assert_eq!(heard.lines(), [
            r#"DEBUG choreo: sent role="Alice" peer="Bob" kind="send" type=String bytes=6"#,
            r#"DEBUG choreo: sent role="Alice" peer="Bob" kind="choose" label="Accept" bytes=6"#,
            r#"DEBUG choreo: received role="Alice" peer="Bob" kind="recv" type=u8 bytes=1"#,
            r#"DEBUG choreo: received role="Alice" peer="Bob" kind="offer" label="Accept" bytes=6"#,
        ]);
    }

    async fn an_operation_is_timed_without_stopping_the_module() {
        let (alice, _bob) = pair();
        let alice = Timeout::new(alice, Duration::from_millis(20)).layer(TraceLayer::new(ALICE));
        let (heard, _guard) = Heard::listen(Level::DEBUG);
        alice.send(&(), BOB, &1_u8).await.unwrap();
        alice.recv::<u8>(&(), BOB).await.unwrap_err();
        let text = heard.text();
        assert_eq!(text.matches(" elapsed=").count(), 2, "{text}");
        let waited: u64 = text
            .rsplit_once(" elapsed=")
            .and_then(|(_, tail)| tail.split_once(" ms"))
            .and_then(|(number, _)| number.parse().ok())
            .unwrap_or_else(|| panic!("no time: {text}"));
        assert!(waited >= 19, "{text}");
    }

    async fn a_failure_is_a_warning_even_where_nothing_else_is_heard() {
        let probe = Probe::new();
        let endpoint = ProbeEndpoint::default();
        let alice = Trace::new(probe.clone(), ALICE);
        let (heard, _guard) = Heard::listen(Level::WARN);
        alice.send(&endpoint, BOB.into(), &1_u8).await.unwrap();
        probe.fail_with(|| Error::new(ErrorKind::Closed, "Bob has left"));
        alice.send(&endpoint, BOB.into(), &1_u8).await.unwrap_err();
        alice.recv::<u8>(&endpoint, BOB.into()).await.unwrap_err();
        assert_eq!(heard.lines(), [
            r#"WARN choreo: failed role="Alice" peer="Bob" kind="send" type=u8 error=Bob has left"#,
            r#"WARN choreo: failed role="Alice" peer="Bob" kind="recv" error=Bob has left"#,
        ]);
    }

    async fn a_broadcast_is_one_event() {
        let probe = Probe::new();
        let alice = Trace::new(probe.clone(), ALICE);
        let (heard, _guard) = Heard::listen(Level::DEBUG);
        let both = [BOB, CAROL].map(RoleName::from);
        alice.broadcast(&ProbeEndpoint::default(), &both, &"hello").await.unwrap();
        assert_eq!(heard.lines(), [
            r#"DEBUG choreo: sent role="Alice" peer="Bob, Carol" kind="broadcast" type=String bytes=6"#,
        ]);
        assert_eq!(probe.calls().len(), 1);
    }

    async fn what_is_said_inside_of_an_operation_is_in_its_span() {
        let (alice, _bob) = pair();
        let alice = alice.layer(TraceLayer::new("inner")).layer(TraceLayer::new("outer"));
        let (heard, _guard) = Heard::listen(Level::DEBUG);
        alice.send(&(), BOB, &1_u8).await.unwrap();
        let lines = heard.lines();
        let span = r#"operation{role="outer" peer="Bob" kind="send"}"#;
        assert_eq!(lines.len(), 2);
        assert!(lines[0].contains(span) && lines[0].contains(r#"role="inner""#), "{lines:?}");
        assert!(!lines[1].contains(span), "{lines:?}");
    }

    async fn while_nobody_listens_the_inner_future_is_returned_itself() {
        let (alice, _bob) = pair();
        let payload = Outgoing::Message(&1_u8);
        let alone = size_of_val(&*alice.send_payload(&(), &BOB, payload));
        let alice = Trace::new(alice, ALICE);
        assert_eq!(size_of_val(&*alice.send_payload(&(), &BOB, payload)), alone);
        let (_heard, _guard) = Heard::listen(Level::DEBUG);
        assert_ne!(size_of_val(&*alice.send_payload(&(), &BOB, payload)), alone);
    }
}
