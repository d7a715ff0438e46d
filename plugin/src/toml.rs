use choreo_core::Result;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::StackSpec;
use crate::lines::Lines;
use crate::node::{Entry, Kind, Node};
use crate::setting::{Path, refuse};

impl StackSpec {
    /// A stack from TOML.
    ///
    /// # Errors
    /// [`Config`](choreo_core::ErrorKind::Config) when it is no TOML or no stack: why, with line and
    /// column. Names of plug-ins and options are looked at by [`check`](Self::check).
    pub fn from_toml(text: &str) -> Result<Self> {
        Self::from_toml_named("TOML", text)
    }

    pub(crate) fn from_toml_named(source: &str, text: &str) -> Result<Self> {
        let lines = Lines::new(source, text)?;
        let table = DeTable::parse(text).map_err(|error| {
            let at = lines.at(error.span().map_or(0, |span| span.start));
            refuse(source, &at, &Path::Root(""), error.message())
        })?;
        let reader = Reader { source, lines };
        let at = reader.lines.at(0);
        let kind = reader.table(table.into_inner(), Node::MAX_DEPTH)?;
        Self::from_node(source, Node { at, kind })
    }
}

struct Reader<'t> {
    source: &'t str,
    lines: Lines<'t>,
}

impl Reader<'_> {
    fn table(&self, table: DeTable<'_>, depth: usize) -> Result<Kind> {
        let entries = table.into_iter().map(|(key, value)| {
            Ok(Entry {
                at: self.lines.at(key.span().start),
                node: self.node(value, depth)?,
                key: key.into_inner().into_owned(),
            })
        });
        entries.collect::<Result<_>>().map(Kind::Table)
    }

    fn node(&self, value: Spanned<DeValue<'_>>, depth: usize) -> Result<Node> {
        let at = self.lines.at(value.span().start);
        let no = |why: &str| Err(refuse(self.source, &at, &Path::Root(""), why));
        let Some(depth) = depth.checked_sub(1) else {
            return no("tables and lists are too deep in each other");
        };
        let kind = match value.into_inner() {
            DeValue::String(text) => Kind::Text(text.into_owned()),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Kind::Integer(number),
                    Err(_) => return no("the number is too large"),
                }
            }
            DeValue::Float(number) => Kind::Decimal(number.as_str().to_owned()),
            DeValue::Boolean(value) => Kind::Bool(value),
            DeValue::Datetime(_) => return no("no option is a date; put quotes around a text"),
            DeValue::Array(values) => {
                let nodes = values.into_iter().map(|value| self.node(value, depth));
                Kind::List(nodes.collect::<Result<_>>()?)
            }
            DeValue::Table(table) => self.table(table, depth)?,
        };
        Ok(Node { at, kind })
    }
}
