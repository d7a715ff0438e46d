//! What stands between the braces of `choreography!`.

use std::collections::HashMap;

use choreo_protocol::{Branch, Fault, FaultKind, Global, Message, Place, RoleDecl, Step};
use proc_macro2::Span;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, Meta, Result, Token, Type, Visibility};
use syn::{braced, parenthesized};

mod word {
    syn::custom_keyword!(protocol);
    syn::custom_keyword!(roles);
    syn::custom_keyword!(choice);
    syn::custom_keyword!(at);
    syn::custom_keyword!(to);
    syn::custom_keyword!(par);
    syn::custom_keyword!(and);
}

/// The protocols of one invocation, those that are called before those that call them.
pub(crate) struct Protocols(pub(crate) Vec<Protocol>);

/// One of them.
pub(crate) struct Protocol {
    pub(crate) vis: Visibility,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) name: Ident,
    pub(crate) roles: Vec<Ident>,
    pub(crate) global: Global,
    /// The types of each message that it has by itself, by name.
    pub(crate) messages: Vec<Carried>,
    /// The protocols that it calls.
    pub(crate) called: Vec<Ident>,
    spans: HashMap<Place, Span>,
}

/// A message, and the types that it carries.
pub(crate) struct Carried {
    pub(crate) name: Ident,
    pub(crate) types: Vec<Type>,
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
        let (roles, declared) = roles(&body)?;
        let mut reader = Reader {
            before,
            spans: HashMap::from([(Vec::new(), name.span())]),
            messages: Vec::new(),
            called: Vec::new(),
            everybody: roles.iter().map(ToString::to_string).collect(),
            loops: Vec::new(),
        };
        let steps = reader.steps(&body, &mut Vec::new())?;
        let global = Global {
            name: name.to_string(),
            doc: doc(&attributes),
            roles: declared,
            steps,
        };
        let Reader {
            spans,
            messages,
            called,
            ..
        } = reader;
        Ok(Self {
            vis,
            attributes,
            name,
            roles,
            global,
            messages,
            called,
            spans,
        })
    }

    /// A fault of the protocol, at its tokens.
    pub(crate) fn error(&self, fault: &Fault) -> syn::Error {
        let span = |place: &Place| {
            // A step of a step that has no tokens of its own.
            let places = (0..=place.len()).rev().map(|length| &place[..length]);
            let spans = places.filter_map(|place| self.spans.get(place));
            spans.copied().next().unwrap_or_else(|| self.name.span())
        };
        let role = self.roles.iter().find(|role| {
            let named = fault.text.contains(&format!("`{role}`"));
            named && matches!(fault.kind, FaultKind::UnusedRole | FaultKind::RoleTwice)
        });
        let at = match role {
            Some(role) if fault.place.is_empty() => role.span(),
            _ => span(&fault.place),
        };
        let mut error = syn::Error::new(at, &fault.text);
        if let Some(other) = &fault.other {
            error.combine(syn::Error::new(span(other), "or this, for all it is told"));
        }
        error
    }
}

/// `roles A, B;`
fn roles(input: ParseStream<'_>) -> Result<(Vec<Ident>, Vec<RoleDecl>)> {
    input.parse::<word::roles>()?;
    let (mut names, mut declared) = (Vec::new(), Vec::new());
    loop {
        let attributes = input.call(Attribute::parse_outer)?;
        let name: Ident = input.parse()?;
        declared.push(RoleDecl {
            name: name.to_string(),
            doc: doc(&attributes),
            count: None,
        });
        names.push(name);
        if !input.peek(Token![,]) {
            break;
        }
        input.parse::<Token![,]>()?;
        if input.peek(Token![;]) {
            break;
        }
    }
    input.parse::<Token![;]>()?;
    Ok((names, declared))
}

struct Reader<'a> {
    before: &'a [Protocol],
    spans: HashMap<Place, Span>,
    messages: Vec<Carried>,
    called: Vec<Ident>,
    everybody: Vec<String>,
    /// The loops around, by name.
    loops: Vec<String>,
}

