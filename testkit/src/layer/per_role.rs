use choreo_core::queue::Queue;
use choreo_core::{
    BoxHandler, ChoreoHandler, ChoreoHandlerExt, Codec, Encoded, Error, ErrorKind, Incoming, Layer,
    Message, Outgoing, PeerMap, Result, RoleName, TypeTag, async_trait, erased_serde,
};
use tower::ServiceBuilder;

use crate::{LayerUnderTest, Probe, ProbeEndpoint, ReferenceEndpoint, ReferenceHandler};

/// A layer of which each role has its own, and which may change what goes through it as long as the
/// one of the peer changes it back: encryption, compression, another encoding.
///
/// The promises of a layer are then asked of both together: what goes in at one end comes out of the
/// peer's layer, unchanged, and in one call. Those of a handler are asked of all roles' layers over
/// one session, with nothing between them that knows of the change.
///
/// The layer is one that wraps a [`BoxHandler`] of named roles.
///
/// ```
/// use choreo_core::{Layer, RoleName};
/// use choreo_testkit::{layer_suite, per_role};
/// # struct MyLayer;
/// # impl MyLayer { fn of(_: &RoleName) -> Self { Self } }
/// # impl<H> Layer<H> for MyLayer { type Service = H; fn layer(&self, inner: H) -> H { inner } }
///
/// layer_suite!(per_role(|role: &RoleName| MyLayer::of(role)));
/// # fn main() {}
/// ```
pub fn per_role<L, M>(make: M) -> PerRole<M>
where
    L: Layer<
            BoxHandler<RoleName>,
            Service: ChoreoHandler<Role = RoleName, Endpoint = ()> + 'static,
        >,
    M: Fn(&RoleName) -> L + Clone + Send + Sync + 'static,
{
    PerRole {
        make,
        cannot: Vec::new(),
    }
}

/// What [`per_role`] makes.
#[derive(Clone, Debug)]
pub struct PerRole<M> {
    make: M,
    cannot: Vec<(&'static str, &'static str)>,
}

impl<M> PerRole<M> {
    /// A promise of layers that this one cannot keep: the name of the check, and why. The check is
    /// skipped, and says so.
    #[must_use]
    pub fn cannot(mut self, check: &'static str, why: &'static str) -> Self {
        self.cannot.push((check, why));
        self
    }
}

impl<L, M> LayerUnderTest for PerRole<M>
where
    L: Layer<
            BoxHandler<RoleName>,
            Service: ChoreoHandler<Role = RoleName, Endpoint = ()> + 'static,
        >,
    M: Fn(&RoleName) -> L + Clone + Send + Sync + 'static,
{
    fn over_probe(&self, probe: Probe, endpoint: ProbeEndpoint) -> BoxHandler<RoleName> {
        self.over_box(probe.bind(endpoint).boxed())
    }

    fn over_probe_by_tower(&self, probe: Probe, endpoint: ProbeEndpoint) -> BoxHandler<RoleName> {
        let undone = self.undone(probe.bind(endpoint).boxed());
        let layer = (self.make)(&alice());
        ServiceBuilder::new().layer(layer).service(undone).boxed()
    }

    fn over_reference(
        &self,
        role: &RoleName,
        handler: ReferenceHandler,
        endpoint: ReferenceEndpoint,
    ) -> BoxHandler<RoleName> {
        let layer = (self.make)(role);
        layer.layer(handler.bind(endpoint).boxed()).boxed()
    }

    fn over_box(&self, inner: BoxHandler<RoleName>) -> BoxHandler<RoleName> {
        (self.make)(&alice()).layer(self.undone(inner)).boxed()
    }

    fn cannot(&self) -> Vec<(&'static str, &'static str)> {
        self.cannot.clone()
    }
}

impl<L, M> PerRole<M>
where
    L: Layer<
            BoxHandler<RoleName>,
            Service: ChoreoHandler<Role = RoleName, Endpoint = ()> + 'static,
        >,
    M: Fn(&RoleName) -> L + Clone + Send + Sync + 'static,
{
    /// What Alice's layer is put over: the peers' layers, which undo what it does, and the handler.
    fn undone(&self, inner: BoxHandler<RoleName>) -> BoxHandler<RoleName> {
        let make = self.make.clone();
        let peer = move |role: &RoleName| {
            let wire = Wire::new();
            let layered = make(role).layer(wire.clone().boxed()).boxed();
            Peer { wire, layered }
        };
        let undo = Undo {
            inner,
            peer: Box::new(peer),
            peers: PeerMap::new(),
        };
        undo.boxed()
    }
}

/// The role whose layer the checks of a layer look at.
fn alice() -> RoleName {
    RoleName::from("Alice")
}

