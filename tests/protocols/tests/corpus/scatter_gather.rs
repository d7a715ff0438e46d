//! A master gives each worker a part of the work and puts together what comes back, until there is
//! none left. How many workers there are is known at run time only.

use choreo::Cast;
use choreo::prelude::*;
use choreo_protocols::{Server, in_time, parts};
use futures::future::try_join_all;
use scatter_gather::{Role, Sum, Task};

choreography! {
    protocol ScatterGather {
        roles Master, Worker[workers];
        loop {
            choice at Master to Worker {
                round => {
                    Master -> Worker: Task(Vec<u64>);
                    Worker -> Master: Sum(u64);
                }
                stop => break;
            }
        }
    }
}

const ROUNDS: u64 = 3;

/// Each round gives each worker one number more.
async fn master<H>(handler: &H, endpoint: &H::Endpoint, cast: &Cast<Role>) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    let workers = cast.all().len() as u64 - 1;
    let mut next = scatter_gather::master(handler, endpoint, cast);
    for round in 1..=ROUNDS {
        let task = |worker| {
            Task(
                (0..round)
                    .map(|item| item * workers + worker as u64)
                    .collect(),
            )
        };
        let asked = next.round().await?.send_each(task).await?;
        let (sums, again) = asked.recv_each().await?;
        let numbers = 0..round * workers;
        assert_eq!(
            sums.iter().map(|Sum(sum)| sum).sum::<u64>(),
            numbers.sum::<u64>()
        );
        // In the order of the workers.
        assert!(sums.is_sorted_by_key(|Sum(sum)| *sum));
        assert_eq!(sums.len() as u64, workers);
        next = again;
    }
    next.stop().await.map(drop)
}

async fn worker<H>(
    number: usize,
    handler: &H,
    endpoint: &H::Endpoint,
    cast: &Cast<Role>,
) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use scatter_gather::worker::Offered;

    let mut next = scatter_gather::worker(number, handler, endpoint, cast);
    while let Offered::Round(round) = next.offer().await? {
        let (Task(numbers), round) = round.recv().await?;
        next = round.send(Sum(numbers.iter().sum())).await?;
    }
    Ok(())
}

#[tokio::test]
async fn in_memory() -> Result<()> {
    for workers in [1, 2, 7, 64] {
        let cast = scatter_gather::cast(workers);
        let network = InMemoryNetwork::of(cast.all().to_vec());
        let plays = (0..workers).map(async |number| {
            let handler = network.join(Role::Worker(number))?;
            worker(number, &handler, &(), &cast).await
        });
        let master = async {
            let handler = network.join(Role::Master)?;
            master(&handler, &(), &cast).await
        };
        in_time(async { futures::try_join!(master, try_join_all(plays)) }).await?;
    }
    Ok(())
}

#[tokio::test]
async fn over_web_sockets() -> Result<()> {
    let server = Server::start().await?;
    for workers in [1, 3, 8] {
        let cast = scatter_gather::cast(workers);
        let meeting = server.meeting(format!("{workers} workers"))?;
        let plays = (0..workers).map(async |number| {
            let seat = meeting.join_with(Role::Worker(number), &cast).await?;
            worker(number, &seat, &(), &cast).await?;
            seat.close().await
        });
        let master = async {
            let seat = meeting.join_with(Role::Master, &cast).await?;
            master(&seat, &(), &cast).await?;
            seat.close().await
        };
        in_time(async { futures::try_join!(master, try_join_all(plays)) }).await?;
    }
    Ok(())
}

/// A worker that stops in the middle is missed by the master, and then by the others.
#[tokio::test]
async fn a_worker_that_stops_is_missed() -> Result<()> {
    let cast = scatter_gather::cast(3);
    let network = InMemoryNetwork::of(cast.all().to_vec());
    let stops = async {
        let handler = network.join(Role::Worker(1))?;
        let next = scatter_gather::worker(1, &handler, &(), &cast);
        next.offer().await.map(drop)
    };
    let worker = async |number| {
        let handler = network.join(Role::Worker(number))?;
        worker(number, &handler, &(), &cast).await
    };
    let handler = network.join(Role::Master)?;
    let master = master(&handler, &(), &cast);
    let (master, zero, stopped, two) =
        in_time(async { futures::join!(master, worker(0), stops, worker(2)) }).await;
    stopped?;
    for missed in [master, zero, two] {
        let error = missed.expect_err("the others do not go on alone");
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    }
    Ok(())
}

#[test]
fn projections() {
    let protocol = scatter_gather::protocol();
    assert_eq!(parts(&protocol), PARTS);
    let two = protocol.with_count("workers", 2);
    let master = two.project("Master").expect("it takes part");
    assert_eq!(master.to_string(), MASTER_OF_TWO);
    let worker = two.project("Worker(1)").expect("it takes part");
    let family = protocol.project("Worker").expect("it takes part");
    assert_eq!(worker.states, family.states);
}

const MASTER_OF_TWO: &str = "\
Master {
    choice at Master to Worker(0), Worker(1) {
        round => {
            Master -> Worker(0): Task(Vec<u64>);
            Master -> Worker(1): Task(Vec<u64>);
            Worker(0) -> Master: Sum(u64);
            Worker(1) -> Master: Sum(u64);
            goto 0;
        }
        stop => {
        }
    }
}";

const PARTS: &str = "\
Master {
    choice at Master to Worker {
        round => {
            Master -> Worker: Task(Vec<u64>);
            Worker -> Master: Sum(u64);
            goto 0;
        }
        stop => {
        }
    }
}
Worker {
    choice at Master to Worker {
        round => {
            Master -> Worker: Task(Vec<u64>);
            Worker -> Master: Sum(u64);
            goto 0;
        }
        stop => {
        }
    }
}";
