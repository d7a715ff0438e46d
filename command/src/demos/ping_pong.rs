use choreo::prelude::*;
use choreo::protocol::Global;

use super::Demo;

choreography! {
    /// One says a text, the other says it back, until the first has had enough.
    protocol PingPong {
        roles Alice, Bob;
        loop {
            choice at Alice {
                again => {
                    Alice -> Bob: Ping(String);
                    Bob -> Alice: Pong(String);
                }
                enough => break;
            }
        }
    }
}

use ping_pong::{Ping, Pong, Role};

/// What `choreo run ping-pong` takes.
#[derive(clap::Args)]
pub(crate) struct PingPong {
    /// How often Alice speaks
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    rounds: u32,
    /// What she says
    #[arg(long, default_value = "hello")]
    text: String,
}

impl Demo for PingPong {
    const NAME: &str = "ping-pong";
    type Role = Role;

    fn protocol() -> Global {
        ping_pong::protocol()
    }

    async fn play<H>(&self, role: Role, handler: &H) -> Result<String>
    where
        H: ChoreoHandler<Role = Role, Endpoint = ()>,
    {
        match role {
            Role::Alice => self.alice(handler).await,
            Role::Bob => bob(handler).await,
        }
    }
}

impl PingPong {
    async fn alice<H>(&self, handler: &H) -> Result<String>
    where
        H: ChoreoHandler<Role = Role, Endpoint = ()>,
    {
        let mut next = ping_pong::alice(handler, &());
        for round in 1..=self.rounds {
            let said = next.again().await?.send(Ping(self.text.clone())).await?;
            let (Pong(text), again) = said.recv().await?;
            if text != self.text {
                let detail = format!("round {round}: said {:?}, heard {text:?}", self.text);
                return Err(Error::new(ErrorKind::Protocol, detail).with_role("Alice"));
            }
            next = again;
        }
        next.enough().await?;
        Ok(format!(
            "said {:?}, and heard it: {}",
            self.text,
            times(self.rounds)
        ))
    }
}

async fn bob<H>(handler: &H) -> Result<String>
where
    H: ChoreoHandler<Role = Role, Endpoint = ()>,
{
    use ping_pong::bob::Offered;

    let (mut next, mut rounds) = (ping_pong::bob(handler, &()), 0);
    while let Offered::Again(said) = next.offer().await? {
        let (Ping(text), own) = said.recv().await?;
        next = own.send(Pong(text)).await?;
        rounds += 1;
    }
    Ok(format!("said what he had heard: {}", times(rounds)))
}

fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}
