use std::borrow::Cow;
use std::fmt;

use choreo_core::{Error, ErrorKind, Result};

use crate::node::{At, Kind, Node};

/// One option's value, and where it stands: what a type of options is read from.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    pub(crate) node: &'a Node,
    pub(crate) source: &'a str,
    pub(crate) path: Path<'a>,
}

/// The way to a value: `layers[1].peers[0]`.
#[derive(Clone, Copy)]
pub(crate) enum Path<'a> {
    Root(&'a str),
    Key(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl Setting<'_> {
    /// The text.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when it is no text.
    pub fn text(&self) -> Result<&str> {
        match self.kind() {
            Kind::Text(text) => Ok(text),
            _ => Err(self.expected("a text")),
        }
    }

    /// The whole number, within these bounds.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when it is none, or outside of them.
    pub fn integer(&self, least: i64, most: i64) -> Result<i64> {
        let number = match self.kind() {
            Kind::Integer(number) => Some(*number),
            _ => self.variable().and_then(|text| text.parse().ok()),
        };
        let number = number.filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| self.expected(&format!("a whole number from {least} to {most}")))
    }

    /// Which of these texts it is.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when it is none of them.
    pub fn choice(&self, choices: &[&str]) -> Result<usize> {
        let listed = || format!("one of {}", list(choices.iter().map(|name| quoted(name))));
        let Kind::Text(text) = self.kind() else {
            return Err(self.expected(&listed()));
        };
        let found = choices.iter().position(|choice| choice == text);
        found.ok_or_else(|| self.refuse(&format!("expected {}, found {}", listed(), quoted(text))))
    }

    /// Each value of a list.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when it is no list; and what `take` returns.
    pub fn each(&self, take: &mut dyn FnMut(Setting<'_>) -> Result<()>) -> Result<()> {
        let items = self.items()?;
        items.iter().enumerate().try_for_each(|(index, node)| {
            take(Setting {
                node,
                source: self.source,
                path: Path::Index(&self.path, index),
            })
        })
    }

    /// An error of kind [`Config`](ErrorKind::Config): what was expected, what there is, where. The
    /// contents of a text are not told, since it may be a secret in the wrong place.
    #[must_use]
    pub fn expected(&self, what: &str) -> Error {
        self.refuse(&format!("expected {what}, found {}", self.node.describe()))
    }

    /// An error of kind [`Config`](ErrorKind::Config): why not, and where.
    #[must_use]
    pub fn refuse(&self, why: &str) -> Error {
        refuse(self.source, &self.node.at, &self.path, why)
    }

    /// The values of a list; in an environment variable, those between commas.
    pub(crate) fn items(&self) -> Result<Cow<'_, [Node]>> {
        let item = |text: &str| Node {
            at: self.node.at.clone(),
            kind: Kind::Text(text.trim().to_owned()),
        };
        match (self.kind(), self.variable()) {
            (Kind::List(nodes), _) => Ok(Cow::Borrowed(nodes)),
            (_, Some("")) => Ok(Cow::Borrowed(&[])),
            (_, Some(text)) => Ok(text.split(',').map(item).collect()),
            _ => Err(self.expected("a list")),
        }
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.node.kind
    }

    /// The text of an environment variable, which has no types.
    pub(crate) fn variable(&self) -> Option<&str> {
        match (&self.node.at, &self.node.kind) {
            (At::Variable(_), Kind::Text(text)) => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root(name) => f.write_str(name),
            Self::Key(Path::Root(""), key) => f.write_str(key),
            Self::Key(parent, key) => write!(f, "{parent}.{key}"),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// Shows the way, not the value.
impl fmt::Debug for Setting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Setting({})", self.path)
    }
}

/// An error with its place: `stack.toml:7:11: layers[1].retries: why`.
pub(crate) fn refuse(source: &str, at: &At, path: &Path<'_>, why: &str) -> Error {
    let place = match at {
        At::Text { line, column } => format!("{source}:{line}:{column}: "),
        At::Variable(name) => format!("{name}: "),
        At::Code if source.is_empty() => String::new(),
        At::Code => format!("{source}: "),
    };
    let path = match path {
        Path::Root("") => String::new(),
        path => format!("{path}: "),
    };
    Error::new(ErrorKind::Config, format!("{place}{path}{why}"))
}

/// A text in quotes. Not by `Debug`, whose tables of all characters are kilobytes of a browser's module.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::new();
    crate::schema::quote(text, &mut out);
    out
}

/// Names, as errors list them.
pub(crate) fn list<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let mut listed = String::new();
    for name in names {
        if !listed.is_empty() {
            listed.push_str(", ");
        }
        listed.push_str(name.as_ref());
    }
    if listed.is_empty() {
        listed.push_str("none");
    }
    listed
}
