//! What a `BroadcastChannel` has to do to be a connection: callers and listeners who find each other,
//! strangers, a peer in another thread.
#![cfg(target_arch = "wasm32")]

use std::sync::Arc;
use std::time::Duration;

use choreo::plugin::{Registry, Stack, StackSpec};
use choreo::prelude::*;
use choreo::queue::Queue;
use choreo::runtime::{self, timeout};
use choreo::{Connect, Transport, plugins};
use custom_transport::Line;
use futures::future::{join, join_all};
use futures::try_join;
use js_sys::{Array, Function, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::{BroadcastChannel, MessageEvent};

const LONG: Duration = Duration::from_secs(30);

/// As in the sources, which others must not change by themselves.
const FRAME: u8 = 6;
const CALL: u8 = 16;

/// One that no other test has.
fn address() -> String {
    format!("channel-{}", (runtime::random() * 1e15) as u64)
}

/// A line with somebody at both ends.
async fn line(address: &str) -> (Box<dyn Transport>, Box<dyn Transport>) {
    let (listens, calls) = (Line::listen(address, LONG), Line::call(address, LONG));
    try_join!(listens.connect(), calls.connect()).expect("they find each other")
}

#[wasm_bindgen_test]
async fn a_stack_has_it_by_name() {
    async fn stack(role: &str, peer: &str, address: &str, listen: bool) -> Result<Stack> {
        let text = format!(
            "role = \"{role}\"\n[transport]\nuse = \"broadcast-channel\"\naddress = \"{address}\"\n\
             listen = {listen}\n[handler]\nuse = \"rumpsteak\"\npeer = \"{peer}\""
        );
        let registry = plugins::registry()?.with(custom_transport::PLUGIN)?;
        let spec = StackSpec::from_toml(&text)?;
        spec.build_with(&registry, &Default::default()).await
    }

    let discovered = Registry::discovered().unwrap();
    assert!(discovered.transport("broadcast-channel").is_ok());
    let address = address();
    let stacks = try_join!(
        stack("Alice", "Bob", &address, false),
        stack("Bob", "Alice", &address, true)
    );
    let (alice, bob) = stacks.unwrap();
    assert_eq!(alice.describe(), "Rumpsteak<BroadcastChannel>");
    alice.send(&(), "Bob".into(), &"hello").await.unwrap();
    let got = timeout(LONG, bob.recv::<String>(&(), "Alice".into()));
    assert_eq!(got.await.unwrap().unwrap(), "hello");
}

#[wasm_bindgen_test]
async fn each_caller_finds_a_listener_of_its_own() {
    let address = address();
    let answers = join_all((0..4).map(|_| async {
        let end = Line::listen(&address, LONG).connect().await.unwrap();
        let heard = end.recv().await.unwrap().expect("the caller speaks");
        end.send(heard).await.unwrap();
        // Nobody else is heard.
        assert_eq!(end.recv().await.unwrap(), None);
    }));
    let calls = join_all((0..4_u8).map(|number| {
        let address = &address;
        async move {
            let end = Line::call(address, LONG).connect().await.unwrap();
            end.send(vec![number].into()).await.unwrap();
            assert_eq!(end.recv().await.unwrap().as_deref(), Some(&[number][..]));
            end.close().await.unwrap();
        }
    }));
    let all = timeout(LONG, join(answers, calls));
    all.await.expect("in time");
}

#[wasm_bindgen_test]
async fn nobody_waits_for_ever_for_the_other_side() {
    for line in [Line::listen, Line::call] {
        let line = line(&address(), Duration::from_millis(30));
        let error = line.connect().await.err().expect("nobody is there");
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert!(error.to_string().contains("nobody came to"), "{error}");
    }
}

#[wasm_bindgen_test]
async fn a_frame_has_a_bound() {
    let (bob, alice) = line(&address()).await;
    let error = alice.send(vec![0; 65 * 1024 + 1].into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    alice.send(vec![0; 65 * 1024].into()).await.unwrap();
    assert_eq!(bob.recv().await.unwrap().unwrap().len(), 65 * 1024);
}

/// Somebody in the same channel who does not keep to what is agreed.
struct Stranger {
    channel: BroadcastChannel,
    heard: Arc<Queue<Vec<u8>>>,
    _hears: Closure<dyn Fn(MessageEvent)>,
}

impl Stranger {
    fn new(name: &str) -> Self {
        let (channel, heard) = (
            BroadcastChannel::new(name).unwrap(),
            Arc::new(Queue::new(64)),
        );
        let put = Arc::clone(&heard);
        let hears = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            let _ = put.try_send(Uint8Array::new(&event.data()).to_vec());
        });
        channel.set_onmessage(Some(hears.as_ref().unchecked_ref()));
        Self {
            channel,
            heard,
            _hears: hears,
        }
    }

    fn posts(&self, message: &[u8]) {
        self.channel
            .post_message(&Uint8Array::from(message))
            .unwrap();
    }

    /// Of a line that is about to be opened: one in the channel of the caller.
    async fn in_the_line(&self, address: &str) -> Self {
        loop {
            let message = self.heard.recv().await.expect("somebody calls");
            if let Some((&CALL, id)) = message.split_first() {
                return Self::new(&format!("{address}/{}", String::from_utf8_lossy(id)));
            }
        }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.channel.set_onmessage(None);
        self.channel.close();
    }
}

