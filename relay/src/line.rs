use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use choreo_session::wire::{Abort, Frame, MAX_HEADER};
use tokio::sync::Notify;

/// About how many bytes go into one message of the transport.
const BATCH: usize = 16 * 1024;

/// What waits to be sent on one connection.
///
/// Frames are encoded as they come and gathered in batches, so that many small ones cost one write.
/// Nobody waits for room: what does not fit is dropped, and sent again by the other end.
pub(crate) struct Line {
    queue: Mutex<Queue>,
    /// Something to send, or the end.
    ready: Notify,
    /// The end.
    over: Notify,
    most: usize,
    budget: Arc<Budget>,
}

#[derive(Default)]
struct Queue {
    batches: VecDeque<BytesMut>,
    bytes: usize,
    /// Since when frames are dropped and nothing is taken out.
    full_since: Option<Instant>,
    end: Option<End>,
}

/// How a connection ends.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// The other side closed it, or it broke.
    Gone,
    /// The role leaves its session.
    Left,
    /// The relay goes away.
    Drained,
    /// It is closed with a code; the role may come back.
    Cut(Abort),
    /// It is over for the role, which is told so.
    Abort(Abort),
}

/// Bytes that wait, of all lines.
pub(crate) struct Budget {
    bytes: AtomicUsize,
    most: usize,
}

impl Line {
    pub(crate) fn new(most: usize, budget: Arc<Budget>) -> Self {
        Self {
            queue: Mutex::default(),
            ready: Notify::new(),
            over: Notify::new(),
            most,
            budget,
        }
    }

    /// Puts a frame in; false if it does not fit.
    pub(crate) fn push(&self, frame: &Frame) -> bool {
        let size = MAX_HEADER + frame.payload.len();
        let mut queue = self.queue();
        if queue.end.is_some() {
            return false;
        }
        if queue.bytes + size > self.most || !self.budget.has_room(size) {
            queue.full_since.get_or_insert_with(Instant::now);
            return false;
        }
        self.put(&mut queue, frame);
        true
    }

    /// Puts a frame in that must not be lost; there are few of them.
    pub(crate) fn insist(&self, frame: &Frame) {
        let mut queue = self.queue();
        if queue.end.is_none() {
            self.put(&mut queue, frame);
        }
    }

    /// Ends the connection when all that waits is sent. The first end counts.
    pub(crate) fn end(&self, end: End, peer: u32) {
        let mut queue = self.queue();
        if queue.end.is_some() {
            return;
        }
        if let End::Abort(abort) = &end {
            self.put(&mut queue, &abort.to_frame(peer));
        }
        queue.end = Some(end);
        drop(queue);
        self.ready.notify_one();
        self.over.notify_one();
    }

    /// Whether the connection goes on.
    pub(crate) fn is_open(&self) -> bool {
        self.queue().end.is_none()
    }

    /// Waits for something to send; `None` at the end. For one task.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(crate) async fn next(&self) -> Option<Bytes> {
        loop {
            {
                let mut queue = self.queue();
                if let Some(batch) = queue.batches.pop_front() {
                    queue.bytes -= batch.len();
                    queue.full_since = None;
                    self.budget.give_back(batch.len());
                    return Some(batch.freeze());
                }
                if queue.end.is_some() {
                    return None;
                }
            }
            self.ready.notified().await;
        }
    }

    /// Waits for the end. For one task.
    pub(crate) async fn ended(&self) -> End {
        loop {
            if let Some(end) = &self.queue().end {
                return end.clone();
            }
            self.over.notified().await;
        }
    }

    /// For how long frames were dropped and nothing was taken out.
    pub(crate) fn full_for(&self) -> Option<Duration> {
        self.queue().full_since.map(|since| since.elapsed())
    }

    fn put(&self, queue: &mut Queue, frame: &Frame) {
        let size = MAX_HEADER + frame.payload.len();
        let fits = |batch: &&mut BytesMut| batch.len() + size <= BATCH;
        let size = match queue.batches.back_mut().filter(fits) {
            Some(batch) => append(frame, batch),
            None => {
                let mut batch = BytesMut::with_capacity(size);
                let size = append(frame, &mut batch);
                queue.batches.push_back(batch);
                size
            }
        };
        queue.bytes += size;
        self.budget.bytes.fetch_add(size, Ordering::Relaxed);
        self.ready.notify_one();
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Appends the frame, and tells how many bytes it has.
fn append(frame: &Frame, batch: &mut BytesMut) -> usize {
    let before = batch.len();
    frame.encode(batch);
    batch.len() - before
}

impl Drop for Line {
    fn drop(&mut self) {
        let bytes = self.queue().bytes;
        self.budget.give_back(bytes);
    }
}

impl Budget {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            bytes: AtomicUsize::new(0),
            most,
        })
    }

    /// How many bytes wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Lines that look at the same time may go above by one frame each.
    fn has_room(&self, size: usize) -> bool {
        self.bytes() + size <= self.most
    }

    fn give_back(&self, size: usize) {
        self.bytes.fetch_sub(size, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use choreo_session::wire::{Code, Kind};
    use futures::FutureExt;

    fn frame(bytes: usize) -> Frame {
        Frame::new(Kind::Data, 1).with_payload(vec![7; bytes])
    }

    fn next(line: &Line) -> Option<Option<Bytes>> {
        line.next().now_or_never()
    }

    #[test]
    fn small_frames_go_together_and_large_ones_alone() {
        let line = Line::new(1 << 20, Budget::new(1 << 20));
        for size in [10, 10, 64 * 1024, 10] {
            assert!(line.push(&frame(size)));
        }
        let sizes: Vec<_> = std::iter::from_fn(|| next(&line)?.map(|batch| batch.len())).collect();
        assert_eq!(sizes.len(), 3);
        assert!(sizes[0] < 100 && sizes[1] > 64 * 1024 && sizes[2] < 100);
        assert_eq!(line.budget.bytes(), 0);
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_the_end_comes_last() {
        let budget = Budget::new(15_000);
        let line = Line::new(10_000, Arc::clone(&budget));
        let taken = (0..20).filter(|_| line.push(&frame(1_000))).count();
        assert_eq!(taken, 9);
        assert!(line.full_for().is_some());
        let other = Line::new(10_000, Arc::clone(&budget));
        let taken = (0..20).filter(|_| other.push(&frame(1_000))).count();
        assert_eq!(taken, 5, "all lines have 15,000 bytes");
        drop(other);
        line.end(End::Abort(Abort::new(Code::Quota, "enough")), 0);
        assert!(!line.push(&frame(1)));
        let mut bytes = next(&line).unwrap().unwrap();
        assert!(line.full_for().is_none());
        let mut last = None;
        while let Ok(Some(frame)) = Frame::decode(&mut bytes, 1_000) {
            last = Some(frame);
        }
        assert_eq!(last.unwrap().kind, Kind::Abort);
        assert_eq!(next(&line), Some(None));
        assert_eq!(budget.bytes(), 0);
    }
}
