//! A value goes once round a ring of as many as come. The protocol is made when that is known, and
//! each part is played under a `Monitor`.

use choreo::Cast;
use choreo::middleware::Monitor;
use choreo::prelude::*;
use choreo::protocol::{Global, Message, Step};
use choreo_protocols::{Server, in_time};
use futures::future::try_join_all;

fn node(number: usize) -> RoleName {
    RoleName::from(format!("Node{number}"))
}

fn ring(nodes: usize) -> Global {
    let mut ring = Global::new("Ring");
    for number in 0..nodes {
        ring = ring.role(node(number).as_str());
    }
    for number in 0..nodes {
        let next = node((number + 1) % nodes);
        let value = Message::new("Value").carrying("u64");
        ring = ring.then(Step::message(node(number).as_str(), next.as_str(), value));
    }
    ring
}

/// The first sends it on its way, and gets it back; all others add one.
async fn play<H>(handler: &H, number: usize, nodes: usize) -> Result<()>
where
    H: ChoreoHandler<Role = RoleName, Endpoint = ()>,
{
    let next = node((number + 1) % nodes);
    let before = node((number + nodes - 1) % nodes);
    if number == 0 {
        handler.send(&(), next, &0_u64).await?;
        let value: u64 = handler.recv(&(), before).await?;
        assert_eq!(value, nodes as u64 - 1);
        return Ok(());
    }
    let value: u64 = handler.recv(&(), before).await?;
    handler.send(&(), next, &(value + 1)).await
}

#[tokio::test]
async fn in_memory() -> Result<()> {
    for nodes in [2, 3, 10, 200] {
        let locals = ring(nodes).locals().expect("it is sound");
        let network = InMemoryNetwork::of((0..nodes).map(node));
        let plays = locals
            .into_iter()
            .enumerate()
            .map(async |(number, local)| -> Result<()> {
                let handler = Monitor::new(network.join(node(number))?, local);
                play(&handler, number, nodes).await?;
                assert!(handler.is_over());
                Ok(())
            });
        in_time(try_join_all(plays)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn over_web_sockets() -> Result<()> {
    let server = Server::start().await?;
    for nodes in [2, 3, 8] {
        let ring = ring(nodes);
        let cast = Cast::new((0..nodes).map(node), ring.fingerprint());
        let locals = ring.locals().expect("it is sound");
        let meeting = server.meeting(format!("{nodes} nodes"))?;
        let plays = locals
            .into_iter()
            .enumerate()
            .map(async |(number, local)| -> Result<()> {
                let seat = Monitor::new(meeting.join_with(node(number), &cast).await?, local);
                play(&seat, number, nodes).await?;
                assert!(seat.is_over());
                Ok(())
            });
        in_time(try_join_all(plays)).await?;
    }
    Ok(())
}

#[test]
fn projections() {
    let parts: Vec<String> = ring(3)
        .locals()
        .expect("it is sound")
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        parts,
        [
            "Node0 {\n    Node0 -> Node1: Value(u64);\n    Node2 -> Node0: Value(u64);\n}",
            "Node1 {\n    Node0 -> Node1: Value(u64);\n    Node1 -> Node2: Value(u64);\n}",
            "Node2 {\n    Node1 -> Node2: Value(u64);\n    Node2 -> Node0: Value(u64);\n}",
        ]
    );
}
