use std::ops::Deref;
use std::time::Duration;

use choreo_core::{
    BoxHandler, ChoreoHandler, Codec, Encoded, Incoming, Label, Message, Outgoing, Result, RoleName,
};

use futures::future::BoxFuture;

use crate::guard::Guard;
use crate::{Call, LayerUnderTest, Probe, ProbeEndpoint, Promise, Violation, probe};

/// One run of one check of a layer: the layer with a probe below it.
pub(super) struct Bench {
    pub(super) guard: Guard,
    pub(super) probe: Probe,
    pub(super) endpoint: ProbeEndpoint,
    pub(super) layered: BoxHandler<RoleName>,
    pub(super) bob: RoleName,
    pub(super) both: [RoleName; 2],
}

impl Deref for Bench {
    type Target = Guard;

    fn deref(&self) -> &Guard {
        &self.guard
    }
}

impl Bench {
    pub(super) fn new(layer: &dyn LayerUnderTest, check: &'static str, promise: Promise) -> Self {
        let (probe, endpoint) = (Probe::new(), ProbeEndpoint { id: 7 });
        Self {
            guard: Guard {
                check,
                promise,
                patience: Duration::from_millis(20),
                time_limit: Duration::from_secs(10),
            },
            layered: layer.over_probe(probe.clone(), endpoint),
            probe,
            endpoint,
            bob: bob(),
            both: [bob(), carol()],
        }
    }

    /// Sends to Bob through the layer.
    pub(super) fn send<'a>(&'a self, payload: Outgoing<'a>) -> BoxFuture<'a, Result<()>> {
        self.layered.send_payload(&(), &self.bob, payload)
    }

    /// Receives from Bob through the layer.
    pub(super) fn recv(&self) -> BoxFuture<'_, Result<Incoming>> {
        self.layered.recv_payload(&(), &self.bob)
    }

    /// Sends to Bob and Carol through the layer.
    pub(super) fn send_to_both<'a>(&'a self, payload: Outgoing<'a>) -> BoxFuture<'a, Result<()>> {
        self.layered.send_to_all(&(), &self.both, payload)
    }

    /// Makes a call of the layer that must succeed, and gives the calls that the inner handler got.
    pub(super) async fn calls<T>(
        &self,
        what: &str,
        calling: impl Future<Output = Result<T>>,
    ) -> Result<Vec<Call>, Violation> {
        let earlier = self.probe.calls().len();
        self.ok(what, calling).await?;
        Ok(self.probe.calls().split_off(earlier))
    }

    /// Sends through the layer; the inner handler must get just that.
    pub(super) async fn forwards(&self, payload: Outgoing<'_>) -> Result<(), Violation> {
        let due = Call::Send {
            endpoint: self.endpoint,
            to: self.bob.clone(),
            payload: as_received(payload),
        };
        let what = describe(payload);
        let calls = self.calls(&what, self.send(payload)).await?;
        self.expect_calls(&what, &calls, &[due])
    }

    pub(super) fn expect_calls(
        &self,
        what: &str,
        calls: &[Call],
        due: &[Call],
    ) -> Result<(), Violation> {
        self.ensure(calls == due, || {
            format!(
                "{what} made the inner handler get {}, where {} was due",
                list(calls),
                list(due)
            )
        })
    }

    /// Receives through the layer; what the inner handler gives must come.
    pub(super) async fn gives(&self, payload: Incoming) -> Result<(), Violation> {
        self.probe.deliver(payload.clone());
        let received = self.ok("receiving through the layer", self.recv()).await?;
        self.ensure(received == payload, || {
            format!(
                "the layer's receive gave {}, where {} was due",
                probe::describe(&received),
                probe::describe(&payload)
            )
        })
    }
}

pub(super) fn bob() -> RoleName {
    RoleName::from("Bob")
}

pub(super) fn carol() -> RoleName {
    RoleName::from("Carol")
}

pub(super) fn message(message: &dyn Message) -> Incoming {
    as_received(Outgoing::Message(message))
}

pub(super) fn label(label: &str) -> Incoming {
    Incoming::Label(Label::from(label.to_owned()))
}

/// What a peer receives of it.
pub(super) fn as_received(payload: Outgoing<'_>) -> Incoming {
    match payload {
        Outgoing::Message(message) => Incoming::Message(
            Encoded::new(message, Codec::default()).expect("the checks' own messages encode"),
        ),
        Outgoing::Label(name) => label(name),
    }
}

fn list(calls: &[Call]) -> String {
    match calls {
        [] => "nothing".to_owned(),
        calls => calls
            .iter()
            .map(Call::to_string)
            .collect::<Vec<_>>()
            .join("; "),
    }
}

fn describe(payload: Outgoing<'_>) -> String {
    match payload {
        Outgoing::Message(message) => format!("sending a {} through the layer", message.type_tag()),
        Outgoing::Label(label) => format!("sending the label {label:?} through the layer"),
    }
}
