/// One sentence of the contract that a check holds an implementation against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Promise {
    /// What is promised, in the words of the contract.
    pub text: &'static str,
    /// Where the contract says so.
    pub place: &'static str,
}

const CONTRACT: &str = "choreo_core::ChoreoHandler, section \"The contract\"";
const SEND: &str = "choreo_core::ChoreoHandler::send_payload";
const SEND_TO_ALL: &str = "choreo_core::ChoreoHandler::send_to_all";
const ENDPOINT: &str = "choreo_core::ChoreoHandler::Endpoint";
const TYPED_RECV: &str = "choreo_core::ChoreoHandlerExt::recv";
const ERROR: &str = "choreo_core::Error";
const LAYER: &str = "choreo_testkit::layer, section \"The contract of a layer\"";
const PAYLOAD: &str = "choreo_core::Incoming";
const TRANSPORT: &str = "choreo_core::Transport, section \"The contract\"";
const TRANSPORT_SEND: &str = "choreo_core::Transport::send";
const TRANSPORT_RECV: &str = "choreo_core::Transport::recv";
const TRANSPORT_CLOSE: &str = "choreo_core::Transport::close";
const CONNECTOR: &str = "choreo_core::Connect";
const CODEC: &str = "choreo_core::Format, section \"The contract\"";

macro_rules! promises {
    ($($name:ident: $place:ident, $text:literal;)*) => {
        $(pub(crate) const $name: Promise = Promise { text: $text, place: $place };)*

        #[cfg(test)]
        const ALL: &[Promise] = &[$($name),*];
    };
}

