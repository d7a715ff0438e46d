//! Who takes part, and how the steps name them.

use choreo_protocol::RoleDecl;
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Ident, LitInt, Result, Token, bracketed, token};

use crate::names::{doc, snake};

mod word {
    syn::custom_keyword!(roles);
}

/// The functions of each protocol besides those of its roles.
const GENERATED: [&str; 2] = ["protocol", "cast"];

/// `roles A, B[3], C[n];`
pub(crate) struct Roles {
    declared: Vec<Declared>,
}

/// A role, or a family of them.
struct Declared {
    name: Ident,
    doc: String,
    many: Many,
}

enum Many {
    /// One role.
    No,
    /// So many roles, each of its own.
    Fixed(usize),
    /// As many as there are, all the same.
    Counted(Ident),
}

/// A role that is played by itself: with a variant, and an API.
#[derive(Clone)]
pub(crate) struct Role {
    pub(crate) name: Ident,
    pub(crate) doc: String,
    /// The name of the number of members, for a family.
    pub(crate) count: Option<Ident>,
}

/// What stands in a step for one role, or for several.
pub(crate) struct Named {
    pub(crate) name: Ident,
    /// `[2]`
    member: Option<(token::Bracket, LitInt)>,
}

impl Parse for Roles {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        input.parse::<word::roles>()?;
        let mut declared = Vec::new();
        loop {
            let attributes = input.call(Attribute::parse_outer)?;
            let name: Ident = input.parse()?;
            let many = match input.peek(token::Bracket) {
                true => many(input)?,
                false => Many::No,
            };
            let doc = doc(&attributes);
            declared.push(Declared { name, doc, many });
            if !input.peek(Token![,]) {
                break;
            }
            input.parse::<Token![,]>()?;
            if input.peek(Token![;]) {
                break;
            }
        }
        input.parse::<Token![;]>()?;
        let roles = Self { declared };
        roles.distinct()?;
        Ok(roles)
    }
}

/// `[3]` or `[n]`
fn many(input: ParseStream<'_>) -> Result<Many> {
    let inner;
    bracketed!(inner in input);
    let ahead = inner.lookahead1();
    if ahead.peek(LitInt) {
        let number: LitInt = inner.parse()?;
        let members: usize = number.base10_parse()?;
        return match members {
            0 => Err(syn::Error::new(
                number.span(),
                "a family has one member or more",
            )),
            _ => Ok(Many::Fixed(members)),
        };
    }
    if ahead.peek(Ident) {
        return Ok(Many::Counted(inner.parse()?));
    }
    Err(ahead.error())
}

impl Roles {
    /// All that are played by themselves.
    pub(crate) fn all(&self) -> Vec<Role> {
        let roles = self.declared.iter().flat_map(|declared| {
            let role = |name, count| Role {
                name,
                doc: declared.doc.clone(),
                count,
            };
            let name = &declared.name;
            match &declared.many {
                Many::No => vec![role(name.clone(), None)],
                Many::Fixed(members) => (0..*members)
                    .map(|number| role(member(name, number), None))
                    .collect(),
                Many::Counted(count) => vec![role(name.clone(), Some(count.clone()))],
            }
        });
        roles.collect()
    }

    /// They as the protocol has them.
    pub(crate) fn declared(&self) -> Vec<RoleDecl> {
        let all = self.all().into_iter().map(|role| RoleDecl {
            name: role.name.to_string(),
            doc: role.doc,
            count: role.count.map(|count| count.to_string()),
        });
        all.collect()
    }

    /// The roles for which a name in a step stands; itself where it is not known.
    ///
    /// # Errors
    /// Where a member is named that there is not.
    pub(crate) fn meant(&self, named: &Named) -> Result<Vec<String>> {
        let Named {
            name,
            member: wanted,
        } = named;
        let declared = self.declared.iter().find(|role| role.name == *name);
        let many = declared.map_or(&Many::No, |declared| &declared.many);
        let Some((_, wanted)) = wanted else {
            return Ok(match many {
                Many::Fixed(members) => (0..*members)
                    .map(|number| member(name, number).to_string())
                    .collect(),
                Many::No | Many::Counted(_) => vec![name.to_string()],
            });
        };
        let text = match many {
            Many::Fixed(members) => {
                let number: usize = wanted.base10_parse()?;
                if number < *members {
                    return Ok(vec![member(name, number).to_string()]);
                }
                let last = members - 1;
                format!("`{name}` has {members} members, `{name}[0]` to `{name}[{last}]`")
            }
            Many::Counted(count) => format!(
                "how many members `{name}` has is known at run time only: name all of them, \
                 `{name}`, or declare a fixed number of them, `{name}[3]` instead of \
                 `{name}[{count}]`"
            ),
            Many::No => format!("`{name}` is no family: declare it as one, `{name}[3]`"),
        };
        Err(syn::Error::new_spanned(named, text))
    }

    /// Their variants and modules have different names.
    fn distinct(&self) -> Result<()> {
        let all = self.all();
        for (number, role) in all.iter().enumerate() {
            let module = snake(&role.name.to_string());
            if GENERATED.contains(&&*module) {
                let text = format!(
                    "`{module}` is something else of each protocol: give role `{}` another name",
                    role.name
                );
                return Err(syn::Error::new(role.name.span(), text));
            }
            let mut before = all[..number].iter();
            let same = before.find(|other| snake(&other.name.to_string()) == module);
            let text = match same {
                None => continue,
                Some(other) if other.name == role.name => {
                    format!("role `{}` is declared twice", role.name)
                }
                Some(other) => format!(
                    "roles `{}` and `{}` would both have the module `{module}`: give one of them \
                     another name",
                    other.name, role.name
                ),
            };
            return Err(syn::Error::new(role.name.span(), text));
        }
        Ok(())
    }
}

fn member(family: &Ident, number: usize) -> Ident {
    format_ident!("{family}{number}", span = family.span())
}

impl Parse for Named {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name = input.parse()?;
        let member = match input.peek(token::Bracket) {
            true => {
                let inner;
                let brackets = bracketed!(inner in input);
                Some((brackets, inner.parse()?))
            }
            false => None,
        };
        Ok(Self { name, member })
    }
}

impl ToTokens for Named {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.name.to_tokens(tokens);
        if let Some((brackets, member)) = &self.member {
            brackets.surround(tokens, |inner| member.to_tokens(inner));
        }
    }
}
