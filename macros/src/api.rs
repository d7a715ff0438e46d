//! What each role can do, as types: one for each state of its part.

use std::collections::HashMap;

use choreo_protocol::{Local, State, StateId};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Ident, Result};

use crate::messages;
use crate::names::{camel, ident, snake};
use crate::syntax::{Protocol, Protocols};

/// All that the protocols become.
///
/// # Errors
/// The faults of the first protocol that has some, at its tokens.
pub(crate) fn all(protocols: &Protocols) -> Result<TokenStream> {
    let modules: Result<Vec<_>> = protocols
        .0
        .iter()
        .map(|protocol| module(protocol, protocols))
        .collect();
    let modules = modules?;
    Ok(quote!(#(#modules)*))
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
    let role_docs = protocol.global.roles.iter().map(|role| match &*role.doc {
        "" => format!("The role `{}`.", role.name),
        doc => doc.to_owned(),
    });
    let fingerprint = protocol.global.fingerprint();
    let drawn = format!(
        "The protocol `{}`.\n\n```text\n{}\n```",
        protocol.name, protocol.global
    );
    let source = serialized(protocol)?;
    Ok(quote! {
        #(#attributes)*
        #[doc = #drawn]
        #vis mod #name {
            #[allow(unused_imports)]
            use super::*;

            /// Who takes part.
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            pub enum Role { #(#[doc = #role_docs] #roles),* }

            impl ::choreo::ProtocolRole for Role {
                const ALL: &'static [Self] = &[#(Self::#roles),*];
                const FINGERPRINT: u64 = FINGERPRINT;
            }

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

/// An expression that gives the protocol.
fn serialized(protocol: &Protocol) -> Result<TokenStream> {
    use choreo_protocol::{Branch, Global, Message, Step};

    fn global(global: &Global) -> TokenStream {
        let Global {
            name,
            doc,
            roles,
            steps,
        } = global;
        let roles = roles.iter().map(|role| {
            let (name, doc) = (&role.name, &role.doc);
            quote!(p::RoleDecl {
                name: #name.into(),
                doc: #doc.into(),
                count: ::core::option::Option::None,
            })
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
                let branches = branches.iter().map(|steps| all(steps));
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

    let global = global(&protocol.global);
    Ok(quote!(use ::choreo::protocol as p; #global))
}

/// The function by which a role begins, and the module with its states.
fn part(role: &Ident, others: &[Ident], local: &Local) -> TokenStream {
    let module = ident(&snake(&role.to_string()), role.span());
    let part = Part {
        local,
        names: names(local),
        joins: joins(local),
    };
    let states = (0..local.states.len()).map(|state| part.state(state));
    let start = part.name(Local::START);
    let starts = match local.state(Local::START) {
        State::End => quote!(#module::#start),
        _ => quote!(#module::#start<'a, H>),
    };
    let others = others.iter().filter(|other| *other != role);
    let link = quote!(::choreo::Link::new(handler, endpoint, &[#(Role::#others),*]));
    let new = part.enter(&link, Local::START);
    let new = match local.state(Local::START) {
        State::End => quote!({ let _ = (handler, endpoint); #module::#start }),
        _ => quote!(#module::#new),
    };
    let doc = format!("Begins to play `{role}`, over any handler.\n\n```text\n{local}\n```");
    let of = format!("What `{role}` does, step by step.");
    quote! {
        #[doc = #doc]
        pub fn #module<'a, H>(handler: &'a H, endpoint: &'a H::Endpoint) -> #starts
        where
            H: ::choreo::ChoreoHandler<Role = Role> + ?Sized,
        {
            #new
        }

        #[doc = #of]
        pub mod #module {
            #[allow(unused_imports)]
            use super::*;

            #(#states)*
        }
    }
}

struct Part<'a> {
    local: &'a Local,
    /// The name of each state's type.
    names: Vec<Ident>,
    /// The states at which branches at once are over: of which parallel state, and which branch.
    joins: HashMap<StateId, StateId>,
}

impl Part<'_> {
    fn name(&self, state: StateId) -> &Ident {
        &self.names[state]
    }

    /// The type of a state.
    fn kind(&self, state: StateId) -> TokenStream {
        let name = self.name(state);
        match self.is_over(state) {
            true => quote!(#name),
            false => quote!(#name<'a, H>),
        }
    }

    fn is_over(&self, state: StateId) -> bool {
        *self.local.state(state) == State::End && !self.joins.contains_key(&state)
    }

    /// An expression that enters a state with a link.
    fn enter(&self, link: &TokenStream, state: StateId) -> TokenStream {
        let name = self.name(state);
        match self.is_over(state) {
            true => quote!({ #link.end(); #name }),
            false => quote!(#name { link: #link }),
        }
    }

    fn state(&self, state: StateId) -> TokenStream {
        let name = self.name(state);
        let link = quote!(self.link);
        let (doc, body) = match self.local.state(state) {
            State::Send { to, message, next } => {
                let (kind, enter) = (self.kind(*next), self.enter(&link, *next));
                let (role, carried) = (role(to), ident(&message.name, Span::call_site()));
                let doc = format!("Sends `{message}` to `{to}`.");
                let body = quote! {
                    #[doc = #doc]
                    ///
                    /// # Errors
                    /// As those of the handler; the others are told that it does not go on.
                    pub async fn send(self, message: #carried) -> ::choreo::Result<#kind> {
                        self.link.send(#role, &message).await?;
                        ::core::result::Result::Ok(#enter)
                    }
                };
                (format!("Sends `{message}` to `{to}` next."), body)
            }
            State::Recv {
                from,
                message,
                next,
            } => {
                let (kind, enter) = (self.kind(*next), self.enter(&link, *next));
                let (role, carried) = (role(from), ident(&message.name, Span::call_site()));
                let doc = format!("Receives `{message}` from `{from}`, waiting for it.");
                let body = quote! {
                    #[doc = #doc]
                    ///
                    /// # Errors
                    /// As those of the handler; the others are told that it does not go on.
                    pub async fn recv(self) -> ::choreo::Result<(#carried, #kind)> {
                        let message = self.link.recv(#role).await?;
                        ::core::result::Result::Ok((message, #enter))
                    }
                };
                (format!("Receives `{message}` from `{from}` next."), body)
            }
            State::Choose { to, branches } => {
                let roles: Vec<_> = to.iter().map(|to| role(to)).collect();
                let told = to.join("`, `");
                let methods = branches.iter().map(|(label, next)| {
                    let method = ident(&snake(label), Span::call_site());
                    let (kind, enter) = (self.kind(*next), self.enter(&link, *next));
                    let doc = format!("Decides for `{label}`, and tells `{told}`.");
                    quote! {
                        #[doc = #doc]
                        ///
                        /// # Errors
                        /// As those of the handler; the others are told that it does not go on.
                        pub async fn #method(self) -> ::choreo::Result<#kind> {
                            self.link.choose(&[#(#roles),*], #label).await?;
                            ::core::result::Result::Ok(#enter)
                        }
                    }
                });
                (
                    format!("Decides next, and tells `{told}`."),
                    quote!(#(#methods)*),
                )
            }
            State::Offer { from, branches } => return self.offer(state, from, branches),
            State::Parallel { branches, next } => {
                return self.parallel(state, branches, *next);
            }
            State::End if self.is_over(state) => {
                return quote! {
                    /// The role has played its part.
                    #[derive(Clone, Copy, Debug)]
                    pub struct #name;
                };
            }
            State::End => (
                "One of several things at once is done.".to_owned(),
                quote!(),
            ),
        };
        let structure = structure(name, &doc);
        quote! {
            #structure

            impl<'a, H> #name<'a, H>
            where
                H: ::choreo::ChoreoHandler<Role = Role> + ?Sized,
            {
                #body
            }
        }
    }

    fn offer(&self, state: StateId, from: &str, branches: &[(String, StateId)]) -> TokenStream {
        let name = self.name(state);
        let offered = format_ident!("{}", name.to_string().replacen("Offer", "Offered", 1));
        let structure = structure(name, &format!("Waits for a choice of `{from}` next."));
        let role = role(from);
        let labels: Vec<_> = branches.iter().map(|(label, _)| label).collect();
        let variants: Vec<_> = branches
            .iter()
            .map(|(label, _)| ident(&camel(label), Span::call_site()))
            .collect();
        let kinds = branches.iter().map(|(_, next)| self.kind(*next));
        let docs = branches
            .iter()
            .map(|(label, _)| format!("`{from}` has decided for `{label}`."));
        let link = quote!(self.link);
        let enters = branches.iter().map(|(_, next)| self.enter(&link, *next));
        let numbers = 0..branches.len();
        let some_open = branches.iter().any(|(_, next)| !self.is_over(*next));
        let generics =
            some_open.then(|| quote!(<'a, H: ::choreo::ChoreoHandler<Role = Role> + ?Sized>));
        let arguments = some_open.then(|| quote!(<'a, H>));
        let doc = format!("What `{from}` has decided.");
        quote! {
            #structure

            impl<'a, H> #name<'a, H>
            where
                H: ::choreo::ChoreoHandler<Role = Role> + ?Sized,
            {
                /// Learns what was decided, waiting for it.
                ///
                /// # Errors
                /// As those of the handler; the others are told that it does not go on.
                pub async fn offer(self) -> ::choreo::Result<#offered #arguments> {
                    let offered = self.link.offer(#role, &[#(#labels),*]).await?;
                    ::core::result::Result::Ok(match offered {
                        #(#numbers => #offered::#variants(#enters),)*
                        _ => ::core::unreachable!("it is one of the labels"),
                    })
                }
            }

            #[doc = #doc]
            #[must_use = "the protocol goes on"]
            pub enum #offered #generics {
                #(#[doc = #docs] #variants(#kinds)),*
            }
        }
    }

    fn parallel(&self, state: StateId, branches: &[StateId], next: StateId) -> TokenStream {
        let name = self.name(state);
        let join = format_ident!("{}Join", name);
        let kinds: Vec<_> = branches.iter().map(|branch| self.kind(*branch)).collect();
        let shared = quote!(self.link.share());
        let enters = branches.iter().map(|branch| self.enter(&shared, *branch));
        let ends: Vec<_> = branches.iter().map(|branch| self.ends(*branch)).collect();
        let done: Vec<_> = (1..=branches.len())
            .map(|n| format_ident!("done{n}"))
            .collect();
        let (kind, enter) = (self.kind(next), self.enter(&quote!(self.link), next));
        let own = structure(name, "Does several things at once next.");
        let joined = structure(&join, "What comes when all that is done at once is done.");
        quote! {
            #own

            impl<'a, H> #name<'a, H>
            where
                H: ::choreo::ChoreoHandler<Role = Role> + ?Sized,
            {
                /// Begins them: each goes on by itself, and `join` brings them together.
                pub fn at_once(self) -> (#(#kinds,)* #join<'a, H>) {
                    (#(#enters,)* #join { link: self.link })
                }
            }

            #joined

            impl<'a, H> #join<'a, H>
            where
                H: ::choreo::ChoreoHandler<Role = Role> + ?Sized,
            {
                /// Goes on, once all are done.
                pub fn join(self, #(#done: #ends<'a, H>),*) -> #kind {
                    #(#done.link.end();)*
                    #enter
                }
            }
        }
    }

    /// The type of the end of a branch.
    fn ends(&self, branch: StateId) -> &Ident {
        let end = end_of(self.local, branch);
        self.name(end.unwrap_or(branch))
    }
}

/// The struct of a state.
fn structure(name: &Ident, doc: &str) -> TokenStream {
    quote! {
        #[doc = #doc]
        #[must_use = "the protocol goes on"]
        pub struct #name<'a, H: ::choreo::ChoreoHandler<Role = Role> + ?Sized> {
            pub(super) link: ::choreo::Link<'a, H>,
        }
    }
}

fn role(name: &str) -> TokenStream {
    let name = ident(name, Span::call_site());
    quote!(Role::#name)
}

/// The names of the types, by what the states do.
fn names(local: &Local) -> Vec<Ident> {
    let mut taken: HashMap<String, usize> = HashMap::new();
    let wanted = local.states.iter().map(|state| match state {
        State::Send { message, .. } => format!("Send{}", camel(&message.name)),
        State::Recv { message, .. } => format!("Recv{}", camel(&message.name)),
        State::Choose { .. } => "Choose".to_owned(),
        State::Offer { .. } => "Offer".to_owned(),
        State::Parallel { .. } => "AtOnce".to_owned(),
        State::End => "End".to_owned(),
    });
    wanted
        .map(|name| {
            let count = taken.entry(name.clone()).or_default();
            *count += 1;
            match *count {
                1 => Ident::new(&name, Span::call_site()),
                count => format_ident!("{name}{count}"),
            }
        })
        .collect()
}

/// The ends of branches at once, and to which state they belong.
fn joins(local: &Local) -> HashMap<StateId, StateId> {
    let mut joins = HashMap::new();
    for (number, state) in local.states.iter().enumerate() {
        if let State::Parallel { branches, .. } = state {
            let ends = branches.iter().filter_map(|branch| end_of(local, *branch));
            joins.extend(ends.map(|end| (end, number)));
        }
    }
    joins
}

/// Where a branch is over, if it ever is.
fn end_of(local: &Local, branch: StateId) -> Option<StateId> {
    let (mut open, mut seen) = (vec![branch], vec![false; local.states.len()]);
    while let Some(at) = open.pop() {
        if std::mem::replace(&mut seen[at], true) {
            continue;
        }
        match local.state(at) {
            State::End => return Some(at),
            State::Parallel { next, .. } => open.push(*next),
            state => open.extend(state.next()),
        }
    }
    None
}
