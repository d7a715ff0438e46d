//! The protocol: who there is, what they say, and what each does.

use choreo::{ChoreoHandler, ChoreoHandlerExt, ErrorKind, Result, runtime};
use serde::{Deserialize, Serialize};

use crate::Talk;

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Speaks first.
    Alice,
    /// Answers.
    Bob,
}

/// From Alice to Bob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Counted from 1.
    pub number: u64,
    /// What she says.
    pub text: String,
}

/// From Bob to Alice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Counted from 1.
    pub number: u64,
    /// What he says.
    pub text: String,
}

impl Role {
    /// The other one.
    #[must_use]
    pub fn peer(self) -> Self {
        match self {
            Self::Alice => Self::Bob,
            Self::Bob => Self::Alice,
        }
    }
}

/// Alice: calls and hears the answer, so many times, or for ever.
///
/// # Errors
/// When the session is lost, or Bob has left.
pub async fn alice<H>(
    handler: &H,
    endpoint: &H::Endpoint,
    talk: &Talk,
    rounds: Option<u64>,
) -> Result<()>
where
    H: ChoreoHandler<Role = Role>,
{
    for round in 1..=rounds.unwrap_or(u64::MAX) {
        if round > 1 {
            runtime::sleep(talk.pace()).await;
        }
        talk.begin_round();
        let (number, text) = (talk.say(), talk.text());
        let call = Call { number, text };
        handler.send(endpoint, Role::Bob, &call).await?;
        let answer: Answer = handler.recv(endpoint, Role::Bob).await?;
        talk.hear(answer.number, answer.text);
    }
    Ok(())
}

/// Bob: answers each call, until Alice has left, be it before she has heard the last answer.
///
/// # Errors
/// When the session is lost.
pub async fn bob<H>(handler: &H, endpoint: &H::Endpoint, talk: &Talk) -> Result<()>
where
    H: ChoreoHandler<Role = Role>,
{
    loop {
        match answer(handler, endpoint, talk).await {
            Err(error) if error.kind() == ErrorKind::Closed => return Ok(()),
            answered => answered?,
        }
    }
}

async fn answer<H>(handler: &H, endpoint: &H::Endpoint, talk: &Talk) -> Result<()>
where
    H: ChoreoHandler<Role = Role>,
{
    talk.begin_round();
    let call: Call = handler.recv(endpoint, Role::Alice).await?;
    let text = format!("Bob heard: {}", call.text);
    talk.hear(call.number, call.text);
    let number = talk.say();
    let answer = Answer { number, text };
    handler.send(endpoint, Role::Alice, &answer).await
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use std::time::Duration;

    use choreo::InMemoryNetwork;

    use super::*;

    #[tokio::test]
    async fn bob_is_done_when_alice_leaves_before_his_answer() {
        let network = InMemoryNetwork::new();
        let alice = network.join(Role::Alice).unwrap();
        let his = network.join(Role::Bob).unwrap();
        let (number, text) = (1, "Hello".to_owned());
        let call = Call { number, text };
        alice.send(&(), Role::Bob, &call).await.unwrap();
        drop(alice);
        let talk = Talk::new(String::new(), Duration::ZERO);
        bob(&his, &(), &talk).await.unwrap();
        assert_eq!(talk.said(), 1);
    }
}
