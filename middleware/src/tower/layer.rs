use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use choreo_core::{
    BoxFuture, ChoreoHandler, Error, Incoming, Layer, Operation, Outgoing, Recipients, Result,
    RoleId, forward, handler_fn,
};
use tokio::sync::Mutex;
use tower::{BoxError, Service};

use super::error::{from_layers, retold};
use super::ticket::{Ticket, Turn};
use super::{Gate, Reply, Request};

/// A handler with tower's layers around its operations: what [`TowerLayer`] makes.
///
/// # Cancel safety
/// As the inner handler's. An operation that waits for the layers has not begun.
pub struct Tower<H, S> {
    inner: H,
    service: Mutex<S>,
    through: Through,
}

/// Puts a layer of tower's, or a stack of them, around a handler's operations.
///
/// Takes any [`tower::Layer`](Layer) whose service takes a [`Request`] and answers with a
/// [`Reply`], and also a `tower::ServiceBuilder`. Each handler that is wrapped has a service of
/// its own.
///
/// Sends and choices go through the layers, to one role or to many as one request. Receives do
/// not, unless it is made by [`for_receives`](Self::for_receives) or [`for_all`](Self::for_all).
///
/// ```
/// use choreo_core::{ChoreoHandlerExt, ErrorKind};
/// use choreo_handler_inmemory::InMemoryNetwork;
/// use choreo_middleware::tower::TowerLayer;
/// use std::time::Duration;
/// use tower::ServiceBuilder;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> choreo_core::Result<()> {
/// let network = InMemoryNetwork::new();
/// let bob = network.join("Bob")?;
/// let alice = network.join("Alice")?.layer(TowerLayer::new(
///     ServiceBuilder::new().load_shed().rate_limit(2, Duration::from_secs(60)),
/// ));
///
/// alice.send(&(), "Bob", &1).await?;
/// alice.send(&(), "Bob", &2).await?;
/// let error = alice.send(&(), "Bob", &3).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Busy);
/// assert!(error.is_transient(), "it was not sent");
/// # assert_eq!(bob.recv::<i32>(&(), "Alice").await?, 1);
/// # assert_eq!(bob.recv::<i32>(&(), "Alice").await?, 2);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TowerLayer<L> {
    layer: L,
    through: Through,
}

/// Which operations go through the layers.
#[derive(Clone, Copy, Debug)]
struct Through {
    sends: bool,
    receives: bool,
}

impl<L> TowerLayer<L> {
    /// Has sends and choices go through `layer`, and leaves receives alone.
    #[must_use]
    pub const fn new(layer: L) -> Self {
        Self::of(layer, true, false)
    }

    /// Has receives and offers go through `layer`, and leaves sends alone.
    #[must_use]
    pub const fn for_receives(layer: L) -> Self {
        Self::of(layer, false, true)
    }

    /// Has every operation go through `layer`: sends and receives share its limits.
    ///
    /// A receive lasts until the peer sends, and takes its place under a concurrency limit for as
    /// long. With a limit of 1 no send begins before the receive has ended; where the peer waits
    /// for just that send, both wait for ever. So leave room for as many receives as may wait at
    /// once, and one more, or give sends and receives a layer each.
    #[must_use]
    pub const fn for_all(layer: L) -> Self {
        Self::of(layer, true, true)
    }

    const fn of(layer: L, sends: bool, receives: bool) -> Self {
        let through = Through { sends, receives };
        Self { layer, through }
    }
}

impl<H, S> Tower<H, S> {
    /// The inner handler.
    #[must_use]
    pub fn inner(&self) -> &H {
        &self.inner
    }
}

impl<H, S> Tower<H, S>
where
    H: ChoreoHandler,
    S: Service<Request<H::Role>, Response = Reply, Error: Into<BoxError>, Future: Send> + Send,
{
    fn send<'a>(
        &'a self,
        endpoint: &'a H::Endpoint,
        to: Recipients<'a, H::Role>,
        payload: Outgoing<'a>,
    ) -> BoxFuture<'a, Result<()>> {
        if !self.through.sends {
            return to.send(&self.inner, endpoint, payload);
        }
        let sent = self.pass(endpoint, Work::Send(to, payload));
        Box::pin(async move { sent.await.map(drop) })
    }

    /// Lets an operation go through the layers, and runs it here as they say.
    async fn pass(&self, endpoint: &H::Endpoint, work: Work<'_, H::Role>) -> Result<Reply> {
        let call = Call::new(work);
        let mut service = self.service.lock().await;
        let ready = poll_fn(|context| service.poll_ready(context)).await;
        ready.map_err(|error| call.refused(error))?;
        let through = service.call(call.request());
        drop(service);

        let mut through = pin!(through);
        let mut running = None;
        let mut step = |context: &mut Context<'_>| {
            match call.ticket.turn(context.waker()) {
                Turn::Begin => running = Some(work.start(&self.inner, endpoint)),
                Turn::GoOn => {}
                Turn::Stop => running = None,
            }
            // Before the layers: what is ready at once is within any time limit.
            if let Some(Poll::Ready(done)) = running.as_mut().map(|work| work.poll(context)) {
                running = None;
                match done {
                    Err(error) if call.may_repeat(&error) => call.ticket.fail(error),
                    done => {
                        // What has ended has ended: the layers hear of it, and can neither lose
                        // what has come nor send once more what has gone.
                        let heard = done.as_ref().map(Clone::clone).map_err(retold);
                        call.ticket.finish(heard);
                        let _ = through.as_mut().poll(context);
                        return Poll::Ready(Some(done));
                    }
                }
            }
            match through.as_mut().poll(context) {
                Poll::Ready(Ok(reply)) => Poll::Ready(Some(Ok(reply))),
                Poll::Ready(Err(error)) => Poll::Ready(Some(Err(call.refused(error)))),
                Poll::Pending if call.ticket.has_turned(running.is_some()) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        };
        poll_fn(|context| {
            loop {
                if let Some(answer) = ready!(step(context)) {
                    return Poll::Ready(answer);
                }
            }
        })
        .await
    }
}

