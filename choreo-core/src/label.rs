use std::borrow::Cow;
use std::fmt;

/// A label by name: what a choice puts on the wire.
///
/// ```
/// use choreo_core::Label;
///
/// const ACCEPT: Label = Label::from_static("accept");
/// assert_eq!(ACCEPT, Label::from("accept"));
/// assert_eq!(ACCEPT.to_string(), "accept");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(Cow<'static, str>);

impl Label {
    /// A label known at compile time; allocates nothing.
    #[must_use]
    pub const fn from_static(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Label {
    fn from(name: &'static str) -> Self {
        Self::from_static(name)
    }
}

impl From<String> for Label {
    fn from(name: String) -> Self {
        Self(Cow::Owned(name))
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// The alternatives of a choice.
///
/// An enum made by [`labels!`](crate::labels) has a fixed set, and a label outside of it is an
/// error that lists the set. [`Label`] takes any name.
pub trait LabelId: Sized + Send + Sync {
    /// All names that [`from_name`](Self::from_name) takes; `None` where any will do.
    const NAMES: Option<&'static [&'static str]>;

    /// The name that goes on the wire.
    fn name(&self) -> &str;

    /// The label of that name, if it is one of these.
    ///
    /// # Errors
    /// Gives the name back if it is none of them.
    fn from_name(name: Label) -> Result<Self, Label>;
}

impl LabelId for Label {
    const NAMES: Option<&'static [&'static str]> = None;

    fn name(&self) -> &str {
        &self.0
    }

    fn from_name(name: Label) -> Result<Self, Label> {
        Ok(name)
    }
}

/// Declares an enum of labels: the alternatives of a choice, checked when they arrive.
///
/// A label's name on the wire is the variant's.
///
/// ```
/// use choreo_core::{Label, LabelId, labels};
///
/// labels! {
///     /// What the buyer says to the price.
///     pub enum Decision {
///         /// Buys.
///         Accept,
///         /// Does not.
///         Reject,
///     }
/// }
///
/// assert_eq!(Decision::Accept.name(), "Accept");
/// assert_eq!(Decision::from_name(Label::from("Reject")), Ok(Decision::Reject));
/// assert_eq!(Decision::from_name(Label::from("Haggle")), Err(Label::from("Haggle")));
/// assert_eq!(Decision::NAMES, Some(&["Accept", "Reject"][..]));
/// ```
#[macro_export]
macro_rules! labels {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$variant_meta:meta])* $variant:ident),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        $vis enum $name { $($(#[$variant_meta])* $variant),+ }

        impl $crate::LabelId for $name {
            const NAMES: ::core::option::Option<&'static [&'static str]> =
                ::core::option::Option::Some(&[$(::core::stringify!($variant)),+]);

            fn name(&self) -> &str {
                match self { $(Self::$variant => ::core::stringify!($variant)),+ }
            }

            fn from_name(name: $crate::Label) -> ::core::result::Result<Self, $crate::Label> {
                match name.as_str() {
                    $(::core::stringify!($variant) => ::core::result::Result::Ok(Self::$variant),)+
                    _ => ::core::result::Result::Err(name),
                }
            }
        }

        impl ::core::convert::From<$name> for $crate::Label {
            fn from(label: $name) -> Self {
                Self::from_static(match label {
                    $($name::$variant => ::core::stringify!($variant)),+
                })
            }
        }
    };
}
