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

#[tokio::test]
async fn a_choice_arrives_as_an_enum() -> Result<()> {
    use two_buyers::first::Offered;
    use two_buyers::seller::Offered as ToSeller;
    use two_buyers::*;

    for accepts in [true, false] {
        let network = InMemoryNetwork::new();
        let [first, second, seller] =
            [Role::First, Role::Second, Role::Seller].map(|role| network.join(role));
        let (first, second, seller) = (first?, second?, seller?);
        let first = async {
            let next = two_buyers::first(&first, &())
                .send(Title("a book".into()))
                .await?;
            let (Price(price), next) = next.recv().await?;
            match next.send(Share(price / 2)).await?.offer().await? {
                Offered::Accept(_end) => Ok::<_, Error>(true),
                Offered::Reject(_end) => Ok(false),
            }
        };
        let second = async {
            let (Price(price), next) = two_buyers::second(&second, &()).recv().await?;
            let (Share(share), next) = next.recv().await?;
            if !accepts {
                next.reject().await?;
                return Ok::<_, Error>(0);
            }
            let next = next.accept().await?.send(Address("here".into())).await?;
            let (Date(day), _end) = next.recv().await?;
            Ok(price - share + day)
        };
        let seller = async {
            let (Title(_), next) = two_buyers::seller(&seller, &()).recv().await?;
            let next = next.send(Price(80)).await?.send(Price(80)).await?;
            match next.offer().await? {
                ToSeller::Accept(next) => {
                    let (Address(place), next) = next.recv().await?;
                    next.send(Date(3)).await?;
                    Ok(place)
                }
                ToSeller::Reject(_end) => Ok::<_, Error>(String::new()),
            }
        };
        let (told, paid, place) = futures::try_join!(first, second, seller)?;
        assert_eq!(told, accepts);
        let expected = if accepts { (43, "here") } else { (0, "") };
        assert_eq!((paid, place.as_str()), expected);
    }
    Ok(())
}

#[tokio::test]
async fn a_loop_is_a_loop() -> Result<()> {
    use adder::server::Offered;
    use adder::*;

    let network = InMemoryNetwork::new();
    let (client, server) = (network.join(Role::Client)?, network.join(Role::Server)?);
    let client = async {
        let (mut next, mut total) = (adder::client(&client, &()), 0);
        for number in 0..100 {
            let added = next.add().await?.send(Operand(total)).await?;
            let (Sum(sum), again) = added.send(Operand(number)).await?.recv().await?;
            (next, total) = (again, sum);
        }
        next.bye().await?;
        Ok::<_, Error>(total)
    };
    let server = async {
        let mut next = adder::server(&server, &());
        loop {
            match next.offer().await? {
                Offered::Add(added) => {
                    let (Operand(one), added) = added.recv().await?;
                    let (Operand(other), added) = added.recv().await?;
                    next = added.send(Sum(one + other)).await?;
                }
                Offered::Bye(_end) => return Ok::<_, Error>(()),
            }
        }
    };
    let (total, ()) = futures::try_join!(client, server)?;
    assert_eq!(total, 4950);
    Ok(())
}

#[tokio::test]
async fn branches_at_once_are_joined() -> Result<()> {
    use exchange::*;

    let network = InMemoryNetwork::new();
    let (left, right) = (network.join(Role::Left)?, network.join(Role::Right)?);
    let left = async {
        let (sends, receives, join) = exchange::left(&left, &()).at_once();
        let (sent, (Yours(yours), received)) =
            futures::try_join!(sends.send(Mine(1)), receives.recv())?;
        join.join(sent, received).send(Enough).await?;
        Ok::<_, Error>(yours)
    };
    let right = async {
        let (receives, sends, join) = exchange::right(&right, &()).at_once();
        // One after the other is as good.
        let sent = sends.send(Yours(2)).await?;
        let (Mine(mine), received) = receives.recv().await?;
        let (Enough, _end) = join.join(received, sent).recv().await?;
        Ok::<_, Error>(mine)
    };
    assert_eq!(futures::try_join!(left, right)?, (2, 1));
    Ok(())
}

#[tokio::test]
async fn who_stops_in_the_middle_is_missed() -> Result<()> {
    use ping_pong::{Ping, Role};

    let network = InMemoryNetwork::new();
    let (alice, bob) = (network.join(Role::Alice)?, network.join(Role::Bob)?);
    let waiting = ping_pong::alice(&alice, &()).send(Ping(1)).await?;
    let (Ping(1), stopped) = ping_pong::bob(&bob, &()).recv().await? else {
        panic!("another number")
    };
    drop(stopped);
    let error = waiting.recv().await.map(drop).expect_err("nobody answers");
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    Ok(())
}

#[tokio::test]
async fn stacks_on_boxes_will_do() -> Result<()> {
    use ping_pong::{Ping, Pong, Role};

    async fn alice(stack: &BoxHandler<Role>) -> Result<u32> {
        let (Pong(number), _end) = ping_pong::alice(stack, &())
            .send(Ping(1))
            .await?
            .recv()
            .await?;
        Ok(number)
    }

    async fn bob(stack: &dyn ChoreoHandler<Role = Role, Endpoint = ()>) -> Result<()> {
        let (Ping(number), next) = ping_pong::bob(stack, &()).recv().await?;
        next.send(Pong(number + 1)).await.map(drop)
    }

    let network = InMemoryNetwork::new();
    let (one, other) = (network.join(Role::Alice)?.boxed(), network.join(Role::Bob)?);
    // A task of its own: its future is `Send`.
    let bob = tokio::spawn(async move { bob(&other).await });
    assert_eq!(alice(&one).await?, 2);
    bob.await.expect("it ends")?;
    Ok(())
}

#[test]
fn the_protocol_is_a_value_too() {
    let protocol = two_buyers::protocol();
    assert_eq!(protocol.fingerprint(), two_buyers::FINGERPRINT);
    assert_eq!(protocol.doc, "Two buyers share the price of a book.");
    assert_eq!(protocol.roles[1].doc, "Decides.");
    assert_eq!(
        protocol.project("First").unwrap().to_string(),
        "First {\n    \
             First -> Seller: Title(String);\n    \
             Seller -> First: Price(u32);\n    \
             First -> Second: Share(u32);\n    \
             choice at Second to First {\n        \
                 accept => {\n        }\n        \
                 reject => {\n        }\n    \
             }\n\
         }"
    );
}
