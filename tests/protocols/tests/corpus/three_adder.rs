//! Three roles add up, each its own number, in turn.

use choreo::prelude::*;
use choreo_protocols::{parts, play};
use three_adder::{Role, Sum};

choreography! {
    protocol ThreeAdder {
        roles First, Second, Third;
        loop {
            First -> Second: Sum(u32);
            Second -> Third: Sum(u32);
            choice at Third {
                more => { Third -> First: Sum(u32); }
                enough => break;
            }
        }
    }
}

async fn first<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use three_adder::first::Offered;

    let (mut next, mut total) = (three_adder::first(handler, endpoint), 0);
    while let Offered::More(more) = next.send(Sum(total + 1)).await?.offer().await? {
        (Sum(total), next) = more.recv().await?;
    }
    assert_eq!(total, 96);
    Ok(())
}

async fn second<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use three_adder::second::Offered;

    let mut next = three_adder::second(handler, endpoint);
    loop {
        let (Sum(total), sum) = next.recv().await?;
        match sum.send(Sum(total + 2)).await?.offer().await? {
            Offered::More(again) => next = again,
            Offered::Enough(_end) => return Ok(()),
        }
    }
}

async fn third<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    let mut next = three_adder::third(handler, endpoint);
    loop {
        let (Sum(total), sum) = next.recv().await?;
        if total + 3 > 100 {
            return sum.enough().await.map(drop);
        }
        next = sum.more().await?.send(Sum(total + 3)).await?;
    }
}

play!(First => first, Second => second, Third => third);

#[test]
fn projections() {
    assert_eq!(parts(&three_adder::protocol()), PARTS);
}

const PARTS: &str = "\
First {
    First -> Second: Sum(u32);
    choice at Third to First {
        more => {
            Third -> First: Sum(u32);
            goto 0;
        }
        enough => {
        }
    }
}
Second {
    First -> Second: Sum(u32);
    Second -> Third: Sum(u32);
    choice at Third to Second {
        more => {
            goto 0;
        }
        enough => {
        }
    }
}
Third {
    Second -> Third: Sum(u32);
    choice at Third to First, Second {
        more => {
            Third -> First: Sum(u32);
            goto 0;
        }
        enough => {
        }
    }
}";
