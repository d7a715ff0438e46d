//! The steps of a protocol.

use std::collections::HashMap;

use choreo_protocol::{Branch, Message, Place, Step};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Ident, Result, Token, Type, braced, parenthesized, token};

use crate::messages::{Carried, written};
use crate::names::snake;
use crate::roles::{Named, Roles};
use crate::syntax::Protocol;

mod word {
    syn::custom_keyword!(choice);
    syn::custom_keyword!(at);
    syn::custom_keyword!(to);
    syn::custom_keyword!(par);
    syn::custom_keyword!(and);
}

const A_STEP: &str = "expected a step: `A -> B: Message(Type);`, `choice at A { label => { .. } .. }`, \
                      `loop { .. }`, `break;`, `continue;`, `par { .. } and { .. }` or `do Protocol(A, B);`";

/// Reads the steps of one protocol.
pub(crate) struct Reader<'a> {
    roles: &'a Roles,
    /// The protocols that may be called.
    before: &'a [Protocol],
    /// Where each step is written.
    pub(crate) written: HashMap<Place, TokenStream>,
    pub(crate) messages: Vec<Carried>,
    pub(crate) called: Vec<Ident>,
    /// The loops around, by name.
    loops: Vec<String>,
}

/// What a step becomes, and as much of it as says what it is.
type Read = (Vec<Step>, TokenStream);

impl<'a> Reader<'a> {
    pub(crate) fn new(roles: &'a Roles, before: &'a [Protocol]) -> Self {
        Self {
            roles,
            before,
            written: HashMap::new(),
            messages: Vec::new(),
            called: Vec::new(),
            loops: Vec::new(),
        }
    }

