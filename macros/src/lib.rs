// Its example takes the facade, which takes this crate: the guide's tests run it.
#![cfg_attr(not(doctest), doc = include_str!("../README.md"))]
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

/// See [`choreo::choreography`](https://docs.rs/choreo-rs/latest/choreo/macro.choreography.html).
#[proc_macro]
pub fn choreography(input: TokenStream) -> TokenStream {
    let parsed = syn::parse::<syntax::Protocols>(input).and_then(|protocols| api::all(&protocols));
    parsed
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}
