//! Two ends without I/O: requests and answers between them are lost, repeated, cut and reordered by
//! hand.

use std::task::Poll;
use std::time::Duration;

use choreo_core::{Bytes, BytesMut};
use futures::FutureExt;
use proptest::prelude::*;

use super::{OVERHEAD, Pipe};
use crate::Limits;
use crate::wire::{Decoder, Item, Record};

const MAX_FRAME: usize = 100;
/// Some frames, but fewer than a test sends.
const QUEUE: usize = 600;
/// About how many bytes go at once.
const MOST: usize = 150;

#[derive(Clone, Copy, Debug)]
enum Side {
    Client,
    Server,
}

#[derive(Clone, Debug)]
enum Step {
    Send(Side, usize),
    Recv(Side),
    Close(Side),
    /// Nobody receives any more.
    Abandon(Side),
    /// The client makes a post, unless there is one.
    Post,
    /// One of the posts there ever were arrives: counted from the latest.
    PostArrives(usize),
    /// The server answers the post that there is, as far as it has arrived, and brings what goes down
    /// from a number before or after what is due.
    PostAnswered {
        from: u64,
        cut: usize,
    },
    /// The client asks for what comes down.
    Get,
    /// One of the requests there ever were arrives, and is answered with so many of the bytes; only the
    /// latest one's answer has anybody who waits for it.
    GetArrives {
        before: usize,
        cut: usize,
    },
}

/// What a client posts.
#[derive(Clone)]
struct Post {
    first: u64,
    next: u64,
    body: Bytes,
}

/// Both ends, and all that was ever asked.
struct World {
    client: End,
    server: End,
    posts: Vec<Post>,
    /// Whether the latest is not answered yet, and what the server has said to it.
    posting: bool,
    arrived: bool,
    gets: Vec<u64>,
}

struct End {
    pipe: Pipe,
    sent: u64,
    received: u64,
    ended: bool,
    abandoned: bool,
}

impl World {
    fn new() -> Self {
        Self {
            client: End::new(),
            server: End::new(),
            posts: Vec::new(),
            posting: false,
            arrived: false,
            gets: Vec::new(),
        }
    }

    fn end(&mut self, side: Side) -> &mut End {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Send(side, size) => self.end(side).send(size),
            Step::Recv(side) => self.end(side).recv(),
            Step::Close(side) => {
                self.end(side).pipe.close().expect("it has not broken");
            }
            Step::Abandon(side) => {
                self.end(side).pipe.abandon();
                self.end(side).abandoned = true;
            }
            Step::Post => self.post(),
            Step::PostArrives(before) => self.post_arrives(before),
            Step::PostAnswered { from, cut } => self.post_answered(from, cut),
            Step::Get if self.client.pipe.has_ended() => {}
            Step::Get => self.gets.push(self.client.pipe.next()),
            Step::GetArrives { before, cut } => self.get_arrives(before, cut),
        }
        self.client.check(&self.server);
        self.server.check(&self.client);
    }

    fn post(&mut self) {
        if self.posting {
            return;
        }
        let pipe = &self.client.pipe;
        if let Some(Some(batch)) = pipe.post(MOST).now_or_never() {
            let next = pipe.tell();
            self.posts.push(Post {
                first: batch.first,
                next,
                body: batch.body,
            });
            self.posting = true;
            self.arrived = false;
        }
    }

    fn post_arrives(&mut self, before: usize) {
        let Some(place) = self.posts.len().checked_sub(before + 1) else {
            return;
        };
        let Post { first, next, body } = self.posts[place].clone();
        let pipe = &self.server.pipe;
        pipe.acked(next).expect("it was sent");
        for (number, item) in (first..).zip(items(&body, body.len())) {
            let taken = pipe.poll_take(number, &mut Some(item));
            if taken.is_pending() {
                break;
            }
            assert!(matches!(taken, Poll::Ready(Ok(()))), "{number} is no gap");
        }
        self.arrived |= before == 0;
    }

    fn post_answered(&mut self, from: u64, cut: usize) {
        if !(self.posting && self.arrived) {
            return;
        }
        self.posting = false;
        let pipe = &self.server.pipe;
        if let Poll::Ready(Some(batch)) = pipe.poll_batch(from, MOST) {
            for (number, item) in (batch.first..).zip(items(&batch.body, cut)) {
                self.client.pipe.offered(number, item);
            }
        }
        let next = pipe.next();
        self.client.pipe.acked(next).expect("it was sent");
    }

    fn get_arrives(&mut self, before: usize, cut: usize) {
        let Some(place) = self.gets.len().checked_sub(before + 1) else {
            return;
        };
        let next = self.gets[place];
        let pipe = &self.server.pipe;
        pipe.acked(next).expect("it was sent");
        if next < pipe.outgoing().0 {
            return;
        }
        if before > 0 {
            return;
        }
        let Poll::Ready(Some(batch)) = pipe.poll_batch(next, MOST) else {
            return;
        };
        for (number, item) in (batch.first..).zip(items(&batch.body, cut)) {
            let taken = self.client.pipe.poll_take(number, &mut Some(item));
            if taken.is_pending() {
                break;
            }
            assert!(matches!(taken, Poll::Ready(Ok(()))), "{number} is no gap");
        }
    }

    /// From now on nothing is lost, and both receive: all that was sent arrives, and the end.
    fn finish(&mut self) {
        for _ in 0..1000 {
            for step in [
                Step::Post,
                Step::PostArrives(0),
                Step::PostAnswered {
                    from: 0,
                    cut: usize::MAX,
                },
                Step::Get,
                Step::GetArrives {
                    before: 0,
                    cut: usize::MAX,
                },
                Step::Recv(Side::Client),
                Step::Recv(Side::Server),
            ] {
                self.step(&step);
            }
            if self.client.ended && self.server.ended && self.server.pipe.is_over() {
                return;
            }
        }
        panic!("it does not end");
    }
}

