//! Broken transports and connectors, and the checks that notice.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use choreo_core::queue::Queue;
use choreo_core::{Bytes, Connect, Error, ErrorKind, Result, Transport, async_trait, runtime};
use choreo_testkit::{
    ReferenceTransport, TransportFixture, from_connect, from_pairs, reference_pair,
};
use futures::FutureExt;

use super::fault::BOUND;
use super::rejections;

rejections! { transport:
    swaps_order: of::<SwapsOrder>() => frames_arrive_in_order;
    joins_small_frames: of::<JoinsSmall>() => frames_of_all_sizes_arrive_whole;
    takes_an_empty_frame_for_nothing: of::<SkipsEmpty>() => empty_frames_arrive;
    cuts_large_frames: of::<CutsLarge>() => the_largest_frame_arrives;
    fails_early_receives: of::<FailsEarlyReceives>() => a_receive_before_the_send_waits;
    waits_for_the_reader: sharing::<Rendezvous>() => a_send_does_not_wait_for_the_reader;
    sends_behind_a_receive: of::<OneLock>() => a_waiting_receive_does_not_block_a_send;
    receives_behind_a_send: of::<OneLock>() => a_waiting_send_does_not_block_a_receive;
    loses_one_of_hundreds: of::<LosesOne>() => both_directions_carry_at_once;
    mixes_frames: of::<SendsInPieces>() => frames_of_many_senders_do_not_mix;
    queues_without_a_bound: unbounded() => a_full_transport_makes_the_send_wait;
    never_wakes_a_waiting_send: of::<NeverWakes>() => a_waiting_send_goes_on_when_the_peer_reads;
    keeps_what_was_dropped: of::<PilesUp>() => dropped_sends_do_not_pile_up;
    loses_the_queue_of_a_dropped_receive: of::<TakesTheQueue>() => a_receive_under_a_timeout_loses_nothing;
    loses_what_a_dropped_receive_took: of::<PausesAfterTaking>() => a_dropped_receive_loses_nothing;
    tears_a_dropped_frame: of::<SendsInPieces>() => a_dropped_send_is_sent_wholly_or_not_at_all;
    keeps_the_turn_of_a_dropped_send: of::<KeepsItsTurn>() => a_send_dropped_when_full_is_sent_wholly_or_not_at_all;
    forgets_what_was_sent_before_the_close: sharing::<ForgetsAtClose>() => what_was_sent_arrives_before_the_end;
    ends_once: of::<EndsOnce>() => the_end_comes_as_often_as_asked;
    hangs_at_the_end: of::<HangsAtTheEnd>() => a_waiting_receive_learns_of_the_close;
    closes_once: of::<ClosesOnce>() => closing_twice_is_no_error;
    swallows_sends_when_closed: of::<SendsToNobody>() => a_send_after_closing_is_an_error;
    sends_to_a_closed_peer: of::<SendsToNobody>() => a_send_to_a_closed_peer_is_an_error;
    forgets_what_came_before_it_closed: of::<DeafAfterClose>() => a_receive_after_closing_gives_what_the_peer_sent;
    waits_on_after_closing: of::<HangsAtTheEnd>() => a_waiting_receive_ends_after_closing;
    waits_for_room_after_closing: of::<HangsWhenClosed>() => a_waiting_send_ends_after_closing;
    leaves_without_a_word: lingering() => a_dropped_end_is_noticed;
    leaves_a_receive_waiting: lingering() => a_waiting_receive_ends_when_the_peer_is_dropped;
    leaves_a_send_waiting: lingering() => a_waiting_send_ends_when_the_peer_is_dropped;
    keeps_one_connection_for_all: crossed() => two_connections_do_not_mix;
    closes_all_at_once: closing_all() => a_closed_connection_leaves_the_others_alone;
    takes_few_connections: few() => many_connections_at_once;
    connects_once: once() => a_connection_can_be_opened_again;
    leaves_a_dropped_connect_open: forgetful() => a_dropped_connect_leaves_nothing_open;
    accepts_nobody: deaf() => a_dropped_connect_leaves_nothing_open;
}

