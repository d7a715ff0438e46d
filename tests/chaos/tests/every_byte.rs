//! A conversation whose connection is cut once: after every byte that it has, on both ways.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use choreo_chaos::exchange::{MESSAGES, close, exchange};
use choreo_chaos::{Cut, Direct, Fate, Proxy, Way, loopback};
use choreo_core::{Connect, Error, Result, runtime};
use choreo_relay::{Relay, RelayConfig};
use choreo_session::{Anyone, Session, SessionConfig, Terms, Timing};
use choreo_transport_fetch::FetchConnector;
use choreo_transport_websocket::WebSocketConnector;
use futures::stream::{self, StreamExt};
use tokio::net::TcpListener;

/// A conversation that takes longer has not ended.
const LIMIT: Duration = Duration::from_secs(30);
/// How long who calls waits before it asks for a missing acknowledgement. Nothing here may need
/// that: where a connection breaks, the next one brings what is missing.
const RETRY: Duration = Duration::from_secs(60);
/// Who is called waits for 2 s. A conversation that takes longer than this, when nothing else runs,
/// has waited for that.
const SLOW: Duration = Duration::from_millis(1_500);
/// How many run at once: they wait more than they work.
const ABREAST: usize = 64;
/// So many bytes behind each other, and none is cut there: the conversation is over.
const STRETCH: usize = 128;
/// So many bytes it has at least, both ways together.
const LEAST: usize = 1_000;

/// What became of one conversation.
struct Run {
    cut: bool,
    time: Duration,
    result: Result<()>,
}

/// Opens conversations, of which one role's connection has the fate.
trait Place: Copy + fmt::Debug + Send + 'static {
    fn converse(self, fate: Fate) -> impl Future<Output = Run> + Send;
}

/// Alice calls Bob.
#[derive(Clone, Copy, Debug)]
struct Directly;

/// Alice and Bob meet at a relay, and one role's connection is cut.
#[derive(Clone, Copy, Debug)]
struct Relayed {
    cut: &'static str,
    relay: SocketAddr,
}

impl Place for Directly {
    async fn converse(self, fate: Fate) -> Run {
        let bob = Direct::start(&"Bob", Terms::default()).await;
        let proxy = Proxy::with_fates(bob.address(), [fate]).await;
        let alice = join(&proxy, "session", "Alice", "Bob");
        let both = async {
            let (alice, bob) = futures::join!(alice, bob.joined());
            Ok((alice?, bob))
        };
        run(&proxy, both).await
    }
}

/// Alice calls Bob, by HTTP requests; the fate is that of all her connections together.
#[derive(Clone, Copy, Debug)]
struct Requests {
    polls: bool,
}

impl Place for Requests {
    async fn converse(self, fate: Fate) -> Run {
        let bob = Direct::start_fetch(&"Bob", Terms::default()).await;
        let proxy = Proxy::with_fate_of_all(bob.address(), fate).await;
        let both = async {
            let connector = FetchConnector::new(format!("http://{}", proxy.address()))?;
            let connector = match self.polls {
                true => connector.long_polls(),
                false => connector,
            };
            let alice = join_by(connector, "session", "Alice", "Bob");
            let (alice, bob) = futures::join!(alice, bob.joined());
            Ok((alice?, bob))
        };
        run(&proxy, both).await
    }
}

impl Place for Relayed {
    async fn converse(self, fate: Fate) -> Run {
        let cut = Proxy::with_fates(self.relay, [fate]).await;
        let whole = Proxy::start(self.relay).await;
        let through = |role| if role == self.cut { &cut } else { &whole };
        let session = format!("session {}", SESSIONS.fetch_add(1, Ordering::Relaxed));
        let both = async {
            let alice = join(through("Alice"), &session, "Alice", "Bob");
            let bob = join(through("Bob"), &session, "Bob", "Alice");
            futures::try_join!(alice, bob)
        };
        run(&cut, both).await
    }
}

/// The relay does not let in again who has left: each conversation has a name of its own.
static SESSIONS: AtomicU64 = AtomicU64::new(0);

