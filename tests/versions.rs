//! Roles that speak different versions of a protocol do not meet by accident: over the network, through
//! a relay and directly.
#![cfg(not(target_arch = "wasm32"))]

use std::net::SocketAddr;
use std::time::Duration;

use choreo::ProtocolRole;
use choreo::prelude::*;
use choreo::session::{Accepted, Acceptor, Anyone, Session, Terms};
use choreo::websocket::WebSocketAcceptor;
use choreo_relay::{Relay, RelayConfig};
use tokio::net::TcpListener;
use tokio::time::timeout;

mod old {
    use choreo::prelude::*;

    choreography! {
        pub protocol PingPong {
            roles Alice, Bob;
            Alice -> Bob: Ping(u32);
            Bob -> Alice: Pong(u32);
        }
    }
}

mod new {
    use choreo::prelude::*;

    choreography! {
        pub protocol PingPong {
            roles Alice, Bob;
            Alice -> Bob: Ping(u32);
            Bob -> Alice: Pong(u64);
        }
    }
}

use new::ping_pong::Role as New;
use old::ping_pong::{Ping, Pong, Role as Old};

const LONG: Duration = Duration::from_secs(30);

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    (listener, address)
}

fn connector(address: SocketAddr) -> WebSocketConnector {
    WebSocketConnector::new(format!("ws://{address}")).expect("an address")
}

fn meeting(address: SocketAddr) -> Meeting {
    Meeting::new(connector(address), "game-7")
}

/// Both versions stand in the error, and who speaks the wrong one.
#[track_caller]
fn names_both(error: &Error, due: u64, speaks: u64, role: &str) {
    let report = error.report();
    let expected = format!("protocol {due:016x} is spoken here, not {speaks:016x}, as {role} does");
    assert!(report.contains(&expected), "{report}\nexpected: {expected}");
}

async fn play(alice: Seat<Old>, bob: Seat<Old>) {
    let asks = async {
        let next = old::ping_pong::alice(&alice, &()).send(Ping(1)).await?;
        let (Pong(answer), _end) = next.recv().await?;
        Ok::<_, Error>(answer)
    };
    let answers = async {
        let (Ping(number), next) = old::ping_pong::bob(&bob, &()).recv().await?;
        next.send(Pong(number + 1)).await.map(drop)
    };
    let (answer, ()) = futures::try_join!(asks, answers).expect("they speak the same");
    assert_eq!(answer, 2);
    futures::try_join!(alice.close(), bob.close()).expect("they leave in order");
}

#[tokio::test]
async fn through_a_relay() {
    let (listener, address) = listener().await;
    let relay = Relay::new(Anyone, RelayConfig::default()).unwrap();
    let serving = tokio::spawn(async move { relay.listen(listener).await });
    let meeting = meeting(address);
    assert_ne!(Old::FINGERPRINT, New::FINGERPRINT);

    let alice = meeting.join(Old::Alice).await.unwrap();
    let waiting = old::ping_pong::alice(&alice, &())
        .send(Ping(1))
        .await
        .unwrap();
    // A role for which nobody waits ends nothing.
    let zoe = SessionConfig::new("game-7", "Zoe", ["Alice"]);
    let zoe = zoe.with_fingerprint(New::FINGERPRINT);
    let refused = Session::join(connector(address), zoe).await;
    let refused = refused.map(drop).unwrap_err();
    names_both(&refused, Old::FINGERPRINT, New::FINGERPRINT, "Zoe");
    let refused = timeout(LONG, meeting.join(New::Bob))
        .await
        .expect("it is told");
    let refused = refused.map(drop).unwrap_err();
    names_both(&refused, Old::FINGERPRINT, New::FINGERPRINT, "Bob");
    // She would wait for ever for an answer in her version.
    let lost = timeout(LONG, waiting.recv())
        .await
        .expect("she is told, too");
    let lost = lost.map(drop).unwrap_err();
    names_both(&lost, Old::FINGERPRINT, New::FINGERPRINT, "Bob");
    drop(alice);

    let [alice, bob] = [Old::Alice, Old::Bob].map(|role| meeting.join(role));
    let (alice, bob) = futures::try_join!(alice, bob).unwrap();
    // Somebody else who says to be Bob, and is not let in, disturbs nobody.
    let refused = meeting.join(New::Bob).await.map(drop).unwrap_err();
    names_both(&refused, Old::FINGERPRINT, New::FINGERPRINT, "Bob");
    play(alice, bob).await;
    serving.abort();
}

#[tokio::test]
async fn directly() {
    let (listener, address) = listener().await;
    let acceptor = Acceptor::playing(Old::Bob, Anyone, Terms::default()).unwrap();
    let meeting = meeting(address);
    let serve = async || -> Result<Session> {
        let (stream, _) = listener.accept().await.expect("a caller");
        match acceptor
            .accept(WebSocketAcceptor::new().accept(stream).await?)
            .await?
        {
            Accepted::Joined(session) => Ok(session),
            Accepted::Resumed { role, .. } => panic!("{role} was there before"),
        }
    };

    let (refused, not_let_in) = futures::join!(meeting.join(New::Alice), serve());
    for error in [
        refused.map(drop).unwrap_err(),
        not_let_in.map(drop).unwrap_err(),
    ] {
        names_both(&error, Old::FINGERPRINT, New::FINGERPRINT, "Alice");
    }

    let (alice, bob) = futures::join!(meeting.join(Old::Alice), serve());
    let bob = Seat::new(Old::Bob, bob.unwrap()).unwrap();
    play(alice.unwrap(), bob).await;
}
