//! A value goes round and round.

use choreo::prelude::*;
use choreo_protocols::{parts, play};
use ring::{Role, Value};

choreography! {
    protocol Ring {
        roles First, Second, Third;
        loop {
            choice at First {
                round => {
                    First -> Second: Value(u32);
                    Second -> Third: Value(u32);
                    Third -> First: Value(u32);
                }
                stop => break;
            }
        }
    }
}

async fn first<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    let (mut next, mut value) = (ring::first(handler, endpoint), 0);
    for _ in 0..20 {
        let round = next.round().await?.send(Value(value)).await?;
        (Value(value), next) = round.recv().await?;
    }
    assert_eq!(value, 40);
    next.stop().await.map(drop)
}

async fn second<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use ring::second::Offered;

    let mut next = ring::second(handler, endpoint);
    while let Offered::Round(round) = next.offer().await? {
        let (Value(value), round) = round.recv().await?;
        next = round.send(Value(value + 1)).await?;
    }
    Ok(())
}

async fn third<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use ring::third::Offered;

    let mut next = ring::third(handler, endpoint);
    while let Offered::Round(round) = next.offer().await? {
        let (Value(value), round) = round.recv().await?;
        next = round.send(Value(value + 1)).await?;
    }
    Ok(())
}

play!(First => first, Second => second, Third => third);

#[test]
fn projections() {
    assert_eq!(parts(&ring::protocol()), PARTS);
}

const PARTS: &str = "\
First {
    choice at First to Second, Third {
        round => {
            First -> Second: Value(u32);
            Third -> First: Value(u32);
            goto 0;
        }
        stop => {
        }
    }
}
Second {
    choice at First to Second {
        round => {
            First -> Second: Value(u32);
            Second -> Third: Value(u32);
            goto 0;
        }
        stop => {
        }
    }
}
Third {
    choice at First to Third {
        round => {
            Second -> Third: Value(u32);
            Third -> First: Value(u32);
            goto 0;
        }
        stop => {
        }
    }
}";
