use choreo_protocol::canvas::cut;

use super::diagram::{Diagram, End};
use super::recording::Log;

/// More is cut, in characters.
const LONGEST_TEXT: usize = 120;

/// Draws a recording as a Mermaid sequence diagram.
pub(super) fn draw(log: &Log) -> String {
    let diagram = Diagram::new(log);
    let mut out = String::from("sequenceDiagram\n");
    for (index, name) in diagram.participants.iter().enumerate() {
        line(&mut out, &format!("participant p{index} as "), name);
    }
    for row in &diagram.rows {
        let (from, to) = (row.from, row.to);
        let place = match row.end {
            End::Arrived => format!("p{from}->>p{to}: "),
            End::InFlight => format!("p{from}--)p{to}: "),
            End::Broken => format!("p{from}-xp{to}: "),
            End::NotReceived => format!("Note over p{to}: "),
        };
        line(&mut out, &place, &row.text(&diagram));
        if let (Some(failure), true) = (row.failure, row.end != End::NotReceived) {
            line(&mut out, &format!("Note over p{from},p{to}: "), failure);
        }
    }
    if diagram.dropped > 0 && !diagram.participants.is_empty() {
        let text = format!("{} more were not kept", diagram.dropped);
        line(&mut out, "Note over p0: ", &text);
    }
    out
}

/// A line of Mermaid that ends in text: what could mean something there is written as the number of
/// the character.
fn line(out: &mut String, place: &str, text: &str) {
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
