use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use choreo_core::{BoxFuture, ChoreoHandler, Error, ErrorKind, Outgoing, Result};
use tower::Service;

use super::request::Body;
use super::{Reply, Request};

/// A handler as a `tower::Service`: for code that knows only tower.
///
/// Clones share the handler and its endpoint, so that each task can have one. It is always ready;
/// where the handler makes a send wait, the answer waits. Dropping the answer's future drops the
/// operation: a receive then has lost nothing.
///
/// A request says what it is to send by value. Repeating one may send twice: a retry policy asks
/// the error whether it [is transient](Error::is_transient).
///
/// ```
/// use choreo_handler_inmemory::InMemoryNetwork;
/// use choreo_middleware::tower::{HandlerService, Reply, Request};
/// use std::time::Duration;
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower::BoxError> {
/// let network = InMemoryNetwork::new();
/// let alice = HandlerService::new(network.join("Alice")?, ());
/// let bob = HandlerService::new(network.join("Bob")?, ());
///
/// assert_eq!(alice.oneshot(Request::send("Bob", 42_u32)).await?, Reply::Sent);
///
/// let bob = ServiceBuilder::new().timeout(Duration::from_secs(5)).service(bob);
/// let reply = bob.oneshot(Request::recv("Alice")).await?;
/// assert_eq!(reply.message::<u32>()?, 42);
/// # Ok(()) }
/// ```
pub struct HandlerService<H: ChoreoHandler> {
    shared: Arc<Shared<H, H::Endpoint>>,
}

struct Shared<H, E> {
    handler: H,
    endpoint: E,
}

impl<H: ChoreoHandler> HandlerService<H> {
    /// A service that calls the handler with that endpoint.
    #[must_use]
    pub fn new(handler: H, endpoint: H::Endpoint) -> Self {
        Self {
            shared: Arc::new(Shared { handler, endpoint }),
        }
    }

    /// The handler.
    #[must_use]
    pub fn handler(&self) -> &H {
        &self.shared.handler
    }

    /// The endpoint.
    #[must_use]
    pub fn endpoint(&self) -> &H::Endpoint {
        &self.shared.endpoint
    }
}

impl<H: ChoreoHandler + 'static> Service<Request<H::Role>> for HandlerService<H> {
    type Response = Reply;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Reply>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<H::Role>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let done = shared.run(&request).await;
            done.map_err(|error| error.at(request.operation(), request.recipients().to_string()))
        })
    }
}

impl<H: ChoreoHandler> Shared<H, H::Endpoint> {
    async fn run(&self, request: &Request<H::Role>) -> Result<Reply> {
        let payload = match request.body() {
            Body::Message(message) => Outgoing::Message(&**message),
            Body::Label(label) => Outgoing::Label(label.as_str()),
            Body::Nothing => {
                let [from] = request.peers() else {
                    return Err(not_ours());
                };
                let received = self.handler.recv_payload(&self.endpoint, from).await;
                return received.map(Reply::Received);
            }
            Body::Ticket(_) => return Err(not_ours()),
        };
        let to = request.recipients();
        to.send(&self.handler, &self.endpoint, payload).await?;
        Ok(Reply::Sent)
    }
}

fn not_ours() -> Error {
    let detail = "a request that a `TowerLayer` made stands for a call of its handler only; make \
                  one by `Request::send` and the like";
    Error::new(ErrorKind::Config, detail)
}

impl<H: ChoreoHandler> Clone for HandlerService<H> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<H: ChoreoHandler + fmt::Debug> fmt::Debug for HandlerService<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerService")
            .field("handler", &self.shared.handler)
            .finish_non_exhaustive()
    }
}