impl Reader<'_> {
    fn steps(&mut self, input: ParseStream<'_>, place: &mut Place) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        while !input.is_empty() {
            place.push(steps.len());
            self.spans.insert(place.clone(), input.span());
            steps.push(self.step(input, place)?);
            place.pop();
        }
        Ok(steps)
    }

    /// Steps in braces.
    fn block(&mut self, input: ParseStream<'_>, place: &mut Place) -> Result<Vec<Step>> {
        let body;
        braced!(body in input);
        self.steps(&body, place)
    }

    fn step(&mut self, input: ParseStream<'_>, place: &mut Place) -> Result<Step> {
        let ahead = input.lookahead1();
        if ahead.peek(word::choice) && !input.peek2(Token![->]) {
            self.choice(input, place)
        } else if ahead.peek(Token![loop]) {
            self.again(input, place)
        } else if ahead.peek(Token![break]) {
            input.parse::<Token![break]>()?;
            Ok(Step::Break(self.loop_name(input)?))
        } else if ahead.peek(Token![continue]) {
            input.parse::<Token![continue]>()?;
            Ok(Step::Continue(self.loop_name(input)?))
        } else if ahead.peek(word::par) && !input.peek2(Token![->]) {
            self.parallel(input, place)
        } else if ahead.peek(Token![do]) {
            self.call(input)
        } else if ahead.peek(Ident) {
            self.message(input)
        } else {
            Err(ahead.error())
        }
    }

    /// `A -> B: Name(Type, ..);`
    fn message(&mut self, input: ParseStream<'_>) -> Result<Step> {
        let from: Ident = input.parse()?;
        input.parse::<Token![->]>()?;
        let to: Ident = input.parse()?;
        input.parse::<Token![:]>()?;
        let name: Ident = input.parse()?;
        let mut types = Vec::new();
        if input.peek(syn::token::Paren) {
            let inner;
            parenthesized!(inner in input);
            types = Punctuated::<Type, Token![,]>::parse_terminated(&inner)?
                .into_iter()
                .collect();
        }
        input.parse::<Token![;]>()?;
        let message = Message {
            name: name.to_string(),
            carries: types.iter().map(written).collect(),
        };
        let known = self.messages.iter().find(|known| known.name == name);
        match known {
            Some(known) if known.types != types => {
                let text = format!(
                    "message `{name}` carries other types above: give one of them another name"
                );
                return Err(syn::Error::new(name.span(), text));
            }
            Some(_) => {}
            None => self.messages.push(Carried { name, types }),
        }
        Ok(Step::Message {
            from: from.to_string(),
            to: to.to_string(),
            message,
        })
    }

    /// `choice at A to B, C { label => { .. } .. }`
    fn choice(&mut self, input: ParseStream<'_>, place: &mut Place) -> Result<Step> {
        input.parse::<word::choice>()?;
        input.parse::<word::at>()?;
        let at: Ident = input.parse()?;
        let to = if input.peek(word::to) {
            input.parse::<word::to>()?;
            let to = Punctuated::<Ident, Token![,]>::parse_separated_nonempty(input)?;
            to.iter().map(ToString::to_string).collect()
        } else {
            let others = self.everybody.iter().filter(|role| at != role);
            others.cloned().collect()
        };
        let body;
        braced!(body in input);
        let mut branches = Vec::new();
        while !body.is_empty() {
            place.push(branches.len());
            self.spans.insert(place.clone(), body.span());
            let label: Ident = body.parse()?;
            body.parse::<Token![=>]>()?;
            let steps = if body.peek(syn::token::Brace) {
                let steps = self.block(&body, place)?;
                let _ = body.parse::<Option<Token![,]>>()?;
                steps
            } else {
                place.push(0);
                self.spans.insert(place.clone(), body.span());
                let step = self.step(&body, place)?;
                place.pop();
                vec![step]
            };
            place.pop();
            branches.push(Branch::new(label.to_string(), steps));
        }
        Ok(Step::Choice {
            at: at.to_string(),
            to,
            branches,
        })
    }

    /// `loop name { .. }`, or without a name.
    fn again(&mut self, input: ParseStream<'_>, place: &mut Place) -> Result<Step> {
        input.parse::<Token![loop]>()?;
        let name = match input.peek(Ident) {
            true => input.parse::<Ident>()?.to_string(),
            false => match self.loops.len() {
                0 => "again".to_owned(),
                depth => format!("again{depth}"),
            },
        };
        self.loops.push(name.clone());
        let steps = self.block(input, place)?;
        self.loops.pop();
        Ok(Step::Loop { name, steps })
    }

    /// The name of a loop, that of the innermost where there is none, and `;`.
    fn loop_name(&mut self, input: ParseStream<'_>) -> Result<String> {
        let name = match input.peek(Ident) {
            true => input.parse::<Ident>()?.to_string(),
            false => match self.loops.last() {
                Some(name) => name.clone(),
                None => return Err(input.error("there is no loop around this")),
            },
        };
        input.parse::<Token![;]>()?;
        Ok(name)
    }

    /// `par { .. } and { .. }`
    fn parallel(&mut self, input: ParseStream<'_>, place: &mut Place) -> Result<Step> {
        input.parse::<word::par>()?;
        let around = std::mem::take(&mut self.loops);
        let mut branches = Vec::new();
        loop {
            place.push(branches.len());
            branches.push(self.block(input, place)?);
            place.pop();
            if !input.peek(word::and) {
                break;
            }
            input.parse::<word::and>()?;
        }
        self.loops = around;
        Ok(Step::Parallel(branches))
    }

    /// `do Other(A, B);`
    fn call(&mut self, input: ParseStream<'_>) -> Result<Step> {
        input.parse::<Token![do]>()?;
        let name: Ident = input.parse()?;
        let inner;
        parenthesized!(inner in input);
        let roles = Punctuated::<Ident, Token![,]>::parse_terminated(&inner)?;
        input.parse::<Token![;]>()?;
        let found = self.before.iter().find(|known| known.name == name);
        let protocol = found.ok_or_else(|| {
            let text = format!("protocol `{name}` is not declared above, in this `choreography!`");
            syn::Error::new(name.span(), text)
        })?;
        if !self.called.contains(&name) {
            self.called.push(name);
        }
        Ok(Step::Call {
            protocol: Box::new(protocol.global.clone()),
            roles: roles.iter().map(ToString::to_string).collect(),
        })
    }
}

/// A type as it is written, without the spaces that tokens get.
fn written(kind: &Type) -> String {
    let mut text = quote::quote!(#kind).to_string();
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

/// The text of doc comments.
fn doc(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let Meta::NameValue(meta) = &attribute.meta else {
            return None;
        };
        match &meta.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) if meta.path.is_ident("doc") => Some(text.value().trim().to_owned()),
            _ => None,
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}
