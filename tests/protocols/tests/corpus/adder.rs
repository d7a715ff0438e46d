//! A server adds for as long as there are numbers.

use adder::{Operand, Role, Sum};
use choreo::prelude::*;
use choreo_protocols::{parts, play};

choreography! {
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
}

async fn client<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    let (mut next, mut total) = (adder::client(handler, endpoint), 0);
    for number in 1..=100 {
        let added = next.add().await?.send(Operand(total)).await?;
        (Sum(total), next) = added.send(Operand(number)).await?.recv().await?;
    }
    assert_eq!(total, 5050);
    next.bye().await.map(drop)
}

async fn server<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use adder::server::Offered;

    let mut next = adder::server(handler, endpoint);
    loop {
        next = match next.offer().await? {
            Offered::Add(added) => {
                let (Operand(one), added) = added.recv().await?;
                let (Operand(other), added) = added.recv().await?;
                added.send(Sum(one + other)).await?
            }
            Offered::Bye(_end) => return Ok(()),
        };
    }
}

play!(Client => client, Server => server);

#[test]
fn projections() {
    assert_eq!(parts(&adder::protocol()), PARTS);
}

const PARTS: &str = "\
Client {
    choice at Client to Server {
        add => {
            Client -> Server: Operand(i64);
            Client -> Server: Operand(i64);
            Server -> Client: Sum(i64);
            goto 0;
        }
        bye => {
        }
    }
}
Server {
    choice at Client to Server {
        add => {
            Client -> Server: Operand(i64);
            Client -> Server: Operand(i64);
            Server -> Client: Sum(i64);
            goto 0;
        }
        bye => {
        }
    }
}";
