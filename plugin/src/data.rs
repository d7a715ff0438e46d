//! Stacks as data of serde's, for any format that describes itself.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{self, SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use crate::decimal::decimal;
use crate::node::{At, Entry, Kind, Node, find};
use crate::{Part, StackSpec};

/// As it stands in a file. The options are all there: where a secret stands in the wrong place, it
/// is told.
impl Serialize for StackSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(role) = &self.role {
            map.serialize_entry("role", role)?;
        }
        if let Some(transport) = &self.transport {
            map.serialize_entry("transport", transport)?;
        }
        if let Some(codec) = &self.codec {
            map.serialize_entry("codec", codec)?;
        }
        if let Some(handler) = &self.handler {
            map.serialize_entry("handler", handler)?;
        }
        if !self.layers.is_empty() {
            map.serialize_entry("layers", &self.layers)?;
        }
        map.end()
    }
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("use", &self.name)?;
        entries(&self.options, &mut map)?;
        map.end()
    }
}

/// From a file of the program's own, of which the stack is a part. Errors have the way to what is
/// wrong, and no lines: [`from_toml`](StackSpec::from_toml) and [`from_json`](StackSpec::from_json) know them.
impl<'de> Deserialize<'de> for StackSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let node = Depth(Node::MAX_DEPTH).deserialize(deserializer)?;
        Self::from_node("", node).map_err(|error| de::Error::custom(error.detail()))
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.kind {
            Kind::Nothing => serializer.serialize_unit(),
            Kind::Bool(value) => serializer.serialize_bool(*value),
            Kind::Integer(number) => serializer.serialize_i64(*number),
            Kind::Decimal(text) => match decimal(text) {
                Some(number) => serializer.serialize_f64(number),
                None => Err(ser::Error::custom(format_args!("{text} is no number"))),
            },
            Kind::Text(text) => serializer.serialize_str(text),
            Kind::List(nodes) => serializer.collect_seq(nodes),
            Kind::Table(table) => {
                let mut map = serializer.serialize_map(None)?;
                entries(table, &mut map)?;
                map.end()
            }
        }
    }
}

/// All but what is left out, which not every format can say.
fn entries<M: SerializeMap>(table: &[Entry], map: &mut M) -> Result<(), M::Error> {
    let said = |entry: &&Entry| !matches!(entry.node.kind, Kind::Nothing);
    let mut said = table.iter().filter(said);
    said.try_for_each(|entry| map.serialize_entry(&entry.key, &entry.node))
}

/// A value with at most so many lists and tables in each other.
struct Depth(usize);

impl Depth {
    fn below<E: de::Error>(&self) -> Result<Self, E> {
        let below = self.0.checked_sub(1).map(Self);
        below.ok_or_else(|| E::custom("tables and lists are too deep in each other"))
    }
}

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        let kind = deserializer.deserialize_any(self.below()?)?;
        Ok(Node { at: At::Code, kind })
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what a stack's configuration may hold")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Nothing)
    }

    fn visit_none<E>(self) -> Result<Kind, E> {
        Ok(Kind::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Kind, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Kind, E> {
        Ok(Kind::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Kind, E> {
        Ok(Kind::Integer(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Kind, E> {
        let number = i64::try_from(number).map_err(|_| E::custom("the number is too large"))?;
        Ok(Kind::Integer(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Kind, E> {
        Ok(Kind::Decimal(number.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Kind, E> {
        Ok(Kind::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Kind, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = items.next_element_seed(Self(self.0))? {
            nodes.push(node);
        }
        Ok(Kind::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Kind, A::Error> {
        let mut table = Vec::new();
        while let Some(key) = members.next_key::<String>()? {
            if find(&table, &key).is_some() {
                return Err(de::Error::custom(format_args!("{key} is there twice")));
            }
            let node = members.next_value_seed(Self(self.0))?;
            table.push(Entry {
                key,
                at: At::Code,
                node,
            });
        }
        Ok(Kind::Table(table))
    }
}