/// What a transport does wrong; in all else it does as the one below it.
#[async_trait]
trait Fault: Send + Sync + 'static {
    async fn send(&self, inner: &dyn Transport, frame: Bytes) -> Result<()> {
        inner.send(frame).await
    }

    async fn recv(&self, inner: &dyn Transport) -> Result<Option<Bytes>> {
        inner.recv().await
    }

    async fn close(&self, inner: &dyn Transport) -> Result<()> {
        inner.close().await
    }
}

struct Faulty<F> {
    inner: ReferenceTransport,
    fault: F,
}

#[async_trait]
impl<F: Fault> Transport for Faulty<F> {
    async fn send(&self, frame: Bytes) -> Result<()> {
        self.fault.send(&self.inner, frame).await
    }

    async fn recv(&self) -> Result<Option<Bytes>> {
        self.fault.recv(&self.inner).await
    }

    async fn close(&self) -> Result<()> {
        self.fault.close(&self.inner).await
    }
}

fn faulty<F>(faults: [F; 2]) -> (Faulty<F>, Faulty<F>) {
    let (near, far) = reference_pair(BOUND);
    let [at_near, at_far] = faults;
    let end = |inner, fault| Faulty { inner, fault };
    (end(near, at_near), end(far, at_far))
}

/// A fixture of transports that each have a fault of their own.
fn of<F: Fault + Default>() -> impl TransportFixture {
    Hasty(from_pairs(BOUND, || faulty([F::default(), F::default()])))
}

/// A fixture of transports whose two ends share the fault.
fn sharing<F: Fault + Clone + Default>() -> impl TransportFixture {
    Hasty(from_pairs(BOUND, || {
        let fault = F::default();
        faulty([fault.clone(), fault])
    }))
}

/// A fixture that waits less long for what hangs.
struct Hasty<F>(F);

#[async_trait]
impl<F: TransportFixture> TransportFixture for Hasty<F> {
    async fn connect(&self) -> Result<Box<dyn Transport>> {
        self.0.connect().await
    }

    async fn accept(&self) -> Result<Box<dyn Transport>> {
        self.0.accept().await
    }

    fn bound(&self) -> usize {
        self.0.bound()
    }

    fn time_limit(&self) -> Duration {
        Duration::from_millis(250)
    }
}

#[derive(Default)]
struct SwapsOrder {
    received: AtomicUsize,
    kept: Mutex<Option<Bytes>>,
}

#[async_trait]
impl Fault for SwapsOrder {
    async fn recv(&self, inner: &dyn Transport) -> Result<Option<Bytes>> {
        let kept = self.kept.lock().unwrap().take();
        if kept.is_some() {
            return Ok(kept);
        }
        let first = inner.recv().await?;
        if self.received.fetch_add(1, SeqCst) != 3 {
            return Ok(first);
        }
        let second = inner.recv().await?;
        *self.kept.lock().unwrap() = first;
        Ok(second)
    }
}

/// Gives two small frames that are there at once as one, as a byte stream does.
#[derive(Default)]
struct JoinsSmall;

#[async_trait]
impl Fault for JoinsSmall {
    async fn recv(&self, inner: &dyn Transport) -> Result<Option<Bytes>> {
        let Some(first) = inner.recv().await? else {
            return Ok(None);
        };
        if first.len() > 16 {
            return Ok(Some(first));
        }
        match inner.recv().now_or_never() {
            Some(Ok(Some(second))) => Ok(Some([first, second].concat().into())),
            _ => Ok(Some(first)),
        }
    }
}

#[derive(Default)]
struct SkipsEmpty;

#[async_trait]
impl Fault for SkipsEmpty {
    async fn send(&self, inner: &dyn Transport, frame: Bytes) -> Result<()> {
        if frame.is_empty() {
            return Ok(());
        }
        inner.send(frame).await
    }
}

#[derive(Default)]
struct CutsLarge;

#[async_trait]
impl Fault for CutsLarge {
    async fn send(&self, inner: &dyn Transport, mut frame: Bytes) -> Result<()> {
        frame.truncate(u16::MAX.into());
        inner.send(frame).await
    }
}

#[derive(Default)]
struct FailsEarlyReceives;

#[async_trait]
impl Fault for FailsEarlyReceives {
    async fn recv(&self, inner: &dyn Transport) -> Result<Option<Bytes>> {
        let received = inner.recv().now_or_never();
        received.unwrap_or_else(|| Err(Error::new(ErrorKind::Transport, "nothing there")))
    }
}

