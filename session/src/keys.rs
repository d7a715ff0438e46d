//! Keys and proofs: HMAC-SHA256 (RFC 2104) over fields that carry their lengths.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::wire::{Challenge, Hello, Proof};

/// What a role proves with that it is the one that joined.
pub(crate) type ResumeKey = [u8; 32];

/// The resume key of a role's process. A server with the same master key finds the same one again,
/// so that a session outlives a restart of the server.
pub(crate) fn resume_key(master: &[u8; 32], hello: &Hello) -> ResumeKey {
    let mut mac = mac(master);
    field(&mut mac, b"choreo resume 1");
    field(&mut mac, hello.session.as_bytes());
    field(&mut mac, hello.role.as_bytes());
    field(&mut mac, &hello.instance.to_le_bytes());
    field(&mut mac, &hello.fingerprint.to_le_bytes());
    mac.finalize().into_bytes().into()
}

/// Answers a challenge.
pub(crate) fn prove(key: &ResumeKey, hello: &Hello, challenge: &Challenge) -> Proof {
    let mac = proof(key, hello, challenge).finalize();
    Proof {
        mac: mac.into_bytes().into(),
    }
}

/// Whether the answer is right; takes as long whether it is or not.
pub(crate) fn is_proven(
    key: &ResumeKey,
    hello: &Hello,
    challenge: &Challenge,
    given: &Proof,
) -> bool {
    let mac = proof(key, hello, challenge);
    mac.verify_slice(&given.mac).is_ok()
}

fn proof(key: &ResumeKey, hello: &Hello, challenge: &Challenge) -> Hmac<Sha256> {
    let mut mac = mac(key);
    field(&mut mac, b"choreo proof 1");
    field(&mut mac, hello.session.as_bytes());
    field(&mut mac, hello.role.as_bytes());
    field(&mut mac, &hello.instance.to_le_bytes());
    field(&mut mac, &hello.epoch.to_le_bytes());
    field(&mut mac, &challenge.nonce.to_le_bytes());
    mac
}

fn mac(key: &[u8; 32]) -> Hmac<Sha256> {
    // A shorter key is the same as one with zeros up to the length of a block.
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    Hmac::new(&block.into())
}

fn field(mac: &mut Hmac<Sha256>, bytes: &[u8]) {
    mac.update(&(bytes.len() as u64).to_le_bytes());
    mac.update(bytes);
}

/// Random bytes of the platform.
pub(crate) fn random<const N: usize>() -> choreo_core::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        let detail = format!("the platform gives no random numbers, which sessions need: {error}");
        choreo_core::Error::new(choreo_core::ErrorKind::Config, detail)
    })?;
    Ok(bytes)
}
