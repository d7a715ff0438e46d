use choreo::prelude::*;
use ping_pong::{Pong, Role};

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
    next.send(Pong(1)).await.map(drop)
}

fn main() {}
