//! Channels and sessions keep every promise of a transport.

use choreo_core::Bytes;
use choreo_handler_rumpsteak::{RumpsteakSession, SimpleChannel};
use choreo_testkit::{from_pairs, transport_suite};
use futures::channel::mpsc;

const DEFAULT: usize = SimpleChannel::DEFAULT_CAPACITY;

transport_suite!(simple_channel, from_pairs(DEFAULT, SimpleChannel::pair));
transport_suite!(
    capacity_of_one,
    from_pairs(1, || SimpleChannel::pair_with_capacity(1))
);
transport_suite!(
    session_of_a_channel,
    from_pairs(DEFAULT, || {
        let (left, right) = SimpleChannel::pair();
        (RumpsteakSession::from(left), right)
    })
);
transport_suite!(
    session_of_a_transport,
    from_pairs(DEFAULT, || {
        let (left, right) = SimpleChannel::pair();
        let ends = [left, right].map(RumpsteakSession::from_transport);
        ends.into()
    })
);
transport_suite!(
    session_of_a_sink_and_a_stream,
    from_pairs(9, || {
        let (to_right, from_left) = mpsc::channel::<Bytes>(8);
        let (to_left, from_right) = mpsc::channel::<Vec<u8>>(8);
        (
            RumpsteakSession::from_sink_stream(to_right, from_right),
            RumpsteakSession::from_sink_stream(to_left, from_left),
        )
    })
);

/// Frames in byte streams, which take them in pieces.
#[cfg(not(target_arch = "wasm32"))]
mod framed {
    use std::net::SocketAddr;

    use choreo_core::{Connect, Error, ErrorKind, Result, Transport, async_trait};
    use choreo_testkit::from_connect;
    use futures::StreamExt;
    use tokio::io::{AsyncRead, AsyncWrite};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_util::codec::{Framed, LengthDelimitedCodec};

    use super::*;

    fn session(io: impl AsyncRead + AsyncWrite + Send + 'static) -> RumpsteakSession {
        let (sink, stream) = Framed::new(io, LengthDelimitedCodec::new()).split::<Bytes>();
        RumpsteakSession::from_sink_stream(sink, stream)
    }

    // A frame of 64 KiB and a part of the next one, and one that `split` keeps.
    transport_suite!(
        pipe,
        from_pairs(2, || {
            let (left, right) = tokio::io::duplex(100_000);
            (session(left), session(right))
        })
    );

    struct Connector(SocketAddr);

    #[async_trait]
    impl Connect for Connector {
        async fn connect(&self) -> Result<Box<dyn Transport>> {
            let stream = TcpStream::connect(self.0).await.map_err(failed)?;
            Ok(Box::new(session(stream)))
        }
    }

    fn failed(error: std::io::Error) -> Error {
        Error::new(ErrorKind::Transport, "no connection").with_source(error)
    }

    fn listening() -> (std::net::TcpListener, SocketAddr) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("sockets can be");
        let address = listener.local_addr().expect("it is bound");
        (listener, address)
    }

    // The kernel's buffers grow to some megabytes.
    transport_suite!(tcp, {
        let (listener, address) = listening();
        let listener = TcpListener::from_std(listener).expect("within a runtime");
        let listener = std::sync::Arc::new(listener);
        from_connect(500, Connector(address), move || {
            let listener = std::sync::Arc::clone(&listener);
            async move {
                let (stream, _) = listener.accept().await.map_err(failed)?;
                Ok(session(stream))
            }
        })
    });
}
