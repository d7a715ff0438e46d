use std::collections::VecDeque;
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use choreo_core::{
    ChoreoHandler, Codec, Error, Incoming, Outgoing, Result, RoleName, async_trait, runtime,
};

/// A handler that notes each call and answers as told: what a layer's own tests can stand on.
///
/// Sends succeed and receives wait, unless told otherwise. Clones are the same probe, so one can
/// be kept beside the layer.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> choreo_core::Result<()> {
/// use choreo_core::{ChoreoHandlerExt, Error, ErrorKind, Incoming, Label, RoleName};
/// use choreo_testkit::{Call, Probe, ProbeEndpoint};
///
/// let (probe, endpoint, bob) = (Probe::new(), ProbeEndpoint::default(), RoleName::from("Bob"));
/// let handler = probe.clone(); // .layer(MyLayer::default())
///
/// handler.choose(&endpoint, bob.clone(), Label::from("accept")).await?;
/// let [Call::Send { to, payload: Incoming::Label(label), .. }] = &probe.take_calls()[..] else {
///     panic!("not one label")
/// };
/// assert_eq!((to, label.as_str()), (&bob, "accept"));
///
/// probe.fail_with(|| Error::new(ErrorKind::Transport, "no network"));
/// assert!(handler.send(&endpoint, bob.clone(), &1_u32).await.is_err());
/// probe.succeed();
/// handler.send(&endpoint, bob, &1_u32).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct Probe {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    deliveries: VecDeque<Incoming>,
    failure: Option<Arc<dyn Fn() -> Error + Send + Sync>>,
    pauses: usize,
}

/// The state of one session with a [`Probe`]: nothing but a number, to be told from another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProbeEndpoint {
    /// Which.
    pub id: u32,
}

/// A call that a [`Probe`] got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Of [`ChoreoHandler::send_payload`].
    Send {
        /// With which endpoint.
        endpoint: ProbeEndpoint,
        /// To whom.
        to: RoleName,
        /// What, as a peer would receive it.
        payload: Incoming,
    },
    /// Of [`ChoreoHandler::recv_payload`].
    Recv {
        /// With which endpoint.
        endpoint: ProbeEndpoint,
        /// From whom.
        from: RoleName,
    },
    /// Of [`ChoreoHandler::send_to_all`].
    SendToAll {
        /// With which endpoint.
        endpoint: ProbeEndpoint,
        /// To whom.
        to: Vec<RoleName>,
        /// What, as a peer would receive it.
        payload: Incoming,
    },
}

impl Probe {
    /// A probe that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The calls so far, in the order in which they came.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// The calls so far, which are then forgotten.
    #[must_use]
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.state().calls)
    }

    /// Has the next receive get this, behind what is due already. A receive that waits already
    /// does not see it.
    pub fn deliver(&self, payload: Incoming) {
        self.state().deliveries.push_back(payload);
    }

    /// Makes every call fail from now on.
    pub fn fail_with(&self, error: impl Fn() -> Error + Send + Sync + 'static) {
        self.state().failure = Some(Arc::new(error));
    }

    /// Makes calls succeed again.
    pub fn succeed(&self) {
        self.state().failure = None;
    }

    /// Makes each call from now on return `Pending` so many times before it does anything.
    pub fn pause(&self, times: usize) {
        self.state().pauses = times;
    }

    async fn answer(&self, call: Call) -> Result<()> {
        let (pauses, failure) = {
            let mut state = self.state();
            state.calls.push(call);
            (state.pauses, state.failure.clone())
        };
        for _ in 0..pauses {
            runtime::yield_now().await;
        }
        failure.map_or(Ok(()), |error| Err(error()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ChoreoHandler for Probe {
    type Role = RoleName;
    type Endpoint = ProbeEndpoint;

    async fn send_payload(
        &self,
        endpoint: &ProbeEndpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        let call = Call::Send {
            endpoint: *endpoint,
            to: to.clone(),
            payload: payload.to_incoming(Codec::default())?,
        };
        self.answer(call).await
    }

    async fn recv_payload(&self, endpoint: &ProbeEndpoint, from: &RoleName) -> Result<Incoming> {
        let call = Call::Recv {
            endpoint: *endpoint,
            from: from.clone(),
        };
        self.answer(call).await?;
        // Taken and returned in one poll: nothing is lost to a receive that is dropped.
        let delivery = self.state().deliveries.pop_front();
        match delivery {
            Some(payload) => Ok(payload),
            None => pending().await,
        }
    }

    async fn send_to_all(
        &self,
        endpoint: &ProbeEndpoint,
        to: &[RoleName],
        payload: Outgoing<'_>,
    ) -> Result<()> {
        let call = Call::SendToAll {
            endpoint: *endpoint,
            to: to.to_vec(),
            payload: payload.to_incoming(Codec::default())?,
        };
        self.answer(call).await
    }
}

/// `send to Bob with endpoint 0: u64 (07)`.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (operation, endpoint, payload) = match self {
            Self::Send {
                endpoint,
                to,
                payload,
            } => (format!("send to {to}"), endpoint, Some(payload)),
            Self::Recv { endpoint, from } => (format!("receive from {from}"), endpoint, None),
            Self::SendToAll {
                endpoint,
                to,
                payload,
            } => (format!("send to all of {to:?}"), endpoint, Some(payload)),
        };
        write!(f, "{operation} with endpoint {}", endpoint.id)?;
        payload.map_or(Ok(()), |payload| write!(f, ": {}", describe(payload)))
    }
}

/// A payload in words: its type and the start of its bytes, or its label.
pub(crate) fn describe(payload: &Incoming) -> String {
    const SHOWN: usize = 8;
    match payload {
        Incoming::Label(label) => format!("label {label:?}"),
        Incoming::Message(message) => {
            let bytes = message.bytes();
            let shown = bytes.iter().take(SHOWN).map(|byte| format!("{byte:02x}"));
            let shown = shown.collect::<Vec<_>>().join(" ");
            let tag = message.type_tag();
            match bytes.len() {
                0..=SHOWN => format!("{tag} ({shown})"),
                length => format!("{tag} ({shown} .. of {length} bytes)"),
            }
        }
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe")
            .field("calls", &self.state().calls)
            .finish_non_exhaustive()
    }
}
