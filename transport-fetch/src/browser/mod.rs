//! Requests by the `fetch` of the global scope: windows, workers, Node, Deno and edge runtimes have
//! it, and no `window` is needed. The JS values stay in one local task.

use choreo_core::{Address, Bytes, ErrorKind, Result, runtime};
use js_sys::{Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::{JsCast, JsValue, wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, Headers, ReadableStreamDefaultReader, RequestInit, RequestRedirect, Response,
};

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
    fn fetch(url: &str, request: &RequestInit) -> Promise;
}

/// The largest answer that is asked for at once.
const SHORT: usize = 4 * 1024;
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

    pub(crate) async fn post(
        &self,
        head: &Head,
        body: Bytes,
        last: bool,
    ) -> std::result::Result<Answer, Failed> {
        let request = RequestInit::new();
        request.set_method("POST");
        if last && body.len() <= MAX_KEPT_ALIVE {
            set(&request, "keepalive", &JsValue::TRUE);
        }
        request.set_body(&Uint8Array::from(&body[..]));
        self.send(&request, head).await
    }

    pub(crate) async fn get(&self, head: &Head) -> std::result::Result<Answer, Failed> {
        self.send(&RequestInit::new(), head).await
    }

    async fn send(
        &self,
        request: &RequestInit,
        head: &Head,
    ) -> std::result::Result<Answer, Failed> {
        let abort = Abort(AbortController::new().map_err(|thrown| failed(&thrown))?);
        let headers = Headers::new().map_err(|thrown| failed(&thrown))?;
        headers
            .set(wire::HEADER, &head.to_string())
            .map_err(|thrown| failed(&thrown))?;
        headers
            .set("content-type", wire::CONTENT_TYPE)
            .map_err(|thrown| failed(&thrown))?;
        request.set_headers(&headers);
        request.set_signal(Some(&abort.0.signal()));
        // Not `error`, which workerd refuses: a redirection is an answer of somebody else.
        request.set_redirect(RequestRedirect::Manual);
        let response = JsFuture::from(fetch(&self.url, request))
            .await
            .map_err(|thrown| failed(&thrown))?;
        let response: Response = response.unchecked_into();
        let headers = response.headers();
        let header = |name| headers.get(name).map_err(|thrown| failed(&thrown));
        let length = header("content-length")?.and_then(|length| length.parse::<usize>().ok());
        Ok(Answer {
            status: response.status(),
            head: header(wire::HEADER)?,
            body: match response.body() {
                None => Rest::Nothing,
                Some(_) if length.is_some_and(|length| length <= SHORT) => Rest::Short(response),
                Some(body) => Rest::Pieces(body.get_reader().unchecked_into()),
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
            Rest::Short(response) => response.array_buffer().map_err(|thrown| failed(&thrown))?,
            Rest::Pieces(body) => body.read(),
        };
        let come = JsFuture::from(coming)
            .await
            .map_err(|thrown| failed(&thrown))?;
        if let Rest::Short(_) = self.body {
            self.body = Rest::Nothing;
            return Ok(Some(Uint8Array::new(&come).to_vec().into()));
        }
        let get = |name: &str| Reflect::get(&come, &name.into()).map_err(|thrown| failed(&thrown));
        if get("done")?.is_truthy() {
            self.body = Rest::Nothing;
            return Ok(None);
        }
        let bytes: Uint8Array = get("value")?.unchecked_into();
        Ok(Some(bytes.to_vec().into()))
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn set(request: &RequestInit, name: &str, value: &JsValue) {
    // An object that was just made takes it.
    let _ = Reflect::set(request, &name.into(), value);
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
fn failed(thrown: &JsValue) -> Failed {
    let why = match thrown.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => "an unknown error".to_owned(),
    };
    Failed::new(why)
}
