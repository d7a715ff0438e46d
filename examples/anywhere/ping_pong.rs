use choreo::prelude::*;
choreography! { pub protocol PingPong {
    roles Alice, Bob;
    Alice -> Bob: Ping(u32);
    Bob -> Alice: Pong(u32);
} }
pub use ping_pong::{Ping, Pong, Role};

pub async fn alice<H: ChoreoHandler<Role = Role, Endpoint = ()>>(handler: &H) -> Result<Pong> {
    let next = ping_pong::alice(handler, &()).send(Ping(1)).await?;
    Ok(next.recv().await?.0)
}

pub async fn bob<H: ChoreoHandler<Role = Role, Endpoint = ()>>(handler: &H) -> Result<()> {
    let (Ping(number), next) = ping_pong::bob(handler, &()).recv().await?;
    next.send(Pong(number + 1)).await.map(drop)
}
