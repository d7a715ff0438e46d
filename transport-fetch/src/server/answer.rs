use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use choreo_core::Bytes;

use crate::wire;

/// Why a request is not done.
pub(super) struct Refusal {
    status: StatusCode,
    why: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, why: &str) -> Self {
        let why = why.to_owned();
        Self { status, why }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        refuse(self.status, &self.why, Some(0))
    }
}

/// An answer with the number that is expected.
pub(super) fn answer(status: StatusCode, next: u64, body: Body) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(wire::HEADER, HeaderValue::from(next));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    if status == StatusCode::OK {
        let kind = HeaderValue::from_static(wire::CONTENT_TYPE);
        headers.insert(header::CONTENT_TYPE, kind);
        // What some proxies ask to be told, lest they gather it first.
        let unbuffered = HeaderValue::from_static("no");
        headers.insert("x-accel-buffering", unbuffered);
    }
    response
}

/// An answer with the number that is expected, and with what goes down from a number on.
pub(super) fn answer_with(next: u64, first: u64, records: Bytes) -> Response {
    let mut response = answer(StatusCode::OK, next, Body::from(records));
    if let Ok(head) = HeaderValue::try_from(format!("{next} {first}")) {
        response.headers_mut().insert(wire::HEADER, head);
    }
    response
}

/// A refusal in words; with a number when it comes from a connection's own server.
pub(super) fn refuse(status: StatusCode, why: &str, next: Option<u64>) -> Response {
    let body = Body::from(format!("{why}\n"));
    let mut response = answer(status, next.unwrap_or_default(), body);
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    if next.is_none() {
        response.headers_mut().remove(wire::HEADER);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let soon = HeaderValue::from_static("1");
        response.headers_mut().insert(header::RETRY_AFTER, soon);
    }
    response
}
