#![deny(unused_must_use)]

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
    ping_pong::alice(handler, &()).stop().await?;
    Ok(())
}

fn main() {}
