//! Broken layers, and the checks that notice.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use choreo_core::{
    ChoreoHandler, Codec, Error, ErrorKind, Incoming, Layer, Outgoing, Result, RoleName, TypeTag,
    async_trait, runtime,
};
use choreo_testkit::{ProbeEndpoint, ReferenceEndpoint, handler, per_role};
use futures::FutureExt;

use super::fault::{Fault, Faulty, FaultyLayer, layered, send_again, with_tag};
use super::rejections;

rejections! { layer:
    sends_bytes_for_messages: of::<SendsBytes>() => messages_go_through_unchanged;
    shouts_labels: of::<ShoutsLabels>() => labels_go_through_unchanged;
    forgets_send_to_all: of::<ForgetsSendToAll>() => send_to_all_goes_through_as_one;
    drops_type_tags: of::<DropsTags>() => what_is_received_comes_through_unchanged;
    makes_an_endpoint_of_its_own: OwnEndpointLayer => the_endpoint_is_passed_on;
    knows_one_peer: of::<KnowsOnePeer>() => the_roles_are_passed_on;
    holds_sends_back: of::<HoldsBack>() => a_send_is_handed_on_before_it_returns;
    receives_ahead: of::<ReceivesAhead>() => a_receive_is_one_receive;
    swallows_errors: of::<SwallowsErrors>() => errors_of_sends_come_through;
    changes_errors: of::<ChangesErrors>() => errors_of_receives_come_through;
    forgets_what_is_transient: of::<ForgetsTransient>() => errors_of_send_to_all_come_through;
    gives_up_after_an_error: of::<GivesUp>() => an_error_leaves_the_layer_usable;
    retries_every_send: of::<RetriesAll>() => a_permanent_error_of_a_send_is_not_repeated;
    retries_every_send_to_all: of::<RetriesAll>() => a_permanent_error_of_send_to_all_is_not_repeated;
    retries_receives: of::<RetriesAll>() => a_receive_is_never_repeated;
    receives_again_after_a_while: of::<ReceivesAgain>() => a_receive_that_waits_is_not_started_again;
    pauses_after_taking: of::<PausesAfterTaking>() => a_dropped_receive_loses_nothing_in_the_layer;
    works_once: WorksOnce::default() => works_in_every_stack;
}

/// What only shows of a layer together with the peer's: that the peer does not undo it, that something
/// stays behind between them, or what it does beside.
macro_rules! rejections_of_each_role_s_own {
    ($($test:ident: $fault:ty => $check:ident;)*) => {$(
        choreo_testkit::__test!($test, async {
            let layer = per_role(|_: &RoleName| of::<$fault>());
            let result = choreo_testkit::layer::$check(&layer).await;
            $crate::faulty::rejected(result, stringify!($check));
            Ok(())
        });
    )*};
}

rejections_of_each_role_s_own! {
    sends_bytes_and_the_peer_leaves_them: SendsBytes => messages_go_through_unchanged;
    shouts_labels_and_the_peer_does_not_whisper: ShoutsLabels => labels_go_through_unchanged;
    drops_type_tags_on_both_sides: DropsTags => what_is_received_comes_through_unchanged;
    forgets_send_to_all_on_both_sides: ForgetsSendToAll => send_to_all_goes_through_as_one;
    holds_sends_back_on_both_sides: HoldsBack => a_send_is_handed_on_before_it_returns;
    retries_receives_on_both_sides: RetriesAll => a_receive_is_never_repeated;
    pauses_after_taking_on_both_sides: PausesAfterTaking => a_dropped_receive_loses_nothing_in_the_layer;
}

fn of<F: Default>() -> FaultyLayer<F> {
    FaultyLayer(F::default)
}

/// What only shows when the layer is asked to keep the promises of a handler.
macro_rules! rejections_as_a_handler {
    ($($test:ident: $fault:ty => $check:ident;)*) => {$(
        choreo_testkit::__test!($test, async {
            let result = handler::$check(&layered(<$fault>::default)).await;
            $crate::faulty::rejected(result, stringify!($check));
            Ok(())
        });
    )*};
}

