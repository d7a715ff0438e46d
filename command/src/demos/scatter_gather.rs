use choreo::prelude::*;
use choreo::protocol::Global;

use super::Demo;

choreography! {
    /// Two count the primes of a half each; one adds them up.
    protocol ScatterGather {
        roles Master, Worker[2];
        Master -> Worker: Range(u32, u32);
        Worker -> Master: Primes(u32);
    }
}

use scatter_gather::{Primes, Range, Role};

/// What `choreo run scatter-gather` takes.
#[derive(clap::Args)]
pub(crate) struct ScatterGather {
    /// Below which number the master has primes counted, at most a million
    #[arg(long, value_name = "NUMBER", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    below: u32,
}

impl Demo for ScatterGather {
    const NAME: &str = "scatter-gather";
    type Role = Role;

    fn protocol() -> Global {
        scatter_gather::protocol()
    }

    async fn play<H>(&self, role: Role, handler: &H) -> Result<String>
    where
        H: ChoreoHandler<Role = Role, Endpoint = ()>,
    {
        match role {
            Role::Master => self.master(handler).await,
            Role::Worker0 => {
                let (range, next) = scatter_gather::worker0(handler, &()).recv().await?;
                let (primes, report) = count(&range);
                next.send(primes).await.map(|_end| report)
            }
            Role::Worker1 => {
                let (range, next) = scatter_gather::worker1(handler, &()).recv().await?;
                let (primes, report) = count(&range);
                next.send(primes).await.map(|_end| report)
            }
        }
    }
}

impl ScatterGather {
    async fn master<H>(&self, handler: &H) -> Result<String>
    where
        H: ChoreoHandler<Role = Role, Endpoint = ()>,
    {
        let (below, middle) = (self.below, self.below / 2);
        let next = scatter_gather::master(handler, &());
        let next = next.send(Range(0, middle)).await?;
        let next = next.send(Range(middle, below)).await?;
        let (Primes(low), next) = next.recv().await?;
        let (Primes(high), _end) = next.recv().await?;
        let sum = low.saturating_add(high);
        Ok(format!("there are {sum} primes below {below}"))
    }
}

fn count(&Range(from, to): &Range) -> (Primes, String) {
    let is_prime = |number: &u32| {
        let mut divisors = 2..=number.isqrt();
        *number > 1 && divisors.all(|divisor| !number.is_multiple_of(divisor))
    };
    let primes = (from..to).filter(is_prime).count();
    let report = format!("found {primes} primes from {from} to below {to}");
    (Primes(u32::try_from(primes).unwrap_or(u32::MAX)), report)
}
