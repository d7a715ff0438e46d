//! A layer that does nothing keeps every promise.

use choreo_core::{ChoreoHandler, Layer, forward};
use choreo_testkit::layer_suite;

struct Plain;

struct PlainHandler<H> {
    inner: H,
}

impl<H> Layer<H> for Plain {
    type Service = PlainHandler<H>;

    fn layer(&self, inner: H) -> PlainHandler<H> {
        PlainHandler { inner }
    }
}

impl<H: ChoreoHandler> ChoreoHandler for PlainHandler<H> {
    type Role = H::Role;
    type Endpoint = H::Endpoint;

    forward!(inner: send_payload, recv_payload, send_to_all, abandon);
}

layer_suite!(Plain);
