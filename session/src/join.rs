//! How a role is let in, without I/O: what it says and what it makes of the answers.

use std::time::Duration;

use crate::Limits;
use crate::keys::{self, ResumeKey};
use crate::wire::{Abort, Challenge, Code, Frame, Hello, Kind, VERSION, Welcome, hello::Body};

/// One role's way into a session, again after each break.
pub(crate) struct Join {
    hello: Hello,
    token: String,
    key: Option<ResumeKey>,
}

/// What to do next.
#[derive(Debug)]
pub(crate) enum Step {
    /// Send this and wait for the answer.
    Say(Frame),
    /// The role is in.
    In(Entry),
}

/// What holds from here on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) limits: Limits,
    /// How long the role may be away.
    pub(crate) ttl: Duration,
}

impl Join {
    /// `hello` with an epoch of 0 and no token.
    pub(crate) fn new(hello: Hello, token: String) -> Self {
        Self {
            hello,
            token,
            key: None,
        }
    }

    /// What to say first on a new connection.
    pub(crate) fn hello(&mut self) -> Frame {
        self.hello.epoch += 1;
        self.hello.token = self.key.is_none().then(|| self.token.clone());
        self.hello.to_frame()
    }

    /// Takes an answer.
    pub(crate) fn answer(&mut self, frame: &Frame) -> Result<Step, Abort> {
        match frame.kind {
            Kind::Abort => Err(Abort::from_frame(frame)),
            Kind::Challenge => self.prove(frame),
            _ => self.enter(&Welcome::from_frame(frame)?),
        }
    }

    fn prove(&self, frame: &Frame) -> Result<Step, Abort> {
        let challenge = Challenge::from_frame(frame)?;
        let key = self.key.as_ref().ok_or_else(|| {
            let reason = "the server asks for a proof, but this role has not joined yet";
            Abort::new(Code::Malformed, reason)
        })?;
        Ok(Step::Say(
            keys::prove(key, &self.hello, &challenge).to_frame(),
        ))
    }

    fn enter(&mut self, welcome: &Welcome) -> Result<Step, Abort> {
        if welcome.version != VERSION {
            let reason = format_args!("the server speaks version {}", welcome.version);
            return Err(Abort::new(Code::Version, reason));
        }
        if !self.hello.limits.covers(welcome.limits) || !welcome.limits.covers(Limits::LEAST) {
            let reason = "the server's limits are none that this role offered";
            return Err(Abort::new(Code::Malformed, reason));
        }
        if let Some(key) = welcome.resume_key {
            self.key = Some(key);
        }
        if self.key.is_none() {
            return Err(Abort::new(
                Code::Malformed,
                "a welcome without a resume key",
            ));
        }
        Ok(Step::In(Entry {
            limits: welcome.limits,
            ttl: Duration::from_millis(welcome.resume_ttl_ms.into()),
        }))
    }
}
