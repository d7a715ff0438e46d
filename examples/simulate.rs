//! A commit in two phases, in two hundred worlds that lose and repeat messages and in which everybody
//! may crash: either all commit, or nobody. Then the same with a mistake, which is found out.
//!
//! ```sh
//! cargo run --example simulate
//! ```

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use choreo::middleware::TimeoutLayer;
use choreo::prelude::*;
use choreo::runtime;
use choreo_testkit::{Report, SimFailure, SimHandler, SimNetwork, Simulation};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Coordinator,
    Worker(u32),
}

const WORKERS: [Role; 2] = [Role::Worker(1), Role::Worker(2)];

#[derive(Debug, Serialize, Deserialize)]
enum Message {
    Prepare,
    Vote(bool),
    Decision(bool),
    Done,
}

/// What outlives a crash.
#[derive(Default)]
struct Disk {
    vote: Cell<Option<bool>>,
    /// Whether to commit.
    outcome: Cell<Option<bool>>,
}

/// Who has voted to commit, and hears nothing more, must wait: the others may have committed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Worker {
    Patient,
    /// Takes silence for an end.
    Impatient,
}

const PATIENCE: Duration = Duration::from_millis(300);

async fn coordinate(handler: SimHandler<Role>, disk: &Disk) -> Result<()> {
    let handler = handler.layer(TimeoutLayer::new(PATIENCE));
    let decision = match disk.outcome.get() {
        // Crashed after it had decided.
        Some(decision) => decision,
        None => {
            let mut all = true;
            for worker in WORKERS {
                handler.send(&(), worker, &Message::Prepare).await?;
                // Who does not answer in time votes against it.
                let vote = handler.recv(&(), worker).await;
                all &= matches!(vote, Ok(Message::Vote(true)));
            }
            disk.outcome.set(Some(all));
            all
        }
    };
    for worker in WORKERS {
        // A decision that was lost is said again.
        let decision = Message::Decision(decision);
        handler.send(&(), worker, &decision).await?;
        loop {
            match handler.recv(&(), worker).await {
                Ok(Message::Done) => break,
                Ok(_late_vote) => {}
                Err(error) if error.kind() == ErrorKind::Timeout => {
                    handler.send(&(), worker, &decision).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

async fn work(handler: SimHandler<Role>, disk: &Disk, kind: Worker) -> Result<()> {
    let handler = handler.layer(TimeoutLayer::default().recv(2 * PATIENCE));
    loop {
        let answer = match handler.recv(&(), Role::Coordinator).await {
            Ok(Message::Prepare) => {
                let vote = disk.vote.get().unwrap_or_else(|| runtime::random() < 0.9);
                disk.vote.set(Some(vote));
                Message::Vote(vote)
            }
            Ok(Message::Decision(commit)) => {
                if disk.outcome.get().is_none() {
                    disk.outcome.set(Some(commit));
                }
                Message::Done
            }
            Ok(other) => panic!("a worker is not told {other:?}"),
            Err(error) if error.kind() == ErrorKind::Timeout => {
                if kind == Worker::Impatient && disk.outcome.get().is_none() {
                    disk.outcome.set(Some(false));
                }
                continue;
            }
            // The coordinator has left, so all is done.
            Err(error) if error.kind() == ErrorKind::Closed => return Ok(()),
            Err(error) => return Err(error),
        };
        match handler.send(&(), Role::Coordinator, &answer).await {
            Err(error) if error.kind() == ErrorKind::Closed => return Ok(()),
            sent => sent?,
        }
    }
}

/// Everybody plays, and has come to the same in the end.
async fn commit(net: SimNetwork<Role>, kind: Worker) -> Result<()> {
    let disks: [Rc<Disk>; 3] = Default::default();
    let [coordinator, workers @ ..] = &disks;
    let disk = Rc::clone(coordinator);
    let coordinating = net.play(Role::Coordinator, move |handler| {
        let disk = Rc::clone(&disk);
        async move { coordinate(handler, &disk).await }
    });
    let working = WORKERS.iter().zip(workers).map(|(worker, disk)| {
        let disk = Rc::clone(disk);
        net.play(*worker, move |handler| {
            let disk = Rc::clone(&disk);
            async move { work(handler, &disk, kind).await }
        })
    });
    let working = futures::future::try_join_all(working);
    futures::try_join!(coordinating, working)?;
    let [decided, one, other] = disks.map(|disk| disk.outcome.get());
    net.note(format!("decided {decided:?}, done {one:?} and {other:?}"));
    match decided == one && decided == other {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Protocol, "they are divided")),
    }
}

fn simulate(kind: Worker) -> std::result::Result<Report, Box<SimFailure>> {
    let millis = Duration::from_millis;
    Simulation::new()
        .delay(millis(1)..millis(50))
        .loss(0.1)
        .repeat(0.05)
        .at(millis(0)..millis(500), move |net| {
            net.crash_for(&Role::Coordinator, millis(1)..millis(2_000));
        })
        .at(millis(0)..millis(500), move |net| {
            net.crash_for(&Role::Worker(1), millis(1)..millis(500));
        })
        .seeds(0..200)
        .try_run(move |net| commit(net, kind))
}

fn main() {
    match simulate(Worker::Patient) {
        Ok(report) => println!("With patience all went well: {report}.\n"),
        Err(failure) => panic!("{failure:?}"),
    }
    match simulate(Worker::Impatient) {
        Ok(report) => panic!("nothing was found in {report}"),
        Err(failure) => println!("Without, not: {failure:?}"),
    }
}

// `cargo test --example simulate`.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_divides_nobody() {
        let counts = simulate(Worker::Patient).unwrap().counts;
        assert!(counts.lost > 100 && counts.repeated > 50 && counts.restarts > 50);
    }

    #[test]
    fn impatience_is_found_out() {
        let failure = simulate(Worker::Impatient).unwrap_err();
        assert!(
            failure.to_string().contains("they are divided"),
            "{failure}"
        );
    }
}
