//! Two roles agree on a secret that nobody hears. The numbers are far too small to be of use.

use choreo::prelude::*;
use choreo_protocols::{parts, play};
use diffie_hellman::{Hidden, Public, Role};

choreography! {
    protocol DiffieHellman {
        roles Alice, Bob;
        Alice -> Bob: Public(u64);
        Bob -> Alice: Public(u64);
        Alice -> Bob: Hidden(u64);
    }
}

const PRIME: u64 = 2_147_483_647;
const GENERATOR: u64 = 7;

fn power(base: u64, exponent: u64) -> u64 {
    (0..exponent).fold(1, |product, _| product * base % PRIME)
}

async fn alice<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    let own = 1_234;
    let begun = diffie_hellman::alice(handler, endpoint);
    let next = begun.send(Public(power(GENERATOR, own))).await?;
    let (Public(theirs), next) = next.recv().await?;
    next.send(Hidden(42 ^ power(theirs, own))).await.map(drop)
}

async fn bob<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    let own = 4_321;
    let (Public(theirs), next) = diffie_hellman::bob(handler, endpoint).recv().await?;
    let next = next.send(Public(power(GENERATOR, own))).await?;
    let (Hidden(hidden), _end) = next.recv().await?;
    assert_ne!(hidden, 42);
    assert_eq!(hidden ^ power(theirs, own), 42);
    Ok(())
}

play!(Alice => alice, Bob => bob);

#[test]
fn projections() {
    assert_eq!(parts(&diffie_hellman::protocol()), PARTS);
}

const PARTS: &str = "\
Alice {
    Alice -> Bob: Public(u64);
    Bob -> Alice: Public(u64);
    Alice -> Bob: Hidden(u64);
}
Bob {
    Alice -> Bob: Public(u64);
    Bob -> Alice: Public(u64);
    Alice -> Bob: Hidden(u64);
}";