/// A send returns when as much was received as was sent.
#[derive(Clone, Default)]
struct Rendezvous {
    sent: Arc<AtomicUsize>,
    received: Arc<AtomicUsize>,
}

#[async_trait]
impl Fault for Rendezvous {
    async fn send(&self, inner: &dyn Transport, frame: Bytes) -> Result<()> {
        inner.send(frame).await?;
        let sent = self.sent.fetch_add(1, SeqCst) + 1;
        while self.received.load(SeqCst) < sent {
            runtime::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    async fn recv(&self, inner: &dyn Transport) -> Result<Option<Bytes>> {
        let received = inner.recv().await;
        self.received.fetch_add(1, SeqCst);
        received
    }
}

#[derive(Default)]
struct OneLock(futures::lock::Mutex<()>);

#[async_trait]
impl Fault for OneLock {
    async fn send(&self, inner: &dyn Transport, frame: Bytes) -> Result<()> {
        let _locked = self.0.lock().await;
        inner.send(frame).await
    }

    async fn recv(&self, inner: &dyn Transport) -> Result<Option<Bytes>> {
        let _locked = self.0.lock().await;
        inner.recv().await
    }
}

#[derive(Default)]
struct LosesOne(AtomicUsize);

#[async_trait]
impl Fault for LosesOne {
    async fn send(&self, inner: &dyn Transport, frame: Bytes) -> Result<()> {
        if self.0.fetch_add(1, SeqCst) == 250 {
            return Ok(());
        }
        inner.send(frame).await
    }
}

/// Sends a frame as two, and the receiver joins them: a mark says that there is more.
#[derive(Default)]
struct SendsInPieces(Mutex<Vec<u8>>);

#[async_trait]
impl Fault for SendsInPieces {
    async fn send(&self, inner: &dyn Transport, mut frame: Bytes) -> Result<()> {
        let rest = frame.split_off(frame.len() / 2);
        inner.send([&[1], &*frame].concat().into()).await?;
        runtime::yield_now().await;
        inner.send([&[0], &*rest].concat().into()).await
    }

    async fn recv(&self, inner: &dyn Transport) -> Result<Option<Bytes>> {
        while let Some(piece) = inner.recv().await? {
            let mut begun = self.0.lock().unwrap();
            begun.extend_from_slice(&piece[1..]);
            if piece[0] == 0 {
                return Ok(Some(std::mem::take(&mut *begun).into()));
            }
        }
        Ok(None)
    }
}

fn unbounded() -> impl TransportFixture {
    Hasty(from_pairs(BOUND, || reference_pair(1000)))
}

#[derive(Default)]
struct NeverWakes;

#[async_trait]
impl Fault for NeverWakes {
    async fn send(&self, inner: &dyn Transport, frame: Bytes) -> Result<()> {
        match inner.send(frame).now_or_never() {
            Some(sent) => sent,
            None => pending().await,
        }
    }
}

/// Keeps each frame for as long as it takes, whoever is there to wait for it.
#[derive(Default)]
struct PilesUp(Mutex<VecDeque<Bytes>>);

#[async_trait]
impl Fault for PilesUp {
    async fn send(&self, inner: &dyn Transport, frame: Bytes) -> Result<()> {
        self.0.lock().unwrap().push_back(frame);
        loop {
            let Some(first) = self.0.lock().unwrap().front().cloned() else {
                return Ok(());
            };
            inner.send(first).await?;
            self.0.lock().unwrap().pop_front();
        }
    }
}

/// Whether the queue is out with a receive. One that is dropped does not bring it back.
#[derive(Default)]
struct TakesTheQueue(AtomicBool);

#[async_trait]
impl Fault for TakesTheQueue {
    async fn recv(&self, inner: &dyn Transport) -> Result<Option<Bytes>> {
        if self.0.swap(true, SeqCst) {
            return Err(Error::new(ErrorKind::Transport, "no queue"));
        }
        let received = inner.recv().await;
        self.0.store(false, SeqCst);
        received
    }
}

#[derive(Default)]
struct PausesAfterTaking;

#[async_trait]
impl Fault for PausesAfterTaking {
    async fn recv(&self, inner: &dyn Transport) -> Result<Option<Bytes>> {
        let received = inner.recv().await;
        runtime::yield_now().await;
        received
    }
}

/// A send that waits has a turn, and whoever comes next waits until it is over.
#[derive(Default)]
struct KeepsItsTurn(AtomicBool);

#[async_trait]
impl Fault for KeepsItsTurn {
    async fn send(&self, inner: &dyn Transport, frame: Bytes) -> Result<()> {
        while self.0.swap(true, SeqCst) {
            runtime::sleep(Duration::from_millis(1)).await;
        }
        let sent = inner.send(frame).await;
        self.0.store(false, SeqCst);
        sent
    }
}

/// When one end closes, the other one looks no more into its queue.
#[derive(Clone, Default)]
struct ForgetsAtClose(Arc<AtomicBool>);

#[async_trait]
impl Fault for ForgetsAtClose {
    async fn recv(&self, inner: &dyn Transport) -> Result<Option<Bytes>> {
        if self.0.load(SeqCst) {
            return Ok(None);
        }
        inner.recv().await
    }

    async fn close(&self, inner: &dyn Transport) -> Result<()> {
        self.0.store(true, SeqCst);
        inner.close().await
    }
}

#[derive(Default)]
struct EndsOnce(AtomicBool);

#[async_trait]
impl Fault for EndsOnce {
    async fn recv(&self, inner: &dyn Transport) -> Result<Option<Bytes>> {
        let received = inner.recv().await;
        if matches!(received, Ok(None)) && self.0.swap(true, SeqCst) {
            return pending().await;
        }
        received
    }
}

#[derive(Default)]
struct HangsAtTheEnd;

#[async_trait]
impl Fault for HangsAtTheEnd {
    async fn recv(&self, inner: &dyn Transport) -> Result<Option<Bytes>> {
        match inner.recv().await {
            Ok(None) => pending().await,
            received => received,
        }
    }
}

#[derive(Default)]
struct ClosesOnce(AtomicBool);

#[async_trait]
impl Fault for ClosesOnce {
    async fn close(&self, inner: &dyn Transport) -> Result<()> {
        if self.0.swap(true, SeqCst) {
            return Err(Error::new(ErrorKind::Closed, "closed already"));
        }
        inner.close().await
    }
}

#[derive(Default)]
struct SendsToNobody;

#[async_trait]
impl Fault for SendsToNobody {
    async fn send(&self, inner: &dyn Transport, frame: Bytes) -> Result<()> {
        match inner.send(frame).await {
            Err(error) if error.kind() == ErrorKind::Closed => Ok(()),
            sent => sent,
        }
    }
}

#[derive(Default)]
struct DeafAfterClose(AtomicBool);

#[async_trait]
impl Fault for DeafAfterClose {
    async fn recv(&self, inner: &dyn Transport) -> Result<Option<Bytes>> {
        if self.0.load(SeqCst) {
            return Ok(None);
        }
        inner.recv().await
    }

    async fn close(&self, inner: &dyn Transport) -> Result<()> {
        self.0.store(true, SeqCst);
        inner.close().await
    }
}

#[derive(Default)]
struct HangsWhenClosed;

#[async_trait]
impl Fault for HangsWhenClosed {
    async fn send(&self, inner: &dyn Transport, frame: Bytes) -> Result<()> {
        match inner.send(frame).await {
            Err(error) if error.kind() == ErrorKind::Closed => pending().await,
            sent => sent,
        }
    }
}

/// Transports that stay open when they are dropped: something else holds the connection.
fn lingering() -> impl TransportFixture {
    let held = Mutex::new(Vec::new());
    Hasty(from_pairs(BOUND, move || {
        let (near, far) = reference_pair(BOUND);
        let (near, far) = (Arc::new(near), Arc::new(far));
        let mut held = held.lock().unwrap();
        held.extend([Arc::clone(&near), Arc::clone(&far)]);
        (near, far)
    }))
}

/// All connections are one.
fn crossed() -> impl TransportFixture {
    let (near, far) = reference_pair(100);
    let (near, far) = (Arc::new(near), Arc::new(far));
    Hasty(from_pairs(100, move || {
        (Arc::clone(&near), Arc::clone(&far))
    }))
}

/// Closing one closes all that there are.
fn closing_all() -> impl TransportFixture {
    #[derive(Clone, Default)]
    struct ClosesAll(Arc<Mutex<Vec<Arc<ReferenceTransport>>>>);

    struct OneOfAll(Arc<ReferenceTransport>, ClosesAll);

    #[async_trait]
    impl Transport for OneOfAll {
        async fn send(&self, frame: Bytes) -> Result<()> {
            self.0.send(frame).await
        }

        async fn recv(&self) -> Result<Option<Bytes>> {
            self.0.recv().await
        }

        async fn close(&self) -> Result<()> {
            let all = self.1.0.lock().unwrap().clone();
            for one in all {
                one.close().await?;
            }
            Ok(())
        }
    }

    let all = ClosesAll::default();
    Hasty(from_pairs(BOUND, move || {
        let (near, far) = reference_pair(BOUND);
        let (near, far) = (Arc::new(near), Arc::new(far));
        all.0.lock().unwrap().push(Arc::clone(&near));
        (OneOfAll(near, all.clone()), far)
    }))
}

/// A connector, and what it has opened and nobody has accepted yet.
struct Connector<C> {
    opened: Arc<Queue<ReferenceTransport>>,
    connect: C,
}

#[async_trait]
impl<C> Connect for Connector<C>
where
    C: Fn() -> futures::future::BoxFuture<'static, Result<()>> + Send + Sync,
{
    async fn connect(&self) -> Result<Box<dyn Transport>> {
        let (near, far) = reference_pair(BOUND);
        self.opened.send(far).await.expect("the fixture is there");
        (self.connect)().await?;
        Ok(Box::new(near))
    }
}

fn connecting(connect: impl Fn(usize) -> Result<()> + Send + Sync) -> impl TransportFixture {
    let opened = Arc::new(Queue::new(100));
    let connections = AtomicUsize::new(0);
    let connector = Connector {
        opened: Arc::clone(&opened),
        connect: move || {
            let connected = connect(connections.fetch_add(1, SeqCst));
            async move { connected }.boxed()
        },
    };
    Hasty(from_connect(BOUND, connector, move || {
        let opened = Arc::clone(&opened);
        async move { Ok(opened.recv().await.expect("the connector is there")) }
    }))
}

fn few() -> impl TransportFixture {
    connecting(|earlier| match earlier {
        0..8 => Ok(()),
        _ => Err(Error::new(ErrorKind::Transport, "too many connections")),
    })
}

fn once() -> impl TransportFixture {
    connecting(|earlier| match earlier {
        0 => Ok(()),
        _ => Err(Error::new(ErrorKind::Config, "the connector is used up")),
    })
}

/// A listener that has failed, and says so to everybody at once.
fn deaf() -> impl TransportFixture {
    let opened = Arc::new(Queue::new(100));
    let connect = || async { Ok(()) }.boxed();
    Hasty(from_connect(
        BOUND,
        Connector { opened, connect },
        || async {
            Err::<ReferenceTransport, _>(Error::new(ErrorKind::Transport, "the address is gone"))
        },
    ))
}

/// A connect that is dropped before its end is handed out leaves that open.
fn forgetful() -> impl TransportFixture {
    struct Forgetful {
        opened: Queue<ReferenceTransport>,
        handing_out: Arc<Mutex<Vec<ReferenceTransport>>>,
    }

    #[async_trait]
    impl TransportFixture for Forgetful {
        async fn connect(&self) -> Result<Box<dyn Transport>> {
            let (near, far) = reference_pair(BOUND);
            self.handing_out.lock().unwrap().push(near);
            self.opened.send(far).await.expect("nobody closes it");
            runtime::yield_now().await;
            let near = self.handing_out.lock().unwrap().pop();
            Ok(Box::new(near.expect("it was put there")))
        }

        async fn accept(&self) -> Result<Box<dyn Transport>> {
            let far = self.opened.recv().await.expect("nobody closes it");
            Ok(Box::new(far))
        }

        fn bound(&self) -> usize {
            BOUND
        }
    }

    Hasty(Forgetful {
        opened: Queue::new(100),
        handing_out: Arc::default(),
    })
}
