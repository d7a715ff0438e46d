use choreo_core::Result;

use crate::decimal::decimal;
use crate::node::Kind;
use crate::{Setting, Settings};

/// The options of a plug-in: [`options!`](crate::options) makes the struct, the schema and this
/// from one source.
pub trait Options: Sized + Send + 'static {
    /// The options that there are. Any other is an error.
    const FIELDS: &'static [Field];

    /// Reads the options.
    ///
    /// # Errors
    /// [`Config`](choreo_core::ErrorKind::Config) for one that is missing or of the wrong type.
    fn read(settings: &Settings<'_>) -> Result<Self>;
}

/// One option.
pub struct Field {
    /// Its name in a file.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// Whether it may be left out.
    pub optional: bool,
    /// Writes the members of the JSON Schema of its value.
    pub schema: fn(&mut String),
    /// Writes its default as JSON, where there is one.
    pub default: Option<fn(&mut String)>,
}

impl Field {
    /// Its default as JSON, where there is one.
    ///
    /// ```
    /// use choreo_plugin::{Options, options};
    ///
    /// options! {
    ///     /// What a layer takes.
    ///     struct RetryOptions {
    ///         /// How often at most.
    ///         retries: u32 = 3,
    ///     }
    /// }
    ///
    /// let default = RetryOptions::FIELDS[0].default_json();
    /// assert_eq!(default.as_deref(), Some("3"));
    /// ```
    #[must_use]
    pub fn default_json(&self) -> Option<String> {
        let mut json = String::new();
        self.default?(&mut json);
        Some(json)
    }
}

/// A type that options may have.
///
/// ```
/// use choreo_plugin::{OptionValue, Setting, options};
///
/// /// A probability, from 0 to 1.
/// #[derive(Clone, Copy, Debug)]
/// pub struct Rate(f64);
///
/// impl OptionValue for Rate {
///     fn schema(out: &mut String) {
///         out.push_str(r#""type":"number","minimum":0,"maximum":1"#);
///     }
///     fn show(&self, out: &mut String) {
///         self.0.show(out);
///     }
///     fn read(setting: Setting<'_>) -> choreo_core::Result<Self> {
///         match f64::read(setting)? {
///             rate if (0.0..=1.0).contains(&rate) => Ok(Self(rate)),
///             _ => Err(setting.expected("a number from 0 to 1")),
///         }
///     }
/// }
///
/// options! {
///     /// What a layer takes.
///     pub struct LossOptions {
///         /// How many messages are lost.
///         rate: Rate = Rate(0.1),
///     }
/// }
/// ```
pub trait OptionValue: Sized {
    /// Whether it may be left out where it has no default.
    const OPTIONAL: bool = false;

    /// Writes the members of its JSON Schema, without the braces.
    fn schema(out: &mut String);

    /// Writes the value as JSON: the default, for the schema.
    fn show(&self, out: &mut String);

    /// Reads the value.
    ///
    /// # Errors
    /// [`Config`](choreo_core::ErrorKind::Config) when it is another:
    /// [`Setting::expected`] says what was expected, and where.
    fn read(setting: Setting<'_>) -> Result<Self>;

    /// The value of an option that is left out; `None` where it must not be.
    #[must_use]
    fn absent() -> Option<Self> {
        None
    }
}

macro_rules! integers {
    ($($type:ty),+) => {$(
        impl OptionValue for $type {
            fn schema(out: &mut String) {
                let (least, most) = bounds(Self::MIN as i128, Self::MAX as i128);
                out.push_str(&format!(r#""type":"integer","minimum":{least},"maximum":{most}"#));
            }

            fn show(&self, out: &mut String) {
                out.push_str(&self.to_string());
            }

            fn read(setting: Setting<'_>) -> Result<Self> {
                let (least, most) = bounds(Self::MIN as i128, Self::MAX as i128);
                let number = setting.integer(least, most)?;
                Ok(number as $type)
            }
        }
    )+};
}

integers!(u16, u32, u64, usize, i64);

/// Files hold numbers of 64 bits with a sign.
const fn bounds(least: i128, most: i128) -> (i64, i64) {
    let most = if most > i64::MAX as i128 {
        i64::MAX
    } else {
        most as i64
    };
    (least as i64, most)
}

impl OptionValue for f64 {
    fn schema(out: &mut String) {
        out.push_str(r#""type":"number""#);
    }

    fn show(&self, out: &mut String) {
        out.push_str(&self.to_string());
    }

    fn read(setting: Setting<'_>) -> Result<Self> {
        let number = match setting.kind() {
            Kind::Decimal(number) => decimal(number),
            #[expect(clippy::cast_precision_loss, reason = "as in any other language")]
            Kind::Integer(number) => Some(*number as Self),
            _ => setting.variable().and_then(decimal),
        };
        let number = number.filter(|number| number.is_finite());
        number.ok_or_else(|| setting.expected("a number"))
    }
}

impl OptionValue for bool {
    fn schema(out: &mut String) {
        out.push_str(r#""type":"boolean""#);
    }

    fn show(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }

    fn read(setting: Setting<'_>) -> Result<Self> {
        match (setting.kind(), setting.variable()) {
            (Kind::Bool(value), _) => Ok(*value),
            (_, Some("true")) => Ok(true),
            (_, Some("false")) => Ok(false),
            _ => Err(setting.expected("true or false")),
        }
    }
}

impl OptionValue for String {
    fn schema(out: &mut String) {
        out.push_str(r#""type":"string""#);
    }

    fn show(&self, out: &mut String) {
        crate::schema::quote(self, out);
    }

    fn read(setting: Setting<'_>) -> Result<Self> {
        setting.text().map(str::to_owned)
    }
}

/// An option that may be left out.
impl<T: OptionValue> OptionValue for Option<T> {
    const OPTIONAL: bool = true;

    fn schema(out: &mut String) {
        T::schema(out);
    }

    fn show(&self, out: &mut String) {
        match self {
            Some(value) => value.show(out),
            None => out.push_str("null"),
        }
    }

    fn read(setting: Setting<'_>) -> Result<Self> {
        match setting.kind() {
            Kind::Nothing => Ok(None),
            _ => T::read(setting).map(Some),
        }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// A list; in an environment variable, with commas between.
impl<T: OptionValue> OptionValue for Vec<T> {
    fn schema(out: &mut String) {
        out.push_str(r#""type":"array","items":{"#);
        T::schema(out);
        out.push('}');
    }

    fn show(&self, out: &mut String) {
        out.push('[');
        for (index, value) in self.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            value.show(out);
        }
        out.push(']');
    }

    fn read(setting: Setting<'_>) -> Result<Self> {
        let mut values = Self::new();
        setting.each(&mut |item| {
            values.push(T::read(item)?);
            Ok(())
        })?;
        Ok(values)
    }
}