    /// All steps that there are.
    ///
    /// # Errors
    /// Where something else stands.
    pub(crate) fn steps(&mut self, input: ParseStream<'_>, place: &mut Place) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        while !input.is_empty() {
            self.next(input, place, &mut steps)?;
        }
        Ok(steps)
    }

    fn next(
        &mut self,
        input: ParseStream<'_>,
        place: &mut Place,
        steps: &mut Vec<Step>,
    ) -> Result<()> {
        let first = steps.len();
        place.push(first);
        let (read, tokens) = self.step(input, place)?;
        place.pop();
        steps.extend(read);
        for number in first..steps.len() {
            let place = [place, &[number][..]].concat();
            self.written.insert(place, tokens.clone());
        }
        Ok(())
    }

    /// Steps in braces.
    fn block(&mut self, input: ParseStream<'_>, place: &mut Place) -> Result<Vec<Step>> {
        let body;
        braced!(body in input);
        self.steps(&body, place)
    }

    fn step(&mut self, input: ParseStream<'_>, place: &mut Place) -> Result<Read> {
        if input.peek(word::choice) && !input.peek2(Token![->]) {
            self.choice(input, place)
        } else if input.peek(Token![loop]) {
            self.again(input, place)
        } else if input.peek(Token![break]) {
            let (name, tokens) = self.leaves(input)?;
            Ok((vec![Step::Break(name)], tokens))
        } else if input.peek(Token![continue]) {
            let (name, tokens) = self.leaves(input)?;
            Ok((vec![Step::Continue(name)], tokens))
        } else if input.peek(word::par) && !input.peek2(Token![->]) {
            self.parallel(input, place)
        } else if input.peek(Token![do]) {
            self.call(input)
        } else if input.peek(Ident) && !input.peek2(token::Brace) && !input.peek2(Ident) {
            self.message(input)
        } else {
            Err(input.error(A_STEP))
        }
    }

    /// `A -> B: Name(Type, ..);`
    fn message(&mut self, input: ParseStream<'_>) -> Result<Read> {
        let from: Named = input.parse()?;
        let arrow: Token![->] = input.parse()?;
        let to: Named = input.parse()?;
        let colon: Token![:] = input.parse()?;
        let name: Ident = input.parse()?;
        let mut types = Vec::new();
        if input.peek(token::Paren) {
            let inner;
            parenthesized!(inner in input);
            let carried = Punctuated::<Type, Token![,]>::parse_terminated(&inner)?;
            types = carried.into_iter().collect();
        }
        input.parse::<Token![;]>()?;
        let tokens = quote!(#from #arrow #to #colon #name);
        let (senders, receivers) = (self.roles.meant(&from)?, self.roles.meant(&to)?);
        if senders.len() > 1 && senders == receivers {
            let family = &from.name;
            let text = format!(
                "the members of `{family}` do not all speak to each other: name two of them, \
                 `{family}[0] -> {family}[1]`"
            );
            return Err(syn::Error::new_spanned(tokens, text));
        }
        let message = Message {
            name: name.to_string(),
            carries: types.iter().map(written).collect(),
        };
        self.carries(name, types)?;
        let pairs = senders
            .iter()
            .flat_map(|from| receivers.iter().map(move |to| (from, to)));
        let steps = pairs.map(|(from, to)| Step::message(from, to, message.clone()));
        Ok((steps.collect(), tokens))
    }

    /// A message carries the same each time.
    fn carries(&mut self, name: Ident, types: Vec<Type>) -> Result<()> {
        let known = self.messages.iter().find(|known| known.name == name);
        match known {
            Some(known) if known.types != types => {
                let text = format!(
                    "message `{name}` carries other types above: give one of them another name"
                );
                return Err(syn::Error::new(name.span(), text));
            }
            Some(_) => return Ok(()),
            None => {}
        }
        if name == "Role" {
            let text = "`Role` is the type of the roles: give this message another name";
            return Err(syn::Error::new(name.span(), text));
        }
        let its_own = types
            .iter()
            .find(|kind| name == kind.to_token_stream().to_string());
        if let Some(its_own) = its_own {
            let text = format!(
                "this is the message `{name}` itself: give the message another name, or write the \
                 path of the type, `super::{name}`"
            );
            return Err(syn::Error::new_spanned(its_own, text));
        }
        self.messages.push(Carried { name, types });
        Ok(())
    }

    /// `choice at A to B, C { label => { .. } .. }`
    fn choice(&mut self, input: ParseStream<'_>, place: &mut Place) -> Result<Read> {
        let choice: word::choice = input.parse()?;
        let at: word::at = input.parse()?;
        let chooser: Named = input.parse()?;
        let mut tokens = quote!(#choice #at #chooser);
        let choosers = self.roles.meant(&chooser)?;
        let [decides] = choosers.as_slice() else {
            let family = &chooser.name;
            let text = format!("one role decides: name a member, `{family}[0]`");
            return Err(syn::Error::new_spanned(chooser, text));
        };
        let mut told = Vec::new();
        if input.peek(word::to) {
            let to: word::to = input.parse()?;
            let named = Punctuated::<Named, Token![,]>::parse_separated_nonempty(input)?;
            for named in &named {
                told.extend(self.roles.meant(named)?);
            }
            tokens.extend(quote!(#to #named));
        } else {
            let all = self.roles.all().into_iter();
            let all = all.map(|role| role.name.to_string());
            told.extend(all.filter(|role| role != decides));
        }
        let body;
        braced!(body in input);
        let mut branches = Vec::new();
        while !body.is_empty() {
            place.push(branches.len());
            let label: Ident = body.parse()?;
            one_method(&label, &branches)?;
            self.written.insert(place.clone(), label.to_token_stream());
            body.parse::<Token![=>]>()?;
            let steps = if body.peek(token::Brace) {
                let steps = self.block(&body, place)?;
                let _ = body.parse::<Option<Token![,]>>()?;
                steps
            } else {
                let mut steps = Vec::new();
                self.next(&body, place, &mut steps)?;
                steps
            };
            place.pop();
            branches.push(Branch::new(label.to_string(), steps));
        }
        Ok((vec![Step::choice(decides, told, branches)], tokens))
    }

    /// `loop name { .. }`, or without a name.
    fn again(&mut self, input: ParseStream<'_>, place: &mut Place) -> Result<Read> {
        let again: Token![loop] = input.parse()?;
        let given: Option<Ident> = input.parse()?;
        let name = match (&given, self.loops.len()) {
            (Some(name), _) => name.to_string(),
            (None, 0) => "again".to_owned(),
            (None, depth) => format!("again{depth}"),
        };
        self.loops.push(name.clone());
        let steps = self.block(input, place)?;
        self.loops.pop();
        Ok((vec![Step::again(name, steps)], quote!(#again #given)))
    }

    /// `break` or `continue`, the name of a loop, that of the innermost where there is none, and `;`.
    fn leaves(&mut self, input: ParseStream<'_>) -> Result<(String, TokenStream)> {
        let word = match input.peek(Token![break]) {
            true => input.parse::<Token![break]>()?.to_token_stream(),
            false => input.parse::<Token![continue]>()?.to_token_stream(),
        };
        let given: Option<Ident> = input.parse()?;
        let tokens = quote!(#word #given);
        let name = match (given, self.loops.last()) {
            (Some(name), _) => name.to_string(),
            (None, Some(name)) => name.clone(),
            (None, None) => {
                let text =
                    "no loop is around this; one that is around `par` cannot be left from within";
                return Err(syn::Error::new_spanned(tokens, text));
            }
        };
        input.parse::<Token![;]>()?;
        Ok((name, tokens))
    }

    /// `par { .. } and { .. }`
    fn parallel(&mut self, input: ParseStream<'_>, place: &mut Place) -> Result<Read> {
        let par: word::par = input.parse()?;
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
        Ok((vec![Step::Parallel(branches)], par.to_token_stream()))
    }

    /// `do Other(A, B);`
    fn call(&mut self, input: ParseStream<'_>) -> Result<Read> {
        let word: Token![do] = input.parse()?;
        let name: Ident = input.parse()?;
        let inner;
        let parens = parenthesized!(inner in input);
        let named = Punctuated::<Named, Token![,]>::parse_terminated(&inner)?;
        input.parse::<Token![;]>()?;
        let mut tokens = quote!(#word #name);
        parens.surround(&mut tokens, |tokens| named.to_tokens(tokens));
        let found = self.before.iter().find(|known| known.name == name);
        let protocol = found.ok_or_else(|| self.unknown(&name))?;
        let mut roles = Vec::new();
        for named in &named {
            roles.extend(self.roles.meant(named)?);
        }
        if !self.called.contains(&name) {
            self.called.push(name);
        }
        let call = Step::Call {
            protocol: Box::new(protocol.global.clone()),
            roles,
        };
        Ok((vec![call], tokens))
    }

    fn unknown(&self, name: &Ident) -> syn::Error {
        let known = self.before.iter().map(|known| format!("`{}`", known.name));
        let known: Vec<_> = known.collect();
        let there = match known.is_empty() {
            true => "there is none".to_owned(),
            false => format!("there are: {}", known.join(", ")),
        };
        let text =
            format!("protocol `{name}` is not declared above, in this `choreography!`; {there}");
        syn::Error::new(name.span(), text)
    }
}

/// Labels become methods, whose names differ.
fn one_method(label: &Ident, before: &[Branch]) -> Result<()> {
    let name = label.to_string();
    let method = snake(&name);
    let mut before = before.iter().map(|branch| &branch.label);
    match before.find(|other| **other != name && snake(other) == method) {
        None => Ok(()),
        Some(other) => {
            let text = format!(
                "labels `{other}` and `{name}` would both have the method `{method}`: give one of \
                 them another name"
            );
            Err(syn::Error::new(label.span(), text))
        }
    }
}
