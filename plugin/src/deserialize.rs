use std::fmt;

use choreo_core::{Error, Result};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::Setting;
use crate::decimal::decimal;
use crate::node::{Entry, Kind, Node};
use crate::setting::{Path, list, quoted};

impl Setting<'_> {
    /// The value as a type that serde reads, for an option of such a type.
    ///
    /// ```
    /// use choreo_plugin::{OptionValue, Setting, options};
    ///
    /// #[derive(Clone, Debug, serde::Deserialize)]
    /// #[serde(deny_unknown_fields)]
    /// pub struct Server {
    ///     host: String,
    ///     port: u16,
    /// }
    ///
    /// impl OptionValue for Server {
    ///     fn schema(out: &mut String) {
    ///         out.push_str(r#""type":"object","required":["host","port"]"#);
    ///     }
    ///     fn show(&self, out: &mut String) {
    ///         out.push_str("null");
    ///     }
    ///     fn read(setting: Setting<'_>) -> choreo_core::Result<Self> {
    ///         setting.deserialize()
    ///     }
    /// }
    ///
    /// options! {
    ///     /// What a finder takes.
    ///     pub struct FinderOptions {
    ///         /// Who is asked: `[{ host = "a.example", port = 80 }]`.
    ///         servers: Vec<Server>,
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// [`Config`](choreo_core::ErrorKind::Config) when it is another: what was expected, and the place
    /// of the innermost value that is wrong. Texts are not told, unless by the type itself.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T> {
        T::deserialize(Reader(*self)).map_err(|refused| refused.into_error(self))
    }
}

struct Reader<'a>(Setting<'a>);

impl Reader<'_> {
    fn read<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Refused> {
        let setting = &self.0;
        match setting.kind() {
            Kind::Nothing => visitor.visit_unit(),
            Kind::Bool(value) => visitor.visit_bool(*value),
            Kind::Integer(number) => visitor.visit_i64(*number),
            Kind::Decimal(number) => match decimal(number) {
                Some(number) => visitor.visit_f64(number),
                None => Err(Refused::Expected("a number".to_owned())),
            },
            Kind::Text(text) => visitor.visit_str(text),
            Kind::List(nodes) => visitor.visit_seq(Items::new(setting, nodes)),
            Kind::Table(entries) => visitor.visit_map(Members::new(setting, entries)),
        }
    }

    /// The number of an environment variable, which has no types.
    fn number<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Refused> {
        let text = self.0.variable();
        match text.and_then(|text| text.parse().ok()) {
            Some(number) => visitor.visit_i64(number),
            None => match text.and_then(decimal) {
                Some(number) => visitor.visit_f64(number),
                None => self.read(visitor),
            },
        }
    }
}

/// Reads as it is asked, and says where it is if it cannot.
macro_rules! methods {
    ($($method:ident => |$reader:ident, $visitor:ident| $read:expr;)+) => {$(
        fn $method<V: Visitor<'de>>(self, $visitor: V) -> Result<V::Value, Refused> {
            let $reader = &self;
            $read.map_err(|refused| refused.at(&self.0))
        }
    )+};
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Refused;

    methods! {
        deserialize_any => |reader, visitor| reader.read(visitor);
        deserialize_i8 => |reader, visitor| reader.number(visitor);
        deserialize_i16 => |reader, visitor| reader.number(visitor);
        deserialize_i32 => |reader, visitor| reader.number(visitor);
        deserialize_i64 => |reader, visitor| reader.number(visitor);
        deserialize_u8 => |reader, visitor| reader.number(visitor);
        deserialize_u16 => |reader, visitor| reader.number(visitor);
        deserialize_u32 => |reader, visitor| reader.number(visitor);
        deserialize_u64 => |reader, visitor| reader.number(visitor);
        deserialize_f32 => |reader, visitor| reader.number(visitor);
        deserialize_f64 => |reader, visitor| reader.number(visitor);
        deserialize_bool => |reader, visitor| match reader.0.variable() {
            Some("true") => visitor.visit_bool(true),
            Some("false") => visitor.visit_bool(false),
            _ => reader.read(visitor),
        };
        deserialize_seq => |reader, visitor| match reader.0.items() {
            Ok(nodes) => visitor.visit_seq(Items::new(&reader.0, &nodes)),
            Err(_) => reader.read(visitor),
        };
        deserialize_option => |reader, visitor| match reader.0.kind() {
            Kind::Nothing => visitor.visit_none(),
            _ => visitor.visit_some(Reader(reader.0)),
        };
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let setting = &self.0;
        let read = match setting.kind() {
            Kind::Text(text) => {
                let variant: StrDeserializer<'_, Refused> = text.as_str().into_deserializer();
                visitor.visit_enum(variant)
            }
            Kind::Table(entries) if entries.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(Members::new(setting, entries)))
            }
            _ => Err(Refused::Expected("the name of a variant".to_owned())),
        };
        read.map_err(|refused| refused.at(setting))
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct
        identifier ignored_any
    }
}

