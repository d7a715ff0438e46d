//! The types of messages.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Type};

use crate::names::{ident, snake};
use crate::syntax::{Protocol, Protocols};

/// A message, and the types that it carries.
pub(crate) struct Carried {
    pub(crate) name: Ident,
    pub(crate) types: Vec<Type>,
}

/// A struct for each message of the protocol, and those of the protocols that it calls.
pub(crate) fn types(protocol: &Protocol, all: &Protocols) -> TokenStream {
    let own = protocol.messages.iter().map(|message| {
        let (name, types) = (&message.name, &message.types);
        let fields = match types.is_empty() {
            true => quote!(;),
            false => quote!((#(#[allow(missing_docs)] pub #types),*);),
        };
        let doc = format!("The message `{name}`.");
        quote! {
            #[doc = #doc]
            #[derive(Clone, Debug, ::choreo::__private::Serialize, ::choreo::__private::Deserialize)]
            #[serde(crate = "::choreo::__private::serde")]
            pub struct #name #fields
        }
    });
    let called = protocol.called.iter().flat_map(|called| {
        let called = all.0.iter().find(|known| known.name == *called);
        called.into_iter().flat_map(|called| {
            let module = ident(&snake(&called.name.to_string()), called.name.span());
            let own = |name: &syn::Ident| protocol.messages.iter().any(|own| own.name == *name);
            let names = called.messages.iter().map(|message| &message.name);
            names
                .filter(move |name| !own(name))
                .map(move |name| quote!(pub use super::#module::#name;))
                .collect::<Vec<_>>()
        })
    });
    quote!(#(#own)* #(#called)*)
}

/// A type as it is written, without the spaces that tokens get.
pub(crate) fn written(kind: &Type) -> String {
    let mut text = quote!(#kind).to_string();
    for (spaced, plain) in [
        (" :: ", "::"),
        (" < ", "<"),
        (" >", ">"),
        (" ,", ","),
        ("& ", "&"),
        ("[ ", "["),
        (" ]", "]"),
        (" ;", ";"),
        ("( ", "("),
        (" )", ")"),
    ] {
        text = text.replace(spaced, plain);
    }
    text
}
