use super::diagram::{Diagram, End, Kind, Row, cut};
use super::recording::{Log, Payload};

/// More is cut, in characters.
const LONGEST_TEXT: usize = 120;

/// Draws a recording as a Mermaid sequence diagram.
pub(super) fn draw(log: &Log) -> String {
    let diagram = Diagram::new(log);
    let mut out = String::from("sequenceDiagram\n");
    for (index, name) in diagram.participants.iter().enumerate() {
        line(
            &mut out,
            &["participant p", &index.to_string(), " as "],
            name,
        );
    }
    for row in &diagram.rows {
        let (from, to) = (row.from.to_string(), row.to.to_string());
        let Kind::Arrow { payload, end } = row.kind else {
            let failure = not_received(row, &diagram);
            line(&mut out, &["Note over p", &to, ": "], &failure);
            continue;
        };
        let arrow = match end {
            End::Arrived => "->>p",
            End::InFlight => "--)p",
            End::Broken => "-xp",
        };
        line(&mut out, &["p", &from, arrow, &to, ": "], &text(payload));
        if let Some(failure) = row.failure {
            line(&mut out, &["Note over p", &from, ",p", &to, ": "], failure);
        }
    }
    if diagram.dropped > 0 && !diagram.participants.is_empty() {
        let dropped = diagram.dropped.to_string();
        line(
            &mut out,
            &["Note over p0: "],
            &[&dropped, " more were not kept"].concat(),
        );
    }
    out
}

/// What stands beside a receive that failed.
pub(super) fn not_received(row: &Row<'_>, diagram: &Diagram<'_>) -> String {
    let failure = row.failure.unwrap_or_default();
    [
        "receive from ",
        diagram.participants[row.from],
        ": ",
        failure,
    ]
    .concat()
}

/// What stands beside an arrow.
pub(super) fn text(payload: Option<&Payload>) -> String {
    match payload {
        None => "?".to_owned(),
        Some(Payload::Label(label)) => ["choose ", label.as_str()].concat(),
        Some(Payload::Message {
            type_name,
            contents,
            ..
        }) => match contents {
            None => type_name.clone(),
            Some(contents) => [type_name, " ", contents].concat(),
        },
    }
}

/// A line of Mermaid whose last part is text: what could mean something there is written as the
/// number of the character.
fn line(out: &mut String, parts: &[&str], text: &str) {
    out.push_str("    ");
    parts.iter().for_each(|part| out.push_str(part));
    for c in cut(text, LONGEST_TEXT).chars() {
        match c {
            ' ' | '_' | '.' | '-' | '(' | ')' | '\'' | '/' | ',' => out.push(c),
            c if c.is_control() => out.push(' '),
            c if c.is_ascii_alphanumeric() || !c.is_ascii() => out.push(c),
            c => {
                out.push('#');
                out.push_str(&u32::from(c).to_string());
                out.push(';');
            }
        }
    }
    // Mermaid wants some text.
    if text.chars().all(|c| c == ' ') {
        out.push_str("#8203;");
    }
    out.push('\n');
}