/// What a list has.
struct Items<'a> {
    list: &'a Setting<'a>,
    nodes: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
}

impl<'a> Items<'a> {
    fn new(list: &'a Setting<'a>, nodes: &'a [Node]) -> Self {
        let nodes = nodes.iter().enumerate();
        Self { list, nodes }
    }
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Refused;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Refused> {
        let Some((index, node)) = self.nodes.next() else {
            return Ok(None);
        };
        let setting = Setting {
            node,
            source: self.list.source,
            path: Path::Index(&self.list.path, index),
        };
        seed.deserialize(Reader(setting)).map(Some)
    }
}

/// What a table has.
struct Members<'a> {
    table: &'a Setting<'a>,
    entries: std::slice::Iter<'a, Entry>,
    /// The one whose key was read.
    current: Option<&'a Entry>,
}

impl<'a> Members<'a> {
    fn new(table: &'a Setting<'a>, entries: &'a [Entry]) -> Self {
        let (entries, current) = (entries.iter(), None);
        Self {
            table,
            entries,
            current,
        }
    }

    fn setting<'s>(&'s self, entry: &'s Entry) -> Setting<'s> {
        Setting {
            node: &entry.node,
            source: self.table.source,
            path: Path::Key(&self.table.path, &entry.key),
        }
    }
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refused> {
        self.current = self.entries.next();
        let Some(entry) = self.current else {
            return Ok(None);
        };
        let key: StrDeserializer<'_, Refused> = entry.key.as_str().into_deserializer();
        let read = seed.deserialize(key).map(Some);
        read.map_err(|refused| refused.at(&self.setting(entry)))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refused> {
        match self.current.take() {
            Some(entry) => seed.deserialize(Reader(self.setting(entry))),
            None => Err(de::Error::custom("a value is asked for before its key")),
        }
    }
}

/// Why a value is none of the type.
#[derive(Debug)]
enum Refused {
    /// Something else was expected.
    Expected(String),
    /// In the type's own words.
    Why(String),
    /// With its place.
    Placed(Error),
}

impl Refused {
    /// With its place, if it has none yet.
    fn at(self, setting: &Setting<'_>) -> Self {
        Self::Placed(self.into_error(setting))
    }

    fn into_error(self, setting: &Setting<'_>) -> Error {
        match self {
            Self::Expected(what) => setting.expected(&what),
            Self::Why(why) => setting.refuse(&why),
            Self::Placed(error) => error,
        }
    }
}

impl de::Error for Refused {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self::Why(why.to_string())
    }

    // Serde's own words have the text in them, and that may be a secret in the wrong place.
    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Expected(expected.to_string())
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Expected(expected.to_string())
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        let names = list(expected.iter().map(|name| quoted(name)));
        Self::Expected(format!("one of {names}"))
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expected(what) => write!(f, "expected {what}"),
            Self::Why(why) => f.write_str(why),
            Self::Placed(error) => f.write_str(error.detail()),
        }
    }
}

impl std::error::Error for Refused {}
