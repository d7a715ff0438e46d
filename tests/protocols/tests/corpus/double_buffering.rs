//! A kernel fills one buffer while the other is emptied.

use choreo::prelude::*;
use choreo_protocols::{parts, play};
use double_buffering::{Ready, Role, Value};

choreography! {
    protocol DoubleBuffering {
        roles Source, Kernel, Sink;
        loop {
            choice at Source {
                more => {
                    Kernel -> Source: Ready;
                    Source -> Kernel: Value(Vec<u8>);
                    Sink -> Kernel: Ready;
                    Kernel -> Sink: Value(Vec<u8>);
                    Kernel -> Source: Ready;
                    Source -> Kernel: Value(Vec<u8>);
                    Sink -> Kernel: Ready;
                    Kernel -> Sink: Value(Vec<u8>);
                }
                done => break;
            }
        }
    }
}

async fn source<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    let mut next = double_buffering::source(handler, endpoint);
    for round in 0..10 {
        let (Ready, first) = next.more().await?.recv().await?;
        let (Ready, second) = first.send(Value(vec![round; 100])).await?.recv().await?;
        next = second.send(Value(vec![round; 200])).await?;
    }
    next.done().await.map(drop)
}

async fn kernel<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use double_buffering::kernel::Offered;

    let mut next = double_buffering::kernel(handler, endpoint);
    while let Offered::More(empty) = next.offer().await? {
        let (Value(first), full) = empty.send(Ready).await?.recv().await?;
        let (Ready, wanted) = full.recv().await?;
        let empty = wanted.send(Value(first)).await?;
        let (Value(second), full) = empty.send(Ready).await?.recv().await?;
        let (Ready, wanted) = full.recv().await?;
        next = wanted.send(Value(second)).await?;
    }
    Ok(())
}

async fn sink<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use double_buffering::sink::Offered;

    let (mut next, mut bytes) = (double_buffering::sink(handler, endpoint), 0);
    while let Offered::More(wants) = next.offer().await? {
        let (Value(first), wants) = wants.send(Ready).await?.recv().await?;
        let (Value(second), again) = wants.send(Ready).await?.recv().await?;
        bytes += first.len() + second.len();
        next = again;
    }
    assert_eq!(bytes, 3_000);
    Ok(())
}

play!(Source => source, Kernel => kernel, Sink => sink);

#[test]
fn projections() {
    assert_eq!(parts(&double_buffering::protocol()), PARTS);
}

const PARTS: &str = "\
Source {
    choice at Source to Kernel, Sink {
        more => {
            Kernel -> Source: Ready;
            Source -> Kernel: Value(Vec<u8>);
            Kernel -> Source: Ready;
            Source -> Kernel: Value(Vec<u8>);
            goto 0;
        }
        done => {
        }
    }
}
Kernel {
    choice at Source to Kernel {
        more => {
            Kernel -> Source: Ready;
            Source -> Kernel: Value(Vec<u8>);
            Sink -> Kernel: Ready;
            Kernel -> Sink: Value(Vec<u8>);
            Kernel -> Source: Ready;
            Source -> Kernel: Value(Vec<u8>);
            Sink -> Kernel: Ready;
            Kernel -> Sink: Value(Vec<u8>);
            goto 0;
        }
        done => {
        }
    }
}
Sink {
    choice at Source to Sink {
        more => {
            Sink -> Kernel: Ready;
            Kernel -> Sink: Value(Vec<u8>);
            Sink -> Kernel: Ready;
            Kernel -> Sink: Value(Vec<u8>);
            goto 0;
        }
        done => {
        }
    }
}";
