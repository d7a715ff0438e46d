use choreo_core::{
    Bytes, Codec, Encoded, Incoming, Message, Outgoing, Result, TypeTag, erased_serde,
};

use super::bench::{Bench, as_received, bob, carol, label, message};
use crate::promise::{ANSWERS, ONE_CALL, TO_ALL_AS_ONE};
use crate::{Call, LayerUnderTest, Violation};

/// A message reaches the inner handler with the bytes and the type's tag that it has.
pub async fn messages_go_through_unchanged(layer: &dyn LayerUnderTest) -> Result<(), Violation> {
    let bench = Bench::new(layer, "messages_go_through_unchanged", ONE_CALL);
    bench.forwards(Outgoing::Message(&70_000_u64)).await?;
    bench.forwards(Outgoing::Message(&())).await?;
    bench.forwards(Outgoing::Message(&"text")).await?;
    bench
        .forwards(Outgoing::Message(&vec![0xff_u8; 5000]))
        .await?;
    bench.forwards(Outgoing::Message(&ByHand)).await
}

/// A message that encodes by its own code, as a layer's may: neither its bytes nor its tag can be
/// had from its data.
struct ByHand;

impl Message for ByHand {
    fn type_tag(&self) -> TypeTag {
        TypeTag::of::<String>()
    }

    fn encode(&self, _: Codec, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(&[1, b'b']);
        Ok(())
    }

    fn as_serialize(&self) -> &dyn erased_serde::Serialize {
        &1_u8
    }
}

/// A label reaches the inner handler as that label.
pub async fn labels_go_through_unchanged(layer: &dyn LayerUnderTest) -> Result<(), Violation> {
    let bench = Bench::new(layer, "labels_go_through_unchanged", ONE_CALL);
    for label in ["accept", "Reject", "", "être 選択 🦀"] {
        bench.forwards(Outgoing::Label(label)).await?;
    }
    Ok(())
}

/// `send_to_all` reaches the inner handler's `send_to_all`, with all roles in their order.
pub async fn send_to_all_goes_through_as_one(layer: &dyn LayerUnderTest) -> Result<(), Violation> {
    let bench = Bench::new(layer, "send_to_all_goes_through_as_one", TO_ALL_AS_ONE);
    for to in [[bob(), carol()], [carol(), bob()]] {
        for payload in [Outgoing::Message(&7_u64), Outgoing::Label("accept")] {
            let due = Call::SendToAll {
                endpoint: bench.endpoint,
                to: to.to_vec(),
                payload: as_received(payload),
            };
            let sending = bench.layered.send_to_all(&(), &to, payload);
            let calls = bench
                .calls("sending to all through the layer", sending)
                .await?;
            bench.expect_calls("sending to all through the layer", &calls, &[due])?;
        }
    }
    Ok(())
}

/// What the inner handler receives comes through: bytes, codec and tag of a message, a label.
pub async fn what_is_received_comes_through_unchanged(
    layer: &dyn LayerUnderTest,
) -> Result<(), Violation> {
    let check = "what_is_received_comes_through_unchanged";
    let bench = Bench::new(layer, check, ANSWERS);
    bench.gives(message(&70_000_u64)).await?;
    bench.gives(message(&"text")).await?;
    bench.gives(label("accept")).await?;
    bench.gives(label("")).await?;
    // As it comes from a network: nothing is known of it but a tag's number.
    let (bytes, tag) = (
        Bytes::from_static(&[0xff, 0, 1]),
        TypeTag::from_hash(0xdead_beef),
    );
    let foreign = Encoded::from_parts(bytes, Codec::default(), tag);
    bench.gives(Incoming::Message(foreign)).await
}

/// Each method passes on the endpoint that it is given.
pub async fn the_endpoint_is_passed_on(layer: &dyn LayerUnderTest) -> Result<(), Violation> {
    let bench = Bench::new(layer, "the_endpoint_is_passed_on", ONE_CALL);
    for call in each_method(&bench).await? {
        let (Call::Send { endpoint, .. }
        | Call::Recv { endpoint, .. }
        | Call::SendToAll { endpoint, .. }) = &call;
        bench.ensure(*endpoint == bench.endpoint, || {
            format!(
                "the inner handler got {call}, where endpoint {} was due",
                bench.endpoint.id
            )
        })?;
    }
    Ok(())
}

/// Each method passes on the roles that it is given, each time anew.
pub async fn the_roles_are_passed_on(layer: &dyn LayerUnderTest) -> Result<(), Violation> {
    let bench = Bench::new(layer, "the_roles_are_passed_on", ONE_CALL);
    let mut roles = Vec::new();
    for call in each_method(&bench).await? {
        match call {
            Call::Send { to: role, .. } | Call::Recv { from: role, .. } => roles.push(role),
            Call::SendToAll { to, .. } => roles.extend(to),
        }
    }
    let due = [bob(), bob(), carol(), carol(), bob(), carol()];
    bench.ensure(roles == due, || {
        format!("the inner handler got calls with {roles:?}, where {due:?} were due")
    })
}

/// A send and a receive with Bob, the same with Carol, and a send to both.
async fn each_method(bench: &Bench) -> Result<Vec<Call>, Violation> {
    let (layered, mut calls) = (&bench.layered, Vec::new());
    for role in &bench.both {
        let sending = layered.send_payload(&(), role, Outgoing::Message(&1_u32));
        calls.extend(bench.calls("sending through the layer", sending).await?);
        bench.probe.deliver(message(&1_u32));
        let receiving = layered.recv_payload(&(), role);
        calls.extend(
            bench
                .calls("receiving through the layer", receiving)
                .await?,
        );
    }
    let sending = bench.send_to_both(Outgoing::Message(&1_u32));
    calls.extend(
        bench
            .calls("sending to all through the layer", sending)
            .await?,
    );
    Ok(calls)
}

/// When a send returns, the inner handler has it: nothing is kept back for later.
pub async fn a_send_is_handed_on_before_it_returns(
    layer: &dyn LayerUnderTest,
) -> Result<(), Violation> {
    let bench = Bench::new(layer, "a_send_is_handed_on_before_it_returns", ONE_CALL);
    for number in 1..=3_usize {
        let sending = bench.send(Outgoing::Message(&number));
        bench.ok("sending through the layer", sending).await?;
        let handed_on = bench.probe.calls().len();
        bench.ensure(handed_on == number, || {
            format!("{number} of 3 sends returned, and the inner handler got {handed_on}")
        })?;
    }
    Ok(())
}

/// A receive makes one receive of the inner handler: none for later, none ahead.
pub async fn a_receive_is_one_receive(layer: &dyn LayerUnderTest) -> Result<(), Violation> {
    let bench = Bench::new(layer, "a_receive_is_one_receive", ONE_CALL);
    for number in 1..=5_u32 {
        bench.probe.deliver(message(&number));
    }
    for number in 1..=3_usize {
        let receiving = bench.recv();
        bench.ok("receiving through the layer", receiving).await?;
        let made = bench.probe.calls().len();
        bench.ensure(made == number, || {
            format!("{number} of 3 receives returned, and the inner handler got {made}")
        })?;
    }
    Ok(())
}
