use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::{Deserialize, Serialize};

/// What a check does with a message of any type.
pub(super) trait Each {
    type Error;

    fn each<M>(&mut self, message: &M) -> Result<(), Self::Error>
    where
        M: Serialize + for<'de> Deserialize<'de> + Debug + PartialEq + Send + Sync;
}

/// One of each kind that serde knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) id: u64,
    name: String,
    found: Option<Option<char>>,
    shapes: Vec<Shape>,
    by_name: BTreeMap<String, i32>,
    by_number: BTreeMap<u32, Mark>,
    pair: (Wrapped, Tuple),
    nothing: (),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Empty,
    Round(f64),
    Flat(u32, f32),
    Named { sides: Vec<u8>, inner: Box<Shape> },
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Mark;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(i64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tuple(bool, [u16; 3]);

/// A tree that goes deep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Nested {
    inner: Option<Box<Nested>>,
}

impl Nested {
    pub(super) fn new(depth: usize) -> Self {
        let deeper = |inner, _| Self {
            inner: Some(Box::new(inner)),
        };
        (0..depth).fold(Self { inner: None }, deeper)
    }
}

impl Record {
    pub(super) fn new() -> Self {
        let inner = Shape::Named {
            sides: Vec::new(),
            inner: Box::new(Shape::Empty),
        };
        Self {
            id: u64::MAX,
            name: "a \"quoted\"\\\n\0 être 選択 \u{1F980}".to_owned(),
            found: Some(Some('\u{10FFFF}')),
            shapes: vec![
                Shape::Empty,
                Shape::Round(-1.5e-300),
                Shape::Flat(0, 0.1),
                Shape::Named {
                    sides: vec![0, 127, 128, 255],
                    inner: Box::new(inner),
                },
            ],
            by_name: [(String::new(), -1), ("two".to_owned(), i32::MIN)].into(),
            by_number: [(0, Mark), (u32::MAX, Mark)].into(),
            pair: (Wrapped(i64::MIN), Tuple(true, [0, 1, u16::MAX])),
            nothing: (),
        }
    }
}

/// Messages of all kinds, large and small.
pub(super) fn each<E: Each>(each: &mut E) -> Result<(), E::Error> {
    each.each(&())?;
    each.each(&true)?;
    for number in [0, 1, -1, 127, -128, 128, i64::MAX, i64::MIN] {
        each.each(&number)?;
    }
    for number in [0, 1 << 53, (1 << 53) + 1, u64::MAX] {
        each.each(&number)?;
    }
    each.each(&(u8::MAX, i8::MIN, u16::MAX, i16::MIN, u32::MAX, i32::MIN))?;
    for number in [
        0.0,
        -0.0,
        0.1,
        1.0 / 3.0,
        2.5e-320,
        f64::MIN_POSITIVE,
        f64::MAX,
    ] {
        each.each(&number)?;
    }
    for number in [0.1, f32::MIN_POSITIVE, f32::MAX] {
        each.each(&number)?;
    }
    for c in ['a', '"', '\0', '\u{7F}', 'é', '\u{FEFF}', '\u{1F980}'] {
        each.each(&c)?;
    }
    for length in [0, 1, 127, 128, 16_384, 70_000] {
        each.each(&"é".repeat(length))?;
        each.each(&vec![length; length])?;
    }
    each.each(&None::<u32>)?;
    each.each(&Some(7_u32))?;
    each.each(&Ok::<u8, String>(1))?;
    each.each(&Err::<u8, String>("no".to_owned()))?;
    each.each(&Record::new())?;
    each.each(&vec![Record::new(); 3])?;
    each.each(&Nested::new(50))
}
