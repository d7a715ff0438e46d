//! The protocol: who there is, what they say, and what each does.

use choreo::{ChoreoHandler, Error, ErrorKind, Program, Result, interpret};
use serde::{Deserialize, Serialize};

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Speaks first.
    Alice,
    /// Answers.
    Bob,
}

/// What they say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// From Alice to Bob.
    Ping(String),
    /// From Bob to Alice.
    Pong(String),
}

/// Alice: sends a ping and receives a pong, round after round.
pub fn alice(message: &str, rounds: usize) -> Program<Role, Message> {
    let round = Program::new()
        .send(Role::Bob, Message::Ping(message.to_owned()))
        .recv::<Message>(Role::Bob);
    Program::new().loop_n(rounds, round).end()
}

/// Bob: receives a ping and answers it, round after round.
///
/// What he says depends on what he hears, so each round is two programs.
///
/// # Errors
/// As [`interpret`], or when he hears anything but a ping.
pub async fn bob<H>(handler: &H, endpoint: &H::Endpoint, rounds: usize) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    for round in 1..=rounds {
        let locate = |error: Error| error.context(format_args!("round {round}"));

        let hear = Program::new().recv::<Message>(Role::Alice).end();
        let heard = interpret(handler, endpoint, hear)
            .await
            .map_err(|failed| locate(failed.error))?;
        let Some(Message::Ping(message)) = heard.received_values.first() else {
            return Err(locate(unexpected("a ping")).with_role("Bob"));
        };

        let pong = Message::Pong(format!("Bob heard: {message}"));
        let answer = Program::new().send(Role::Alice, pong).end();
        interpret(handler, endpoint, answer)
            .await
            .map_err(|failed| locate(failed.error))?;
    }
    Ok(())
}

/// What Alice makes of all that she received: the last pong.
///
/// # Errors
/// When it is no pong.
pub fn reply(received: Vec<Message>) -> Result<String> {
    match received.into_iter().next_back() {
        Some(Message::Pong(reply)) => Ok(reply),
        _ => Err(unexpected("a pong").with_role("Alice")),
    }
}

fn unexpected(expected: &str) -> Error {
    Error::new(
        ErrorKind::Protocol,
        format!("expected {expected}, and got another message"),
    )
}
