use choreo_protocol::canvas::{Between, Canvas, LINE, MARGIN, ROW, cut, escaped, tip, width};

use super::diagram::{Diagram, End, Row};
use super::recording::{Log, Payload};
use crate::times;

// Lengths in pixels.
const TIMES: i32 = 64;
const SECOND_LINE: i32 = 18;
/// In characters; more is cut, and shown in full when pointed at.
const LONGEST_TEXT: usize = 48;

/// Draws a recording as an SVG sequence diagram.
pub(super) fn draw(log: &Log) -> String {
    let diagram = Diagram::new(log);
    let names = diagram.participants.iter().map(|name| (*name).to_owned());
    let texts = diagram.rows.iter().map(|row| {
        let failure = width(&cut(row.failure.unwrap_or_default(), LONGEST_TEXT));
        Between {
            from: row.from,
            to: row.to,
            width: width(&label(row, &diagram)).max(failure),
        }
    });
    let mut canvas = Canvas::new(names.collect(), TIMES, texts);
    for row in &diagram.rows {
        draw_row(&mut canvas, row, &diagram);
    }
    if diagram.dropped > 0 {
        note(
            &mut canvas,
            &format!("{} more were not kept", diagram.dropped),
        );
    } else if diagram.rows.is_empty() {
        note(&mut canvas, "Nothing yet");
    }
    canvas.finish(&summary(&diagram))
}

fn draw_row(canvas: &mut Canvas, row: &Row<'_>, diagram: &Diagram<'_>) {
    let (from, to) = (canvas.column(row.from), canvas.column(row.to));
    let y = canvas.down(ROW);
    let is_choice = matches!(row.payload, Some(Payload::Label(_)));
    let colour = match row.failure {
        Some(_) => "choreo-failed",
        None if is_choice => "choreo-choice",
        None => "",
    };
    let way = to - from;
    let (start, end) = match row.end {
        End::NotReceived => (to, to),
        End::Broken => (from, from + way / 2),
        End::InFlight => (from, from + way / 4 * 3),
        End::Arrived => (from, to),
    };
    let (dashes, mark) = match row.end {
        End::NotReceived | End::Broken => ("", "m-5-5l10 10m0-10l-10 10"),
        End::InFlight => ("5 4", tip(way > 0)),
        End::Arrived => ("", tip(way > 0)),
    };
    canvas.put(format_args!(
        r#"<g class="choreo-row"><title>{}</title><text x="{MARGIN}" y="{}" class="choreo-time">{}</text><g class="{colour}"><path d="M{start} {y}H{end}{mark}" {LINE} stroke-dasharray="{dashes}"/>"#,
        escaped(&full(row, diagram)),
        y + 4,
        times::in_words(row.at),
    ));
    let text = label(row, diagram);
    if row.end == End::NotReceived {
        canvas.words(end + 12, y + 4, &text);
    } else {
        let middle = i32::midpoint(from, to);
        canvas.text(y, middle, &text, is_choice);
        if let Some(failure) = row.failure {
            canvas.down(SECOND_LINE);
            canvas.write(middle, y + 19, "middle", &cut(failure, LONGEST_TEXT));
        }
    }
    canvas.put(format_args!("</g></g>"));
}

fn note(canvas: &mut Canvas, note: &str) {
    let y = canvas.down(ROW);
    canvas.words(MARGIN, y + 4, note);
}

/// What stands on an arrow: the colour says already what is a choice.
fn label(row: &Row<'_>, diagram: &Diagram<'_>) -> String {
    match row.payload {
        Some(Payload::Label(label)) => cut(label.as_str(), LONGEST_TEXT),
        _ => cut(&row.text(diagram), LONGEST_TEXT),
    }
}

/// What is shown when an arrow is pointed at.
fn full(row: &Row<'_>, diagram: &Diagram<'_>) -> String {
    let text = row.text(diagram);
    if row.end == End::NotReceived {
        return text;
    }
    let (from, to) = (diagram.participants[row.from], diagram.participants[row.to]);
    let mut full = format!("{from} to {to}: {text}");
    if let Some(Payload::Message {
        encoded: Some(encoded),
        ..
    }) = row.payload
    {
        full += &format!(", {} bytes", encoded.bytes().len());
    }
    if row.end == End::InFlight {
        full += ", not received yet";
    }
    if let Some(failure) = row.failure {
        full += "; ";
        full += failure;
    }
    full
}

fn summary(diagram: &Diagram<'_>) -> String {
    let (mut arrows, mut failed) = (0_usize, 0_usize);
    for row in &diagram.rows {
        arrows += usize::from(row.end != End::NotReceived);
        failed += usize::from(row.failure.is_some());
    }
    let mut names = String::new();
    for name in &diagram.participants {
        names += if names.is_empty() { "Between " } else { ", " };
        names += name;
    }
    format!("{names}: {arrows} messages, {failed} failures")
}
