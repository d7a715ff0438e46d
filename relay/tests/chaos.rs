//! Three roles speak through the program while their connections are cut and it is killed.
#![cfg(feature = "cli")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use choreo_chaos::conversation::{Part, ROUND, frames_per_message, received};
use choreo_chaos::exchange::Role;
use choreo_chaos::{Breaks, Program, Proxy, seats};
use futures::future::try_join_all;
use tokio::time::timeout;

const PROGRAM: Program<'_> = Program::at(env!("CARGO_BIN_EXE_choreo-relay"));
/// In all, over the six ways between them.
const MESSAGES: u64 = 10_000;
const BREAKS: Breaks = Breaks {
    cuts: 100,
    kills: 10,
};
/// By then all must be over.
const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_arrive_once_and_in_order() {
    let keys = PROGRAM.make_keys().await;
    let start = async |address: SocketAddr| PROGRAM.start_at(address, &keys, &[]).await;
    let relay = start(([127, 0, 0, 1], 0).into()).await;
    let rounds = MESSAGES.div_ceil(ROUND);
    let seats = seats(&relay, &keys, rounds).await;
    let (proxies, settings): (Vec<_>, Vec<_>) = seats.into_iter().unzip();
    let parts: Vec<_> = settings.into_iter().map(Part::new).collect();

    let begun = Instant::now();
    let accounts = || parts.iter().map(Part::account).collect::<Vec<_>>();
    let progress = || received(&accounts()) as f64 / (rounds * ROUND) as f64;
    let all = async {
        let speak = try_join_all(parts.iter().map(Part::play));
        futures::join!(speak, BREAKS.carry_out(relay, start, &proxies, progress))
    };
    let ended = timeout(LIMIT, all).await;
    let (spoken, relay) = ended.unwrap_or_else(|_| panic!("not over: {:#?}", accounts()));
    spoken.unwrap();
    drop(relay);

    let accounts = accounts();
    for account in &accounts {
        let all = rounds * ROUND / Role::ALL.len() as u64;
        assert!(
            account.tally.is_flawless(all) && account.sent == all,
            "{account:#?}"
        );
    }
    let cuts: u64 = proxies.iter().map(Proxy::cuts).sum();
    assert!(cuts >= BREAKS.cuts);
    let per_message = frames_per_message(&accounts);
    println!(
        "{} messages, {cuts} cuts, {} kills, {} connections in {:?}: {per_message:.3} frames of \
         data a message, {:.3} of all kinds",
        received(&accounts),
        BREAKS.kills,
        accounts
            .iter()
            .map(|account| account.connections)
            .sum::<u64>(),
        begun.elapsed(),
        accounts
            .iter()
            .map(|account| account.all_frames)
            .sum::<u64>() as f64
            / received(&accounts) as f64,
    );
    assert!(per_message <= 1.5, "{per_message} frames a message");
}
