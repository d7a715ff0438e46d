use std::error::Error as _;

use choreo_core::{Error, ErrorKind, Operation, Outgoing};

use super::bench::{Bench, message};
use crate::promise::{ANSWERS, USABLE};
use crate::{LayerUnderTest, Violation};

/// Errors of sends come through, transient ones as transient.
pub async fn errors_of_sends_come_through(layer: &dyn LayerUnderTest) -> Result<(), Violation> {
    let bench = Bench::new(layer, "errors_of_sends_come_through", ANSWERS);
    for (kind, transient) in failures_of_sends() {
        bench
            .probe
            .fail_with(move || failure(Operation::Send, kind, transient));
        let sending = bench.send(Outgoing::Message(&1_u32));
        let due = failure(Operation::Send, kind, transient);
        let what = "sending through the layer, where the inner handler fails,";
        let error = bench.fails(what, kind, sending).await?;
        came_through(&bench, &error, &due)?;
    }
    Ok(())
}

/// Errors of receives come through.
pub async fn errors_of_receives_come_through(layer: &dyn LayerUnderTest) -> Result<(), Violation> {
    let bench = Bench::new(layer, "errors_of_receives_come_through", ANSWERS);
    for kind in KINDS {
        bench
            .probe
            .fail_with(move || failure(Operation::Recv, kind, false));
        let receiving = bench.recv();
        let due = failure(Operation::Recv, kind, false);
        let what = "receiving through the layer, where the inner handler fails,";
        let error = bench.fails(what, kind, receiving).await?;
        came_through(&bench, &error, &due)?;
    }
    Ok(())
}

/// Errors of `send_to_all` come through, transient ones as transient.
pub async fn errors_of_send_to_all_come_through(
    layer: &dyn LayerUnderTest,
) -> Result<(), Violation> {
    let bench = Bench::new(layer, "errors_of_send_to_all_come_through", ANSWERS);
    for (kind, transient) in failures_of_sends() {
        bench
            .probe
            .fail_with(move || failure(Operation::Send, kind, transient));
        let sending = bench.send_to_both(Outgoing::Label("accept"));
        let due = failure(Operation::Send, kind, transient);
        let what = "sending to all through the layer, where the inner handler fails,";
        let error = bench.fails(what, kind, sending).await?;
        came_through(&bench, &error, &due)?;
    }
    Ok(())
}

/// After errors, what succeeds in the inner handler succeeds in the layer.
pub async fn an_error_leaves_the_layer_usable(layer: &dyn LayerUnderTest) -> Result<(), Violation> {
    let bench = Bench::new(layer, "an_error_leaves_the_layer_usable", USABLE);
    for _ in 0..3 {
        bench
            .probe
            .fail_with(|| failure(Operation::Send, ErrorKind::Transport, false));
        let sending = bench.send(Outgoing::Message(&1_u32));
        let what = "sending through the layer, where the inner handler fails,";
        bench.fails(what, ErrorKind::Transport, sending).await?;
        let receiving = bench.recv();
        let what = "receiving through the layer, where the inner handler fails,";
        bench.fails(what, ErrorKind::Transport, receiving).await?;

        bench.probe.succeed();
        bench.forwards(Outgoing::Message(&2_u32)).await?;
        bench.gives(message(&3_u32)).await?;
    }
    Ok(())
}

pub(super) const KINDS: [ErrorKind; 6] = [
    ErrorKind::Closed,
    ErrorKind::Protocol,
    ErrorKind::Decode,
    ErrorKind::Timeout,
    ErrorKind::Transport,
    ErrorKind::Injected,
];

fn failures_of_sends() -> impl Iterator<Item = (ErrorKind, bool)> {
    let permanent = KINDS.into_iter().map(|kind| (kind, false));
    permanent.chain([ErrorKind::Transport, ErrorKind::Timeout].map(|kind| (kind, true)))
}

/// An error with everything that an error can have.
pub(super) fn failure(operation: Operation, kind: ErrorKind, transient: bool) -> Error {
    let error = Error::new(kind, "made to fail")
        .with_role("Alice")
        .at(operation, "Bob")
        .with_source(std::io::Error::other("the cause"));
    if transient { error.transient() } else { error }
}

fn came_through(bench: &Bench, error: &Error, due: &Error) -> Result<(), Violation> {
    let name = |name: Option<&str>| name.unwrap_or("nobody").to_owned();
    let source = |error: &Error| error.source().map(ToString::to_string).unwrap_or_default();
    let transient = |error: &Error| error.is_transient().to_string();
    // Layers may add to the detail and the source.
    for (what, found, made) in [
        ("transience", transient(error), transient(due)),
        ("role", name(error.role()), name(due.role())),
        ("peer", name(error.peer()), name(due.peer())),
        ("detail", error.detail().to_owned(), due.detail().to_owned()),
        ("source", source(error), source(due)),
    ] {
        bench.ensure(found.contains(&made), || {
            format!(
                "the error's {what} came through as {found:?}, where it was {made:?}: {error:?}"
            )
        })?;
    }
    Ok(())
}
