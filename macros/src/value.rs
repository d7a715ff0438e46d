//! A protocol as a value.

use choreo_protocol::{Branch, Global, Message, Step};
use proc_macro2::TokenStream;
use quote::quote;

/// An expression that gives the protocol.
pub(crate) fn value(protocol: &Global) -> TokenStream {
    let protocol = global(protocol);
    quote!(use ::choreo::protocol as p; #protocol)
}

fn global(global: &Global) -> TokenStream {
    let Global {
        name,
        doc,
        roles,
        steps,
    } = global;
    let roles = roles.iter().map(|role| {
        let (name, doc) = (&role.name, &role.doc);
        let count = match &role.count {
            Some(count) => quote!(::core::option::Option::Some(#count.into())),
            None => quote!(::core::option::Option::None),
        };
        quote!(p::RoleDecl { name: #name.into(), doc: #doc.into(), count: #count })
    });
    let steps = all(steps);
    quote!(p::Global {
        name: #name.into(),
        doc: #doc.into(),
        roles: ::std::vec![#(#roles),*],
        steps: #steps,
    })
}

fn all(steps: &[Step]) -> TokenStream {
    let steps = steps.iter().map(one);
    quote!(::std::vec![#(#steps),*])
}

fn one(step: &Step) -> TokenStream {
    match step {
        Step::Message { from, to, message } => {
            let Message { name, carries } = message;
            quote!(p::Step::Message {
                from: #from.into(),
                to: #to.into(),
                message: p::Message {
                    name: #name.into(),
                    carries: ::std::vec![#(#carries.into()),*],
                },
            })
        }
        Step::Choice { at, to, branches } => {
            let branches = branches.iter().map(|Branch { label, steps }| {
                let steps = all(steps);
                quote!(p::Branch { label: #label.into(), steps: #steps })
            });
            quote!(p::Step::Choice {
                at: #at.into(),
                to: ::std::vec![#(#to.into()),*],
                branches: ::std::vec![#(#branches),*],
            })
        }
        Step::Loop { name, steps } => {
            let steps = all(steps);
            quote!(p::Step::Loop { name: #name.into(), steps: #steps })
        }
        Step::Break(name) => quote!(p::Step::Break(#name.into())),
        Step::Continue(name) => quote!(p::Step::Continue(#name.into())),
        Step::Parallel(branches) => {
            let branches = branches.iter().map(|branch| all(branch));
            quote!(p::Step::Parallel(::std::vec![#(#branches),*]))
        }
        Step::Call { protocol, roles } => {
            let protocol = global(protocol);
            quote!(p::Step::Call {
                protocol: ::std::boxed::Box::new(#protocol),
                roles: ::std::vec![#(#roles.into()),*],
            })
        }
    }
}
