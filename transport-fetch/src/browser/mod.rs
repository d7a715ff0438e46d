//! Requests by the `fetch` of the global scope: windows, workers, Node, Deno and edge runtimes have
//! it, and no `window` is needed. The JS values stay in one local task.

use choreo_core::{Address, Bytes, ErrorKind, Result, runtime};
use js_sys::{Object, Promise, Uint8Array};
use wasm_bindgen::prelude::{JsCast, JsValue, wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

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
    Pieces(Reader),
}

/// A request was not answered, or not wholly.
pub(crate) struct Failed(String);

/// Gives a request up when it is dropped; one that is over does not mind.
struct Abort(AbortController);

// What is needed of it. (In web-sys, half of this has a `Result` that never is an error, and
// `keepalive` is missing: a kilobyte more of a module.)
#[wasm_bindgen]
extern "C" {
    fn fetch(url: &str, request: &Request) -> Promise;

    /// A `RequestInit`.
    type Request;
    #[wasm_bindgen(method, setter)]
    fn set_method(this: &Request, method: &str);
    #[wasm_bindgen(method, setter)]
    fn set_headers(this: &Request, headers: &Headers);
    #[wasm_bindgen(method, setter)]
    fn set_body(this: &Request, body: &Uint8Array);
    #[wasm_bindgen(method, setter)]
    fn set_keepalive(this: &Request, keepalive: bool);
    #[wasm_bindgen(method, setter)]
    fn set_redirect(this: &Request, redirect: &str);
    #[wasm_bindgen(method, setter)]
    fn set_signal(this: &Request, signal: &JsValue);

    type Headers;
    #[wasm_bindgen(constructor)]
    fn new() -> Headers;
    #[wasm_bindgen(method)]
    fn set(this: &Headers, name: &str, value: &str);
    #[wasm_bindgen(method)]
    fn get(this: &Headers, name: &str) -> Option<String>;

    type AbortController;
    #[wasm_bindgen(constructor)]
    fn new() -> AbortController;
    #[wasm_bindgen(method, getter)]
    fn signal(this: &AbortController) -> JsValue;
    #[wasm_bindgen(method)]
    fn abort(this: &AbortController);

    type Response;
    #[wasm_bindgen(method, getter)]
    fn status(this: &Response) -> u16;
    #[wasm_bindgen(method, getter)]
    fn headers(this: &Response) -> Headers;
    #[wasm_bindgen(method, getter)]
    fn body(this: &Response) -> Option<Body>;
    #[wasm_bindgen(method, js_name = arrayBuffer)]
    fn array_buffer(this: &Response) -> Promise;

    /// A `ReadableStream`.
    type Body;
    #[wasm_bindgen(method, js_name = getReader)]
    fn get_reader(this: &Body) -> Reader;

    type Reader;
    #[wasm_bindgen(method)]
    fn read(this: &Reader) -> Promise;

    /// What a reader reads.
    type Piece;
    #[wasm_bindgen(method, getter)]
    fn value(this: &Piece) -> JsValue;
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
        let abort = Abort(AbortController::new());
        let (request, headers) = (Object::new().unchecked_into::<Request>(), Headers::new());
        headers.set(wire::HEADER, &head.to_string());
        headers.set("content-type", wire::CONTENT_TYPE);
        request.set_headers(&headers);
        if head.ask.posts() {
            request.set_method("POST");
            request.set_body(&Uint8Array::from(&body[..]));
            request.set_keepalive(last && body.len() <= MAX_KEPT_ALIVE);
        }
        request.set_signal(&abort.0.signal());
        // Not `error`, which workerd refuses: a redirection is an answer of somebody else.
        request.set_redirect("manual");
        let response = JsFuture::from(fetch(&self.url, &request));
        let response: Response = response.await.map_err(failed)?.unchecked_into();
        let headers = response.headers();
        let length = headers.get("content-length");
        let length = length.and_then(|length| length.parse::<u64>().ok());
        Ok(Answer {
            status: response.status(),
            head: headers.get(wire::HEADER),
            body: match (response.body(), length) {
                (None, _) => Rest::Nothing,
                (_, Some(..=SHORT)) => Rest::Short(response),
                (Some(body), _) => Rest::Pieces(body.get_reader()),
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
            Rest::Short(response) => response.array_buffer(),
            Rest::Pieces(body) => body.read(),
        };
        let mut bytes = JsFuture::from(coming).await.map_err(failed)?;
        match self.body {
            Rest::Pieces(_) => bytes = bytes.unchecked_into::<Piece>().value(),
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
