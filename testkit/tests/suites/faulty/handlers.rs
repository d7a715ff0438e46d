//! Broken handlers, and the checks that notice.

use std::collections::BTreeSet;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use choreo_core::{
    ChoreoHandler, Codec, Encoded, Error, ErrorKind, Incoming, Label, Operation, Outgoing, Result,
    RoleName, TypeTag, async_trait, runtime,
};
use choreo_testkit::{
    HandlerFixture, ReferenceEndpoint, ReferenceHandler, from_fn, reference_session,
};
use futures::FutureExt;

use super::fault::{
    Again, BOUND, Fault, Handlers, Hasty, of, roles, send_again, sharing, with_bytes, with_tag,
};
use super::rejections;

rejections! { handler:
    swaps_order: of::<SwapsOrder>() => messages_arrive_in_order;
    lets_labels_overtake: of::<LabelsOvertake>() => messages_and_labels_arrive_in_one_order;
    loses_behind_the_first_receive: of::<LosesBehindFirst>() => nothing_is_lost_behind_the_first_receive;
    fails_early_receives: of::<FailsEarlyReceives>() => a_receive_before_the_send_waits;
    wakes_only_who_polled_first: of::<StaleWaker>() => a_receive_before_the_send_waits;
    waits_for_the_reader: sharing::<Rendezvous>() => a_send_does_not_wait_for_the_reader;
    queues_without_a_bound: unbounded() => a_full_queue_makes_the_send_wait;
    never_wakes_a_waiting_send: of::<NeverWakes>() => a_waiting_send_goes_on_when_the_peer_reads;
    remembers_one_waiting_send: sharing::<OneWaiter>() => many_waiting_sends_all_go_on;
    loses_the_queue_of_a_dropped_receive: of::<TakesTheQueue>() => a_receive_under_a_timeout_loses_nothing;
    loses_what_a_dropped_receive_took: of::<PausesAfterTaking>() => a_dropped_receive_loses_nothing;
    loses_what_a_select_dropped: of::<PausesAfterTaking>() => a_receive_that_loses_a_select_loses_nothing;
    sends_in_pieces: of::<SendsInPieces>() => a_dropped_send_is_sent_wholly_or_not_at_all;
    keeps_the_turn_of_a_dropped_send: of::<KeepsItsTurn>() => a_send_dropped_at_a_full_queue_is_sent_wholly_or_not_at_all;
    sends_labels_as_messages: of::<LabelsAsMessages>() => a_label_where_a_message_is_due_is_an_error;
    takes_messages_for_labels: of::<MessagesAsLabels>() => a_message_where_a_label_is_due_is_an_error;
    drops_type_tags: of::<DropsTags>() => a_message_of_another_type_is_an_error;
    closes_at_garbage: of::<ClosesAtGarbage>() => an_undecodable_message_is_one_error;
    sends_what_did_not_encode: of::<SendsHalf>() => a_message_that_does_not_encode_is_one_error;
    names_somebody_else: of::<NamesSomebodyElse>() => errors_name_the_role_and_the_peer;
    says_that_receives_are_transient: of::<TransientReceives>() => receive_errors_are_never_transient;
    forgets_what_a_peer_sent_before_it_left: sharing::<ForgetsAtLeave>() => a_closed_peer_is_an_error_after_what_it_sent;
    hangs_at_a_closed_peer: of::<HangsAtClosed>() => a_waiting_receive_learns_that_the_peer_left;
    sends_to_nobody: of::<SendsToNobody>() => a_send_to_a_closed_peer_is_an_error;
    hangs_at_a_peer_that_closes: of::<HangsAtClosed>() => a_waiting_send_ends_when_the_peer_leaves;
    takes_one_peer_for_all: of::<OneLeftAllLeft>() => a_closed_peer_does_not_disturb_the_others;
    locks_for_all_peers: of::<OneLock>() => waiting_for_one_peer_does_not_block_another;
    receives_one_at_a_time: of::<OneReceiveAtATime>() => receives_from_different_peers_overlap;
    sends_one_at_a_time: of::<OneSendAtATime>() => sends_to_different_peers_overlap;
    sends_to_anybody: of::<SendsToAnybody>() => a_stranger_gets_nothing_and_breaks_nothing;
    forgets_the_last_of_all: of::<ForgetsTheLast>() => send_to_all_reaches_all_in_order;
    says_that_none_of_all_got_it: of::<TransientToAll>() => a_failure_in_send_to_all_is_an_error;
    skips_empty_messages: of::<SkipsEmpty>() => empty_messages_arrive;
    cuts_large_messages: of::<CutsLarge>() => a_large_message_arrives_whole;
    trims_labels: of::<TrimsLabels>() => labels_arrive_as_they_are;
    forgets_one_of_thousands: of::<ForgetsOne>() => many_messages_between_all_roles_arrive;
    serves_one_task_at_a_time: of::<Busy>() => many_tasks_share_a_handler;
    keeps_one_network_for_all: one_network() => two_sessions_do_not_mix;
    keeps_one_presence_for_all: one_presence() => a_closed_session_leaves_the_other_alone;
}

