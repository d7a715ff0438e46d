use std::error::Error as StdError;
use std::future::poll_fn;
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll};

use choreo_core::{Bytes, Error, ErrorKind, Result, Transport, async_trait};
use futures::channel::mpsc;
use futures::lock::Mutex;
use futures::stream::{Fuse, Stream, StreamExt};
use futures::task::AtomicWaker;
use futures::{Sink, SinkExt};

use crate::IntoFrame;

/// A transport of a sink and a stream.
///
/// A frame is given to the sink in one step, once the sink is ready: a send that is dropped has
/// given it wholly or not at all, and what the sink has is flushed by the next send or by `close`.
pub(crate) struct SinkStream<T, Si, St> {
    /// None once it is closed.
    sink: Mutex<Option<Pin<Box<Si>>>>,
    stream: Mutex<Pin<Box<Fuse<St>>>>,
    /// The stream has ended: the peer has closed.
    ended: AtomicBool,
    /// This side has closed; who holds the sink meanwhile is to give it up.
    closing: AtomicBool,
    holder: AtomicWaker,
    item: PhantomData<fn(T)>,
}

impl<T, Si, St> SinkStream<T, Si, St>
where
    Si: Sink<T, Error: Into<BoxError>>,
    St: Stream,
{
    pub(crate) fn new(sink: Si, stream: St) -> Self {
        Self {
            sink: Mutex::new(Some(Box::pin(sink))),
            stream: Mutex::new(Box::pin(stream.fuse())),
            ended: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            holder: AtomicWaker::new(),
            item: PhantomData,
        }
    }

    /// Waits for a step of the sink, for as long as this side is not closed.
    async fn unless_closing(
        &self,
        mut step: impl FnMut(&mut Context<'_>) -> Poll<Result<(), Si::Error>>,
    ) -> Result<(), Stopped<Si::Error>> {
        poll_fn(|context| {
            self.holder.register(context.waker());
            if self.closing.load(SeqCst) {
                return Poll::Ready(Err(Stopped::Closing));
            }
            step(context).map_err(Stopped::Failed)
        })
        .await
    }

    fn failed(&self, error: Si::Error) -> Error {
        let error = match error.into().downcast::<Error>() {
            Ok(error) => return *error,
            Err(error) => error,
        };
        if says_closed(&*error) {
            return Error::new(ErrorKind::Closed, "the peer has closed").with_source(error);
        }
        Error::new(ErrorKind::Transport, "the sink failed").with_source(error)
    }
}

/// Any error.
pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a step of the sink was not done.
enum Stopped<E> {
    Closing,
    Failed(E),
}

#[async_trait]
impl<T, Si, St> Transport for SinkStream<T, Si, St>
where
    T: From<Bytes>,
    Si: Sink<T, Error: Into<BoxError>> + Send,
    St: Stream<Item: IntoFrame> + Send,
{
    async fn send(&self, frame: Bytes) -> Result<()> {
        if self.ended.load(SeqCst) {
            return Err(Error::new(ErrorKind::Closed, "the peer has closed"));
        }
        let mut sink = self.sink.lock().await;
        let Some(sink) = &mut *sink else {
            return Err(closed_here());
        };
        let ready = self.unless_closing(|context| sink.as_mut().poll_ready(context));
        match ready.await {
            Err(Stopped::Closing) => return Err(closed_here()),
            Err(Stopped::Failed(error)) => return Err(self.failed(error)),
            Ok(()) => {}
        }
        let given = sink.as_mut().start_send(T::from(frame));
        given.map_err(|error| self.failed(error))?;
        let flushed = self.unless_closing(|context| sink.as_mut().poll_flush(context));
        match flushed.await {
            Err(Stopped::Failed(error)) => Err(self.failed(error)),
            // The sink has the frame, and to close it flushes it.
            Err(Stopped::Closing) | Ok(()) => Ok(()),
        }
    }

    async fn recv(&self) -> Result<Option<Bytes>> {
        let item = self.stream.lock().await.next().await;
        if item.is_none() {
            self.ended.store(true, SeqCst);
        }
        item.map(IntoFrame::into_frame).transpose()
    }

    async fn close(&self) -> Result<()> {
        self.closing.store(true, SeqCst);
        self.holder.wake();
        let mut sink = self.sink.lock().await;
        if let Some(open) = &mut *sink {
            open.close().await.map_err(|error| self.failed(error))?;
            *sink = None;
        }
        Ok(())
    }
}

fn closed_here() -> Error {
    Error::new(ErrorKind::Closed, "this side has closed the session")
}

/// Whether a sink's error says that nobody is there any more to receive.
fn says_closed(error: &(dyn StdError + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<mpsc::SendError>() {
        return error.is_disconnected();
    }
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
