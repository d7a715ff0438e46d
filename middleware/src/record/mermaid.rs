use choreo_protocol::mermaid::line;

use super::diagram::{Diagram, End};
use super::recording::Log;

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
