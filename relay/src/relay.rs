use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use choreo_core::{Result, Transport, runtime};
use choreo_session::wire::{Abort, Code, Frame, Kind};
use choreo_session::{Admission, Authority};
use tokio::sync::watch;
use tracing::info;

use crate::RelayConfig;
use crate::connection;
use crate::gate::{Gate, Pass};
use crate::hall::Hall;
use crate::line::Budget;
use crate::metrics::Metrics;

/// How often to look for roles that are away for too long.
const SWEEP: Duration = Duration::from_secs(1);
/// How long connections may take to close at the end of a drain.
const LAST: Duration = Duration::from_secs(3);

/// Joins roles that cannot reach each other.
///
/// It is cheap to clone: all clones are the same relay. Mount its [`router`](Self::router) in a
/// server of your own, let it [`listen`](Self::listen) by itself, or [`serve`](Self::serve) it
/// connections of any kind.
///
/// ```no_run
/// use choreo_relay::{Relay, RelayConfig};
/// use choreo_session::Anyone;
/// use tokio::net::TcpListener;
///
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let relay = Relay::new(Anyone, RelayConfig::default())?;
/// relay.listen(TcpListener::bind("127.0.0.1:9000").await?).await;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Relay {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: RelayConfig,
    pub(crate) hall: Arc<Hall>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) metrics: Arc<Metrics>,
    budget: Arc<Budget>,
    draining: watch::Sender<bool>,
    sweeping: AtomicBool,
}

impl Relay {
    /// A relay that lets in whom the authority admits.
    ///
    /// # Errors
    /// When the platform gives no random numbers.
    pub fn new(authority: impl Authority + 'static, config: RelayConfig) -> Result<Self> {
        let metrics = Arc::new(Metrics::new());
        let budget = Budget::new(config.queue_bytes_in_all);
        let admission = Admission::new(authority, config.terms, config.master)?;
        let (counts, bytes) = (Arc::clone(&metrics), Arc::clone(&budget));
        Ok(Self {
            inner: Arc::new(Inner {
                hall: Hall::new(admission, counts, bytes, config.queue_bytes),
                gate: Gate::new(&config),
                metrics,
                budget,
                draining: watch::Sender::new(false),
                sweeping: AtomicBool::new(false),
                config,
            }),
        })
    }

    /// Serves one connection until it ends, and returns why: `Ok` when the other side has closed
    /// it, when it broke, when the role left, or when the relay is drained.
    ///
    /// Close the connection then, with the code of the error if the kind of connection knows codes.
    /// `address` is counted until the role is let in ([`RelayConfig::newcomers_per_address`]).
    ///
    /// # Errors
    /// Why the relay ends the connection. The other side has been told if it is over for the role;
    /// a role that was silent (4408) or did not read (4429) may come back.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    ///
    /// # Cancel safety
    /// The role is away, and may come back.
    pub async fn serve(
        &self,
        transport: &dyn Transport,
        address: Option<IpAddr>,
    ) -> Result<(), Abort> {
        match self.enter(address) {
            Ok(mut pass) => self.attend(transport, &mut pass).await,
            Err(abort) => {
                connection::refuse(transport, &abort).await;
                Err(abort)
            }
        }
    }

    /// Takes leave: tells all roles to come back at some moment within `after`, lets nobody in any
    /// more, waits until all are gone, and closes the connections of those that are not when the
    /// time is over. No session ends by it.
    ///
    /// # Cancel safety
    /// Nobody is let in any more; another call does the rest.
    pub async fn drain(&self, after: Duration) {
        let inner = &self.inner;
        inner.draining.send_replace(true);
        info!(connections = inner.gate.connections(), ?after, "draining");
        let mut goaway = Frame::new(Kind::GoAway, 0);
        goaway.seq = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        inner.hall.tell(&goaway);
        if runtime::timeout(after, inner.gate.empty()).await.is_err() {
            inner.hall.clear();
            // Whoever does not even close is left to the system.
            let _ = runtime::timeout(LAST, inner.gate.empty()).await;
        }
    }

    /// Whether [`drain`](Self::drain) was called.
    pub(crate) fn is_draining(&self) -> bool {
        *self.inner.draining.borrow()
    }

    /// Waits until [`drain`](Self::drain) is called.
    pub(crate) async fn drained(&self) {
        let mut draining = self.inner.draining.subscribe();
        // The sender lives as long as this does.
        let _ = draining.wait_for(|draining| *draining).await;
    }

    /// Room for one more connection.
    pub(crate) fn enter(&self, address: Option<IpAddr>) -> Result<Pass, Abort> {
        let refused = |reason| {
            self.inner.metrics.refused(Code::Quota);
            Err(Abort::new(Code::Quota, reason))
        };
        if self.is_draining() {
            return refused("the relay goes away; come back later");
        }
        match self.inner.gate.enter(address) {
            Some(pass) => Ok(pass),
            None => refused("too many connections; come back later"),
        }
    }

    /// Serves a connection that has a pass.
    pub(crate) async fn attend(
        &self,
        transport: &dyn Transport,
        pass: &mut Pass,
    ) -> Result<(), Abort> {
        self.sweep();
        connection::attend(&self.inner, transport, pass).await
    }

    /// All that is counted.
    pub(crate) fn metrics(&self) -> String {
        let inner = &self.inner;
        let connections = inner.gate.connections();
        let (sessions, queued) = (inner.hall.sessions(), inner.budget.bytes());
        inner.metrics.text(connections, sessions, queued)
    }

    /// Looks for roles that are away for too long, for as long as there is this relay.
    fn sweep(&self) {
        if self.inner.sweeping.swap(true, Ordering::Relaxed) {
            return;
        }
        let hall = Arc::downgrade(&self.inner.hall);
        runtime::spawn(async move {
            while let Some(hall) = hall.upgrade() {
                hall.sweep();
                drop(hall);
                runtime::sleep(SWEEP).await;
            }
        });
    }
}
