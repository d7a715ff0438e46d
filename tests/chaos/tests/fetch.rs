//! Connections by HTTP requests, while what stands between treats the requests as it likes: nothing is
//! lost, repeated or out of its place, by the transport alone and with a session over it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use choreo_chaos::exchange::{close, exchange};
use choreo_chaos::{Cut, Direct, Gateway, Manner, Proxy, loopback};
use choreo_core::queue::Queue;
use choreo_core::{Bytes, Result, Transport};
use choreo_session::{Session, SessionConfig, Terms, Timing};
use choreo_transport_fetch::{FetchAcceptor, FetchConnector, FetchTransport, Limits};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

/// All is over long before.
const LONG: Duration = Duration::from_secs(60);
/// How many frames go there and back, one at a time.
const TURNS: u64 = 12;
/// How many go each way after that.
const FRAMES: u64 = 200;

/// A server, and what it accepts.
struct Server {
    address: std::net::SocketAddr,
    accepted: Arc<Queue<FetchTransport>>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind((loopback(), 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(Queue::new(64));
        let (acceptor, queue) = (FetchAcceptor::new(), accepted.clone());
        let answer = async move |request: Request| {
            let serve = async move |transport| {
                let _ = queue.send(transport).await;
            };
            acceptor.answer(request, serve).await
        };
        let app = Router::new().fallback(answer);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, accepted }
    }
}

fn connector(address: std::net::SocketAddr, polls: bool) -> FetchConnector {
    let connector = FetchConnector::new(format!("http://{address}/")).unwrap();
    let connector = connector.limits(limits());
    match polls {
        true => connector.long_polls(),
        false => connector,
    }
}

fn limits() -> Limits {
    Limits::default().stream_timeout(Duration::from_millis(500))
}

/// Frames there and back, then both ways, some at once and some by themselves, and then the end.
async fn converse(client: FetchTransport, server: FetchTransport) -> Result<()> {
    let send = async |transport: &FetchTransport, salt: u64| -> Result<()> {
        for number in 0..FRAMES {
            let mut frame = number.to_be_bytes().to_vec();
            frame.resize(8 + (number * 7 % 50) as usize, number as u8);
            transport.send(Bytes::from(frame)).await?;
            if (number + salt).is_multiple_of(10) {
                sleep(Duration::from_millis(number % 4)).await;
            }
        }
        Ok(())
    };
    let receive = async |transport: &FetchTransport| -> Result<()> {
        for number in 0..FRAMES {
            let frame = transport.recv().await?.expect("more is due");
            assert_eq!(
                frame[..8],
                number.to_be_bytes(),
                "lost, repeated or out of order"
            );
            assert_eq!(frame.len(), 8 + (number * 7 % 50) as usize);
        }
        Ok(())
    };
    let all = async {
        for number in 0..TURNS {
            let frame = Bytes::copy_from_slice(&number.to_be_bytes());
            client.send(frame.clone()).await?;
            assert_eq!(server.recv().await?, Some(frame.clone()));
            server.send(frame.clone()).await?;
            assert_eq!(client.recv().await?, Some(frame));
        }
        tokio::try_join!(
            send(&client, 0),
            send(&server, 5),
            receive(&client),
            receive(&server)
        )?;
        tokio::try_join!(client.close(), server.close())?;
        assert_eq!(client.recv().await?, None);
        assert_eq!(server.recv().await?, None);
        Ok(())
    };
    timeout(LONG, all).await.expect("it ends")
}

const MILLISECOND: Duration = Duration::from_millis(1);

const MANNERS: [Manner; 12] = [
    Manner::Kind,
    Manner::LosesAnswers,
    Manner::LosesRequests,
    Manner::RepeatsFirst,
    Manner::RepeatsSecond,
    Manner::Replays(Duration::from_millis(20)),
    Manner::Delays(Duration::from_millis(20)),
    Manner::Buffers,
    Manner::EndsAfter(Duration::from_millis(20), Cut::Finish),
    Manner::EndsAfter(Duration::from_millis(20), Cut::Reset),
    Manner::EndsAfterBytes(300, Cut::Finish),
    Manner::EndsAfterBytes(300, Cut::Reset),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transport_loses_and_repeats_nothing() {
    for polls in [false, true] {
        for manner in MANNERS {
            let server = Server::start().await;
            let gateway = Gateway::start(server.address, manner).await;
            let connector = connector(gateway.address(), polls);
            let begun = std::time::Instant::now();
            // An opening is not repeated by itself.
            let client = loop {
                match connector.open().await {
                    Ok(client) => break client,
                    Err(error) => println!("{manner:?}: {}", error.report()),
                }
            };
            // One that was opened, and whose answer was lost, ends by itself.
            let mut accepted = server.accepted.recv().await.unwrap();
            if manner == Manner::LosesAnswers {
                while let Some(Ok(newer)) = futures::FutureExt::now_or_never(server.accepted.recv())
                {
                    accepted = newer;
                }
            }
            let conversation = converse(client, accepted).await;
            conversation.unwrap_or_else(|error| {
                panic!("{manner:?}, polls {polls}: {}", error.report());
            });
            println!(
                "{manner:?}, polls {polls}: {} frames in {:?}, {} requests",
                2 * (TURNS + FRAMES),
                begun.elapsed(),
                gateway.requests()
            );
            assert!(
                manner != Manner::Buffers || connector.is_polling(),
                "streams do not come through"
            );
        }
    }
}

async fn join(connector: FetchConnector) -> Result<Session> {
    let timing = Timing {
        backoff: 10 * MILLISECOND,
        ..Timing::default()
    };
    let config = SessionConfig::new("session", "Alice", ["Bob"]).with_timing(timing);
    Session::join(connector, config).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_loses_and_repeats_nothing() {
    for polls in [false, true] {
        for manner in MANNERS {
            let bob = Direct::start_fetch(&"Bob", Terms::default()).await;
            let gateway = Gateway::start(bob.address(), manner).await;
            let begun = std::time::Instant::now();
            let conversation = async {
                let alice = join(connector(gateway.address(), polls));
                let (alice, bob) = futures::join!(alice, bob.joined());
                let alice = alice?;
                exchange(&alice, &bob).await?;
                close(alice, bob).await
            };
            let ended = timeout(LONG, conversation).await.expect("it ends");
            ended.unwrap_or_else(|error| {
                panic!("{manner:?}, polls {polls}: {}", error.report());
            });
            println!("{manner:?}, polls {polls}: {:?}", begun.elapsed());
        }
    }
}

/// One for what goes up, and one for what comes down.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_are_at_most_two_connections_at_once() {
    for polls in [false, true] {
        for idle in [Duration::ZERO, 300 * MILLISECOND] {
            let server = Server::start().await;
            let proxy = Proxy::start(server.address).await;
            let client = connector(proxy.address(), polls).open().await.unwrap();
            let accepted = server.accepted.recv().await.unwrap();
            sleep(idle).await;
            converse(client, accepted).await.unwrap();
            let (all, most) = (proxy.connections(), proxy.most_connections());
            println!("polls {polls}: {most} connections at once, {all} in all");
            assert!(most <= 2, "polls {polls}: {most} connections at once");
        }
    }
}
