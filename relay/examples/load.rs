//! A relay under load, in a process of its own: how much memory a connection has, and how long a
//! message takes there and back.
//!
//! ```sh
//! cargo run --release -p choreo-relay --example load -- 5000 60
//! ```
//!
//! The numbers are sessions of two roles and seconds of traffic: in each session a message of 64
//! bytes goes there and back each second. A process needs two files for a session (`ulimit -n`).

use std::error::Error;
use std::process::Stdio;
use std::time::{Duration, Instant};

use choreo_core::{Bytes, Transport};
use choreo_relay::{Relay, RelayConfig};
use choreo_session::{Anyone, Session, SessionConfig};
use choreo_transport_websocket::WebSocketConnector;
use futures::StreamExt;
use futures::stream;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// How many join at once.
const AT_ONCE: usize = 100;

#[tokio::main]
async fn main() -> Result {
    let mut args = std::env::args().skip(1);
    let first = args.next();
    if first.as_deref() == Some("relay") {
        return relay().await;
    }
    let sessions = first.map_or(Ok(50), |sessions| sessions.parse())?;
    let seconds = args.next().map_or(Ok(2), |seconds| seconds.parse())?;
    let (child, url) = start().await?;
    let before = memory(&child)?;

    let begun = Instant::now();
    let pairs = stream::iter(0..sessions)
        .map(|number| pair(&url, number))
        .buffer_unordered(AT_ONCE);
    let pairs: Vec<Result<_>> = pairs.collect().await;
    let pairs: Vec<_> = pairs.into_iter().collect::<Result<_>>()?;
    let connections = 2 * sessions;
    println!("{sessions} sessions joined in {:.1?}", begun.elapsed());
    sleep(Duration::from_secs(3)).await;
    let report = |when, now: u64| {
        let each = now.saturating_sub(before) as f64 / connections as f64;
        println!(
            "memory {when}: {} MiB, {each:.1} KiB a connection",
            now / 1024
        );
    };
    report("idle", memory(&child)?);

    let until = Instant::now() + Duration::from_secs(seconds);
    let mut talks = JoinSet::new();
    for (number, pair) in pairs.into_iter().enumerate() {
        // Spread over the second, as people are.
        let wait = Duration::from_secs(1).mul_f64(number as f64 / sessions as f64);
        talks.spawn(async move { (talk(&pair, wait, until).await, pair) });
    }
    // The pairs are kept until the memory is measured.
    let (times, _pairs): (Vec<_>, Vec<_>) = talks.join_all().await.into_iter().unzip();
    let times = times.into_iter().collect::<Result<Vec<_>>>()?;
    let mut times: Vec<Duration> = times.into_iter().flatten().collect();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let (median, p99, longest) = (at(0.5), at(0.99), at(1.0));
    println!(
        "{} messages there and back in {seconds} s: median {median:.1?}, p99 {p99:.1?}, longest {longest:.1?}",
        times.len()
    );
    report("after traffic", memory(&child)?);
    Ok(())
}

/// What the child does.
async fn relay() -> Result {
    let config = RelayConfig::default().with_newcomers(10_000, 10_000);
    let relay = Relay::new(Anyone, config)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("ws://{}", listener.local_addr()?);
    relay.listen(listener).await;
    Ok(())
}

async fn start() -> Result<(Child, String)> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("relay")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = child.stdout.take().ok_or("no stdout")?;
    let url = BufReader::new(stdout).lines().next_line().await?;
    Ok((child, url.ok_or("the relay did not start")?))
}

/// Two roles of one session.
async fn pair(url: &str, number: usize) -> Result<(Session, Session)> {
    let join = async |role: &'static str, peer: &'static str| {
        let config = SessionConfig::new(format!("load-{number}"), role, [peer]);
        Session::join(WebSocketConnector::new(url)?, config).await
    };
    Ok((join("Alice", "Bob").await?, join("Bob", "Alice").await?))
}

/// Sends a message there and back each second, and gives how long each took.
async fn talk(
    (alice, bob): &(Session, Session),
    wait: Duration,
    until: Instant,
) -> Result<Vec<Duration>> {
    let (to_bob, to_alice) = (alice.peer(&"Bob")?, bob.peer(&"Alice")?);
    let echo = async {
        while let Some(message) = to_alice.recv().await? {
            to_alice.send(message).await?;
        }
        Ok::<_, choreo_core::Error>(())
    };
    let ask = async {
        sleep(wait).await;
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut times = Vec::new();
        while Instant::now() < until {
            seconds.tick().await;
            let begun = Instant::now();
            to_bob.send(Bytes::from_static(&[7; 64])).await?;
            to_bob.recv().await?.ok_or("Bob has left")?;
            times.push(begun.elapsed());
        }
        Result::Ok(times)
    };
    tokio::select! {
        times = ask => times,
        end = echo => Err(end.map_or_else(Into::into, |()| "Alice has left".into())),
    }
}

/// The memory that the relay has in use, in KiB; 0 where the system does not tell.
fn memory(child: &Child) -> Result<u64> {
    let id = child.id().ok_or("the relay has ended")?;
    let Ok(status) = std::fs::read_to_string(format!("/proc/{id}/status")) else {
        return Ok(0);
    };
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    Ok(line.unwrap_or("0").trim().trim_end_matches(" kB").parse()?)
}
