//! How two sides meet in a channel that everybody hears.
//!
//! ```text
//! caller    -> everybody: CALL(caller)              again and again, until somebody answers
//! listener  -> caller:    ANSWER(listener)          in the caller's own channel, as all that follows
//! caller    -> listeners: OPEN(listener)            the first that answered; the others go on listening
//! listener  -> caller:    ACCEPTED(listener)        both have it
//! ```

use std::sync::Arc;
use std::time::Duration;

use choreo_core::queue::Queue;
use choreo_core::runtime::{random, timeout};
use choreo_core::{Error, ErrorKind, Result};

use crate::channel::{LineEnd, POSTED};
use crate::port::Port;

/// How many calls wait to be answered.
const CALLS: usize = 8;

const CALL: u8 = 16;
const ANSWER: u8 = 17;
const OPEN: u8 = 18;
const ACCEPTED: u8 = 19;

/// The side that listens: it hears calls while it waits for one.
pub(crate) struct Listener(String);

impl Listener {
    pub(crate) fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    pub(crate) async fn accept(&self) -> Result<LineEnd> {
        let calls = Arc::new(Queue::new(CALLS));
        let heard = Arc::clone(&calls);
        let _lobby = Port::open(&self.0, POSTED, move |kind, id| {
            // One that there is no room for is repeated.
            if kind == CALL {
                let _ = heard.try_send(id.to_vec());
            }
            false
        })?;
        while let Ok(id) = calls.recv().await {
            let end = LineEnd::open(&self.0, &String::from_utf8_lossy(&id))?;
            let me = new_id();
            end.greet(ANSWER, me.as_bytes(), false);
            // Another listener may be chosen, or the caller be gone.
            let chosen = timeout(Duration::from_millis(500), end.hears(OPEN)).await;
            if chosen.is_ok_and(|chosen| chosen == me.as_bytes()) {
                end.greet(ACCEPTED, me.as_bytes(), true);
                return Ok(end);
            }
        }
        Err(Error::new(ErrorKind::Transport, "the channel is closed"))
    }
}

/// The side that calls, until somebody answers. Two that have found each other go on in a channel of
/// their own.
pub(crate) async fn call(name: &str) -> Result<LineEnd> {
    let lobby = Port::open(name, POSTED, |_, _| false)?;
    loop {
        let id = new_id();
        let end = LineEnd::open(name, &id)?;
        let mut patience = Duration::from_millis(10);
        let listener = loop {
            lobby.post(CALL, id.as_bytes());
            match timeout(patience, end.hears(ANSWER)).await {
                Ok(listener) => break listener,
                Err(_) => patience = Duration::from_millis(250).min(patience * 2),
            }
        };
        end.greet(OPEN, &listener, true);
        if timeout(Duration::from_secs(1), end.hears(ACCEPTED))
            .await
            .is_ok()
        {
            return Ok(end);
        }
    }
}

fn new_id() -> String {
    let [a, b] = [(); 2].map(|()| (random() * f64::from(u32::MAX)) as u32);
    format!("{a:08x}{b:08x}")
}