/// Blocks its thread where it should wait. Only where there are threads can it be found out.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Default)]
struct BlocksItsThread;

#[cfg(not(target_arch = "wasm32"))]
#[async_trait]
impl Fault for BlocksItsThread {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        match inner.recv_payload(endpoint, from).now_or_never() {
            Some(received) => received,
            None => loop {
                std::thread::park();
            },
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn blocks_its_thread() {
    let blocked = choreo_testkit::__private::run(|| {
        Box::pin(async {
            choreo_testkit::handler::a_receive_before_the_send_waits(&of::<BlocksItsThread>()).await
        })
    });
    let violation = blocked.unwrap_err();
    let happened = violation.happened();
    assert!(happened.contains("blocked its thread"), "{happened}");
}

#[derive(Default)]
struct SwapsOrder {
    received: AtomicUsize,
    kept: Mutex<Option<Incoming>>,
}

#[async_trait]
impl Fault for SwapsOrder {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        if let Some(kept) = self.kept.lock().unwrap().take() {
            return Ok(kept);
        }
        let first = inner.recv_payload(endpoint, from).await?;
        if self.received.fetch_add(1, SeqCst) != 3 {
            return Ok(first);
        }
        let second = inner.recv_payload(endpoint, from).await?;
        *self.kept.lock().unwrap() = Some(first);
        Ok(second)
    }
}

/// Holds each message back until the next payload; a label goes first.
#[derive(Default)]
struct LabelsOvertake(Mutex<Option<Incoming>>);

#[async_trait]
impl Fault for LabelsOvertake {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        let held = self.0.lock().unwrap().take();
        match payload {
            Outgoing::Label(_) => inner.send_payload(endpoint, to, payload).await?,
            Outgoing::Message(_) => {
                *self.0.lock().unwrap() = Some(payload.to_incoming(Codec::default())?);
            }
        }
        match held {
            Some(message) => send_again(inner, endpoint, to, message).await,
            None => Ok(()),
        }
    }
}

#[derive(Default)]
struct LosesBehindFirst(AtomicBool);

#[async_trait]
impl Fault for LosesBehindFirst {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        let first = inner.recv_payload(endpoint, from).await;
        if !self.0.swap(true, SeqCst) {
            while inner.recv_payload(endpoint, from).now_or_never().is_some() {}
        }
        first
    }
}

#[derive(Default)]
struct FailsEarlyReceives;

#[async_trait]
impl Fault for FailsEarlyReceives {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        let received = inner.recv_payload(endpoint, from).now_or_never();
        received.unwrap_or_else(|| Err(Error::new(ErrorKind::Protocol, "no channel")))
    }
}

#[derive(Default)]
struct StaleWaker;

#[async_trait]
impl Fault for StaleWaker {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        let mut receiving = pin!(inner.recv_payload(endpoint, from));
        let mut first: Option<Waker> = None;
        poll_fn(|context| {
            let waker = first.get_or_insert_with(|| context.waker().clone());
            receiving.as_mut().poll(&mut Context::from_waker(waker))
        })
        .await
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
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        inner.send_payload(endpoint, to, payload).await?;
        let sent = self.sent.fetch_add(1, SeqCst) + 1;
        while self.received.load(SeqCst) < sent {
            runtime::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        let received = inner.recv_payload(endpoint, from).await;
        self.received.fetch_add(1, SeqCst);
        received
    }
}

fn unbounded() -> impl HandlerFixture {
    from_fn(roles(), BOUND, |roles| reference_session(roles, 1000))
}

