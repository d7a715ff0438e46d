use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::sleep;

use crate::{Cut, Process, Proxy};

/// How often a conversation over a relay is broken, evenly over all of it.
#[derive(Clone, Copy, Debug)]
pub struct Breaks {
    /// How many connections are cut: the proxies in turn, by resets and in order in turn.
    pub cuts: u64,
    /// How often the relay is killed and started again.
    pub kills: u64,
}

impl Breaks {
    /// Breaks it while `progress` goes from 0 to 1, starts the relay again as `start` does it, and
    /// gives the last one.
    ///
    /// # Panics
    /// When there is no proxy, or fewer cuts than kills.
    pub async fn carry_out(
        self,
        mut relay: Process,
        start: impl AsyncFn(SocketAddr) -> Process,
        proxies: &[Proxy],
        progress: impl Fn() -> f64,
    ) -> Process {
        assert!(self.cuts >= self.kills, "a kill comes after a cut");
        let address = relay.address;
        let mut kills = 0;
        for number in 0..self.cuts {
            while progress() < number as f64 / self.cuts as f64 {
                sleep(Duration::from_millis(1)).await;
            }
            let proxy = &proxies[number as usize % proxies.len()];
            let cut = if number % 2 == 0 {
                Cut::Reset
            } else {
                Cut::Finish
            };
            let before = proxy.cuts();
            // It may be between two connections just now.
            while proxy.cuts() == before {
                proxy.cut(cut);
                sleep(Duration::from_millis(1)).await;
            }
            if kills < self.kills && number >= (2 * kills + 1) * self.cuts / (2 * self.kills) {
                kills += 1;
                relay.kill().await;
                relay = start(address).await;
            }
        }
        relay
    }
}
