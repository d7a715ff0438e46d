use choreo::prelude::*;
use ping_pong::Role;

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
    let next = ping_pong::alice(handler, &());
    let _waits = next.stop().await?;
    next.stop().await.map(drop)
}

fn main() {}
