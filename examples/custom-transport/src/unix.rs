use std::io::{self, ErrorKind as Io};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use choreo_core::queue::{Closed, Queue};
use choreo_core::{Bytes, Error, ErrorKind, Result, Transport, async_trait, runtime};
use futures::lock::Mutex;
use futures::{SinkExt, StreamExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::AbortHandle;
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

use crate::line::{MAX_FRAME, check_size};

/// How many frames of a connection wait in this process to be written.
const QUEUE: usize = 8;

/// Frames behind their lengths.
type Reader = FramedRead<OwnedReadHalf, LengthDelimitedCodec>;
type Writer = FramedWrite<OwnedWriteHalf, LengthDelimitedCodec>;

/// The side that listens, at a socket that is bound when the first call is waited for.
pub(crate) struct Listener {
    path: PathBuf,
    bound: Mutex<Option<UnixListener>>,
}

impl Listener {
    pub(crate) fn new(path: &str) -> Self {
        let (path, bound) = (path.into(), Mutex::default());
        Self { path, bound }
    }

    pub(crate) async fn accept(&self) -> Result<LineEnd> {
        let failed = |error| failed(&self.path, error);
        let mut bound = self.bound.lock().await;
        let listener = match bound.take() {
            Some(listener) => listener,
            None => bind(&self.path).await.map_err(failed)?,
        };
        let (stream, _) = bound.insert(listener).accept().await.map_err(failed)?;
        Ok(LineEnd::new(stream))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if self.bound.get_mut().is_some() {
            // If it is gone already, so much the better.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The side that calls, as often as it takes.
pub(crate) async fn call(address: &str) -> Result<LineEnd> {
    loop {
        match UnixStream::connect(address).await {
            Ok(stream) => return Ok(LineEnd::new(stream)),
            Err(error) if !matches!(error.kind(), Io::NotFound | Io::ConnectionRefused) => {
                return Err(failed(Path::new(address), error));
            }
            // Nobody listens there yet.
            Err(_) => runtime::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Binds a socket, in place of one that a program which has ended left behind.
async fn bind(path: &Path) -> io::Result<UnixListener> {
    let called = UnixStream::connect(path).await;
    if called.is_err_and(|error| error.kind() == Io::ConnectionRefused) {
        std::fs::remove_file(path)?;
    }
    UnixListener::bind(path)
}

fn failed(path: &Path, error: io::Error) -> Error {
    let detail = format!("the socket {} is of no use", path.display());
    Error::new(ErrorKind::Transport, detail).with_source(error)
}

/// One end of a connection.
pub(crate) struct LineEnd {
    out: Arc<Out>,
    reader: Mutex<Reader>,
    writer: AbortHandle,
}

/// What is to be written, and how far that has come.
struct Out {
    frames: Queue<Bytes>,
    /// Closed when nothing more will be written.
    written: Queue<()>,
    broken: OnceLock<Io>,
}

impl LineEnd {
    fn new(stream: UnixStream) -> Self {
        let codec = LengthDelimitedCodec::builder()
            .max_frame_length(MAX_FRAME)
            .new_codec();
        let (read, write) = stream.into_split();
        let out = Arc::new(Out {
            frames: Queue::new(QUEUE),
            written: Queue::new(1),
            broken: OnceLock::new(),
        });
        // A task of its own: a send that is dropped leaves no half of a frame behind.
        let writing = write_all(out.clone(), Writer::new(write, codec.clone()));
        let writer = tokio::spawn(writing).abort_handle();
        let reader = Mutex::new(Reader::new(read, codec));
        Self {
            out,
            reader,
            writer,
        }
    }
}

async fn write_all(out: Arc<Out>, mut writer: Writer) {
    while let Ok(frame) = out.frames.recv().await {
        if let Err(error) = writer.send(frame).await {
            out.fail(&error);
        }
    }
    // The peer, when it has read all of it, finds the end.
    drop(writer);
    out.written.close();
}

impl Out {
    fn fail(&self, error: &io::Error) {
        let _ = self.broken.set(error.kind());
        self.frames.close();
    }

    fn over(&self) -> Error {
        match self.broken.get() {
            Some(why) => Error::new(ErrorKind::Transport, format!("the line broke: {why}")),
            None => Error::new(ErrorKind::Closed, "the line is closed"),
        }
    }
}

#[async_trait]
impl Transport for LineEnd {
    async fn send(&self, frame: Bytes) -> Result<()> {
        check_size(&frame)?;
        let over = |Closed| self.out.over();
        self.out.frames.send(frame).await.map_err(over)
    }

    async fn recv(&self) -> Result<Option<Bytes>> {
        let read = self.reader.lock().await.next().await.transpose();
        if let Err(error) = &read {
            self.out.fail(error);
        }
        let frame = read.map_err(|error| self.out.over().with_source(error))?;
        if frame.is_none() {
            // Whoever has closed wants to hear no more.
            self.out.frames.close();
        }
        Ok(frame.map(|frame| frame.freeze()))
    }

    async fn close(&self) -> Result<()> {
        self.out.frames.close();
        let _closed = self.out.written.recv().await;
        self.out
            .broken
            .get()
            .map_or(Ok(()), |_| Err(self.out.over()))
    }
}

impl Drop for LineEnd {
    fn drop(&mut self) {
        self.writer.abort();
    }
}
