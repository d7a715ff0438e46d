/// One sentence of the contract that a check holds an implementation against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Promise {
    /// What is promised, in the words of the contract.
    pub text: &'static str,
    /// Where the contract says so.
    pub place: &'static str,
}

impl Promise {
    const fn contract(text: &'static str) -> Self {
        Self {
            text,
            place: "choreo_core::ChoreoHandler, section \"The contract\"",
        }
    }
}

pub(crate) const ORDER: Promise = Promise::contract(
    "Per ordered pair of roles, payloads arrive once and in the order in which they were sent.",
);
pub(crate) const CLOSED: Promise = Promise::contract(
    "A receive before the send waits. A peer that has left is an error of kind Closed, \
     after everything that it had sent was received.",
);
pub(crate) const USABLE: Promise =
    Promise::contract("An error leaves the endpoint usable, unless it is Closed.");
pub(crate) const KINDS: Promise = Promise {
    text: "Protocol when a label or a message of another type comes. What came is then used up, \
           and the next receive gets the next payload.",
    place: "choreo_core::ChoreoHandlerExt, sections \"Errors\" of `recv` and `offer`",
};
pub(crate) const FIXTURE: Promise = Promise {
    text: "What a fixture says it cannot do, it says by the names of checks.",
    place: "choreo_testkit::HandlerFixture::cannot",
};
