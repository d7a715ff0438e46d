use std::cell::RefCell;
use std::sync::Arc;

use choreo_core::{Error, ErrorKind, Result};
use js_sys::{Array, ArrayBuffer, Uint8Array};
use wasm_bindgen::prelude::{Closure, JsCast, JsValue};
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

use super::connection::Shared;
use crate::{Closed, WebSocketConnector};

thread_local! {
    /// The WebSockets of this thread, by number, for those who send.
    static SOCKETS: RefCell<Vec<(u64, WebSocket)>> = const { RefCell::new(Vec::new()) };
}

/// Hands a frame to the browser as [`Socket::send`] does. False if the WebSocket of that number
/// belongs to another thread, or is no more.
pub(crate) fn send_here(number: u64, frame: &[u8]) -> bool {
    SOCKETS.with_borrow(|sockets| {
        let found = sockets.iter().find(|(own, _)| *own == number);
        found.inspect(|(_, socket)| send(socket, frame)).is_some()
    })
}

/// The WebSocket of the browser, and all that hangs on it. It stays in one task, and is unhooked
/// when it is dropped.
///
/// It is created by its global name, so there need not be a window: workers, Deno, Node and edge
/// runtimes have it, too.
pub(crate) struct Socket {
    socket: WebSocket,
    number: u64,
    _on_open: Closure<dyn FnMut()>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

impl Socket {
    /// Begins to connect.
    ///
    /// # Errors
    /// `Config` if the browser refuses even to begin.
    pub(crate) fn new(connector: &WebSocketConnector, shared: &Arc<Shared>) -> Result<Self> {
        let url = connector.address.url();
        let protocols: Array = connector.protocols.iter().map(JsValue::from).collect();
        let socket = WebSocket::new_with_str_sequence(url, &protocols)
            .map_err(|thrown| refused(connector, &thrown))?;
        socket.set_binary_type(BinaryType::Arraybuffer);

        let on_open = {
            let (shared, socket) = (shared.clone(), socket.clone());
            Closure::new(move || shared.opened(socket.protocol()))
        };
        let on_message = {
            let shared = shared.clone();
            Closure::new(move |event: MessageEvent| receive(&shared, &event.data()))
        };
        let on_close = {
            let shared = shared.clone();
            Closure::new(move |event: CloseEvent| {
                shared.closed(Closed {
                    code: match event.code() {
                        // What Deno says of a connection that broke.
                        0 => Closed::BROKEN,
                        code => code,
                    },
                    reason: event.reason(),
                    clean: event.was_clean(),
                });
            })
        };
        // An error event tells nothing, and a close event follows it.
        socket.set_onopen(Some(Closure::as_ref(&on_open).unchecked_ref()));
        socket.set_onmessage(Some(Closure::as_ref(&on_message).unchecked_ref()));
        socket.set_onclose(Some(Closure::as_ref(&on_close).unchecked_ref()));
        let number = shared.number();
        SOCKETS.with_borrow_mut(|sockets| sockets.push((number, socket.clone())));
        Ok(Self {
            socket,
            number,
            _on_open: on_open,
            _on_message: on_message,
            _on_close: on_close,
        })
    }

    /// Hands a frame to the browser, once it is open. When it takes none any more it throws the
    /// frame away, and the close event that says so is on its way.
    pub(crate) fn send(&self, frame: &[u8]) {
        send(&self.socket, frame);
    }

    /// How many bytes the browser holds that the network has not taken yet.
    pub(crate) fn buffered(&self) -> usize {
        self.socket.buffered_amount() as usize
    }

    /// Closes after what was sent. The code and reason are checked before.
    pub(crate) fn close(&self, code: u16, reason: &str) {
        let closed = self.socket.close_with_code_and_reason(code, reason);
        debug_assert!(
            closed.is_ok(),
            "close code {code} with {} bytes",
            reason.len()
        );
    }
}

/// The handlers go before the closures do: a late event must not call one that is no more.
impl Drop for Socket {
    fn drop(&mut self) {
        SOCKETS.with_borrow_mut(|sockets| sockets.retain(|(own, _)| *own != self.number));
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        if self.socket.ready_state() < WebSocket::CLOSING {
            let _ = self.socket.close();
        }
    }
}

/// Each call of JS counts here: it takes as long as hundreds of instructions.
fn receive(shared: &Shared, data: &JsValue) {
    if !data.has_type::<ArrayBuffer>() {
        return shared.text_received();
    }
    let data = Uint8Array::new(data);
    let size = data.length() as usize;
    if shared.takes(size) {
        let mut frame = vec![0; size];
        data.copy_to(&mut frame);
        shared.received(frame.into());
    }
}

fn send(socket: &WebSocket, frame: &[u8]) {
    let _ = socket.send_with_u8_array(frame);
}

/// The browser refuses an address, or there is no `WebSocket` here at all.
fn refused(connector: &WebSocketConnector, thrown: &JsValue) -> Error {
    // Its message may repeat the address, query and all.
    let why = match thrown.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.name()),
        None => "an unknown error".to_owned(),
    };
    let mut detail = connector.address.to_string();
    detail.push_str(": no WebSocket can be made for this address here (");
    detail.push_str(&why);
    detail
        .push_str("): SyntaxError is for the address, SecurityError for ws:// on an https:// page");
    Error::new(ErrorKind::Config, detail)
}
