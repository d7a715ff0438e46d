use std::time::Duration;

use crate::duration;
use crate::node::{At, Entry, Kind, Node};

/// An option's value in a stack that is put together in code.
///
/// ```
/// use choreo_plugin::Value;
/// use std::time::Duration;
///
/// let retries = Value::from(3);
/// let pause = Value::from(Duration::from_millis(100)); // as "100ms" in a file
/// let peers = Value::from(["Bob", "Carol"]);
/// let token = Value::table([("env", "TOKEN")]);
/// ```
#[derive(Clone)]
pub struct Value(pub(crate) Kind);

impl Value {
    /// A table, such as a secret's `{ env = "TOKEN" }`.
    #[must_use]
    pub fn table<K: Into<String>, V: Into<Self>>(
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let entry = |(key, value): (K, V)| Entry {
            key: key.into(),
            at: At::Code,
            node: value.into().into_node(),
        };
        Self(Kind::Table(entries.into_iter().map(entry).collect()))
    }

    pub(crate) fn into_node(self) -> Node {
        Node {
            at: At::Code,
            kind: self.0,
        }
    }
}

macro_rules! from {
    ($($type:ty => |$value:ident| $kind:expr;)+) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                Self($kind)
            }
        }
    )+};
}

from! {
    bool => |value| Kind::Bool(value);
    i32 => |value| Kind::Integer(value.into());
    u32 => |value| Kind::Integer(value.into());
    i64 => |value| Kind::Integer(value);
    f64 => |value| Kind::Decimal(value.to_string());
    &str => |value| Kind::Text(value.to_owned());
    String => |value| Kind::Text(value);
    Duration => |value| Kind::Text(duration::to_text(value));
}

/// `None` is an option that is left out.
impl<V: Into<Self>> From<Option<V>> for Value {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self(Kind::Nothing), Into::into)
    }
}

impl<V: Into<Self>, const N: usize> From<[V; N]> for Value {
    fn from(values: [V; N]) -> Self {
        Vec::from(values).into()
    }
}

impl<V: Into<Self>> From<Vec<V>> for Value {
    fn from(values: Vec<V>) -> Self {
        let nodes = values.into_iter().map(|value| value.into().into_node());
        Self(Kind::List(nodes.collect()))
    }
}

/// Without contents: they may be secrets in the wrong place.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Value").finish_non_exhaustive()
    }
}
