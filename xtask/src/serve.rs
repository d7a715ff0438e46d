//! A server of static files for this machine alone.

use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use axum::Router;
use axum::http::{HeaderValue, header};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// The port that is tried first.
pub(crate) const PORT: u16 = 8000;
/// How many ports are tried before giving up.
const PORTS: u16 = 100;

/// Listens on `port`, or on [`PORT`] or the next one that is free.
///
/// # Errors
/// If the wanted port is taken, or no port is free.
pub(crate) async fn listen(port: Option<u16>) -> Result<TcpListener> {
    let bind = async |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    if let Some(port) = port {
        return bind(port).await.with_context(|| {
            format!("cannot listen on port {port}; leave `--port` out to get a free one")
        });
    }
    for port in PORT..PORT + PORTS {
        match bind(port).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            listener => return listener.with_context(|| format!("cannot listen on port {port}")),
        }
    }
    anyhow::bail!("no port from {PORT} on is free; name one with `--port`")
}

/// The address that a browser opens.
pub(crate) fn url(listener: &TcpListener) -> Result<String> {
    let address = listener.local_addr().context("the socket has no address")?;
    Ok(format!("http://{address}/"))
}

/// The origins of a page at this address, as browsers name them; people type `localhost`, too.
pub(crate) fn origins(url: &str) -> [String; 2] {
    let origin = url.trim_end_matches('/');
    [origin.to_owned(), origin.replace("127.0.0.1", "localhost")]
}

/// The files of `dir`; a browser asks again each time, so that it never shows an old build.
pub(crate) fn files(dir: &Path) -> Router {
    let fresh = HeaderValue::from_static("no-cache");
    Router::new()
        .fallback_service(ServeDir::new(dir))
        .layer(SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            fresh,
        ))
}

/// A server on a thread of its own; dropping it stops it.
pub(crate) struct Background {
    /// Where it listens.
    pub(crate) url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Serves the files of `dir` on a free port.
    pub(crate) fn start(dir: &Path) -> Result<Self> {
        let runtime = runtime()?;
        let listener = runtime.block_on(listen(None))?;
        let url = url(&listener)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let router = files(dir);
        let thread = thread::spawn(move || {
            // A page that keeps its connection open must not keep us: no graceful end.
            runtime.block_on(async {
                tokio::select! {
                    served = axum::serve(listener, router) => {
                        if let Err(error) = served {
                            eprintln!("the file server stopped: {error}");
                        }
                    }
                    _ = stopped => {}
                }
            });
        });
        Ok(Self {
            url,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A runtime for one server.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start a runtime for the file server")
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    fn get(url: &str, path: &str) -> String {
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.to_ascii_lowercase()
    }

    #[test]
    fn files_come_with_the_types_that_browsers_insist_on() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["index.html", "a.wasm", "a.js"] {
            std::fs::write(dir.path().join(name), "x").unwrap();
        }
        let server = Background::start(dir.path()).unwrap();
        assert!(get(&server.url, "/").contains("content-type: text/html"));
        assert!(get(&server.url, "/a.wasm").contains("content-type: application/wasm"));
        assert!(get(&server.url, "/a.js").contains("content-type: text/javascript"));
        assert!(get(&server.url, "/a.js").contains("cache-control: no-cache"));
        assert!(get(&server.url, "/none").starts_with("http/1.1 404"));
        assert!(get(&server.url, "/../etc/passwd").starts_with("http/1.1 404"));
    }

    #[test]
    fn a_taken_port_is_passed_over_unless_it_was_asked_for() {
        runtime().unwrap().block_on(async {
            let first = listen(None).await.unwrap();
            let port = first.local_addr().unwrap().port();
            let second = listen(None).await.unwrap();
            assert!(second.local_addr().unwrap().port() > port);
            let error = listen(Some(port)).await.unwrap_err();
            assert!(error.to_string().contains("--port"));
        });
    }
}
