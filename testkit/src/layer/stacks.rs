use choreo_core::{BoxHandler, ChoreoHandlerExt, Outgoing, RoleName};

use super::bench::{Bench, message};
use crate::promise::STACKS;
use crate::{LayerUnderTest, Violation, probe};

/// The layer does its work through `layer` and through tower, over a box, over itself, and for
/// several handlers.
pub async fn works_in_every_stack(layer: &dyn LayerUnderTest) -> Result<(), Violation> {
    let bench = Bench::new(layer, "works_in_every_stack", STACKS);
    let (probe, endpoint) = (&bench.probe, bench.endpoint);
    let by_layer = || layer.over_probe(probe.clone(), endpoint);
    let stacks = [
        ("through `layer`", by_layer()),
        (
            "through tower",
            layer.over_probe_by_tower(probe.clone(), endpoint),
        ),
        (
            "over a box",
            layer.over_box(probe.clone().bind(endpoint).boxed()),
        ),
        ("over itself", layer.over_box(layer.over_box(by_layer()))),
    ];
    for (stack, layered) in &stacks {
        round_trip(&bench, stack, layered).await?;
    }
    Ok(())
}

async fn round_trip(
    bench: &Bench,
    stack: &str,
    layered: &BoxHandler<RoleName>,
) -> Result<(), Violation> {
    let what = format!("sending, with the layer stacked {stack},");
    let sending = layered.send_payload(&(), &bench.bob, Outgoing::Message(&1_u32));
    let calls = bench.calls(&what, sending).await?;
    bench.ensure(calls.len() == 1, || {
        format!(
            "{what} made {} calls of the inner handler, where 1 was due",
            calls.len()
        )
    })?;
    bench.probe.deliver(message(&2_u32));
    let due = message(&2_u32);
    bench.probe.deliver(due.clone());
    let what = format!("receiving, with the layer stacked {stack},");
    let receiving = layered.recv_payload(&(), &bench.bob);
    let received = bench.ok(&what, receiving).await?;
    bench.ensure(received == due, || {
        let (found, due) = (probe::describe(&received), probe::describe(&due));
        format!("{what} gave {found}, where {due} was due")
    })
}