impl<H: ChoreoHandler, L: Layer<Gate<H::Role>>> Layer<H> for TowerLayer<L> {
    type Service = Tower<H, L::Service>;

    fn layer(&self, inner: H) -> Self::Service {
        Tower {
            inner,
            service: Mutex::new(self.layer.layer(Gate::new())),
            through: self.through,
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<H, S> ChoreoHandler for Tower<H, S>
where
    H: ChoreoHandler,
    S: Service<Request<H::Role>, Response = Reply, Error: Into<BoxError>, Future: Send> + Send,
{
    type Role = H::Role;
    type Endpoint = H::Endpoint;

    handler_fn! {
        fn send_payload(self, endpoint, to, payload) {
            self.send(endpoint, Recipients::One(to), payload)
        }
        fn send_to_all(self, endpoint, to, payload) {
            self.send(endpoint, Recipients::All(to), payload)
        }
        fn recv_payload(self, endpoint, from) {
            if !self.through.receives {
                return self.inner.recv_payload(endpoint, from);
            }
            let received = self.pass(endpoint, Work::Recv(from));
            Box::pin(async move { received.await?.into_incoming() })
        }
    }

    forward!(inner: abandon);
}

impl<H: fmt::Debug, S> fmt::Debug for Tower<H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tower")
            .field("inner", &self.inner)
            .field("through", &self.through)
            .finish_non_exhaustive()
    }
}

/// An operation on its way through the layers.
struct Call<'a, R> {
    work: Work<'a, R>,
    ticket: Arc<Ticket>,
}

/// What the inner handler is to do, as often as need be.
enum Work<'a, R> {
    Send(Recipients<'a, R>, Outgoing<'a>),
    Recv(&'a R),
}

enum Running<'a> {
    Send(BoxFuture<'a, Result<()>>),
    Recv(BoxFuture<'a, Result<Incoming>>),
}

impl<'a, R: RoleId> Call<'a, R> {
    fn new(work: Work<'a, R>) -> Self {
        Self {
            work,
            ticket: Ticket::new(matches!(work, Work::Recv(_))),
        }
    }

    fn request(&self) -> Request<R> {
        let type_tag = match self.work {
            Work::Send(_, Outgoing::Message(message)) => Some(message.type_tag()),
            Work::Send(_, Outgoing::Label(_)) | Work::Recv(_) => None,
        };
        let (operation, peers) = (self.work.operation(), self.work.peers());
        Request::of_call(operation, peers, type_tag, Arc::clone(&self.ticket))
    }

    fn may_repeat(&self, error: &Error) -> bool {
        matches!(self.work, Work::Send(..)) && error.is_transient()
    }

    fn refused(&self, error: impl Into<BoxError>) -> Error {
        let unsent = matches!(self.work, Work::Send(..)) && self.ticket.is_unsent();
        from_layers(
            error.into(),
            self.work.operation(),
            &self.work.peers(),
            unsent,
        )
    }
}

impl<R> Drop for Call<'_, R> {
    fn drop(&mut self) {
        self.ticket.abandon();
    }
}

impl<'a, R> Work<'a, R> {
    fn operation(self) -> Operation {
        match self {
            Self::Send(_, payload) => Operation::sending(payload),
            Self::Recv(_) => Operation::Recv,
        }
    }

    fn peers(self) -> Recipients<'a, R> {
        match self {
            Self::Send(to, _) => to,
            Self::Recv(from) => Recipients::One(from),
        }
    }

    fn start<H: ChoreoHandler<Role = R>>(
        self,
        handler: &'a H,
        endpoint: &'a H::Endpoint,
    ) -> Running<'a> {
        match self {
            Self::Send(to, payload) => Running::Send(to.send(handler, endpoint, payload)),
            Self::Recv(from) => Running::Recv(handler.recv_payload(endpoint, from)),
        }
    }
}

impl<R> Clone for Work<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Work<'_, R> {}

impl Running<'_> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Reply>> {
        match self {
            Self::Send(sent) => sent.as_mut().poll(context).map_ok(|()| Reply::Sent),
            Self::Recv(received) => received.as_mut().poll(context).map_ok(Reply::Received),
        }
    }
}