async fn join(
    proxy: &Proxy,
    session: &str,
    role: &'static str,
    peer: &'static str,
) -> Result<Session> {
    join_by(WebSocketConnector::new(proxy.url())?, session, role, peer).await
}

async fn join_by(
    connector: impl Connect + 'static,
    session: &str,
    role: &'static str,
    peer: &'static str,
) -> Result<Session> {
    let timing = Timing {
        backoff: Duration::from_millis(10),
        retry: RETRY,
        retry_max: RETRY,
        ..Timing::default()
    };
    let config = SessionConfig::new(session, role, [peer]).with_timing(timing);
    Session::join(connector, config).await
}

async fn run(proxy: &Proxy, both: impl Future<Output = Result<(Session, Session)>>) -> Run {
    let begun = Instant::now();
    let conversation = async {
        let (alice, bob) = both.await?;
        exchange(&alice, &bob).await?;
        close(alice, bob).await
    };
    let result = runtime::timeout(LIMIT, conversation).await;
    Run {
        cut: proxy.cuts() > 0,
        time: begun.elapsed(),
        result: result.unwrap_or_else(|elapsed| Err(Error::from(elapsed))),
    }
}

/// One conversation for each byte, until a whole stretch lies behind the end of all.
///
/// What is put into one message, and with it the length, depends on who is faster.
async fn at_every_byte(place: impl Place) {
    let begun = Instant::now();
    let mut runs: Vec<(Fate, Run)> = Vec::new();
    for way in [Way::Up, Way::Down] {
        for first in (0..).step_by(STRETCH) {
            let fates = (first..first + STRETCH as u64).map(|byte| {
                // By resets and in order, in turns.
                let cut = match byte % 2 {
                    0 => Cut::Reset,
                    _ => Cut::Finish,
                };
                Fate::after(way, byte, cut)
            });
            let stretch = stream::iter(fates).map(async |fate| (fate, converse(place, fate).await));
            let before = runs.len();
            runs.extend(stretch.buffer_unordered(ABREAST).collect::<Vec<_>>().await);
            if !runs[before..].iter().any(|(_, run)| run.cut) {
                break;
            }
        }
    }
    let took = begun.elapsed();
    for (fate, run) in &runs {
        if run.time > SLOW {
            let alone = converse(place, *fate).await;
            println!(
                "{place:?}, {fate:?}: {:?}, alone {:?}",
                run.time, alone.time
            );
            assert!(
                alone.time < SLOW,
                "{place:?}, {fate:?}: it has waited for a timer"
            );
        }
    }
    let worst = runs
        .iter()
        .map(|(_, run)| run.time)
        .max()
        .unwrap_or_default();
    let cuts = runs.iter().filter(|(_, run)| run.cut).count();
    assert!(cuts > LEAST, "{place:?}: only {cuts} are cut");
    println!(
        "{place:?}: {} conversations of {MESSAGES} messages in {took:?}, {cuts} of them cut, the \
         longest {worst:?}",
        runs.len(),
    );
}

/// As a task of its own, so that both threads work.
async fn converse(place: impl Place, fate: Fate) -> Run {
    let run = tokio::spawn(place.converse(fate)).await;
    let run = run.unwrap_or_else(|error| panic!("{place:?}, {fate:?}: {error}"));
    if let Err(error) = &run.result {
        panic!(
            "{place:?}, {fate:?}: after {:?}: {}",
            run.time,
            error.report()
        );
    }
    run
}

/// One after the other, lest they disturb each other's times.
static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_between_two_roles() {
    let _one = ONE.lock().await;
    at_every_byte(Directly).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_between_two_roles_by_requests() {
    let _one = ONE.lock().await;
    for polls in [false, true] {
        at_every_byte(Requests { polls }).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_through_a_relay() {
    let _one = ONE.lock().await;
    let listener = TcpListener::bind((loopback(), 0)).await.expect("a port");
    let relay = listener.local_addr().expect("it is bound");
    let listening = Relay::new(Anyone, RelayConfig::default()).expect("random numbers");
    tokio::spawn(async move { listening.listen(listener).await });
    for cut in ["Alice", "Bob"] {
        at_every_byte(Relayed { cut, relay }).await;
    }
}
