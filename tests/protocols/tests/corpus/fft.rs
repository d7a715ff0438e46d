//! The butterfly of a fast Fourier transform: eight roles, each with one number, in three stages.

use std::f64::consts::PI;

use choreo::prelude::*;
use choreo_protocols::{parts, play};
use fft::{Role, Value};

choreography! {
    protocol Fft {
        roles Zero, One, Two, Three, Four, Five, Six, Seven;
        Zero -> Four: Value(f64, f64);
        Four -> Zero: Value(f64, f64);
        One -> Five: Value(f64, f64);
        Five -> One: Value(f64, f64);
        Two -> Six: Value(f64, f64);
        Six -> Two: Value(f64, f64);
        Three -> Seven: Value(f64, f64);
        Seven -> Three: Value(f64, f64);
        Zero -> Two: Value(f64, f64);
        Two -> Zero: Value(f64, f64);
        One -> Three: Value(f64, f64);
        Three -> One: Value(f64, f64);
        Four -> Six: Value(f64, f64);
        Six -> Four: Value(f64, f64);
        Five -> Seven: Value(f64, f64);
        Seven -> Five: Value(f64, f64);
        Zero -> One: Value(f64, f64);
        One -> Zero: Value(f64, f64);
        Two -> Three: Value(f64, f64);
        Three -> Two: Value(f64, f64);
        Four -> Five: Value(f64, f64);
        Five -> Four: Value(f64, f64);
        Six -> Seven: Value(f64, f64);
        Seven -> Six: Value(f64, f64);
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
        let twiddle = turned(f64::from($number % $distance) / f64::from(2 * $distance));
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

player!(zero, 0, low, low, low);
player!(one, 1, low, low, high);
player!(two, 2, low, high, low);
player!(three, 3, low, high, high);
player!(four, 4, high, low, low);
player!(five, 5, high, low, high);
player!(six, 6, high, high, low);
player!(seven, 7, high, high, high);

play!(Zero => zero, One => one, Two => two, Three => three, Four => four, Five => five, Six => six, Seven => seven);

#[test]
fn projections() {
    assert_eq!(parts(&fft::protocol()), PARTS);
}

const PARTS: &str = "\
Zero {
    Zero -> Four: Value(f64, f64);
    Four -> Zero: Value(f64, f64);
    Zero -> Two: Value(f64, f64);
    Two -> Zero: Value(f64, f64);
    Zero -> One: Value(f64, f64);
    One -> Zero: Value(f64, f64);
}
One {
    One -> Five: Value(f64, f64);
    Five -> One: Value(f64, f64);
    One -> Three: Value(f64, f64);
    Three -> One: Value(f64, f64);
    Zero -> One: Value(f64, f64);
    One -> Zero: Value(f64, f64);
}
Two {
    Two -> Six: Value(f64, f64);
    Six -> Two: Value(f64, f64);
    Zero -> Two: Value(f64, f64);
    Two -> Zero: Value(f64, f64);
    Two -> Three: Value(f64, f64);
    Three -> Two: Value(f64, f64);
}
Three {
    Three -> Seven: Value(f64, f64);
    Seven -> Three: Value(f64, f64);
    One -> Three: Value(f64, f64);
    Three -> One: Value(f64, f64);
    Two -> Three: Value(f64, f64);
    Three -> Two: Value(f64, f64);
}
Four {
    Zero -> Four: Value(f64, f64);
    Four -> Zero: Value(f64, f64);
    Four -> Six: Value(f64, f64);
    Six -> Four: Value(f64, f64);
    Four -> Five: Value(f64, f64);
    Five -> Four: Value(f64, f64);
}
Five {
    One -> Five: Value(f64, f64);
    Five -> One: Value(f64, f64);
    Five -> Seven: Value(f64, f64);
    Seven -> Five: Value(f64, f64);
    Four -> Five: Value(f64, f64);
    Five -> Four: Value(f64, f64);
}
Six {
    Two -> Six: Value(f64, f64);
    Six -> Two: Value(f64, f64);
    Four -> Six: Value(f64, f64);
    Six -> Four: Value(f64, f64);
    Six -> Seven: Value(f64, f64);
    Seven -> Six: Value(f64, f64);
}
Seven {
    Three -> Seven: Value(f64, f64);
    Seven -> Three: Value(f64, f64);
    Five -> Seven: Value(f64, f64);
    Seven -> Five: Value(f64, f64);
    Six -> Seven: Value(f64, f64);
    Seven -> Six: Value(f64, f64);
}";
