use crate::ChoreoHandler;

/// A handler joined with an endpoint: [`bind`](crate::ChoreoHandlerExt::bind) makes it.
///
/// Its own endpoint is `()`, so any handler fits where a stack without one is wanted.
#[derive(Clone, Debug)]
pub struct Bound<H: ChoreoHandler> {
    handler: H,
    endpoint: H::Endpoint,
}

impl<H: ChoreoHandler> Bound<H> {
    pub(crate) fn new(handler: H, endpoint: H::Endpoint) -> Self {
        Self { handler, endpoint }
    }

    /// The endpoint, for example to close it.
    #[must_use]
    pub fn endpoint(&self) -> &H::Endpoint {
        &self.endpoint
    }

    /// The two parts again.
    #[must_use]
    pub fn into_parts(self) -> (H, H::Endpoint) {
        (self.handler, self.endpoint)
    }
}

#[deny(clippy::missing_trait_methods)]
impl<H: ChoreoHandler> ChoreoHandler for Bound<H> {
    type Role = H::Role;
    type Endpoint = ();

    crate::handler_fn! {
        fn send_payload(self, (), to, payload) { self.handler.send_payload(&self.endpoint, to, payload) }
        fn recv_payload(self, (), from) { self.handler.recv_payload(&self.endpoint, from) }
        fn send_to_all(self, (), to, payload) { self.handler.send_to_all(&self.endpoint, to, payload) }
    }

    fn abandon(&self, (): &(), others: &[H::Role]) {
        self.handler.abandon(&self.endpoint, others);
    }
}
