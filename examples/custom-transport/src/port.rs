use std::rc::Rc;
use std::sync::Arc;

use choreo_core::queue::Queue;
use choreo_core::{Error, ErrorKind, Result, runtime};
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, EventTarget, MessageEvent};

/// The page is left, which is heard here alone.
pub(crate) const LEFT: u8 = 0;
/// What is then said to the others, if whoever hears it wants to.
pub(crate) const GONE: u8 = 1;

/// A `BroadcastChannel`, whose JavaScript values stay in one local task. What is posted reaches all
/// others that have the same channel open; whether there is any, nobody says.
pub(crate) struct Port {
    out: Arc<Queue<Vec<u8>>>,
}

impl Port {
    /// Opens the channel of that name. `hear` gets the first byte of each message and the others, and
    /// says, when the page is left, whether the others are to be told.
    pub(crate) fn open(
        name: &str,
        bound: usize,
        hear: impl Fn(u8, &[u8]) -> bool + 'static,
    ) -> Result<Self> {
        let channel = BroadcastChannel::new(name).map_err(|why| {
            let detail = format!("there is no channel {name:?} to be had here: {why:?}");
            Error::new(ErrorKind::Transport, detail)
        })?;
        let out = Arc::new(Queue::<Vec<u8>>::new(bound));
        let to_post = Arc::clone(&out);

        let hear = Rc::new(hear);
        let on_message = Closure::<dyn Fn(MessageEvent)>::new({
            let hear = Rc::clone(&hear);
            move |event: MessageEvent| {
                // Anything else is not ours.
                if let Ok(message) = event.data().dyn_into::<Uint8Array>()
                    && let Some((kind, rest)) = message.to_vec().split_first()
                {
                    hear(*kind, rest);
                }
            }
        });
        let on_hide = Closure::<dyn Fn()>::new({
            let channel = channel.clone();
            move || {
                if hear(LEFT, &[]) {
                    let _ = channel.post_message(&Uint8Array::from(&[GONE][..]));
                }
            }
        });
        let page: EventTarget = js_sys::global().unchecked_into();
        let hide = on_hide.as_ref().unchecked_ref();
        channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        // Where there is no page, there is none to be left.
        let _ = page.add_event_listener_with_callback("pagehide", hide);

        runtime::spawn_local(async move {
            while let Ok(message) = to_post.recv().await {
                let _ = channel.post_message(&Uint8Array::from(&message[..]));
            }
            let hide = on_hide.as_ref().unchecked_ref();
            let _ = page.remove_event_listener_with_callback("pagehide", hide);
            channel.set_onmessage(None);
            channel.close();
            drop(on_message);
        });
        Ok(Self { out })
    }

    /// Posts a message, without waiting.
    pub(crate) fn post(&self, kind: u8, rest: &[u8]) {
        let message = [&[kind], rest].concat();
        // There is room, since credit bounds what may be under way.
        if self.out.try_send(message).is_err() {
            self.out.close();
        }
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        // The task posts what is left, and ends.
        self.out.close();
    }
}