promises! {
    ORDER: CONTRACT, "Per ordered pair of roles, payloads arrive once and in the order in which they were sent.";
    WAITS: CONTRACT, "A receive before the send waits.";
    CLOSED: CONTRACT, "A peer that has left is an error of kind `Closed`, after everything that it had sent was received.";
    RECV_CANCEL: CONTRACT, "Dropping a receive's future loses nothing, the next receive gets the payload.";
    SEND_CANCEL: CONTRACT, "Dropping a send's future sends the payload either wholly or not at all.";
    USABLE: CONTRACT, "An error leaves the endpoint usable, unless it is `Closed`.";
    TRANSIENT: CONTRACT, "`is_transient` errors come from sends only, and only when the payload provably was not sent.";
    BOUNDED: CONTRACT, "Every queue is bounded; a full one makes the send wait.";
    INDEPENDENT: CONTRACT, "Waiting for one peer never blocks an operation with another.";
    HANDED_OVER: SEND, "Returns when it is handed over, not when it is read.";
    TO_A_ROLE: SEND, "Sends a message or a label to a role.";
    TO_ALL: SEND_TO_ALL, "Sends one payload to many roles";
    TO_ALL_FAILS: SEND_TO_ALL, "at the first role that fails; the roles before it have the payload. The error is transient only when no role has it.";
    SESSION: ENDPOINT, "State of one session";
    KINDS: TYPED_RECV, "`Protocol` when a label or a message of another type comes, `Decode` when the bytes are no `M`. What came is then used up, and the next receive gets the next payload.";
    NAMED: ERROR, "What went wrong, at which role, in which operation, with which peer, and why.";
    ONE_CALL: LAYER, "One call of the layer is one call of the inner handler, with the same endpoint, roles and payload, made before the layer's call returns.";
    TO_ALL_AS_ONE: LAYER, "`send_to_all` goes through as one call, since the inner handler may have a better way.";
    ANSWERS: LAYER, "What the inner handler answers comes through: payloads unchanged, errors with their kind, role, peer, detail, source, and whether they are transient.";
    REPEATS: LAYER, "Only a send may be repeated, and only when its error is transient.";
    STACKS: LAYER, "It works in every stack: through `layer`, through tower, over a box, and over itself.";
    CONTENT: PAYLOAD, "A handler gives what came";
    FRAMES: TRANSPORT, "A frame is delivered whole and in order, or the connection breaks.";
    EMPTY_FRAMES: TRANSPORT, "An empty frame is a frame.";
    DUPLEX: TRANSPORT, "Neither direction waits for the other.";
    SENDERS: TRANSPORT, "Sends of several tasks may wait at once, and their frames do not mix.";
    FRAME_RECV_CANCEL: TRANSPORT, "dropping a receive's future loses nothing, the next receive gets the frame.";
    FRAME_SEND_CANCEL: TRANSPORT, "Dropping a send's future sends the frame wholly or not at all.";
    UNDER_WAY: TRANSPORT, "What is under way has a bound, whether sends are awaited or dropped. A full transport makes the send wait.";
    END: TRANSPORT, "After `close` the peer receives what was sent, then `None`, as often as it asks.";
    DROPPED: TRANSPORT, "A transport that is dropped without `close` is `None` or an error for its peer, too: nobody waits for ever.";
    FRAME_WAITS: TRANSPORT_RECV, "Receives the next frame, waiting for it";
    FRAME_HANDED_OVER: TRANSPORT_SEND, "Returns when it is handed over, not when it is read.";
    SEND_CLOSED: TRANSPORT_SEND, "`Closed` after `close` or when the peer has closed, at the latest once a receive has said so";
    CLOSE_AGAIN: TRANSPORT_CLOSE, "Repeating it is no error.";
    CLOSE_ENDS_SENDS: TRANSPORT_CLOSE, "It waits for no send: one that waits meanwhile ends, as `Closed` unless its frame was handed over already.";
    CLOSE_KEEPS_RECEIVING: TRANSPORT_CLOSE, "What the peer has sent can still be received; then, at the latest when the peer has closed too, a receive on this side gives `None` as well.";
    CONNECT: CONNECTOR, "Opens a new connection.";
    CONNECT_AGAIN: CONNECTOR, "Opens a transport, and opens it again after it broke.";
    CODEC_SAME: CODEC, "What was encoded is decoded as the same, for every type that serde derives.";
    CODEC_APPENDS: CODEC, "A message is written behind what is in the buffer, and the same bytes whatever that is.";
    CODEC_EQUAL: CODEC, "Equal messages are equal bytes.";
    CODEC_ENCODE_FAILS: CODEC, "A message that does not serialise is an error.";
    CODEC_SHORT_ERRORS: CODEC, "An error is short, however deep what is wrong lies.";
    CODEC_WHOLE: CODEC, "A message takes up all of its bytes: bytes that end early, or go on behind it, are an error.";
    CONNECT_CANCEL: CONNECTOR, "A connection that is not handed out is closed.";
}

/// Not of the contract: what the suites ask of a fixture.
pub(crate) const FIXTURE: Promise = Promise {
    text: "A fixture that says what it cannot do names checks that there are.",
    place: "choreo_testkit, `cannot` of the fixture",
};

#[cfg(test)]
mod tests {
    use super::*;

    /// Only the words: no line breaks, comment marks, links, emphasis.
    fn words(text: &str) -> String {
        let mut parts = text.split("](");
        let mut bare = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            bare += part.split_once(')').map_or("", |(_target, rest)| rest);
        }
        let bare = bare
            .replace("//!", " ")
            .replace("///", " ")
            .replace(['[', ']', '*', '`'], "");
        bare.split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .to_lowercase()
    }

    #[test]
    fn promises_are_the_contract_s_own_words() {
        let contract = [
            include_str!("layer/mod.rs"),
            include_str!("../../choreo-core/src/handler.rs"),
            include_str!("../../choreo-core/src/custom_codec.rs"),
            include_str!("../../choreo-core/src/ext.rs"),
            include_str!("../../choreo-core/src/payload.rs"),
            include_str!("../../choreo-core/src/error.rs"),
            include_str!("../../choreo-core/src/transport.rs"),
        ];
        let contract = words(&contract.join("\n"));
        for promise in ALL {
            assert!(
                contract.contains(&words(promise.text)),
                "the docs no longer say: {}",
                words(promise.text),
            );
        }
    }
}
