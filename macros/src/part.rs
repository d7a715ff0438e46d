//! What a role can do, as types: one for each state of its part.

use std::collections::{HashMap, HashSet};

use choreo_protocol::{Local, State, StateId};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::Ident;

use crate::names::{camel, ident, snake};
use crate::roles::Role;

/// The function by which a role begins, and the module with its states.
pub(crate) fn part(role: &Role, roles: &[Role], local: &Local) -> TokenStream {
    let name = &role.name;
    let module = ident(&snake(&name.to_string()), name.span());
    let part = Part {
        local,
        roles,
        names: names(local),
        joins: joins(local),
    };
    let states = (0..local.states.len()).map(|state| part.state(state));
    let start = part.name(Local::START);
    let (number, me) = match &role.count {
        Some(_) => (Some(quote!(number: usize,)), quote!(Role::#name(number))),
        None => (None, quote!(Role::#name)),
    };
    let counted = roles.iter().any(|role| role.count.is_some());
    let (cast, others) = if counted {
        let cast = quote!(, cast: &'a ::choreo::Cast<Role>);
        (Some(cast), quote!(cast.others(&#me)))
    } else {
        let others = roles.iter().map(|role| &role.name);
        let others = others.filter(|other| *other != name);
        (None, quote!(&[#(Role::#others),*]))
    };
    let new = part.enter(
        &quote!(::choreo::Link::new(handler, endpoint, #others)),
        Local::START,
    );
    let doc = match &role.count {
        Some(_) => format!("Begins to play the `{name}` of that number, over any handler."),
        None => format!("Begins to play `{name}`, over any handler."),
    };
    let doc = format!("{doc}\n\n```text\n{local}\n```");
    let of = format!("What `{name}` does, step by step.");
    quote! {
        #[doc = #doc]
        pub fn #module<'a, H>(
            #number
            handler: &'a H,
            endpoint: &'a H::Endpoint
            #cast
        ) -> #module::#start<'a, H>
        where
            H: ::choreo::ChoreoHandler<Role = Role> + ?Sized,
        {
            #module::#new
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
    roles: &'a [Role],
    /// The name of each state's type.
    names: Vec<Ident>,
    /// The states at which branches at once are over: of which parallel state, and which branch.
    joins: HashMap<StateId, StateId>,
}

impl Part<'_> {
    fn name(&self, state: StateId) -> &Ident {
        &self.names[state]
    }

    /// What gives the number of a member, if the role is a family.
    fn number(&self, name: &str) -> Option<TokenStream> {
        let family = self.roles.iter().find(|role| role.name == name);
        let Role { name, count, .. } = family?;
        count.as_ref()?;
        Some(quote! {
            |role| match role {
                Role::#name(number) => ::core::option::Option::Some(*number),
                _ => ::core::option::Option::None,
            }
        })
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
                let carried = ident(&message.name, Span::call_site());
                let (doc, method) = match self.number(to) {
                    Some(number) => (
                        format!("Sends `{message}` to each `{to}`: what it gives for its number."),
                        quote! {
                            pub async fn send_each(
                                self,
                                message: impl FnMut(usize) -> super::#carried,
                            ) -> ::choreo::Result<#kind> {
                                self.link.send_each(#number, message).await?;
                                ::core::result::Result::Ok(#enter)
                            }
                        },
                    ),
                    None => {
                        let enter = self.enter(&quote!(link), *next);
                        let (role, future) = (role(to), future(&kind));
                        (
                            format!("Sends `{message}` to `{to}`."),
                            quote! {
                                pub fn send(
                                    self,
                                    message: super::#carried,
                                ) -> #future {
                                    self.link.send(#role, message, |link| #enter)
                                }
                            },
                        )
                    }
                };
                (
                    format!("Sends `{message}` to `{to}` next."),
                    documented(&doc, &method),
                )
            }
            State::Recv {
                from,
                message,
                next,
            } => {
                let (kind, enter) = (self.kind(*next), self.enter(&link, *next));
                let carried = ident(&message.name, Span::call_site());
                let (doc, method) = match self.number(from) {
                    Some(number) => (
                        format!(
                            "Receives `{message}` from each `{from}`, in the order of their numbers."
                        ),
                        quote! {
                            pub async fn recv_each(
                                self,
                            ) -> ::choreo::Result<(::std::vec::Vec<super::#carried>, #kind)> {
                                let messages = self.link.recv_each(#number).await?;
                                ::core::result::Result::Ok((messages, #enter))
                            }
                        },
                    ),
                    None => {
                        let enter = self.enter(&quote!(link), *next);
                        let kind = quote!((super::#carried, #kind));
                        let (role, future) = (role(from), future(&kind));
                        (
                            format!("Receives `{message}` from `{from}`, waiting for it."),
                            quote! {
                                pub fn recv(
                                    self,
                                ) -> #future {
                                    self.link.recv(#role, |link| #enter)
                                }
                            },
                        )
                    }
                };
                (
                    format!("Receives `{message}` from `{from}` next."),
                    documented(&doc, &method),
                )
            }
            State::Choose { to, branches } => {
                let told = self.told(to);
                let all = to.join("`, `");
                let methods = branches.iter().map(|(label, next)| {
                    let method = ident(&snake(label), Span::call_site());
                    let (kind, enter) = (self.kind(*next), self.enter(&quote!(link), *next));
                    let future = future(&kind);
                    let doc = format!("Decides for `{label}`, and tells `{all}`.");
                    documented(
                        &doc,
                        &quote! {
                            pub fn #method(self) -> #future {
                                let told = #told;
                                self.link.choose(told, #label, |link| #enter)
                            }
                        },
                    )
                });
                (
                    format!("Decides next, and tells `{all}`."),
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

    /// The roles that are told of a choice.
    fn told(&self, to: &[String]) -> TokenStream {
        let families: Vec<_> = to.iter().filter_map(|to| self.number(to)).collect();
        let single = to.iter().filter(|to| self.number(to).is_none());
        let single = single.map(|to| role(to));
        if families.is_empty() {
            return quote!(&[#(#single),*]);
        }
        quote! {
            {
                let mut told = ::std::vec![#(#single),*];
                #(told.extend(self.link.family(#families).map(|(_, role)| role));)*
                told
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
        let link = quote!(link);
        let enters = branches.iter().map(|(_, next)| self.enter(&link, *next));
        let numbers = 0..branches.len();
        let some_open = branches.iter().any(|(_, next)| !self.is_over(*next));
        let generics =
            some_open.then(|| quote!(<'a, H: ::choreo::ChoreoHandler<Role = Role> + ?Sized>));
        let arguments = some_open.then(|| quote!(<'a, H>));
        let future = future(&quote!(#offered #arguments));
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
                pub fn offer(self) -> #future {
                    self.link.offer(#role, &[#(#labels),*], |number, link| match number {
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

/// A method that speaks to others.
fn documented(doc: &str, method: &TokenStream) -> TokenStream {
    quote! {
        #[doc = #doc]
        ///
        /// # Errors
        /// As those of the handler; the others are told that it does not go on.
        #method
    }
}

/// What a step returns: one future, which an `async fn` would wrap in a second one.
fn future(gives: &TokenStream) -> TokenStream {
    quote! {
        impl ::core::future::Future<Output = ::choreo::Result<#gives>> + ::core::marker::Send
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
    let (mut taken, mut counts) = (HashSet::new(), HashMap::new());
    let wanted = local.states.iter().map(|state| match state {
        State::Send { message, .. } => format!("Send{}", camel(&message.name)),
        State::Recv { message, .. } => format!("Recv{}", camel(&message.name)),
        State::Choose { .. } => "Choose".to_owned(),
        State::Offer { .. } => "Offer".to_owned(),
        State::Parallel { .. } => "AtOnce".to_owned(),
        State::End => "End".to_owned(),
    });
    wanted
        .map(|wanted| {
            let count = counts.entry(wanted.clone()).or_insert(0_usize);
            loop {
                *count += 1;
                let name = match *count {
                    1 => wanted.clone(),
                    count => format!("{wanted}{count}"),
                };
                // There may be messages `Value` and `Value2`.
                if taken.insert(name.clone()) {
                    return Ident::new(&name, Span::call_site());
                }
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