impl End {
    fn new() -> Self {
        let limits = Limits::default()
            .max_frame(MAX_FRAME)
            .high_water(QUEUE)
            .receive_queue(QUEUE)
            .close_timeout(Duration::ZERO);
        Self {
            pipe: Pipe::new(limits, "model".to_owned()),
            sent: 0,
            received: 0,
            ended: false,
            abandoned: false,
        }
    }

    /// A frame that says its number.
    fn send(&mut self, size: usize) {
        let mut frame = BytesMut::from(&self.sent.to_be_bytes()[..]);
        frame.resize(size.max(frame.len()), 0);
        match self.pipe.poll_send(&mut frame.freeze()) {
            Poll::Ready(Ok(())) => self.sent += 1,
            Poll::Ready(Err(error)) => {
                assert!(error.kind() == choreo_core::ErrorKind::Closed, "{error}");
            }
            Poll::Pending => {}
        }
    }

    fn recv(&mut self) {
        match self.pipe.poll_recv() {
            Poll::Ready(Ok(Some(frame))) => {
                assert!(!self.ended, "something comes after the end");
                assert!(!self.abandoned);
                let number = frame[..8].try_into().expect("eight bytes");
                assert_eq!(u64::from_be_bytes(number), self.received);
                self.received += 1;
            }
            Poll::Ready(Ok(None)) => self.ended = true,
            Poll::Ready(Err(error)) => panic!("{error}"),
            Poll::Pending => {}
        }
    }

    fn check(&self, other: &Self) {
        assert!(self.received <= other.sent);
        let state = self.pipe.state();
        let queued: usize = state.inbox.iter().map(|frame| frame.len() + OVERHEAD).sum();
        assert_eq!(queued, state.waiting);
        assert!(queued <= QUEUE);
        let frames = state.outbox.iter().filter_map(|item| match item {
            Item::Frame(frame) => Some(frame.len() + OVERHEAD),
            Item::End => None,
        });
        let unacked: usize = frames.sum();
        assert_eq!(unacked, state.unacked);
        assert!(unacked <= QUEUE);
    }
}

/// What is there wholly in the first bytes of a body.
fn items(body: &Bytes, cut: usize) -> Vec<Item> {
    let mut decoder = Decoder::default();
    decoder.push(&body[..body.len().min(cut)]);
    let mut items = Vec::new();
    while let Some(record) = decoder.next(MAX_FRAME).expect("no frame is too large") {
        match record {
            Record::Item(item) => items.push(item),
            other => panic!("{other:?}"),
        }
    }
    items
}

fn step() -> impl Strategy<Value = Step> {
    let side = || prop_oneof![Just(Side::Client), Just(Side::Server)];
    let cut = || prop_oneof![Just(usize::MAX), 0..MOST];
    prop_oneof![
        6 => (side(), 0..=MAX_FRAME).prop_map(|(side, size)| Step::Send(side, size)),
        4 => side().prop_map(Step::Recv),
        4 => Just(Step::Post),
        4 => (0..3_usize).prop_map(Step::PostArrives),
        2 => (0..1000_usize).prop_map(Step::PostArrives),
        4 => (0..40_u64, cut()).prop_map(|(from, cut)| Step::PostAnswered { from, cut }),
        4 => Just(Step::Get),
        4 => (0..3_usize, cut()).prop_map(|(before, cut)| Step::GetArrives { before, cut }),
    ]
}

proptest! {
    #[test]
    fn all_arrives_once_and_in_order_and_so_do_the_ends(
        steps in prop::collection::vec(step(), 0..150),
        closing in prop_oneof![
            Just(vec![Side::Client]),
            Just(vec![Side::Server]),
            Just(vec![Side::Client, Side::Server]),
        ],
        meanwhile in prop::collection::vec(step(), 0..50),
    ) {
        let mut world = World::new();
        steps.iter().for_each(|step| world.step(step));
        for side in closing {
            world.step(&Step::Close(side));
            world.step(&Step::Close(side));
        }
        meanwhile.iter().for_each(|step| world.step(step));
        world.finish();
        // Who is closed by the other may have sent what nobody waits for any more.
        prop_assert!(world.client.received == world.server.sent);
        prop_assert!(world.server.received == world.client.sent);
    }

    #[test]
    fn who_receives_no_more_holds_nobody_up(
        steps in prop::collection::vec(step(), 0..150),
        gone in prop_oneof![Just(Side::Client), Just(Side::Server)],
        meanwhile in prop::collection::vec(step(), 0..50),
    ) {
        let mut world = World::new();
        steps.iter().for_each(|step| world.step(step));
        world.step(&Step::Abandon(gone));
        meanwhile.iter().for_each(|step| world.step(step));
        world.finish();
        match gone {
            Side::Client => prop_assert_eq!(world.server.received, world.client.sent),
            Side::Server => prop_assert_eq!(world.client.received, world.server.sent),
        }
    }
}
