use std::fmt;

use choreo_core::{Error, Result};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::StackSpec;
use crate::lines::Lines;
use crate::node::{At, Entry, Kind, Node, find};
use crate::setting::{Path, quoted, refuse};

impl StackSpec {
    /// A stack from JSON.
    ///
    /// ```
    /// use choreo_plugin::StackSpec;
    ///
    /// let spec = StackSpec::from_json(r#"{
    ///     "role": "Alice",
    ///     "transport": { "use": "websocket", "url": "ws://localhost:9000" },
    ///     "layers": [{ "use": "retry", "retries": 3 }]
    /// }"#)?;
    /// # Ok::<(), choreo_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Config`](choreo_core::ErrorKind::Config) when it is no JSON or no stack: why, with line and
    /// column. Names of plug-ins and options are looked at by [`check`](Self::check).
    pub fn from_json(text: &str) -> Result<Self> {
        Self::from_json_named("JSON", text)
    }

    pub(crate) fn from_json_named(source: &str, text: &str) -> Result<Self> {
        let reader = Reader {
            source,
            lines: Lines::new(source, text)?,
            start: text.as_ptr() as usize,
        };
        let raw = serde_json::from_str(text).map_err(|error| reader.syntax(&error))?;
        Self::from_node(source, reader.node(raw, Node::MAX_DEPTH)?)
    }
}

/// Reads one level after the other: what is below stays as it stands in the text until its turn,
/// and so its place is known.
struct Reader<'t> {
    source: &'t str,
    lines: Lines<'t>,
    /// Where the text is in memory.
    start: usize,
}

impl Reader<'_> {
    fn node(&self, raw: &RawValue, depth: usize) -> Result<Node> {
        let text = raw.get();
        let at = self.lines.at(text.as_ptr() as usize - self.start);
        let Some(depth) = depth.checked_sub(1) else {
            return Err(self.refuse(&at, "objects and arrays are too deep in each other"));
        };
        let kind = match text.as_bytes().first() {
            Some(b'{') => Kind::Table(self.table(text, &at, depth)?),
            Some(b'[') => {
                let items: Vec<&RawValue> = self.parse(text)?;
                let nodes = items.into_iter().map(|item| self.node(item, depth));
                Kind::List(nodes.collect::<Result<_>>()?)
            }
            Some(b'"') => Kind::Text(self.parse(text)?),
            Some(b't' | b'f') => Kind::Bool(self.parse(text)?),
            Some(b'n') => Kind::Nothing,
            _ => match text.parse() {
                Ok(number) => Kind::Integer(number),
                Err(_) if text.contains(['.', 'e', 'E']) => Kind::Decimal(text.to_owned()),
                Err(_) => return Err(self.refuse(&at, "the number is too large")),
            },
        };
        Ok(Node { at, kind })
    }

    fn table(&self, text: &str, at: &At, depth: usize) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for (key, raw) in self.parse::<Members<'_>>(text)?.0 {
            if find(&entries, &key).is_some() {
                return Err(self.refuse(at, &format!("{} is there twice", quoted(&key))));
            }
            let node = self.node(raw, depth)?;
            entries.push(Entry {
                key,
                at: node.at.clone(),
                node,
            });
        }
        Ok(entries)
    }

    fn parse<'a, T: Deserialize<'a>>(&self, text: &'a str) -> Result<T> {
        serde_json::from_str(text).map_err(|error| self.syntax(&error))
    }

    #[expect(clippy::cast_possible_truncation, reason = "texts are short")]
    fn syntax(&self, error: &serde_json::Error) -> Error {
        let at = At::Text {
            line: error.line() as u32,
            column: error.column() as u32,
        };
        let text = error.to_string();
        let why = text.split(" at line ").next().unwrap_or_default();
        self.refuse(&at, why)
    }

    fn refuse(&self, at: &At, why: &str) -> Error {
        refuse(self.source, at, &Path::Root(""), why)
    }
}

/// What an object has, in its order.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'t> Deserialize<'t> for Members<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'t> Visitor<'t> for Collect {
            type Value = Members<'t>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Members<'t>, A::Error> {
                let mut members = Vec::new();
                while let Some(key) = map.next_key()? {
                    members.push((key, map.next_value()?));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}