rejections_as_a_handler! {
    delivers_twice_as_a_handler: SendsTwice => messages_arrive_in_order;
    holds_back_as_a_handler: HoldsBack => a_send_does_not_wait_for_the_reader;
    locks_for_all_peers_as_a_handler: OneLock => waiting_for_one_peer_does_not_block_another;
    pauses_after_taking_as_a_handler: PausesAfterTaking => a_receive_that_loses_a_select_loses_nothing;
    swallows_errors_as_a_handler: SwallowsErrors => a_send_to_a_closed_peer_is_an_error;
}

#[derive(Default)]
struct SendsBytes;

#[async_trait]
impl Fault for SendsBytes {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        match payload.to_incoming(Codec::default())? {
            Incoming::Message(message) => {
                let bytes = message.bytes().to_vec();
                inner
                    .send_payload(endpoint, to, Outgoing::Message(&bytes))
                    .await
            }
            Incoming::Label(_) => inner.send_payload(endpoint, to, payload).await,
        }
    }
}

#[derive(Default)]
struct ShoutsLabels;

#[async_trait]
impl Fault for ShoutsLabels {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        match payload {
            Outgoing::Label(label) => {
                let label = label.to_uppercase();
                inner
                    .send_payload(endpoint, to, Outgoing::Label(&label))
                    .await
            }
            Outgoing::Message(_) => inner.send_payload(endpoint, to, payload).await,
        }
    }
}

/// Has the `send_to_all` that the trait provides, and so never calls the inner one.
#[derive(Default)]
struct ForgetsSendToAll;

#[async_trait]
impl Fault for ForgetsSendToAll {
    async fn send_to_all<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &[RoleName],
        payload: Outgoing<'_>,
    ) -> Result<()> {
        for role in to {
            inner.send_payload(endpoint, role, payload).await?;
        }
        Ok(())
    }
}

#[derive(Default)]
struct DropsTags;

#[async_trait]
impl Fault for DropsTags {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        Ok(match inner.recv_payload(endpoint, from).await? {
            Incoming::Message(message) => {
                Incoming::Message(with_tag(&message, TypeTag::from_hash(0)))
            }
            label @ Incoming::Label(_) => label,
        })
    }
}

/// An endpoint that a layer may make for itself, where it can.
trait OwnEndpoint: Sized {
    fn own(&self) -> Option<Self>;
}

impl OwnEndpoint for ProbeEndpoint {
    fn own(&self) -> Option<Self> {
        Some(Self::default())
    }
}

impl OwnEndpoint for ReferenceEndpoint {
    fn own(&self) -> Option<Self> {
        None
    }
}

impl OwnEndpoint for () {
    fn own(&self) -> Option<Self> {
        None
    }
}

struct OwnEndpointLayer;

struct WithOwnEndpoint<H>(H);

impl<H> Layer<H> for OwnEndpointLayer {
    type Service = WithOwnEndpoint<H>;

    fn layer(&self, inner: H) -> WithOwnEndpoint<H> {
        WithOwnEndpoint(inner)
    }
}

#[async_trait]
impl<H: ChoreoHandler<Endpoint: OwnEndpoint>> ChoreoHandler for WithOwnEndpoint<H> {
    type Role = H::Role;
    type Endpoint = H::Endpoint;

    async fn send_payload(
        &self,
        endpoint: &H::Endpoint,
        to: &H::Role,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        let own = endpoint.own();
        self.0
            .send_payload(own.as_ref().unwrap_or(endpoint), to, payload)
            .await
    }

    async fn recv_payload(&self, endpoint: &H::Endpoint, from: &H::Role) -> Result<Incoming> {
        self.0.recv_payload(endpoint, from).await
    }
}

#[derive(Default)]
struct KnowsOnePeer(OnceLock<RoleName>);

#[async_trait]
impl Fault for KnowsOnePeer {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        let first = self.0.get_or_init(|| to.clone());
        inner.send_payload(endpoint, first, payload).await
    }
}

/// Holds each payload back until the next one comes.
#[derive(Default)]
struct HoldsBack(Mutex<Option<Incoming>>);

#[async_trait]
impl Fault for HoldsBack {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        let payload = payload.to_incoming(Codec::default())?;
        let earlier = self.0.lock().unwrap().replace(payload);
        match earlier {
            Some(earlier) => send_again(inner, endpoint, to, earlier).await,
            None => Ok(()),
        }
    }
}

