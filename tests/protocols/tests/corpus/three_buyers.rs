//! The second of two buyers asks a third whether to buy; all hear what the third says.

use choreo::prelude::*;
use choreo_protocols::{parts, play};
use three_buyers::{Address, Ask, Date, Price, Role, Share, Title};

choreography! {
    protocol ThreeBuyers {
        roles First, Second, Third, Seller;
        First -> Seller: Title(String);
        Seller -> First: Price(u32);
        Seller -> Second: Price(u32);
        First -> Second: Share(u32);
        Second -> Third: Ask(u32);
        choice at Third {
            accept => {
                Third -> Seller: Address(String);
                Seller -> Third: Date(u32);
            }
            reject => {}
        }
    }
}

async fn first<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use three_buyers::first::Offered;

    let begun = three_buyers::first(handler, endpoint);
    let next = begun.send(Title("a book".into())).await?;
    let (Price(price), next) = next.recv().await?;
    match next.send(Share(price / 4)).await?.offer().await? {
        Offered::Accept(_end) => panic!("60 are too much"),
        Offered::Reject(_end) => Ok(()),
    }
}

async fn second<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use three_buyers::second::Offered;

    let (Price(price), next) = three_buyers::second(handler, endpoint).recv().await?;
    let (Share(share), next) = next.recv().await?;
    match next.send(Ask(price - share)).await?.offer().await? {
        Offered::Accept(_end) => panic!("60 are too much"),
        Offered::Reject(_end) => Ok(()),
    }
}

async fn third<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    let (Ask(price), next) = three_buyers::third(handler, endpoint).recv().await?;
    if price > 50 {
        return next.reject().await.map(drop);
    }
    let next = next.accept().await?.send(Address("here".into())).await?;
    let (Date(_), _end) = next.recv().await?;
    Ok(())
}

async fn seller<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use three_buyers::seller::Offered;

    let (Title(_), next) = three_buyers::seller(handler, endpoint).recv().await?;
    let next = next.send(Price(80)).await?.send(Price(80)).await?;
    match next.offer().await? {
        Offered::Accept(next) => {
            let (Address(_), next) = next.recv().await?;
            next.send(Date(3)).await.map(drop)
        }
        Offered::Reject(_end) => Ok(()),
    }
}

play!(First => first, Second => second, Third => third, Seller => seller);

#[test]
fn projections() {
    assert_eq!(parts(&three_buyers::protocol()), PARTS);
}

const PARTS: &str = "\
First {
    First -> Seller: Title(String);
    Seller -> First: Price(u32);
    First -> Second: Share(u32);
    choice at Third to First {
        accept => {
        }
        reject => {
        }
    }
}
Second {
    Seller -> Second: Price(u32);
    First -> Second: Share(u32);
    Second -> Third: Ask(u32);
    choice at Third to Second {
        accept => {
        }
        reject => {
        }
    }
}
Third {
    Second -> Third: Ask(u32);
    choice at Third to First, Second, Seller {
        accept => {
            Third -> Seller: Address(String);
            Seller -> Third: Date(u32);
        }
        reject => {
        }
    }
}
Seller {
    First -> Seller: Title(String);
    Seller -> First: Price(u32);
    Seller -> Second: Price(u32);
    choice at Third to Seller {
        accept => {
            Third -> Seller: Address(String);
            Seller -> Third: Date(u32);
        }
        reject => {
        }
    }
}";
