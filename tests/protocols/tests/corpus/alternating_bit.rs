//! What is not acknowledged with the right bit is sent again.

use alternating_bit::{One, Role, Zero};
use choreo::prelude::*;
use choreo_protocols::{parts, play};

choreography! {
    protocol AlternatingBit {
        roles Sender, Receiver;
        loop zero {
            Sender -> Receiver: Zero(u32);
            choice at Receiver {
                again => continue zero;
                ack => {}
            }
            loop one {
                Sender -> Receiver: One(u32);
                choice at Receiver {
                    again => continue one;
                    ack => break one;
                }
            }
            choice at Sender {
                more => continue zero;
                done => break zero;
            }
        }
    }
}

async fn sender<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use alternating_bit::sender::{Offered, Offered2};

    let (mut zero, mut number, mut repeated) = (alternating_bit::sender(handler, endpoint), 0, 0);
    loop {
        let mut one = loop {
            match zero.send(Zero(number)).await?.offer().await? {
                Offered::Again(again) => (zero, repeated) = (again, repeated + 1),
                Offered::Ack(next) => break next,
            }
        };
        let next = loop {
            match one.send(One(number + 1)).await?.offer().await? {
                Offered2::Again(again) => (one, repeated) = (again, repeated + 1),
                Offered2::Ack(next) => break next,
            }
        };
        number += 2;
        if number == 10 {
            assert_eq!(repeated, 5);
            return next.done().await.map(drop);
        }
        zero = next.more().await?;
    }
}

async fn receiver<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use alternating_bit::receiver::Offered;

    let (mut zero, mut expected) = (alternating_bit::receiver(handler, endpoint), 0);
    loop {
        // The first copy of each second number is taken to be broken.
        let (Zero(number), broken) = zero.recv().await?;
        assert_eq!(number, expected);
        let (Zero(number), whole) = broken.again().await?.recv().await?;
        assert_eq!(number, expected);
        let (One(number), whole) = whole.ack().await?.recv().await?;
        assert_eq!(number, expected + 1);
        expected += 2;
        match whole.ack().await?.offer().await? {
            Offered::More(next) => zero = next,
            Offered::Done(_end) => return Ok(()),
        }
    }
}

play!(Sender => sender, Receiver => receiver);

#[test]
fn projections() {
    assert_eq!(parts(&alternating_bit::protocol()), PARTS);
}

const PARTS: &str = "\
Sender {
at 0:
    Sender -> Receiver: Zero(u32);
    choice at Receiver to Sender {
        again => {
            goto 0;
        }
        ack => {
        at 2:
            Sender -> Receiver: One(u32);
            choice at Receiver to Sender {
                again => {
                    goto 2;
                }
                ack => {
                    choice at Sender to Receiver {
                        more => {
                            goto 0;
                        }
                        done => {
                        }
                    }
                }
            }
        }
    }
}
Receiver {
at 0:
    Sender -> Receiver: Zero(u32);
    choice at Receiver to Sender {
        again => {
            goto 0;
        }
        ack => {
        at 2:
            Sender -> Receiver: One(u32);
            choice at Receiver to Sender {
                again => {
                    goto 2;
                }
                ack => {
                    choice at Sender to Receiver {
                        more => {
                            goto 0;
                        }
                        done => {
                        }
                    }
                }
            }
        }
    }
}";
