//! Two buyers share the price of a book.

use choreo::prelude::*;
use choreo_protocols::{parts, play};
use two_buyers::{Address, Date, Price, Role, Share, Title};

choreography! {
    protocol TwoBuyers {
        roles First, Second, Seller;
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
}

async fn first<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use two_buyers::first::Offered;

    let begun = two_buyers::first(handler, endpoint);
    let next = begun.send(Title("a book".into())).await?;
    let (Price(price), next) = next.recv().await?;
    match next.send(Share(price / 2)).await?.offer().await? {
        Offered::Accept(_end) => Ok(()),
        Offered::Reject(_end) => panic!("40 are not too much"),
    }
}

async fn second<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    let (Price(price), next) = two_buyers::second(handler, endpoint).recv().await?;
    let (Share(share), next) = next.recv().await?;
    if price - share > 50 {
        return next.reject().await.map(drop);
    }
    let next = next.accept().await?.send(Address("here".into())).await?;
    let (Date(day), _end) = next.recv().await?;
    assert_eq!(day, 3);
    Ok(())
}

async fn seller<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use two_buyers::seller::Offered;

    let (Title(title), next) = two_buyers::seller(handler, endpoint).recv().await?;
    assert_eq!(title, "a book");
    let next = next.send(Price(80)).await?.send(Price(80)).await?;
    match next.offer().await? {
        Offered::Accept(next) => {
            let (Address(place), next) = next.recv().await?;
            assert_eq!(place, "here");
            next.send(Date(3)).await.map(drop)
        }
        Offered::Reject(_end) => panic!("40 are not too much"),
    }
}

play!(First => first, Second => second, Seller => seller);

#[test]
fn projections() {
    assert_eq!(parts(&two_buyers::protocol()), PARTS);
}

const PARTS: &str = "\
First {
    First -> Seller: Title(String);
    Seller -> First: Price(u32);
    First -> Second: Share(u32);
    choice at Second to First {
        accept => {
        }
        reject => {
        }
    }
}
Second {
    Seller -> Second: Price(u32);
    First -> Second: Share(u32);
    choice at Second to First, Seller {
        accept => {
            Second -> Seller: Address(String);
            Seller -> Second: Date(u32);
        }
        reject => {
        }
    }
}
Seller {
    First -> Seller: Title(String);
    Seller -> First: Price(u32);
    Seller -> Second: Price(u32);
    choice at Second to Seller {
        accept => {
            Second -> Seller: Address(String);
            Seller -> Second: Date(u32);
        }
        reject => {
        }
    }
}";
