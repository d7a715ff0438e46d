//! Requests by the `fetch` of the global scope: windows, workers, Node, Deno and edge runtimes have
//! it, and no `window` is needed. The JS values stay in one local task.

use choreo_core::{Address, Bytes, ErrorKind, Result, runtime};
use js_sys::{Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::{JsCast, JsValue, wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, ReadableStreamDefaultReader, Response};

use crate::wire::{self, Head};

/// Makes requests, in browsers.
#[derive(Clone)]
pub(crate) struct Http {
    url: String,
}

/// An answer, whose body may still be coming. Dropping it gives the rest up.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: Option<String>,
    body: Rest,
    _abort: Abort,
}

/// What has not come yet of an answer.
enum Rest {
    Nothing,
    /// A few bytes, which are asked for at once: that takes half as long as piece by piece.
    Short(Response),
    Pieces(ReadableStreamDefaultReader),
}

/// A request was not answered, or not wholly.
pub(crate) struct Failed(String);

/// Gives a request up when it is dropped; one that is over does not mind.
struct Abort(AbortController);

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = fetch)]
    fn fetch(url: &str, request: &Object) -> Promise;
}

/// The largest answer that is asked for at once.
const SHORT: u64 = 4 * 1024;
/// The largest body that a request may have that outlives its page.
const MAX_KEPT_ALIVE: usize = 60 * 1024;

/// Runs what carries a connection.
pub(crate) fn spawn(task: impl Future<Output = ()> + 'static) {
    runtime::spawn_local(task);
}

impl Http {
    /// The rest is known when a request is made.
    #[expect(clippy::unnecessary_wraps, reason = "as natively")]
    pub(crate) fn new(address: &Address) -> Result<Self> {
        let url = address.url().to_owned();
        Ok(Self { url })
    }

    /// Posts the body, or gets.
    pub(crate) async fn request(
        &self,
        head: &Head,
        body: Bytes,
        last: bool,
    ) -> std::result::Result<Answer, Failed> {
        let abort = Abort(AbortController::new().map_err(failed)?);
        let (request, headers) = (Object::new(), Object::new());
        set(&headers, wire::HEADER, &head.to_string().into());
        set(&headers, "content-type", &wire::CONTENT_TYPE.into());
        set(&request, "headers", &headers);
        if head.ask.posts() {
            set(&request, "method", &"POST".into());
            set(&request, "body", &Uint8Array::from(&body[..]));
            let kept_alive = last && body.len() <= MAX_KEPT_ALIVE;
            set(&request, "keepalive", &kept_alive.into());
        }
        set(&request, "signal", &abort.0.signal());
        // Not `error`, which workerd refuses: a redirection is an answer of somebody else.
        set(&request, "redirect", &"manual".into());
        let response = JsFuture::from(fetch(&self.url, &request));
        let response: Response = response.await.map_err(failed)?.unchecked_into();
        let headers = response.headers();
        let length = headers.get("content-length").map_err(failed)?;
        let length = length.and_then(|length| length.parse::<u64>().ok());
        Ok(Answer {
            status: response.status(),
            head: headers.get(wire::HEADER).map_err(failed)?,
            body: match (response.body(), length) {
                (None, _) => Rest::Nothing,
                (_, Some(..=SHORT)) => Rest::Short(response),
                (Some(body), _) => Rest::Pieces(body.get_reader().unchecked_into()),
            },
            _abort: abort,
        })
    }
}

impl Answer {
    /// The next bytes of its body; `None` at its end.
    pub(crate) async fn next(&mut self) -> std::result::Result<Option<Bytes>, Failed> {
        let coming = match &self.body {
            Rest::Nothing => return Ok(None),
            Rest::Short(response) => response.array_buffer().map_err(failed)?,
            Rest::Pieces(body) => body.read(),
        };
        let mut bytes = JsFuture::from(coming).await.map_err(failed)?;
        match self.body {
            Rest::Pieces(_) => bytes = Reflect::get(&bytes, &"value".into()).map_err(failed)?,
            _ => self.body = Rest::Nothing,
        }
        if bytes.is_undefined() {
            self.body = Rest::Nothing;
            return Ok(None);
        }
        Ok(Some(Uint8Array::new(&bytes).to_vec().into()))
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn set(object: &Object, name: &str, value: &JsValue) {
    // An object that was just made takes it.
    let _ = Reflect::set(object, &name.into(), value);
}

impl Failed {
    pub(crate) fn new(why: String) -> Self {
        Self(why)
    }

    /// Browsers do not say what would tell it from others: it may go well another time.
    pub(crate) fn kind(&self) -> ErrorKind {
        ErrorKind::Transport
    }

    pub(crate) fn why(self) -> String {
        self.0
    }
}

/// Browsers say little, lest pages explore networks.
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
fn failed(thrown: JsValue) -> Failed {
    let why = match thrown.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => "an unknown error".to_owned(),
    };
    Failed::new(why)
}
