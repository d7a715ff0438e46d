//! What stands between the braces of `choreography!`.

use std::collections::HashMap;

use choreo_protocol::{Fault, FaultKind, Global, Place};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Ident, Result, Visibility, braced};

use crate::messages::Carried;
use crate::names::doc;
use crate::roles::{Role, Roles};
use crate::steps::Reader;

mod word {
    syn::custom_keyword!(protocol);
}

/// The protocols of one invocation, those that are called before those that call them.
pub(crate) struct Protocols(pub(crate) Vec<Protocol>);

/// One of them.
pub(crate) struct Protocol {
    pub(crate) vis: Visibility,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) name: Ident,
    pub(crate) roles: Vec<Role>,
    pub(crate) global: Global,
    /// The types of each message that it has by itself.
    pub(crate) messages: Vec<Carried>,
    /// The protocols that it calls.
    pub(crate) called: Vec<Ident>,
    /// Where each step is written: as much of it as says what it is.
    written: HashMap<Place, TokenStream>,
}

impl Parse for Protocols {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut protocols: Vec<Protocol> = Vec::new();
        while !input.is_empty() {
            let protocol = Protocol::parse(input, &protocols)?;
            if protocols.iter().any(|known| known.name == protocol.name) {
                let text = format!("protocol `{}` is declared twice", protocol.name);
                return Err(syn::Error::new(protocol.name.span(), text));
            }
            protocols.push(protocol);
        }
        match protocols.is_empty() {
            true => Err(input.error("expected `protocol Name { roles A, B; .. }`")),
            false => Ok(Self(protocols)),
        }
    }
}

impl Protocol {
    fn parse(input: ParseStream<'_>, before: &[Self]) -> Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        input.parse::<word::protocol>()?;
        let name: Ident = input.parse()?;
        let body;
        braced!(body in input);
        let roles: Roles = body.parse()?;
        let mut reader = Reader::new(&roles, before);
        let steps = reader.steps(&body, &mut Vec::new())?;
        let Reader {
            written,
            messages,
            called,
            ..
        } = reader;
        Ok(Self {
            global: Global {
                name: name.to_string(),
                doc: doc(&attributes),
                roles: roles.declared(),
                steps,
            },
            roles: roles.all(),
            vis,
            attributes,
            name,
            messages,
            called,
            written,
        })
    }

    /// A fault of the protocol, at its tokens.
    pub(crate) fn error(&self, fault: &Fault) -> syn::Error {
        // The end of the protocol is no step.
        let (first, second) = match &fault.other {
            Some(other) if fault.place.is_empty() => (self.step(other), None),
            other => (self.tokens(fault), other.as_ref()),
        };
        let mut error = syn::Error::new_spanned(first, &fault.text);
        if let Some(place) = second.filter(|place| !place.is_empty()) {
            let text = "it may be here instead, for all it is told";
            error.combine(syn::Error::new_spanned(self.step(place), text));
        }
        error
    }

    /// What a fault is about.
    fn tokens(&self, fault: &Fault) -> TokenStream {
        // Faults begin with the name that they are about.
        let name = fault.text.split('`').nth(1).unwrap_or_default();
        if fault.place.is_empty() {
            let role = self.roles.iter().find(|role| role.name == name);
            let role = role.map_or(&self.name, |role| &role.name);
            return role.to_token_stream();
        }
        let step = self.step(&fault.place);
        let about_a_name = matches!(
            fault.kind,
            FaultKind::UnknownRole
                | FaultKind::UnknownLoop
                | FaultKind::RoleTwice
                | FaultKind::Arity
                | FaultKind::Family
        );
        let is_it = |tree: &TokenTree| matches!(tree, TokenTree::Ident(ident) if ident == name);
        // The last one: `A` in `choice at B to A, A`, and in `do A(A)`.
        let named = step.clone().into_iter().filter(is_it);
        match named.last() {
            Some(named) if about_a_name => named.into(),
            _ => step,
        }
    }

    /// How a step is written, or that in which it is.
    fn step(&self, place: &Place) -> TokenStream {
        let places = (0..=place.len()).rev().map(|length| &place[..length]);
        let mut written = places.filter_map(|place| self.written.get(place));
        let name = || self.name.to_token_stream();
        written.next().cloned().unwrap_or_else(name)
    }
}
