//! All commit, or nobody does.

use choreo::prelude::*;
use choreo_protocols::{parts, play};
use two_phase_commit::{Prepare, Role};

choreography! {
    protocol TwoPhaseCommit {
        roles Coordinator, First, Second;
        Coordinator -> First: Prepare(String);
        Coordinator -> Second: Prepare(String);
        choice at First to Coordinator { yes => {} no => {} }
        choice at Second to Coordinator { yes => {} no => {} }
        choice at Coordinator {
            commit => {}
            abort => {}
        }
    }
}

async fn coordinator<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use two_phase_commit::coordinator::{Offered, Offered2};

    let begun = two_phase_commit::coordinator(handler, endpoint);
    let next = begun.send(Prepare("a transfer".into())).await?;
    let next = next.send(Prepare("a transfer".into())).await?;
    let (first, next) = match next.offer().await? {
        Offered::Yes(next) => (true, next),
        Offered::No(next) => (false, next),
    };
    let (second, next) = match next.offer().await? {
        Offered2::Yes(next) => (true, next),
        Offered2::No(next) => (false, next),
    };
    match first && second {
        true => next.commit().await.map(drop),
        false => next.abort().await.map(drop),
    }
}

async fn first<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use two_phase_commit::first::Offered;

    let (Prepare(_), next) = two_phase_commit::first(handler, endpoint).recv().await?;
    match next.yes().await?.offer().await? {
        Offered::Commit(_end) => panic!("the second said no"),
        Offered::Abort(_end) => Ok(()),
    }
}

async fn second<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use two_phase_commit::second::Offered;

    let (Prepare(_), next) = two_phase_commit::second(handler, endpoint).recv().await?;
    match next.no().await?.offer().await? {
        Offered::Commit(_end) => panic!("this one said no"),
        Offered::Abort(_end) => Ok(()),
    }
}

play!(Coordinator => coordinator, First => first, Second => second);

#[test]
fn projections() {
    assert_eq!(parts(&two_phase_commit::protocol()), PARTS);
}

const PARTS: &str = "\
Coordinator {
    Coordinator -> First: Prepare(String);
    Coordinator -> Second: Prepare(String);
    choice at First to Coordinator {
        yes => {
        at 3:
            choice at Second to Coordinator {
                yes => {
                at 4:
                    choice at Coordinator to First, Second {
                        commit => {
                        }
                        abort => {
                        }
                    }
                }
                no => {
                    goto 4;
                }
            }
        }
        no => {
            goto 3;
        }
    }
}
First {
    Coordinator -> First: Prepare(String);
    choice at First to Coordinator {
        yes => {
        at 2:
            choice at Coordinator to First {
                commit => {
                }
                abort => {
                }
            }
        }
        no => {
            goto 2;
        }
    }
}
Second {
    Coordinator -> Second: Prepare(String);
    choice at Second to Coordinator {
        yes => {
        at 2:
            choice at Coordinator to Second {
                commit => {
                }
                abort => {
                }
            }
        }
        no => {
            goto 2;
        }
    }
}";
