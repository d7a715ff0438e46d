//! `choreography!`: what it gives, over a handler in memory.
#![cfg(not(target_arch = "wasm32"))]

use choreo::prelude::*;

choreography! {
    /// One asks, the other answers.
    pub protocol PingPong {
        roles Alice, Bob;
        Alice -> Bob: Ping(u32);
        Bob -> Alice: Pong(u32);
    }

    /// Two buyers share the price of a book.
    protocol TwoBuyers {
        roles
            /// Asks.
            First,
            /// Decides.
            Second,
            Seller;
        First -> Seller: Title(String);
        Seller -> First: Price(u32);
        Seller -> Second: Price(u32);
        First -> Second: Share(u32);
        choice at Second to First, Seller {
            accept => {
                Second -> Seller: Address(String);
                Seller -> Second: Date(u32);
            }
            reject => {}
        }
    }

    /// As long as there are numbers.
    protocol Adder {
        roles Client, Server;
        loop {
            choice at Client {
                add => {
                    Client -> Server: Operand(i64);
                    Client -> Server: Operand(i64);
                    Server -> Client: Sum(i64);
                }
                bye => break;
            }
        }
    }

    /// Both ways at once.
    protocol Exchange {
        roles Left, Right;
        par { Left -> Right: Mine(u8); } and { Right -> Left: Yours(u8); }
        Left -> Right: Enough;
    }
}

#[tokio::test]
async fn ping_pong() -> Result<()> {
    use ping_pong::{Ping, Pong, Role};

    let network = InMemoryNetwork::new();
    let (alice, bob) = (network.join(Role::Alice)?, network.join(Role::Bob)?);
    let alice = async {
        let (Pong(number), _end) = ping_pong::alice(&alice, &())
            .send(Ping(1))
            .await?
            .recv()
            .await?;
        Ok::<_, Error>(number)
    };
    let bob = async {
        let (Ping(number), next) = ping_pong::bob(&bob, &()).recv().await?;
        next.send(Pong(number + 1)).await.map(drop)
    };
    let (answer, ()) = futures::try_join!(alice, bob)?;
    assert_eq!(answer, 2);
    Ok(())
}
