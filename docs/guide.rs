//! The chapters of the guide, whose code is compiled and run as tests of this crate. They are read as
//! they are, or by mdBook: `mdbook serve docs`.
#![deny(missing_docs)]

macro_rules! chapters {
    ($($name:ident: $file:literal, $what:literal;)+) => {$(
        #[doc = $what]
        #[doc = ""]
        #[doc = include_str!($file)]
        pub mod $name {}
    )+};
}

chapters! {
    stacks: "src/stacks.md", "Chapter 1.";
    layers: "src/layers.md", "Chapter 2.";
    handlers: "src/handlers.md", "Chapter 3.";
    transports: "src/transports.md", "Chapter 4.";
    plugins: "src/plugins.md", "Chapter 5.";
    testing: "src/testing.md", "Chapter 6.";
    publishing: "src/publishing.md", "Chapter 7.";
}

/// The macro's README, whose example takes more than the macro's crate has.
#[cfg(doctest)]
#[doc = include_str!("../macros/README.md")]
pub mod macros {}
