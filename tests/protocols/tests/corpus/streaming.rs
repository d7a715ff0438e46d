//! Values for as long as there are some, with nothing in return.

use choreo::prelude::*;
use choreo_protocols::{parts, play};
use streaming::{Role, Value};

choreography! {
    protocol Streaming {
        roles Source, Sink;
        loop {
            choice at Source {
                value => { Source -> Sink: Value(u32); }
                stop => break;
            }
        }
    }
}

async fn source<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    let mut next = streaming::source(handler, endpoint);
    for number in 0..1_000 {
        next = next.value().await?.send(Value(number)).await?;
    }
    next.stop().await.map(drop)
}

async fn sink<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use streaming::sink::Offered;

    let (mut next, mut sum) = (streaming::sink(handler, endpoint), 0);
    while let Offered::Value(coming) = next.offer().await? {
        let (Value(number), again) = coming.recv().await?;
        (next, sum) = (again, sum + number);
    }
    assert_eq!(sum, 499_500);
    Ok(())
}

play!(Source => source, Sink => sink);

#[test]
fn projections() {
    assert_eq!(parts(&streaming::protocol()), PARTS);
}

const PARTS: &str = "\
Source {
    choice at Source to Sink {
        value => {
            Source -> Sink: Value(u32);
            goto 0;
        }
        stop => {
        }
    }
}
Sink {
    choice at Source to Sink {
        value => {
            Source -> Sink: Value(u32);
            goto 0;
        }
        stop => {
        }
    }
}";
