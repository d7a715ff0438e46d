//! The roles of a ring learn the greatest of their numbers.

use choreo::prelude::*;
use choreo_protocols::{parts, play};
use ring_max::{Greatest, Role, SoFar};

choreography! {
    protocol RingMax {
        roles First, Second, Third;
        First -> Second: SoFar(u32);
        Second -> Third: SoFar(u32);
        Third -> First: Greatest(u32);
        First -> Second: Greatest(u32);
        Second -> Third: Greatest(u32);
    }
}

async fn first<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    let next = ring_max::first(handler, endpoint).send(SoFar(4)).await?;
    let (Greatest(greatest), next) = next.recv().await?;
    assert_eq!(greatest, 9);
    next.send(Greatest(greatest)).await.map(drop)
}

async fn second<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    let (SoFar(greatest), next) = ring_max::second(handler, endpoint).recv().await?;
    let (Greatest(greatest), next) = next.send(SoFar(greatest.max(9))).await?.recv().await?;
    assert_eq!(greatest, 9);
    next.send(Greatest(greatest)).await.map(drop)
}

async fn third<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    let (SoFar(greatest), next) = ring_max::third(handler, endpoint).recv().await?;
    let (Greatest(greatest), _end) = next.send(Greatest(greatest.max(7))).await?.recv().await?;
    assert_eq!(greatest, 9);
    Ok(())
}

play!(First => first, Second => second, Third => third);

#[test]
fn projections() {
    assert_eq!(parts(&ring_max::protocol()), PARTS);
}

const PARTS: &str = "\
First {
    First -> Second: SoFar(u32);
    Third -> First: Greatest(u32);
    First -> Second: Greatest(u32);
}
Second {
    First -> Second: SoFar(u32);
    Second -> Third: SoFar(u32);
    First -> Second: Greatest(u32);
    Second -> Third: Greatest(u32);
}
Third {
    Second -> Third: SoFar(u32);
    Third -> First: Greatest(u32);
    Second -> Third: Greatest(u32);
}";
