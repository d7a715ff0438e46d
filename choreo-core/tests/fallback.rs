//! Several ways to one peer: which one is taken, and when.
#![cfg(not(target_arch = "wasm32"))]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use choreo_core::{Bytes, Connect, Error, ErrorKind, Fallback, Result, Transport, async_trait};
use futures::FutureExt;

/// What comes of a way, now.
#[derive(Clone, Copy)]
enum Leads {
    Well,
    ToSilence,
    Nowhere(ErrorKind),
    OnAndOn,
}

#[derive(Clone)]
struct Way(Arc<Mutex<Leads>>);

struct Line(Leads);

impl Way {
    fn new(leads: Leads) -> Self {
        Self(Arc::new(Mutex::new(leads)))
    }

    fn now(&self, leads: Leads) {
        *self.0.lock().unwrap() = leads;
    }
}

#[async_trait]
impl Connect for Way {
    async fn connect(&self) -> Result<Box<dyn Transport>> {
        let leads = *self.0.lock().unwrap();
        match leads {
            Leads::Nowhere(kind) => Err(Error::new(kind, format!("it is {kind:?}"))),
            Leads::OnAndOn => futures::future::pending().await,
            leads => Ok(Box::new(Line(leads))),
        }
    }
}

#[async_trait]
impl Transport for Line {
    async fn send(&self, _frame: Bytes) -> Result<()> {
        Ok(())
    }

    async fn recv(&self) -> Result<Option<Bytes>> {
        match self.0 {
            Leads::Well => Ok(Some(Bytes::new())),
            _ => Err(Error::new(ErrorKind::Transport, "cut")),
        }
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

/// Opens a connection, receives on it, and tells by which way the next one goes.
async fn use_it(fallback: &Fallback) -> usize {
    let transport = fallback.connect().await.unwrap();
    let _ = transport.recv().await;
    drop(transport);
    fallback.current()
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_opened_is_opened_the_next_way_and_stays_there() {
    let first = Way::new(Leads::Nowhere(ErrorKind::Config));
    let fallback = Fallback::new(first.clone(), Way::new(Leads::Well));
    assert_eq!(use_it(&fallback).await, 1);
    first.now(Leads::Well);
    assert_eq!(use_it(&fallback).await, 1);
}

#[tokio::test(start_paused = true)]
async fn what_ends_before_anything_came_goes_the_next_way() {
    let first = Way::new(Leads::ToSilence);
    let fallback = Fallback::new(first.clone(), Way::new(Leads::Well));
    assert_eq!(use_it(&fallback).await, 1);
    assert_eq!(use_it(&fallback).await, 1);
    first.now(Leads::Well);
    fallback.prefer(0);
    assert_eq!(use_it(&fallback).await, 0);
}

#[tokio::test(start_paused = true)]
async fn the_preferred_way_is_tried_again_after_the_time() {
    let first = Way::new(Leads::Nowhere(ErrorKind::Transport));
    let fallback = Fallback::new(first.clone(), Way::new(Leads::Well)).retry_after(Duration::ZERO);
    assert_eq!(use_it(&fallback).await, 1);
    first.now(Leads::Well);
    assert_eq!(use_it(&fallback).await, 0);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_given_up_goes_the_next_way() {
    let fallback = Fallback::new(Way::new(Leads::OnAndOn), Way::new(Leads::Well));
    assert!(fallback.connect().now_or_never().is_none());
    assert_eq!(fallback.current(), 1);
    fallback.prefer(0);
    assert_eq!(use_it(&fallback).await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_error_names_all_ways_and_is_final_only_if_all_are() {
    let second = Way::new(Leads::Nowhere(ErrorKind::Transport));
    let first = Way::new(Leads::Nowhere(ErrorKind::Config));
    let fallback = Fallback::new(first, second.clone());
    let error = fallback.connect().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Transport);
    let text = error.to_string();
    assert!(
        text.contains("way 0: ") && text.contains("way 1: "),
        "{text}"
    );
    assert_eq!(fallback.current(), 0, "neither is better than the other");
    second.now(Leads::Nowhere(ErrorKind::Config));
    let error = fallback.connect().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
}
