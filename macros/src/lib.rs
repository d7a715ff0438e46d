#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod api;
mod messages;
mod names;
mod part;
mod roles;
mod steps;
mod syntax;
mod value;

use proc_macro::TokenStream;

/// Declares protocols between roles, checks them, and gives each role an API of its own.
#[proc_macro]
pub fn choreography(input: TokenStream) -> TokenStream {
    let parsed = syn::parse::<syntax::Protocols>(input).and_then(|protocols| api::all(&protocols));
    parsed
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}