#[derive(Default)]
struct NeverWakes;

#[async_trait]
impl Fault for NeverWakes {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        match inner.send_payload(endpoint, to, payload).now_or_never() {
            Some(sent) => sent,
            None => pending().await,
        }
    }
}

/// Where the one send that waits is woken.
#[derive(Clone, Default)]
struct OneWaiter(Arc<Mutex<Option<Waker>>>);

#[async_trait]
impl Fault for OneWaiter {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        poll_fn(
            |context| match inner.send_payload(endpoint, to, payload).now_or_never() {
                Some(sent) => Poll::Ready(sent),
                None => {
                    *self.0.lock().unwrap() = Some(context.waker().clone());
                    Poll::Pending
                }
            },
        )
        .await
    }

    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        let received = inner.recv_payload(endpoint, from).await;
        if let Some(waiter) = self.0.lock().unwrap().take() {
            waiter.wake();
        }
        received
    }
}

/// Which queues are out with a receive. One that is dropped does not bring its own back.
#[derive(Default)]
struct TakesTheQueue(Mutex<BTreeSet<RoleName>>);

#[async_trait]
impl Fault for TakesTheQueue {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        if !self.0.lock().unwrap().insert(from.clone()) {
            return Err(Error::new(ErrorKind::Protocol, "no channel"));
        }
        let received = inner.recv_payload(endpoint, from).await;
        self.0.lock().unwrap().remove(from);
        received
    }
}

#[derive(Default)]
struct PausesAfterTaking;

#[async_trait]
impl Fault for PausesAfterTaking {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        let received = inner.recv_payload(endpoint, from).await;
        runtime::yield_now().await;
        received
    }
}

#[derive(Default)]
struct SendsInPieces;

#[async_trait]
impl Fault for SendsInPieces {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        inner
            .send_payload(endpoint, to, Outgoing::Label("first piece"))
            .await?;
        runtime::yield_now().await;
        inner.send_payload(endpoint, to, payload).await
    }

    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        let _first_piece = inner.recv_payload(endpoint, from).await?;
        inner.recv_payload(endpoint, from).await
    }
}

#[derive(Default)]
struct KeepsItsTurn(AtomicBool);

#[async_trait]
impl Fault for KeepsItsTurn {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        while self.0.swap(true, SeqCst) {
            runtime::sleep(Duration::from_millis(1)).await;
        }
        let sent = inner.send_payload(endpoint, to, payload).await;
        self.0.store(false, SeqCst);
        sent
    }
}

#[derive(Default)]
struct LabelsAsMessages;

#[async_trait]
impl Fault for LabelsAsMessages {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        match payload {
            Outgoing::Label(label) => {
                inner
                    .send_payload(endpoint, to, Outgoing::Message(&label))
                    .await
            }
            Outgoing::Message(_) => inner.send_payload(endpoint, to, payload).await,
        }
    }
}

#[derive(Default)]
struct MessagesAsLabels;

#[async_trait]
impl Fault for MessagesAsLabels {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        let received = inner.recv_payload(endpoint, from).await?;
        Ok(match &received {
            Incoming::Message(message) => match message.decode::<String>() {
                Ok(text) => Incoming::Label(Label::from(text)),
                Err(_) => received,
            },
            Incoming::Label(_) => received,
        })
    }
}

#[derive(Default)]
struct DropsTags;

#[async_trait]
impl Fault for DropsTags {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        Ok(match inner.recv_payload(endpoint, from).await? {
            Incoming::Message(message) => {
                Incoming::Message(with_tag(&message, TypeTag::of::<u16>()))
            }
            label @ Incoming::Label(_) => label,
        })
    }
}

#[derive(Default)]
struct ClosesAtGarbage(AtomicBool);

#[async_trait]
impl Fault for ClosesAtGarbage {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        if self.0.load(SeqCst) {
            return Err(Error::new(ErrorKind::Closed, "closed after an error"));
        }
        let received = inner.recv_payload(endpoint, from).await?;
        if let Incoming::Message(message) = &received
            && message.type_tag() == TypeTag::of::<String>()
            && message.decode::<String>().is_err()
        {
            self.0.store(true, SeqCst);
        }
        Ok(received)
    }
}

#[derive(Default)]
struct SendsHalf;

