//! Where the tests with `fetch` are, and the server that they talk to, which can join two ends.
#![allow(dead_code, reason = "not every program needs all of it")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use choreo_core::{Bytes, Result, Transport, async_trait};
use choreo_testkit::TransportFixture;
use choreo_transport_fetch::{FetchConnector, FetchTransport};
use js_sys::Reflect;

/// The address of the server.
#[expect(clippy::option_env_unwrap, reason = "it compiles without a server")]
pub(crate) fn server() -> &'static str {
    option_env!("CHOREO_TEST_FETCH")
        .expect("no server to talk to: `cargo xtask test` starts one before it builds this")
}

/// A name for a connection that no other test, and no other run, has.
pub(crate) fn unique() -> String {
    format!("{}", js_sys::Math::random()).replace("0.", "")
}

pub(crate) fn user_agent() -> String {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).unwrap_or_default();
    if !navigator.is_object() {
        return String::new();
    }
    let agent = Reflect::get(&navigator, &"userAgent".into()).unwrap_or_default();
    agent.as_string().unwrap_or_default()
}

/// Whether this is a browser, rather than another runtime.
pub(crate) fn is_browser() -> bool {
    user_agent().starts_with("Mozilla/")
}

pub(crate) fn is_webkit_for_linux() -> bool {
    user_agent().contains("Linux") && user_agent().contains("Version/")
}

/// Two ends in this program, joined by the server.
pub(crate) struct Joined {
    id: String,
    long_polls: bool,
}

impl Joined {
    pub(crate) fn new(long_polls: bool) -> Self {
        let id = unique();
        Self { id, long_polls }
    }

    async fn open(&self, side: &str) -> Result<FetchTransport> {
        let path = format!("/pair/{}/{side}", self.id);
        let connector = FetchConnector::new(format!("{}{path}", another_host()))?;
        let connector = match self.long_polls {
            true => connector.long_polls(),
            false => connector,
        };
        connector.open().await
    }
}

/// The server by another name each time: browsers have at most six connections to one host.
fn another_host() -> String {
    static HOSTS: AtomicUsize = AtomicUsize::new(0);
    if !is_browser() {
        return server().to_owned();
    }
    let host = HOSTS.fetch_add(1, Ordering::Relaxed);
    server().replace("127.0.0.1", &format!("host-{host}.localhost"))
}

#[async_trait]
impl TransportFixture for Joined {
    /// What is not acknowledged, and what waits to be received, on both ways to and from the server.
    fn bound(&self) -> usize {
        (4 * 256 * 1024) / self.largest_frame() + 4
    }

    async fn connect(&self) -> Result<Box<dyn Transport>> {
        Ok(Box::new(self.open("left").await?))
    }

    async fn accept(&self) -> Result<Box<dyn Transport>> {
        let right = self.open("right").await?;
        right.recv().await?;
        right.send(Bytes::new()).await?;
        Ok(Box::new(right))
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(200)
    }

    fn cannot(&self) -> Vec<(&'static str, &'static str)> {
        if !is_webkit_for_linux() {
            return Vec::new();
        }
        let why = "this browser has at most 17 connections, to all hosts together";
        vec![("many_connections_at_once", why)]
    }
}
