//! Names of what is generated.

use proc_macro2::Span;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, Meta};

/// `two_buyers` for `TwoBuyers`.
pub(crate) fn snake(name: &str) -> String {
    let mut snake = String::new();
    let mut before: Option<char> = None;
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        let starts = letter.is_uppercase()
            && before.is_some_and(|before| {
                let word_ends = before.is_lowercase() || before.is_numeric();
                let word_begins = letters.peek().is_some_and(|next| next.is_lowercase());
                before != '_' && (word_ends || word_begins)
            });
        if starts {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
        before = Some(letter);
    }
    snake
}

/// `GoOn` for `go_on`.
pub(crate) fn camel(name: &str) -> String {
    let words = name.split('_').filter(|word| !word.is_empty());
    let capital = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string());
        first.unwrap_or_default() + letters.as_str()
    };
    words.map(capital).collect()
}

/// An identifier, also where the word means something in Rust.
pub(crate) fn ident(name: &str, span: Span) -> Ident {
    match syn::parse_str::<Ident>(name) {
        Ok(_) => Ident::new(name, span),
        // `self`, `super`, `crate` and `Self` cannot be raw.
        Err(_) if matches!(name, "self" | "super" | "crate" | "Self" | "_") => {
            Ident::new(&format!("{name}_"), span)
        }
        Err(_) => Ident::new_raw(name, span),
    }
}

/// The text of doc comments.
pub(crate) fn doc(attributes: &[Attribute]) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_change_their_case() {
        assert_eq!(snake("PingPong"), "ping_pong");
        assert_eq!(snake("OAuth"), "o_auth");
        assert_eq!(snake("HTTPServer"), "http_server");
        assert_eq!(snake("already_so"), "already_so");
        assert_eq!(camel("go_on"), "GoOn");
        assert_eq!(camel("Done"), "Done");
    }
}
