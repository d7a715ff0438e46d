//! One stack, four ways to make it: as a type, by tower, in boxes, and by names.

use std::time::Duration;

use choreo::middleware::{
    FaultInjectionLayer, MetricsLayer, RecordLayer, Recording, Retry, RetryLayer, TimeoutLayer,
    Trace, TraceLayer,
};
use choreo::prelude::*;
use choreo::{Bound, Typed};
use tower::ServiceBuilder;

#[cfg(not(target_arch = "wasm32"))]
use tokio::test;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Alice,
    Bob,
}

/// Alice's part of the protocol, for any stack of hers.
async fn alice<H>(handler: &H) -> Result<u32>
where
    H: ChoreoHandler<Role = Role, Endpoint = ()> + ?Sized,
{
    let program = Program::new()
        .loop_n(
            3,
            Program::new()
                .send(Role::Bob, 20_u32)
                .recv::<u32>(Role::Bob),
        )
        .choose(Role::Bob, "enough")
        .end();
    Ok(interpret(handler, &(), program)
        .await?
        .received_values
        .iter()
        .sum())
}

/// Bob's part, without layers.
async fn bob(handler: InMemoryHandler<Role>) -> Result<()> {
    for _ in 0..3 {
        let n: u32 = handler.recv(&(), Role::Alice).await?;
        handler.send(&(), Role::Alice, &(n + 1)).await?;
    }
    assert_eq!(
        handler.offer::<Label>(&(), Role::Alice).await?,
        Label::from("enough")
    );
    Ok(())
}

/// Runs both parts, Alice's over what `stack` makes of her handler.
async fn runs<H>(stack: impl FnOnce(InMemoryHandler<Role>) -> H)
where
    H: ChoreoHandler<Role = Role, Endpoint = ()>,
{
    let network = InMemoryNetwork::new();
    let stack = stack(network.join(Role::Alice).unwrap());
    let (sum, bob) = futures::join!(alice(&stack), bob(network.join(Role::Bob).unwrap()));
    bob.unwrap();
    assert_eq!(sum.unwrap(), 63);
}

const RETRY: RetryLayer = RetryLayer::new(3, Duration::from_millis(1));

#[test]
async fn as_a_type() {
    runs(|handler| -> Trace<Retry<InMemoryHandler<Role>>> {
        handler.layer(RETRY).layer(TraceLayer::new("Alice"))
    })
    .await;
}

#[test]
async fn by_tower_where_the_first_layer_is_the_outermost() {
    runs(|handler| -> Trace<Retry<InMemoryHandler<Role>>> {
        ServiceBuilder::new()
            .layer(TraceLayer::new("Alice"))
            .layer(RETRY)
            .service(handler)
    })
    .await;
}

#[test]
async fn in_boxes_with_every_layer_chosen_at_run_time() {
    for chosen in 0..64_u32 {
        let is_chosen = |layer: u32| chosen & (1 << layer) != 0;
        let recording = Recording::new();
        let metrics = MetricsLayer::new();
        runs(|handler| {
            let mut stack: BoxHandler<Role> = handler.boxed();
            if is_chosen(0) {
                stack = stack.layer(FaultInjectionLayer::new().with_seed(1)).boxed();
            }
            if is_chosen(1) {
                stack = stack
                    .layer(TimeoutLayer::new(Duration::from_secs(60)))
                    .boxed();
            }
            if is_chosen(2) {
                stack = stack.layer(RETRY).boxed();
            }
            if is_chosen(3) {
                stack = stack.layer(metrics.clone()).boxed();
            }
            if is_chosen(4) {
                stack = stack.layer(RecordLayer::new("Alice", &recording)).boxed();
            }
            if is_chosen(5) {
                stack = stack.layer(TraceLayer::new("Alice")).boxed();
            }
            stack
        })
        .await;
        let counts = if is_chosen(3) { (3, 3, 1) } else { (0, 0, 0) };
        let metrics = metrics.handle();
        assert_eq!(
            (
                metrics.send_count(),
                metrics.recv_count(),
                metrics.choose_count()
            ),
            counts
        );
        assert_eq!(recording.to_mermaid().contains("enough"), is_chosen(4));
    }
}

#[test]
async fn by_names_with_a_typed_view() {
    let network = InMemoryNetwork::<RoleName>::of(["Alice", "Bob"].map(RoleName::from));
    let by_name: DynHandler = network.join("Alice".into()).unwrap().layer(RETRY).boxed();
    let alice_stack: BoxHandler<Role> = Typed::new(by_name).boxed();
    let bob = async {
        let handler = network.join("Bob".into()).unwrap();
        for _ in 0..3 {
            let n: u32 = handler.recv(&(), "Alice".into()).await.unwrap();
            handler
                .broadcast(&(), &["Alice".into()], &(n + 1))
                .await
                .unwrap();
        }
        handler.offer::<Label>(&(), "Alice".into()).await.unwrap()
    };
    let (sum, label) = futures::join!(alice(&alice_stack), bob);
    assert_eq!((sum.unwrap(), label.as_str()), (63, "enough"));
}

#[test]
async fn a_bound_handler_needs_no_endpoint() {
    runs(|handler| {
        let bound: Bound<InMemoryHandler<Role>> = handler.bind(());
        assert_eq!(bound.endpoint(), &());
        bound
    })
    .await;
}

#[test]
async fn a_stack_is_shared_by_reference_and_by_arc() {
    runs(|handler| std::sync::Arc::new(handler.layer(RETRY))).await;

    let network = InMemoryNetwork::new();
    let handler = network.join(Role::Alice).unwrap();
    let by_reference = Retry::new(&handler, 3, Duration::from_millis(1));
    let (sum, bob) = futures::join!(alice(&by_reference), bob(network.join(Role::Bob).unwrap()));
    bob.unwrap();
    assert_eq!(sum.unwrap(), 63);
}
