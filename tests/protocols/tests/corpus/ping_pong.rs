//! One asks, the other answers.

use choreo::prelude::*;
use choreo_protocols::{parts, play};
use ping_pong::{Ping, Pong, Role};

choreography! {
    protocol PingPong {
        roles Alice, Bob;
        Alice -> Bob: Ping(u32);
        Bob -> Alice: Pong(u32);
    }
}

async fn alice<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    let next = ping_pong::alice(handler, endpoint).send(Ping(1)).await?;
    let (Pong(number), _end) = next.recv().await?;
    assert_eq!(number, 2);
    Ok(())
}

async fn bob<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    let (Ping(number), next) = ping_pong::bob(handler, endpoint).recv().await?;
    next.send(Pong(number + 1)).await.map(drop)
}

play!(Alice => alice, Bob => bob);

#[test]
fn projections() {
    assert_eq!(parts(&ping_pong::protocol()), PARTS);
}

const PARTS: &str = "\
Alice {
    Alice -> Bob: Ping(u32);
    Bob -> Alice: Pong(u32);
}
Bob {
    Alice -> Bob: Ping(u32);
    Bob -> Alice: Pong(u32);
}";