/// Gives its inner handler what the peer would get, and what the peer would send to whoever receives.
struct Undo {
    inner: BoxHandler<RoleName>,
    peer: Box<dyn Fn(&RoleName) -> Peer + Send + Sync>,
    peers: PeerMap<RoleName, Peer>,
}

/// A peer's layer over nothing but a wire.
struct Peer {
    wire: Wire,
    layered: BoxHandler<RoleName>,
}

impl Undo {
    fn peer(&self, role: &RoleName) -> &Peer {
        self.peers.get_or_insert_with(role, || (self.peer)(role))
    }

    /// What a peer receives of it.
    async fn received(&self, at: &RoleName, payload: Outgoing<'_>) -> Result<Incoming> {
        let peer = self.peer(at);
        peer.wire.put(payload.to_incoming(Codec::default())?)?;
        peer.layered.recv_payload(&(), &alice()).await
    }
}

#[async_trait]
impl ChoreoHandler for Undo {
    type Role = RoleName;
    type Endpoint = ();

    async fn send_payload(&self, (): &(), to: &RoleName, payload: Outgoing<'_>) -> Result<()> {
        let received = self.received(to, payload).await?;
        let again = Again::from(received);
        self.inner.send_payload(&(), to, again.outgoing()).await
    }

    async fn recv_payload(&self, (): &(), from: &RoleName) -> Result<Incoming> {
        let again = Again::from(self.inner.recv_payload(&(), from).await?);
        let peer = self.peer(from);
        let to = alice();
        let sending = peer.layered.send_payload(&(), &to, again.outgoing());
        sending.await?;
        peer.wire.take()
    }

    async fn send_to_all(&self, (): &(), to: &[RoleName], payload: Outgoing<'_>) -> Result<()> {
        let mut received = None;
        for role in to {
            let at_role = self.received(role, payload).await?;
            if *received.get_or_insert(at_role.clone()) != at_role {
                let detail = format!("{role} does not get of a payload to all what the first gets");
                return Err(Error::new(ErrorKind::Protocol, detail));
            }
        }
        let Some(received) = received else {
            return self.inner.send_to_all(&(), to, payload).await;
        };
        let again = Again::from(received);
        self.inner.send_to_all(&(), to, again.outgoing()).await
    }

    fn abandon(&self, (): &(), others: &[RoleName]) {
        self.inner.abandon(&(), others);
    }
}

/// What was received, sent once more as it is.
enum Again {
    Message(Encoded),
    Label(String),
}

impl From<Incoming> for Again {
    fn from(payload: Incoming) -> Self {
        match payload {
            Incoming::Message(message) => Self::Message(message),
            Incoming::Label(label) => Self::Label(label.as_str().to_owned()),
        }
    }
}

impl Again {
    fn outgoing(&self) -> Outgoing<'_> {
        match self {
            Self::Message(_) => Outgoing::Message(self),
            Self::Label(label) => Outgoing::Label(label),
        }
    }

    fn message(&self) -> Option<&Encoded> {
        match self {
            Self::Message(message) => Some(message),
            Self::Label(_) => None,
        }
    }
}

impl Message for Again {
    fn type_tag(&self) -> TypeTag {
        self.message()
            .map_or(TypeTag::of::<()>(), Encoded::type_tag)
    }

    fn encode(&self, _: Codec, out: &mut Vec<u8>) -> Result<()> {
        out.extend(self.message().into_iter().flat_map(Encoded::bytes));
        Ok(())
    }

    fn as_serialize(&self) -> &dyn erased_serde::Serialize {
        // Of its type nothing is known here but the tag.
        &()
    }
}

/// One payload at a time, there and back.
#[derive(Clone)]
struct Wire(std::sync::Arc<Queue<Incoming>>);

impl Wire {
    fn new() -> Self {
        Self(std::sync::Arc::new(Queue::new(1)))
    }

    fn put(&self, payload: Incoming) -> Result<()> {
        let busy = |_| {
            Error::new(
                ErrorKind::Protocol,
                "the peer's layer left a payload behind",
            )
        };
        self.0.try_send(payload).map_err(busy)
    }

    fn take(&self) -> Result<Incoming> {
        let none = || Error::new(ErrorKind::Protocol, "the peer's layer kept a payload back");
        futures::FutureExt::now_or_never(self.0.recv())
            .and_then(Result::ok)
            .ok_or_else(none)
    }
}

#[async_trait]
impl ChoreoHandler for Wire {
    type Role = RoleName;
    type Endpoint = ();

    async fn send_payload(&self, (): &(), _: &RoleName, payload: Outgoing<'_>) -> Result<()> {
        self.put(payload.to_incoming(Codec::default())?)
    }

    async fn recv_payload(&self, (): &(), _: &RoleName) -> Result<Incoming> {
        self.take()
    }
}