#[wasm_bindgen_test]
async fn what_is_no_message_of_a_line_is_passed_over() {
    let address = address();
    let stranger = Stranger::new(&address);
    let (opened, line) = futures::join!(stranger.in_the_line(&address), line(&address));
    for channel in [&stranger.channel, &opened.channel] {
        for odd in [JsValue::NULL, "hello".into(), 7.into(), Array::new().into()] {
            channel.post_message(&odd).unwrap();
        }
    }
    for odd in [&[][..], &[255], &[CALL], &[CALL, 0xff, 0xfe]] {
        stranger.posts(odd);
        opened.posts(odd);
    }
    let (bob, alice) = line;
    alice.send("hello".into()).await.unwrap();
    assert_eq!(bob.recv().await.unwrap().as_deref(), Some(&b"hello"[..]));
}

#[wasm_bindgen_test]
async fn who_sends_more_than_it_may_ends_the_line() {
    for (frame, count, complaint) in [
        (vec![FRAME, 1], 40, "sent more than it may"),
        (vec![FRAME; 65 * 1024 + 2], 1, "sent a frame too large"),
    ] {
        let address = address();
        let stranger = Stranger::new(&address);
        let (opened, (bob, _alice)) =
            futures::join!(stranger.in_the_line(&address), line(&address));
        for _ in 0..count {
            opened.posts(&frame);
        }
        let ended = async {
            // What there was room for arrives.
            let mut arrived = 0;
            loop {
                match bob.recv().await {
                    Ok(Some(_)) => arrived += 1,
                    Ok(None) => panic!("it did not end in order"),
                    Err(error) => return (arrived, error),
                }
                // So that all is posted before the next is received.
                runtime::sleep(Duration::from_millis(100)).await;
            }
        };
        let (arrived, error) = timeout(LONG, ended).await.expect("in time");
        assert!(arrived <= 9, "{arrived} frames had room");
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert!(error.to_string().contains(complaint), "{error}");
        assert!(bob.send("more".into()).await.is_err());
    }
}

/// Calls from a thread of its own, in the words of the protocol, and sends back what it hears.
const CALLER: &str = "
    const [ADDRESS, CALL, ANSWER, OPEN, ACCEPTED, FRAME, CREDIT, CLOSE] = [NAME, 16, 17, 18, 19, 6, 7, 8];
    const lobby = new BroadcastChannel(ADDRESS), id = 'caller';
    const bytes = (kind, rest) => new Uint8Array([kind, ...rest]);
    const line = new BroadcastChannel(ADDRESS + '/' + id);
    const calling = setInterval(
        () => lobby.postMessage(bytes(CALL, new TextEncoder().encode(id))), 20);
    let answered = false;
    line.onmessage = ({ data: [kind, ...rest] }) => {
        if (kind === ANSWER && !answered) {
            answered = true;
            clearInterval(calling);
            line.postMessage(bytes(OPEN, rest));
        } else if (kind === FRAME) {
            line.postMessage(bytes(CREDIT, []));
            line.postMessage(bytes(FRAME, rest.reverse()));
        } else if (kind === CLOSE) {
            line.postMessage(bytes(CLOSE, []));
        }
    };
";

/// A worker that runs a script, where there are workers by this name.
const WORKER: &str = "
    if (typeof Worker === 'undefined') return undefined;
    const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
    return new Worker(url, { type: 'module' });
";

#[wasm_bindgen_test]
async fn the_other_side_may_be_another_thread() {
    let address = address();
    let script = CALLER.replace("NAME", &format!("'{address}'"));
    let worker = Function::new_with_args("script", WORKER);
    let worker = worker.call1(&JsValue::NULL, &script.into()).unwrap();
    if worker.is_undefined() {
        // Only Node and service workers have none.
        return;
    }
    let end = Line::listen(&address, LONG).connect().await.unwrap();
    for number in 0..100_u8 {
        end.send(vec![number, 1, 2].into()).await.unwrap();
        let answer = timeout(LONG, end.recv()).await.expect("in time");
        assert_eq!(answer.unwrap().as_deref(), Some(&[2, 1, number][..]));
    }
    end.close().await.unwrap();
    assert_eq!(timeout(LONG, end.recv()).await.unwrap().unwrap(), None);
    let terminate = Reflect::get(&worker, &"terminate".into()).unwrap();
    let terminate: Function = terminate.unchecked_into();
    terminate.call0(&worker).unwrap();
}
