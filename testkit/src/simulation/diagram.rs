use std::time::Duration;

use choreo_core::RoleId;
use choreo_protocol::canvas::{Between, Canvas, LINE, MARGIN, ROW, cut, escaped, tip, width};
use choreo_protocol::mermaid;

use super::history::{Fate, Row};
use super::world::State;

/// What is left of the arrows for the times, in pixels.
const TIMES: i32 = 80;
/// In characters; more is cut.
const LONGEST_TEXT: usize = 48;

/// Draws what has happened as a Mermaid sequence diagram: a message where it was sent, with the time
/// at which it was received.
pub(super) fn mermaid<R: RoleId>(state: &State<R>) -> String {
    let mut out = String::from("sequenceDiagram\n");
    for (seat, it) in state.seats.iter().enumerate() {
        mermaid::line(&mut out, &format!("participant p{seat} as "), &it.name);
    }
    if state.history.dropped > 0 {
        let before = format!("{} rows before", state.history.dropped);
        mermaid::line(&mut out, "Note over p0: ", &before);
    }
    for row in &state.history.rows {
        match row {
            Row::Message { from, to, fate, .. } => {
                let arrow = match fate {
                    Fate::UnderWay => "--)",
                    Fate::Received(_) => "->>",
                    Fate::Lost(_) => "-x",
                };
                let place = format!("p{from}{arrow}p{to}: ");
                mermaid::line(&mut out, &place, &format!("{} {}", time(row), text(row)));
            }
            Row::Note { over, .. } => {
                // A note over all reaches from the first to the last.
                let first = over.first().copied().unwrap_or(0);
                let last = over.last().copied().unwrap_or(state.seats.len().max(1) - 1);
                let place = match first == last {
                    true => format!("Note over p{first}: "),
                    false => format!("Note over p{first},p{last}: "),
                };
                mermaid::line(&mut out, &place, &format!("{} {}", time(row), text(row)));
            }
        }
    }
    out
}

/// Draws what has happened as an SVG sequence diagram.
pub(super) fn svg<R: RoleId>(state: &State<R>) -> String {
    let names = state.seats.iter().map(|seat| seat.name.clone()).collect();
    let texts = state.history.rows.iter().filter_map(|row| match row {
        Row::Message { from, to, .. } => Some(Between {
            from: *from,
            to: *to,
            width: width(&cut(&text(row), LONGEST_TEXT)),
        }),
        Row::Note { .. } => None,
    });
    let mut canvas = Canvas::new(names, TIMES, texts);
    for row in &state.history.rows {
        let y = canvas.down(ROW);
        canvas.put(format_args!(
            r#"<text x="{MARGIN}" y="{}" class="choreo-time">{}</text>"#,
            y + 4,
            escaped(&time(row))
        ));
        let text = cut(&text(row), LONGEST_TEXT);
        match row {
            Row::Message { from, to, fate, .. } => {
                let (from, to) = (canvas.column(*from), canvas.column(*to));
                let way = to - from;
                let (end, colour, dashes, mark) = match fate {
                    Fate::Received(_) => (to, "", "", tip(way > 0)),
                    Fate::UnderWay => (from + way / 4 * 3, "", "5 4", tip(way > 0)),
                    Fate::Lost(_) => {
                        let cross = "m-5-5l10 10m0-10l-10 10";
                        (from + way / 2, "choreo-failed", "", cross)
                    }
                };
                canvas.put(format_args!(
                    r#"<g class="{colour}"><path d="M{from} {y}H{end}{mark}" {LINE} stroke-dasharray="{dashes}"/>"#
                ));
                canvas.text(y, i32::midpoint(from, to), &text, false);
                canvas.put(format_args!("</g>"));
            }
            Row::Note { over, .. } => {
                let x = canvas.column(over.first().copied().unwrap_or(0));
                canvas.put(format_args!(r#"<g class="choreo-choice">"#));
                canvas.words(x + 8, y + 4, &text);
                canvas.put(format_args!("</g>"));
            }
        }
    }
    canvas.finish("What happened in a simulated world")
}

fn text(row: &Row) -> String {
    match row {
        Row::Message {
            text, fate, repeat, ..
        } => {
            let again = if *repeat { " (repeated)" } else { "" };
            let fate = match fate {
                Fate::UnderWay => " (not received)".to_owned(),
                Fate::Received(_) => String::new(),
                Fate::Lost(why) => format!(" ({why})"),
            };
            format!("{text}{again}{fate}")
        }
        Row::Note { text, .. } => text.clone(),
    }
}

/// When it was, in milliseconds: of a message, when it was sent and received.
fn time(row: &Row) -> String {
    match row {
        Row::Message {
            sent,
            fate: Fate::Received(at),
            ..
        } if at != sent => format!("{}-{} ms", millis(*sent), millis(*at)),
        Row::Message { sent: at, .. } | Row::Note { at, .. } => format!("{} ms", millis(*at)),
    }
}

fn millis(time: Duration) -> u128 {
    time.as_millis()
}
