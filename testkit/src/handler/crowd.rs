use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use choreo_core::runtime;
use futures::future::try_join_all;
use futures::{FutureExt, try_join};

use crate::promise::{BOUNDED, ORDER};
use crate::trial::Trial;
use crate::{ErasedFixture, Peer, Violation, platform};

/// Sends of several tasks wait at one full queue: when the peer reads, all go on.
pub async fn many_waiting_sends_all_go_on(fixture: &dyn ErasedFixture) -> Result<(), Violation> {
    const WAITING: u32 = 5;
    let trial = Trial::new(fixture, "many_waiting_sends_all_go_on", BOUNDED);
    let [alice, bob] = trial.session().await?;
    let (sent, first) = trial.fill(&alice, &bob).await?;
    let what = || format!("{alice}'s send, waiting with {WAITING} others while {bob} reads,");
    let others = (0..WAITING).map(|other| {
        let (trial, what, from, to) = (&trial, what(), &alice, &bob);
        async move { trial.ok(what, from.send(to, &(sent + 1 + other))).await }
    });
    let sending = async { try_join!(trial.ok(what(), first), try_join_all(others)) };
    let reading = async {
        trial.look_on().await;
        let mut received = Vec::new();
        for index in 0..=sent + WAITING {
            let what = format!("{bob} receiving message {index} of {}", sent + 1 + WAITING);
            received.push(trial.ok(what, bob.recv::<u32>(&alice)).await?);
        }
        // In which order those arrive that waited together is not said.
        received.sort_unstable();
        trial.ensure(received.iter().copied().eq(0..=sent + WAITING), || {
            format!(
                "{bob} received {received:?} where each of 0 to {} was due",
                sent + WAITING
            )
        })
    };
    try_join!(sending, reading).map(drop)
}

/// Ten thousand messages between three roles, each to each, sent and received in a random
/// interleaving that is the same in each run.
pub async fn many_messages_between_all_roles_arrive(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    const EACH: u32 = 1_700;
    let trial = Trial::new(fixture, "many_messages_between_all_roles_arrive", ORDER);
    let peers: [Peer; 3] = trial.session().await?;
    let progress = Progress::new(6 * EACH);
    let pairs = PAIRS.iter().zip(0..).map(|(&(from, to), pair)| {
        let (from, to, progress) = (&peers[from], &peers[to], &progress);
        async move {
            try_join!(
                send_all(from, to, EACH, Pace::new(pair)),
                receive_all(to, from, EACH, Pace::new(pair + 6), progress),
            )
        }
    });
    let finished = trial.within(&progress, try_join_all(pairs)).await?;
    finished
        .map(drop)
        .map_err(|happened| trial.violation(happened))
}

/// One handler, used by many tasks at once (natively on several threads): everything arrives.
pub async fn many_tasks_share_a_handler(fixture: &dyn ErasedFixture) -> Result<(), Violation> {
    const EACH: u32 = 300;
    let trial = Trial::new(fixture, "many_tasks_share_a_handler", ORDER);
    let peers: Arc<[Peer; 3]> = Arc::new(trial.session().await?);
    let progress = Arc::new(Progress::new(6 * EACH));
    let tasks = PAIRS.iter().zip(0..).flat_map(|(&(from, to), pair)| {
        let (senders, receivers) = (Arc::clone(&peers), Arc::clone(&peers));
        let progress = Arc::clone(&progress);
        let sending = async move {
            let (from, to) = (&senders[from], &senders[to]);
            send_all(from, to, EACH, Pace::new(pair)).await
        };
        let receiving = async move {
            let (from, to) = (&receivers[from], &receivers[to]);
            receive_all(to, from, EACH, Pace::new(pair + 6), &progress).await
        };
        [sending.boxed(), receiving.boxed()]
    });
    let finished = platform::side_by_side(tasks.collect());
    let finished = trial.within(&*progress, finished).await?;
    finished.map_err(|happened| trial.violation(happened))
}

/// Each role to each other one, of three.
const PAIRS: [(usize, usize); 6] = [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)];

async fn send_all(from: &Peer, to: &Peer, count: u32, mut pace: Pace) -> Result<(), String> {
    for message in 0..count {
        let sent = from.send(to, &message).await;
        sent.map_err(|error| format!("{from} sending {message} to {to} failed: {error:?}"))?;
        pace.breathe().await;
    }
    Ok(())
}

async fn receive_all(
    at: &Peer,
    from: &Peer,
    count: u32,
    mut pace: Pace,
    progress: &Progress,
) -> Result<(), String> {
    for due in 0..count {
        match at.recv::<u32>(from).await {
            Ok(message) if message == due => {}
            other => {
                return Err(format!(
                    "{at} received {other:?} from {from} where {due} was due"
                ));
            }
        }
        progress.received.fetch_add(1, Ordering::Relaxed);
        pace.breathe().await;
    }
    Ok(())
}

/// Lets others run now and then, the same in each run.
struct Pace(fastrand::Rng);

impl Pace {
    fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    async fn breathe(&mut self) {
        if self.0.u8(0..4) == 0 {
            for _ in 0..self.0.u8(1..4) {
                runtime::yield_now().await;
            }
        }
    }
}

/// How far it got, for the violation should it hang.
struct Progress {
    received: AtomicU32,
    due: u32,
}

impl Progress {
    fn new(due: u32) -> Self {
        Self {
            received: AtomicU32::new(0),
            due,
        }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let received = self.received.load(Ordering::Relaxed);
        write!(
            f,
            "sending {} messages between three roles (of which {received} were received)",
            self.due
        )
    }
}