#[async_trait]
impl Fault for SendsHalf {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        if let Outgoing::Message(message) = payload {
            let (codec, mut half) = (Codec::default(), Vec::new());
            if let Err(error) = message.encode(codec, &mut half) {
                let half = Again(Encoded::from_parts(half.into(), codec, message.type_tag()));
                inner
                    .send_payload(endpoint, to, Outgoing::Message(&half))
                    .await?;
                return Err(error);
            }
        }
        inner.send_payload(endpoint, to, payload).await
    }
}

#[derive(Default)]
struct NamesSomebodyElse;

#[async_trait]
impl Fault for NamesSomebodyElse {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        let received = inner.recv_payload(endpoint, from).await;
        received.map_err(|error| {
            Error::new(error.kind(), error.detail()).at(Operation::Recv, "somebody else")
        })
    }
}

#[derive(Default)]
struct TransientReceives;

#[async_trait]
impl Fault for TransientReceives {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        inner
            .recv_payload(endpoint, from)
            .await
            .map_err(Error::transient)
    }
}

/// Set when a role of the session leaves.
#[derive(Clone, Default)]
struct ForgetsAtLeave(Arc<AtomicBool>);

impl Drop for ForgetsAtLeave {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

#[async_trait]
impl Fault for ForgetsAtLeave {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        if self.0.load(SeqCst) {
            return Err(Error::new(ErrorKind::Closed, "the peer has left"));
        }
        inner.recv_payload(endpoint, from).await
    }
}

#[derive(Default)]
struct HangsAtClosed;

#[async_trait]
impl Fault for HangsAtClosed {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        match inner.send_payload(endpoint, to, payload).await {
            Err(error) if error.kind() == ErrorKind::Closed => pending().await,
            sent => sent,
        }
    }

    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        match inner.recv_payload(endpoint, from).await {
            Err(error) if error.kind() == ErrorKind::Closed => pending().await,
            received => received,
        }
    }
}

#[derive(Default)]
struct SendsToNobody;

#[async_trait]
impl Fault for SendsToNobody {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        match inner.send_payload(endpoint, to, payload).await {
            Err(error) if error.kind() == ErrorKind::Closed => Ok(()),
            sent => sent,
        }
    }
}

#[derive(Default)]
struct OneLeftAllLeft(AtomicBool);

#[async_trait]
impl Fault for OneLeftAllLeft {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        if self.0.load(SeqCst) {
            return Err(Error::new(ErrorKind::Closed, "somebody has left"));
        }
        inner.send_payload(endpoint, to, payload).await
    }

    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        let received = inner.recv_payload(endpoint, from).await;
        if received.is_err() {
            self.0.store(true, SeqCst);
        }
        received
    }
}

#[derive(Default)]
struct OneLock(futures::lock::Mutex<()>);

#[async_trait]
impl Fault for OneLock {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        let _locked = self.0.lock().await;
        inner.send_payload(endpoint, to, payload).await
    }

    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        let _locked = self.0.lock().await;
        inner.recv_payload(endpoint, from).await
    }
}

#[derive(Default)]
struct OneReceiveAtATime(futures::lock::Mutex<()>);

#[async_trait]
impl Fault for OneReceiveAtATime {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        let _locked = self.0.lock().await;
        inner.recv_payload(endpoint, from).await
    }
}

#[derive(Default)]
struct OneSendAtATime(futures::lock::Mutex<()>);

#[async_trait]
impl Fault for OneSendAtATime {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        let _locked = self.0.lock().await;
        inner.send_payload(endpoint, to, payload).await
    }
}

#[derive(Default)]
struct SendsToAnybody;

#[async_trait]
impl Fault for SendsToAnybody {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        match inner.send_payload(endpoint, to, payload).await {
            Err(error) if error.kind() == ErrorKind::UnknownRole => {
                inner
                    .send_payload(endpoint, &RoleName::from("Bob"), payload)
                    .await
            }
            sent => sent,
        }
    }
}

#[derive(Default)]
struct ForgetsTheLast;

#[async_trait]
impl Fault for ForgetsTheLast {
    async fn send_to_all<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &[RoleName],
        payload: Outgoing<'_>,
    ) -> Result<()> {
        let to = to.split_last().map_or(to, |(_, others)| others);
        inner.send_to_all(endpoint, to, payload).await
    }
}

#[derive(Default)]
struct TransientToAll;

