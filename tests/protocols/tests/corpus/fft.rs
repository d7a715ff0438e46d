//! The butterfly of a fast Fourier transform: eight roles, each with one number, in three stages.

use std::f64::consts::PI;

use choreo::prelude::*;
use choreo_protocols::{parts, play};
use fft::{Role, Value};

choreography! {
    protocol Fft {
        roles Node[8];
        Node[0] -> Node[4]: Value(f64, f64);
        Node[4] -> Node[0]: Value(f64, f64);
        Node[1] -> Node[5]: Value(f64, f64);
        Node[5] -> Node[1]: Value(f64, f64);
        Node[2] -> Node[6]: Value(f64, f64);
        Node[6] -> Node[2]: Value(f64, f64);
        Node[3] -> Node[7]: Value(f64, f64);
        Node[7] -> Node[3]: Value(f64, f64);
        Node[0] -> Node[2]: Value(f64, f64);
        Node[2] -> Node[0]: Value(f64, f64);
        Node[1] -> Node[3]: Value(f64, f64);
        Node[3] -> Node[1]: Value(f64, f64);
        Node[4] -> Node[6]: Value(f64, f64);
        Node[6] -> Node[4]: Value(f64, f64);
        Node[5] -> Node[7]: Value(f64, f64);
        Node[7] -> Node[5]: Value(f64, f64);
        Node[0] -> Node[1]: Value(f64, f64);
        Node[1] -> Node[0]: Value(f64, f64);
        Node[2] -> Node[3]: Value(f64, f64);
        Node[3] -> Node[2]: Value(f64, f64);
        Node[4] -> Node[5]: Value(f64, f64);
        Node[5] -> Node[4]: Value(f64, f64);
        Node[6] -> Node[7]: Value(f64, f64);
        Node[7] -> Node[6]: Value(f64, f64);
    }
}

type Complex = (f64, f64);

const INPUT: [f64; 8] = [1.0, 2.5, -3.0, 0.5, 7.0, -2.0, 4.0, 1.5];

fn times((a, b): Complex, (c, d): Complex) -> Complex {
    (a * c - b * d, a * d + b * c)
}

/// `e` to the power of so many parts of a circle, backwards.
fn turned(parts: f64) -> Complex {
    let angle = -2.0 * PI * parts;
    (angle.cos(), angle.sin())
}

/// One frequency of the input, by its definition.
fn expected(frequency: usize) -> Complex {
    let terms = INPUT.iter().enumerate().map(|(at, value)| {
        let (re, im) = turned((at * frequency) as f64 / 8.0);
        (value * re, value * im)
    });
    terms.fold((0.0, 0.0), |sum, term| (sum.0 + term.0, sum.1 + term.1))
}

/// What a role does in a stage, with the role that is so far away.
macro_rules! stage {
    (low, $next:ident, $own:ident, $number:literal, $distance:literal) => {{
        let next = $next.send(Value($own.0, $own.1)).await?;
        let (Value(re, im), next) = next.recv().await?;
        (($own.0 + re, $own.1 + im), next)
    }};
    (high, $next:ident, $own:ident, $number:literal, $distance:literal) => {{
        let (Value(re, im), next) = $next.recv().await?;
        let next = next.send(Value($own.0, $own.1)).await?;
        let distance = $distance;
        let twiddle = turned(f64::from($number % distance) / f64::from(2 * distance));
        (times((re - $own.0, im - $own.1), twiddle), next)
    }};
}

macro_rules! player {
    ($role:ident, $number:literal, $one:ident, $two:ident, $three:ident) => {
        async fn $role<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
        where
            H: ChoreoHandler<Role = Role> + ?Sized,
        {
            let (next, own) = (fft::$role(handler, endpoint), (INPUT[$number], 0.0));
            let (own, next) = stage!($one, next, own, $number, 4);
            let (own, next) = stage!($two, next, own, $number, 2);
            let (own, _end) = stage!($three, next, own, $number, 1);
            // They come out in the order of their bits, read backwards.
            let frequency = (($number & 1) << 2) | ($number & 2) | ($number >> 2);
            let (re, im) = expected(frequency);
            assert!((own.0 - re).abs() + (own.1 - im).abs() < 1e-9, "{own:?}");
            Ok(())
        }
    };
}

player!(node0, 0, low, low, low);
player!(node1, 1, low, low, high);
player!(node2, 2, low, high, low);
player!(node3, 3, low, high, high);
player!(node4, 4, high, low, low);
player!(node5, 5, high, low, high);
player!(node6, 6, high, high, low);
player!(node7, 7, high, high, high);

play!(Node0 => node0, Node1 => node1, Node2 => node2, Node3 => node3, Node4 => node4, Node5 => node5, Node6 => node6, Node7 => node7);

#[test]
fn projections() {
    assert_eq!(parts(&fft::protocol()), PARTS);
}

const PARTS: &str = "\
Node0 {
    Node0 -> Node4: Value(f64, f64);
    Node4 -> Node0: Value(f64, f64);
    Node0 -> Node2: Value(f64, f64);
    Node2 -> Node0: Value(f64, f64);
    Node0 -> Node1: Value(f64, f64);
    Node1 -> Node0: Value(f64, f64);
}
Node1 {
    Node1 -> Node5: Value(f64, f64);
    Node5 -> Node1: Value(f64, f64);
    Node1 -> Node3: Value(f64, f64);
    Node3 -> Node1: Value(f64, f64);
    Node0 -> Node1: Value(f64, f64);
    Node1 -> Node0: Value(f64, f64);
}
Node2 {
    Node2 -> Node6: Value(f64, f64);
    Node6 -> Node2: Value(f64, f64);
    Node0 -> Node2: Value(f64, f64);
    Node2 -> Node0: Value(f64, f64);
    Node2 -> Node3: Value(f64, f64);
    Node3 -> Node2: Value(f64, f64);
}
Node3 {
    Node3 -> Node7: Value(f64, f64);
    Node7 -> Node3: Value(f64, f64);
    Node1 -> Node3: Value(f64, f64);
    Node3 -> Node1: Value(f64, f64);
    Node2 -> Node3: Value(f64, f64);
    Node3 -> Node2: Value(f64, f64);
}
Node4 {
    Node0 -> Node4: Value(f64, f64);
    Node4 -> Node0: Value(f64, f64);
    Node4 -> Node6: Value(f64, f64);
    Node6 -> Node4: Value(f64, f64);
    Node4 -> Node5: Value(f64, f64);
    Node5 -> Node4: Value(f64, f64);
}
Node5 {
    Node1 -> Node5: Value(f64, f64);
    Node5 -> Node1: Value(f64, f64);
    Node5 -> Node7: Value(f64, f64);
    Node7 -> Node5: Value(f64, f64);
    Node4 -> Node5: Value(f64, f64);
    Node5 -> Node4: Value(f64, f64);
}
Node6 {
    Node2 -> Node6: Value(f64, f64);
    Node6 -> Node2: Value(f64, f64);
    Node4 -> Node6: Value(f64, f64);
    Node6 -> Node4: Value(f64, f64);
    Node6 -> Node7: Value(f64, f64);
    Node7 -> Node6: Value(f64, f64);
}
Node7 {
    Node3 -> Node7: Value(f64, f64);
    Node7 -> Node3: Value(f64, f64);
    Node5 -> Node7: Value(f64, f64);
    Node7 -> Node5: Value(f64, f64);
    Node6 -> Node7: Value(f64, f64);
    Node7 -> Node6: Value(f64, f64);
}";
