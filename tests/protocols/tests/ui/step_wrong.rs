use choreo::prelude::*;
use ping_pong::{Ping, Role};

choreography! {
    protocol PingPong {
        roles Alice, Bob;
        choice at Alice to Bob {
            ping => { Alice -> Bob: Ping(u32); }
            stop => {}
        }
        Bob -> Alice: Pong(u32);
    }
}

async fn alice(handler: &InMemoryHandler<Role>) -> Result<()> {
    let next = ping_pong::alice(handler, &()).ping().await?;
    let next = next.send(Ping(1)).await?;
    next.stop().await.map(drop)
}

fn main() {}
