//! The module that a protocol becomes.

use choreo_protocol::Global;
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Ident, Result};

use crate::messages;
use crate::names::{ident, snake};
use crate::part::part;
use crate::roles::Role;
use crate::syntax::{Protocol, Protocols};
use crate::value::value;

/// All that the protocols become.
///
/// # Errors
/// The first fault of each protocol, at its tokens.
pub(crate) fn all(protocols: &Protocols) -> Result<TokenStream> {
    let (mut modules, mut faults) = (TokenStream::new(), None::<syn::Error>);
    for protocol in &protocols.0 {
        match (module(protocol, protocols), &mut faults) {
            (Ok(module), _) => modules.extend(module),
            (Err(fault), Some(faults)) => faults.combine(fault),
            (Err(fault), None) => faults = Some(fault),
        }
    }
    match faults {
        Some(faults) => Err(faults),
        None => Ok(modules),
    }
}

fn module(protocol: &Protocol, all: &Protocols) -> Result<TokenStream> {
    let locals = protocol.global.locals();
    let locals = locals.map_err(|fault| protocol.error(&fault))?;
    let (vis, attributes, roles) = (&protocol.vis, &protocol.attributes, &protocol.roles);
    let name = ident(&snake(&protocol.name.to_string()), protocol.name.span());
    let messages = messages::types(protocol, all);
    let parts = roles
        .iter()
        .zip(&locals)
        .map(|(role, local)| part(role, roles, local));
    let variants = roles.iter().map(|role| {
        let name = &role.name;
        let (doc, members) = match &role.count {
            Some(_) => (
                format!("Those of the family `{name}`, each with its number."),
                Some(quote!((usize))),
            ),
            None => (format!("The role `{name}`."), None),
        };
        let doc = match role.doc.is_empty() {
            true => &doc,
            false => &role.doc,
        };
        quote!(#[doc = #doc] #name #members)
    });
    let who = who(roles);
    let fingerprint = protocol.global.fingerprint();
    let drawn = drawn(&protocol.global);
    let source = value(&protocol.global);
    Ok(quote! {
        #(#attributes)*
        #[doc = ""]
        #[doc = #drawn]
        #vis mod #name {
            #[allow(unused_imports)]
            use super::*;

            /// Who takes part.
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            pub enum Role { #(#variants),* }

            #who

            /// The protocol's [`fingerprint`](::choreo::protocol::Global::fingerprint).
            pub const FINGERPRINT: u64 = #fingerprint;

            /// The protocol as a value.
            #[must_use]
            pub fn protocol() -> ::choreo::protocol::Global {
                #source
            }

            #messages
            #(#parts)*
        }
    })
}

/// What is shown of a protocol: its diagram, as a picture that needs no scripts, and its text.
fn drawn(global: &Global) -> String {
    // Markup goes on until an empty line; the picture has none.
    let (name, picture, mermaid) = (&global.name, global.to_svg(), global.to_mermaid());
    format!(
        "The protocol `{name}`.\n\n\
         <div style=\"overflow-x:auto\">{}</div>\n\n\
         ```text\n{global}\n```\n\n\
         <details><summary>For Mermaid</summary>\n\n```text\n{mermaid}```\n\n</details>",
        picture.trim_end()
    )
}

/// All roles: a list of them where they are known, or else what makes one.
fn who(roles: &[Role]) -> TokenStream {
    if roles.iter().all(|role| role.count.is_none()) {
        let names = roles.iter().map(|role| &role.name);
        return quote! {
            impl ::choreo::ProtocolRole for Role {
                const ALL: &'static [Self] = &[#(Self::#names),*];
                const FINGERPRINT: u64 = FINGERPRINT;
            }
        };
    }
    let mut counts: Vec<&Ident> = Vec::new();
    for count in roles.iter().filter_map(|role| role.count.as_ref()) {
        if !counts.contains(&count) {
            counts.push(count);
        }
    }
    // A count may have any name.
    let all = Ident::new("all", Span::mixed_site());
    let each = roles.iter().map(|Role { name, count, .. }| match count {
        Some(count) => quote!(#all.extend((0..#count).map(Role::#name));),
        None => quote!(#all.push(Role::#name);),
    });
    let families = roles.iter().filter_map(|role| {
        let count = role.count.as_ref()?;
        Some(format!("`{count}` of `{}`", role.name))
    });
    let families: Vec<_> = families.collect();
    let doc = format!("Who takes part in one session: {}.", families.join(", "));
    quote! {
        #[doc = #doc]
        #[must_use]
        pub fn cast(#(#counts: usize),*) -> ::choreo::Cast<Role> {
            let mut #all = ::std::vec::Vec::new();
            #(#each)*
            ::choreo::Cast::new(#all, FINGERPRINT)
        }
    }
}

#[cfg(test)]
mod tests {
    use syn::{Attribute, File, Item};

    use super::*;
    use crate::names::doc;

    /// The modules that protocols become.
    fn modules(protocols: &str) -> Vec<syn::ItemMod> {
        let protocols: Protocols = syn::parse_str(protocols).expect("it is well written");
        let tokens = all(&protocols).expect("it is sound");
        let file: File = syn::parse2(tokens).expect("it is Rust");
        let modules = file.items.into_iter().map(|item| match item {
            Item::Mod(module) => module,
            other => panic!("no module: {other:?}"),
        });
        modules.collect()
    }

    #[test]
    fn a_protocol_shows_its_diagram() {
        let modules = modules(
            "/// They meet.
            pub protocol Meet { roles Ann, Ben; Ann -> Ben: Hello(Vec<u8>); }",
        );
        let doc = doc(&modules[0].attrs);
        assert!(
            doc.starts_with("They meet.\n\nThe protocol `Meet`.\n\n<div"),
            "{doc}"
        );
        let mut parts = doc.split("\n\n");
        let picture = parts
            .find(|part| part.starts_with("<div"))
            .expect("it has one");
        assert!(
            picture.ends_with("</svg></div>") && !picture.contains("<script"),
            "{picture}"
        );
        for text in ["Ann", "Ben", "Hello(Vec&lt;u8&gt;)"] {
            assert!(
                picture.contains(&format!(">{text}</text>")),
                "{text}: {picture}"
            );
        }
        let text = parts.next().expect("its text is below");
        assert_eq!(
            text,
            "```text\n/// They meet.\nprotocol Meet {\n    roles Ann, Ben;\n    \
             Ann -> Ben: Hello(Vec<u8>);\n}\n```"
        );
        assert!(doc.contains("Ann->>Ben: Hello(Vec<u8>)"), "{doc}");
    }

    #[test]
    fn all_that_is_public_says_what_it_is() {
        let modules = modules(
            "protocol Greet { roles From, To; From -> To: Hello; }
            protocol All {
                roles A, B[n], C;
                do Greet(A, C);
                loop {
                    A -> B: Task(u8, String);
                    B -> A: Done;
                    choice at A { more => { par { A -> B: M; } and { C -> A: N; } } last => break; }
                }
                par { A -> C: One; } and { C -> A: Two; }
            }",
        );
        let mut seen = 0;
        for module in modules {
            visit(&Item::Mod(module), &mut seen);
        }
        assert!(seen > 40, "{seen} items");
    }

    /// Counts what is public, and looks at its docs.
    fn visit(item: &Item, seen: &mut usize) {
        let mut documented = |attributes: &[Attribute], name: &Ident| {
            *seen += 1;
            assert!(!doc(attributes).is_empty(), "{name} has no docs");
        };
        match item {
            Item::Mod(module) => {
                documented(&module.attrs, &module.ident);
                let items = module.content.iter().flat_map(|(_, items)| items);
                items.for_each(|item| visit(item, seen));
            }
            Item::Fn(function) => documented(&function.attrs, &function.sig.ident),
            Item::Struct(structure) => documented(&structure.attrs, &structure.ident),
            Item::Const(constant) => documented(&constant.attrs, &constant.ident),
            Item::Enum(choices) => {
                documented(&choices.attrs, &choices.ident);
                for variant in &choices.variants {
                    documented(&variant.attrs, &variant.ident);
                }
            }
            Item::Impl(block) if block.trait_.is_none() => {
                for item in &block.items {
                    if let syn::ImplItem::Fn(method) = item {
                        documented(&method.attrs, &method.sig.ident);
                    }
                }
            }
            Item::Impl(_) | Item::Use(_) => {}
            other => panic!("something else: {other:?}"),
        }
    }
}
