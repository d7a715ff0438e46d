use std::time::Duration;

use choreo_core::{
    Bytes, ChoreoHandler, Codec, Encoded, Incoming, Layer, Message, Outgoing, Result, RoleName,
    TypeTag, async_trait, erased_serde,
};
use choreo_testkit::{
    HandlerFixture, Layered, ReferenceEndpoint, ReferenceHandler, reference_session,
};

/// What something does wrong; in all else it does as the handler below it.
#[async_trait]
pub(crate) trait Fault: Send + Sync + 'static {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        inner.send_payload(endpoint, to, payload).await
    }

    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        inner.recv_payload(endpoint, from).await
    }

    async fn send_to_all<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &[RoleName],
        payload: Outgoing<'_>,
    ) -> Result<()> {
        for role in to {
            self.send(inner, endpoint, role, payload).await?;
        }
        Ok(())
    }
}

/// A handler, or a handler with a layer around it, that has a fault.
pub(crate) struct Faulty<H, F> {
    pub(crate) inner: H,
    pub(crate) fault: F,
}

#[async_trait]
impl<H: ChoreoHandler<Role = RoleName>, F: Fault> ChoreoHandler for Faulty<H, F> {
    type Role = RoleName;
    type Endpoint = H::Endpoint;

    async fn send_payload(
        &self,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        self.fault.send(&self.inner, endpoint, to, payload).await
    }

    async fn recv_payload(&self, endpoint: &H::Endpoint, from: &RoleName) -> Result<Incoming> {
        self.fault.recv(&self.inner, endpoint, from).await
    }

    async fn send_to_all(
        &self,
        endpoint: &H::Endpoint,
        to: &[RoleName],
        payload: Outgoing<'_>,
    ) -> Result<()> {
        self.fault
            .send_to_all(&self.inner, endpoint, to, payload)
            .await
    }
}

/// A layer with a fault: each handler gets its own.
pub(crate) struct FaultyLayer<F>(pub(crate) fn() -> F);

impl<H, F> Layer<H> for FaultyLayer<F> {
    type Service = Faulty<H, F>;

    fn layer(&self, inner: H) -> Faulty<H, F> {
        Faulty {
            inner,
            fault: (self.0)(),
        }
    }
}

/// The bound that the fixtures claim.
pub(crate) const BOUND: usize = 2;

pub(crate) fn roles() -> Vec<RoleName> {
    ["Alice", "Bob", "Carol"].map(RoleName::from).to_vec()
}

/// A fixture of the reference handler with a fault. The closure makes those of one session, for
/// that many roles.
pub(crate) struct Handlers<M>(pub(crate) M);

/// A fixture of the reference handler, each with a fault of its own.
pub(crate) fn of<F: Fault + Default>() -> impl HandlerFixture {
    Hasty(Handlers(|roles| {
        (0..roles).map(|_| F::default()).collect::<Vec<F>>()
    }))
}

/// A fixture of the reference handler, with faults that share something in each session.
pub(crate) fn sharing<F: Fault + Clone + Default>() -> impl HandlerFixture {
    Hasty(Handlers(|roles| vec![F::default(); roles]))
}

#[async_trait]
impl<F: Fault, M: Fn(usize) -> Vec<F> + Send + Sync> HandlerFixture for Handlers<M> {
    type Handler = Faulty<ReferenceHandler, F>;

    fn roles(&self) -> Vec<RoleName> {
        roles()
    }

    fn queue_bound(&self) -> usize {
        BOUND
    }

    async fn session(
        &self,
        roles: &[RoleName],
    ) -> Result<Vec<(Faulty<ReferenceHandler, F>, ReferenceEndpoint)>> {
        let members = reference_session(roles, BOUND).into_iter();
        let faulty = members.zip((self.0)(roles.len()));
        Ok(faulty
            .map(|((inner, endpoint), fault)| (Faulty { inner, fault }, endpoint))
            .collect())
    }
}

/// A fixture that waits less long for what hangs.
pub(crate) struct Hasty<F>(pub(crate) F);

#[async_trait]
impl<F: HandlerFixture> HandlerFixture for Hasty<F> {
    type Handler = F::Handler;

    fn roles(&self) -> Vec<<F::Handler as ChoreoHandler>::Role> {
        self.0.roles()
    }

    fn queue_bound(&self) -> usize {
        self.0.queue_bound()
    }

    async fn session(
        &self,
        roles: &[<F::Handler as ChoreoHandler>::Role],
    ) -> Result<Vec<(F::Handler, <F::Handler as ChoreoHandler>::Endpoint)>> {
        self.0.session(roles).await
    }

    fn time_limit(&self) -> Duration {
        Duration::from_millis(250)
    }
}

/// The promises of a handler, asked of a layer with a fault.
pub(crate) fn layered<F: Fault>(fault: fn() -> F) -> Hasty<Layered<FaultyLayer<F>>> {
    Hasty(Layered(FaultyLayer(fault)))
}

/// A message that came, on its way out again.
pub(crate) struct Again(pub(crate) Encoded);

impl Message for Again {
    fn type_tag(&self) -> TypeTag {
        self.0.type_tag()
    }

    fn encode(&self, _: Codec, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(self.0.bytes());
        Ok(())
    }

    fn as_serialize(&self) -> &dyn erased_serde::Serialize {
        &()
    }
}

/// Sends what came out again.
pub(crate) async fn send_again<H: ChoreoHandler<Role = RoleName>>(
    inner: &H,
    endpoint: &H::Endpoint,
    to: &RoleName,
    payload: Incoming,
) -> Result<()> {
    match payload {
        Incoming::Message(message) => {
            let message = Again(message);
            inner
                .send_payload(endpoint, to, Outgoing::Message(&message))
                .await
        }
        Incoming::Label(label) => {
            inner
                .send_payload(endpoint, to, Outgoing::Label(label.as_str()))
                .await
        }
    }
}

/// The message with other bytes.
pub(crate) fn with_bytes(message: &Encoded, bytes: Bytes) -> Encoded {
    Encoded::from_parts(bytes, message.codec(), message.type_tag())
}

/// The message with another tag.
pub(crate) fn with_tag(message: &Encoded, tag: TypeTag) -> Encoded {
    Encoded::from_parts(message.bytes().clone(), message.codec(), tag)
}