#[derive(Default)]
struct ReceivesAhead(Mutex<Option<Result<Incoming>>>);

#[async_trait]
impl Fault for ReceivesAhead {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        let ahead = self.0.lock().unwrap().take();
        let received = match ahead {
            Some(received) => received,
            None => inner.recv_payload(endpoint, from).await,
        };
        let ahead = inner.recv_payload(endpoint, from).now_or_never();
        *self.0.lock().unwrap() = ahead;
        received
    }
}

#[derive(Default)]
struct SwallowsErrors;

#[async_trait]
impl Fault for SwallowsErrors {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        let _ = inner.send_payload(endpoint, to, payload).await;
        Ok(())
    }
}

#[derive(Default)]
struct ChangesErrors;

#[async_trait]
impl Fault for ChangesErrors {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        let received = inner.recv_payload(endpoint, from).await;
        received.map_err(|error| Error::new(ErrorKind::Transport, error.detail()))
    }
}

#[derive(Default)]
struct ForgetsTransient;

#[async_trait]
impl Fault for ForgetsTransient {
    async fn send_to_all<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &[RoleName],
        payload: Outgoing<'_>,
    ) -> Result<()> {
        inner
            .send_to_all(endpoint, to, payload)
            .await
            .map_err(Error::permanent)
    }
}

#[derive(Default)]
struct GivesUp(AtomicBool);

#[async_trait]
impl Fault for GivesUp {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        if self.0.load(SeqCst) {
            return Err(Error::new(ErrorKind::Transport, "it failed before"));
        }
        let sent = inner.send_payload(endpoint, to, payload).await;
        self.0.store(sent.is_err(), SeqCst);
        sent
    }
}

#[derive(Default)]
struct RetriesAll;

#[async_trait]
impl Fault for RetriesAll {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        match inner.send_payload(endpoint, to, payload).await {
            Err(_) => inner.send_payload(endpoint, to, payload).await,
            sent => sent,
        }
    }

    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        match inner.recv_payload(endpoint, from).await {
            Err(_) => inner.recv_payload(endpoint, from).await,
            received => received,
        }
    }

    async fn send_to_all<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &[RoleName],
        payload: Outgoing<'_>,
    ) -> Result<()> {
        match inner.send_to_all(endpoint, to, payload).await {
            Err(_) => inner.send_to_all(endpoint, to, payload).await,
            sent => sent,
        }
    }
}

#[derive(Default)]
struct ReceivesAgain;

#[async_trait]
impl Fault for ReceivesAgain {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        loop {
            let receiving = inner.recv_payload(endpoint, from);
            if let Ok(received) = runtime::timeout(Duration::from_millis(5), receiving).await {
                return received;
            }
        }
    }
}

#[derive(Default)]
struct PausesAfterTaking;

#[async_trait]
impl Fault for PausesAfterTaking {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        let received = inner.recv_payload(endpoint, from).await;
        runtime::yield_now().await;
        received
    }
}

/// Gives what it has to the first handler that it wraps.
#[derive(Default)]
struct WorksOnce(AtomicBool);

#[derive(Default)]
struct Works(bool);

impl<H> Layer<H> for WorksOnce {
    type Service = Faulty<H, Works>;

    fn layer(&self, inner: H) -> Faulty<H, Works> {
        let fault = Works(!self.0.swap(true, SeqCst));
        Faulty { inner, fault }
    }
}

#[async_trait]
impl Fault for Works {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        if !self.0 {
            return Err(Error::new(ErrorKind::Config, "the layer is used up"));
        }
        inner.send_payload(endpoint, to, payload).await
    }
}

#[derive(Default)]
struct SendsTwice(AtomicUsize);

#[async_trait]
impl Fault for SendsTwice {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        if self.0.fetch_add(1, SeqCst) == 10 {
            inner.send_payload(endpoint, to, payload).await?;
        }
        inner.send_payload(endpoint, to, payload).await
    }
}

#[derive(Default)]
struct OneLock(futures::lock::Mutex<()>);

#[async_trait]
impl Fault for OneLock {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        let _locked = self.0.lock().await;
        inner.send_payload(endpoint, to, payload).await
    }

    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        let _locked = self.0.lock().await;
        inner.recv_payload(endpoint, from).await
    }
}
