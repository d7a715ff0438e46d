use choreo_core::{Codec, Error, ErrorKind, Message, Result, TypeTag, erased_serde};

use crate::promise::{KINDS, NAMED, TRANSIENT, USABLE};
use crate::trial::Trial;
use crate::{ErasedFixture, Peer, Violation};

/// A message whose bytes are not what its tag says is an error of kind `Decode`, once: the next
/// message is fine, in both directions.
pub async fn an_undecodable_message_is_one_error(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let trial = Trial::new(fixture, "an_undecodable_message_is_one_error", KINDS);
    let [alice, bob] = trial.session().await?;
    let what = format!("{alice} sending bytes that are no String");
    trial.ok(what, alice.send(&bob, &Garbage)).await?;
    let what = format!("{bob} receiving bytes that are no String");
    trial
        .fails(what, ErrorKind::Decode, bob.recv::<String>(&alice))
        .await?;
    works_on(&trial, &alice, &bob).await
}

/// A message that cannot be encoded is an error of the send, and nothing of it is sent: the next
/// message is fine, in both directions.
pub async fn a_message_that_does_not_encode_is_one_error(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let check = "a_message_that_does_not_encode_is_one_error";
    let trial = Trial::new(fixture, check, USABLE);
    let [alice, bob] = trial.session().await?;
    let what = format!("{alice} sending a message that does not encode");
    trial
        .fails(what, ErrorKind::Encode, alice.send(&bob, &Unencodable))
        .await?;
    works_on(&trial, &alice, &bob).await
}

async fn works_on(trial: &Trial<'_>, alice: &Peer, bob: &Peer) -> Result<(), Violation> {
    let next = "the next one".to_owned();
    trial.send(alice, bob, &next).await?;
    trial.recv(bob, alice, &next).await?;
    trial.send(bob, alice, &next).await?;
    trial.recv(alice, bob, &next).await
}

/// Errors say with whom it happened, and, where they say at which role, the right one.
pub async fn errors_name_the_role_and_the_peer(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let trial = Trial::new(fixture, "errors_name_the_role_and_the_peer", NAMED);
    let [alice, bob] = trial.session().await?;
    let names = |error: &Error, role: &Peer, peer: &str| {
        trial.ensure(error.peer() == Some(peer), || {
            format!(
                "an error with {peer} names the peer {:?}: {error:?}",
                error.peer()
            )
        })?;
        trial.ensure(
            error
                .role()
                .is_none_or(|named| named == role.name().as_str()),
            || {
                format!(
                    "an error at {role} names the role {:?}: {error:?}",
                    error.role()
                )
            },
        )
    };
    let what = format!("{alice} sending a message that does not encode");
    let sending = alice.send(&bob, &Unencodable);
    let error = trial.fails(what, ErrorKind::Encode, sending).await?;
    names(&error, &alice, bob.name().as_str())?;

    let left = alice.name().clone();
    trial.leave(alice).await?;
    let what = format!("{bob} receiving from {left}, who has left,");
    let error = trial
        .fails(what, ErrorKind::Closed, bob.recv::<u32>(&left))
        .await?;
    names(&error, &bob, left.as_str())
}

/// An error of a receive never claims that it may be tried again.
pub async fn receive_errors_are_never_transient(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let trial = Trial::new(fixture, "receive_errors_are_never_transient", TRANSIENT);
    let [alice, bob] = trial.session().await?;
    let what = format!("{alice} sending bytes that are no String");
    trial.ok(what, alice.send(&bob, &Garbage)).await?;
    let left = alice.name().clone();
    trial.leave(alice).await?;
    for kind in [ErrorKind::Decode, ErrorKind::Closed] {
        let what = format!("{bob} receiving from {left}");
        let error = trial.fails(what, kind, bob.recv::<String>(&left)).await?;
        trial.ensure(!error.is_transient(), || {
            format!("an error of a receive says that it is transient: {error:?}")
        })?;
    }
    Ok(())
}

/// Says that it is a `String`, and is not: its bytes are no UTF-8.
struct Garbage;

impl Message for Garbage {
    fn type_tag(&self) -> TypeTag {
        TypeTag::of::<String>()
    }

    fn encode(&self, _: Codec, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(&[2, 0xff, 0xfe]);
        Ok(())
    }

    fn as_serialize(&self) -> &dyn erased_serde::Serialize {
        &[0xff_u8, 0xfe]
    }
}

/// Fails when it is encoded, with a part of it written already.
struct Unencodable;

impl Message for Unencodable {
    fn type_tag(&self) -> TypeTag {
        TypeTag::of::<String>()
    }

    fn encode(&self, _: Codec, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(&[2, b'n']);
        Err(Error::new(ErrorKind::Encode, "made not to encode"))
    }

    fn as_serialize(&self) -> &dyn erased_serde::Serialize {
        &"n"
    }
}
