use std::sync::Arc;

/// A value of a configuration, and where it stands: one tree for all formats.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) at: At,
    pub(crate) kind: Kind,
}

#[derive(Clone)]
pub(crate) enum Kind {
    Nothing,
    Bool(bool),
    Integer(i64),
    /// A number that is not whole, as it is written.
    Decimal(String),
    Text(String),
    List(Vec<Node>),
    Table(Vec<Entry>),
}

/// One line of a table.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Where the key stands.
    pub(crate) at: At,
    pub(crate) node: Node,
}

/// Where something stands.
#[derive(Clone)]
pub(crate) enum At {
    /// In a text: line and column, from 1.
    #[cfg_attr(
        not(any(feature = "json", feature = "toml")),
        expect(dead_code, reason = "only texts have lines")
    )]
    Text { line: u32, column: u32 },
    /// In an environment variable of that name.
    Variable(Arc<str>),
    /// In code.
    Code,
}

impl Node {
    /// The deepest that lists and tables may be in each other.
    pub(crate) const MAX_DEPTH: usize = 16;

    /// What it is, for errors: never the text, which may be a secret in the wrong place.
    pub(crate) fn describe(&self) -> String {
        match &self.kind {
            Kind::Nothing => "null".to_owned(),
            Kind::Bool(value) => value.to_string(),
            Kind::Integer(number) => format!("the number {number}"),
            Kind::Decimal(number) => format!("the number {number}"),
            Kind::Text(_) => "a text".to_owned(),
            Kind::List(_) => "a list".to_owned(),
            Kind::Table(_) => "a table".to_owned(),
        }
    }
}

/// The entry of that name.
pub(crate) fn find<'a>(table: &'a [Entry], key: &str) -> Option<&'a Entry> {
    table.iter().find(|entry| entry.key == key)
}

/// Sets an entry, in place of the one that there may be.
pub(crate) fn set(table: &mut Vec<Entry>, entry: Entry) {
    match table.iter_mut().find(|known| known.key == entry.key) {
        Some(known) => *known = entry,
        None => table.push(entry),
    }
}
