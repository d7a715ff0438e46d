//! What all Mermaid diagrams have in common. It is shared by this project's crates, and may change with
//! any of them.

use crate::canvas::cut;

/// More is cut, in characters.
const LONGEST_TEXT: usize = 120;

/// A line of Mermaid that ends in text: what could mean something there is written as the number of
/// the character.
pub fn line(out: &mut String, place: &str, text: &str) {
    out.push_str("    ");
    out.push_str(place);
    for c in cut(text, LONGEST_TEXT).chars() {
        match c {
            ' ' | '_' | '.' | '-' | '(' | ')' | '\'' | '/' | ',' => out.push(c),
            c if c.is_control() => out.push(' '),
            c if c.is_ascii_alphanumeric() || !c.is_ascii() => out.push(c),
            c => out.push_str(&format!("#{};", u32::from(c))),
        }
    }
    // Mermaid wants some text.
    if text.chars().all(|c| c == ' ') {
        out.push_str("#8203;");
    }
    out.push('\n');
}
