//! A client proves to an authority who it is; the service hears only whether it did.

use choreo::prelude::*;
use choreo_protocols::{parts, play};
use o_auth::{Authorized, Password, Quit, Role};

choreography! {
    protocol OAuth {
        roles Service, Client, Authority;
        choice at Service to Client {
            login => {
                choice at Client to Authority {
                    try_it => {
                        Client -> Authority: Password(String);
                        Authority -> Service: Authorized(bool);
                    }
                }
            }
            cancel => {
                choice at Client to Authority {
                    leave => { Client -> Authority: Quit; }
                }
            }
        }
    }
}

async fn service<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    let next = o_auth::service(handler, endpoint).login().await?;
    let (Authorized(known), _end) = next.recv().await?;
    assert!(known);
    Ok(())
}

async fn client<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use o_auth::client::Offered;

    match o_auth::client(handler, endpoint).offer().await? {
        Offered::Login(next) => {
            let next = next.try_it().await?;
            next.send(Password("secret".into())).await.map(drop)
        }
        Offered::Cancel(next) => next.leave().await?.send(Quit).await.map(drop),
    }
}

async fn authority<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use o_auth::authority::Offered;

    match o_auth::authority(handler, endpoint).offer().await? {
        Offered::TryIt(next) => {
            let (Password(password), next) = next.recv().await?;
            next.send(Authorized(password == "secret")).await.map(drop)
        }
        Offered::Leave(next) => {
            let (Quit, _end) = next.recv().await?;
            Ok(())
        }
    }
}

play!(Service => service, Client => client, Authority => authority);

#[test]
fn projections() {
    assert_eq!(parts(&o_auth::protocol()), PARTS);
}

const PARTS: &str = "\
Service {
    choice at Service to Client {
        login => {
            Authority -> Service: Authorized(bool);
        }
        cancel => {
        }
    }
}
Client {
    choice at Service to Client {
        login => {
            choice at Client to Authority {
                try_it => {
                    Client -> Authority: Password(String);
                }
            }
        }
        cancel => {
            choice at Client to Authority {
                leave => {
                    Client -> Authority: Quit;
                }
            }
        }
    }
}
Authority {
    choice at Client to Authority {
        try_it => {
            Client -> Authority: Password(String);
            Authority -> Service: Authorized(bool);
        }
        leave => {
            Client -> Authority: Quit;
        }
    }
}";
