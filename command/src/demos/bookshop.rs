use choreo::prelude::*;
use choreo::protocol::Global;

use super::Demo;

choreography! {
    /// Two buy a book together, if they can.
    protocol Bookshop {
        roles Ann, Ben, Shop;
        Ann -> Shop: Title(String);
        choice at Shop {
            offer => {
                Shop -> Ann: Price(u32);
                Shop -> Ben: Price(u32);
                Ann -> Ben: Share(u32);
                choice at Ben {
                    buy => {
                        Ben -> Shop: Address(String);
                        Shop -> Ben: Arrival(u32);
                    }
                    leave => {}
                }
            }
            unknown => {}
        }
    }
}

use bookshop::{Address, Arrival, Price, Role, Share, Title};

/// What the shop has, with the prices.
const BOOKS: [(&str, u32); 3] = [("Emma", 12), ("Faust", 20), ("Ulysses", 35)];

/// What `choreo run bookshop` takes.
#[derive(clap::Args)]
pub(crate) struct Bookshop {
    /// The book that Ann asks for: the shop has Emma, Faust and Ulysses
    #[arg(long, default_value = "Faust")]
    title: String,
    /// The most that Ann has for it
    #[arg(long, value_name = "COINS", default_value_t = 12)]
    ann: u32,
    /// The most that Ben has for it
    #[arg(long, value_name = "COINS", default_value_t = 12)]
    ben: u32,
}

impl Demo for Bookshop {
    const NAME: &str = "bookshop";
    type Role = Role;

    fn protocol() -> Global {
        bookshop::protocol()
    }

    async fn play<H>(&self, role: Role, handler: &H) -> Result<String>
    where
        H: ChoreoHandler<Role = Role, Endpoint = ()>,
    {
        match role {
            Role::Ann => self.ann(handler).await,
            Role::Ben => self.ben(handler).await,
            Role::Shop => shop(handler).await,
        }
    }
}

impl Bookshop {
    async fn ann<H>(&self, handler: &H) -> Result<String>
    where
        H: ChoreoHandler<Role = Role, Endpoint = ()>,
    {
        use bookshop::ann::{Offered, Offered2};

        let asked = bookshop::ann(handler, &())
            .send(Title(self.title.clone()))
            .await?;
        match asked.offer().await? {
            Offered::Unknown(_end) => Ok(format!("{:?} is not to be had", self.title)),
            Offered::Offer(next) => {
                let (Price(price), next) = next.recv().await?;
                let share = price.min(self.ann);
                match next.send(Share(share)).await?.offer().await? {
                    Offered2::Buy(_end) => Ok(format!("has a book for {share} of {price} coins")),
                    Offered2::Leave(_end) => Ok(format!("{price} coins were too many")),
                }
            }
        }
    }

    async fn ben<H>(&self, handler: &H) -> Result<String>
    where
        H: ChoreoHandler<Role = Role, Endpoint = ()>,
    {
        use bookshop::ben::Offered;

        match bookshop::ben(handler, &()).offer().await? {
            Offered::Unknown(_end) => Ok("has nothing to decide".to_owned()),
            Offered::Offer(next) => {
                let (Price(price), next) = next.recv().await?;
                let (Share(share), next) = next.recv().await?;
                let rest = price.saturating_sub(share);
                if rest > self.ben {
                    next.leave().await?;
                    return Ok(format!("would have had to give {rest} of {price} coins"));
                }
                let bought = next
                    .buy()
                    .await?
                    .send(Address("Elm Street 5".into()))
                    .await?;
                let (Arrival(days), _end) = bought.recv().await?;
                Ok(format!(
                    "gives {rest} of {price} coins, and waits {days} days"
                ))
            }
        }
    }
}

async fn shop<H>(handler: &H) -> Result<String>
where
    H: ChoreoHandler<Role = Role, Endpoint = ()>,
{
    use bookshop::shop::Offered;

    let (Title(title), next) = bookshop::shop(handler, &()).recv().await?;
    let Some((_, price)) = BOOKS.iter().find(|(known, _)| *known == title) else {
        next.unknown().await?;
        return Ok(format!("does not know {title:?}"));
    };
    let next = next.offer().await?.send(Price(*price)).await?;
    match next.send(Price(*price)).await?.offer().await? {
        Offered::Leave(_end) => Ok(format!("keeps {title:?}")),
        Offered::Buy(next) => {
            let (Address(address), next) = next.recv().await?;
            next.send(Arrival(3)).await?;
            Ok(format!("sends {title:?} to {address}"))
        }
    }
}