#[async_trait]
impl Fault for TransientToAll {
    async fn send_to_all<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &[RoleName],
        payload: Outgoing<'_>,
    ) -> Result<()> {
        inner
            .send_to_all(endpoint, to, payload)
            .await
            .map_err(Error::transient)
    }
}

#[derive(Default)]
struct SkipsEmpty;

#[async_trait]
impl Fault for SkipsEmpty {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        match payload.to_incoming(Codec::default())? {
            Incoming::Message(message) if message.bytes().is_empty() => Ok(()),
            _ => inner.send_payload(endpoint, to, payload).await,
        }
    }
}

#[derive(Default)]
struct CutsLarge;

#[async_trait]
impl Fault for CutsLarge {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        Ok(match inner.recv_payload(endpoint, from).await? {
            Incoming::Message(message) => {
                let length = message.bytes().len().min(usize::from(u16::MAX));
                Incoming::Message(with_bytes(&message, message.bytes().slice(..length)))
            }
            label @ Incoming::Label(_) => label,
        })
    }
}

#[derive(Default)]
struct TrimsLabels;

#[async_trait]
impl Fault for TrimsLabels {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        let payload = match payload {
            Outgoing::Label(label) => Outgoing::Label(label.trim()),
            message @ Outgoing::Message(_) => message,
        };
        inner.send_payload(endpoint, to, payload).await
    }
}

#[derive(Default)]
struct ForgetsOne(AtomicUsize);

#[async_trait]
impl Fault for ForgetsOne {
    async fn send<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        if self.0.fetch_add(1, SeqCst) == 2000 {
            return Ok(());
        }
        inner.send_payload(endpoint, to, payload).await
    }
}

#[derive(Default)]
struct Busy(AtomicBool);

#[async_trait]
impl Fault for Busy {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        if self.0.swap(true, SeqCst) {
            return Err(Error::new(ErrorKind::Config, "busy with another receive"));
        }
        let received = inner.recv_payload(endpoint, from).await;
        self.0.store(false, SeqCst);
        received
    }
}

/// The endpoints of all sessions, which are the same.
fn one_network() -> impl HandlerFixture {
    let endpoints = OnceLock::new();
    let session = move |roles: &[RoleName]| {
        let endpoints: &Vec<Arc<ReferenceEndpoint>> = endpoints.get_or_init(|| {
            let session = reference_session(roles, 100).into_iter();
            session.map(|(_, endpoint)| Arc::new(endpoint)).collect()
        });
        endpoints
            .iter()
            .map(|endpoint| (OfOneNetwork(Arc::clone(endpoint)), ()))
            .collect()
    };
    from_fn(roles(), 100, session)
}

struct OfOneNetwork(Arc<ReferenceEndpoint>);

#[async_trait]
impl ChoreoHandler for OfOneNetwork {
    type Role = RoleName;
    type Endpoint = ();

    async fn send_payload(&self, _: &(), to: &RoleName, payload: Outgoing<'_>) -> Result<()> {
        ReferenceHandler::default()
            .send_payload(&self.0, to, payload)
            .await
    }

    async fn recv_payload(&self, _: &(), from: &RoleName) -> Result<Incoming> {
        ReferenceHandler::default()
            .recv_payload(&self.0, from)
            .await
    }
}

/// Who has left some session.
fn one_presence() -> impl HandlerFixture {
    let gone = Arc::new(Mutex::new(BTreeSet::new()));
    Hasty(Handlers(move |_| {
        let faults = roles().into_iter().map(|role| OfOnePresence {
            role,
            gone: Arc::clone(&gone),
        });
        faults.collect()
    }))
}

struct OfOnePresence {
    role: RoleName,
    gone: Arc<Mutex<BTreeSet<RoleName>>>,
}

impl Drop for OfOnePresence {
    fn drop(&mut self) {
        self.gone.lock().unwrap().insert(self.role.clone());
    }
}

#[async_trait]
impl Fault for OfOnePresence {
    async fn recv<H: ChoreoHandler<Role = RoleName>>(
        &self,
        inner: &H,
        endpoint: &H::Endpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        if self.gone.lock().unwrap().contains(from) {
            return Err(Error::new(ErrorKind::Closed, "the peer has left"));
        }
        inner.recv_payload(endpoint, from).await
    }
}
