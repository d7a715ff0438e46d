//! A conversation whose connection is cut once: after every byte that it has, on both ways.

use std::sync::Arc;
use std::time::{Duration, Instant};

use choreo_chaos::exchange::{close, exchange};
use choreo_chaos::{Cut, Direct, Fate, Passed, Proxy, Way};
use choreo_core::{Error, Result};
use choreo_session::{Session, SessionConfig, Terms, Timing};
use choreo_transport_websocket::WebSocketConnector;
use futures::stream::{self, StreamExt};
use tokio::time::timeout;

/// The longest that one conversation may take before it counts as hanging.
const LIMIT: Duration = Duration::from_secs(20);
/// How many run at once.
const ABREAST: usize = 32;

fn config(role: &'static str, peer: &'static str) -> SessionConfig {
    let timing = Timing {
        backoff: Duration::from_millis(10),
        ..Timing::default()
    };
    SessionConfig::new("cut", role, [peer]).with_timing(timing)
}

/// What became of one conversation.
#[derive(Debug)]
struct Run {
    fate: String,
    passed: Passed,
    cut: bool,
    time: Duration,
    /// What the application saw while it spoke, and when it left.
    spoke: Result<()>,
    left: Result<()>,
}

/// Alice calls Bob, who listens, through a proxy.
async fn direct(fate: Fate) -> Run {
    let begun = Instant::now();
    let bob = Direct::start(&"Bob", Terms::default()).await;
    let proxy = Proxy::with_fates(bob.address(), [fate]).await;
    let connector = WebSocketConnector::new(proxy.url()).unwrap();
    let mut run = Run {
        fate: format!("{fate:?}"),
        passed: Passed::default(),
        cut: false,
        time: Duration::ZERO,
        spoke: Ok(()),
        left: Ok(()),
    };
    let both = async {
        let alice = Session::join(connector, config("Alice", "Bob"));
        let (alice, bob) = futures::join!(alice, bob.joined());
        let alice = alice?;
        let spoke = exchange(&alice, &bob).await;
        Ok((spoke, close(alice, bob).await))
    };
    match timeout(LIMIT, both).await {
        Ok(Ok((spoke, left))) => (run.spoke, run.left) = (spoke, left),
        Ok(Err(error)) => run.spoke = Err(error),
        Err(elapsed) => run.spoke = Err(Error::new(choreo_core::ErrorKind::Timeout, elapsed.to_string())),
    }
    run.time = begun.elapsed();
    run.passed = proxy.passed();
    run.cut = proxy.cuts() > 0;
    run
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn direct_explore() {
    let mut longest = Passed::default();
    for _ in 0..5 {
        let run = direct(Fate::default()).await;
        println!("{run:?}");
        longest.up = longest.up.max(run.passed.up);
        longest.down = longest.down.max(run.passed.down);
    }
    let fates = (0..=longest.up)
        .map(|bytes| (Way::Up, bytes))
        .chain((0..=longest.down).map(|bytes| (Way::Down, bytes)));
    let fates = fates.flat_map(|(way, bytes)| {
        [Cut::Reset, Cut::Finish].map(|cut| Fate::after(way, bytes, cut))
    });
    let fates: Vec<Fate> = fates.collect();
    println!("{} runs", fates.len());
    let begun = Instant::now();
    let runs = stream::iter(fates)
        .map(|fate| async move { tokio::spawn(direct(fate)).await })
        .buffered(ABREAST);
    let runs: Vec<_> = runs.collect().await;
    println!("in {:?}", begun.elapsed());
    let mut slow = 0;
    for run in runs {
        match run {
            Err(panic) => println!("PANIC {panic}"),
            Ok(run) if run.spoke.is_err() || run.left.is_err() || run.time > Duration::from_millis(1000) => {
                slow += 1;
                println!("{run:?}");
            }
            Ok(_) => {}
        }
    }
    println!("{slow} bad");
    let _ = Arc::new(());
}
