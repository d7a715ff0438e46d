use std::fmt::{self, Write};

use super::diagram::{Diagram, End, Kind, Row, cut};
use super::mermaid::{not_received, text};
use super::recording::{Log, Payload};
use crate::times;

// Lengths in pixels.
const MARGIN: i32 = 16;
const TIMES: i32 = 64;
const BOX: i32 = 32;
const ROW: i32 = 42;
const SECOND_LINE: i32 = 18;
const LEAST_GAP: i32 = 120;
// Lengths in characters; more is cut, and shown in full when pointed at.
const LONGEST_NAME: usize = 24;
const LONGEST_TEXT: usize = 48;

/// As a file of its own the picture brings its colours; as part of a page it takes the page's.
/// The two others are readable on white and on black.
const STYLE: &str = "svg:root{color:#1f2328}\
    @media(prefers-color-scheme:dark){svg:root{color:#e6edf3}}\
    .choreo-choice{color:var(--choreo-choice,#895ae2)}\
    .choreo-failed{color:var(--choreo-error,#d9363e)}";

/// Draws a recording as an SVG sequence diagram.
pub(super) fn draw(log: &Log) -> String {
    let diagram = Diagram::new(log);
    let mut canvas = Canvas {
        columns: columns(&diagram),
        diagram: &diagram,
        right: 0,
        bottom: MARGIN + BOX,
        out: String::new(),
    };
    for row in &diagram.rows {
        canvas.row(row);
    }
    if diagram.dropped > 0 {
        canvas.note(&format!("{} more were not kept", diagram.dropped));
    } else if diagram.rows.is_empty() {
        canvas.note("Nothing yet");
    }
    canvas.finish()
}

/// Where the lifelines stand, so that names and texts fit between them.
fn columns(diagram: &Diagram<'_>) -> Vec<i32> {
    let mut needs: Vec<Vec<(usize, i32)>> = vec![Vec::new(); diagram.participants.len()];
    for row in &diagram.rows {
        if let Kind::Arrow { payload, .. } = row.kind {
            let failure = cut(row.failure.unwrap_or_default(), LONGEST_TEXT);
            let widest = width(&label(payload)).max(width(&failure));
            needs[row.from.max(row.to)].push((row.from.min(row.to), widest + 48));
        }
    }
    let mut columns = Vec::with_capacity(needs.len());
    let (mut before, mut next) = (0, MARGIN + TIMES);
    for (name, needs) in diagram.participants.iter().zip(needs) {
        let half = box_width(name) / 2;
        let column = columns.last().map_or(next + half, |last| {
            next.max(last + LEAST_GAP)
                .max(last + before + half + MARGIN)
        });
        let wanted = needs
            .iter()
            .filter_map(|(other, need)| Some(columns.get(*other)? + need));
        columns.push(wanted.fold(column, i32::max));
        (before, next) = (half, 0);
    }
    columns
}

fn box_width(name: &str) -> i32 {
    (width(&cut(name, LONGEST_NAME)) + 32).max(72)
}

/// The picture below its head, as far as it is drawn.
struct Canvas<'a> {
    diagram: &'a Diagram<'a>,
    columns: Vec<i32>,
    right: i32,
    bottom: i32,
    out: String,
}

impl Canvas<'_> {
    fn row(&mut self, row: &Row<'_>) {
        let (from, to) = (self.columns[row.from], self.columns[row.to]);
        self.bottom += ROW;
        let y = self.bottom;
        self.put(format_args!(r#"<g class="choreo-row"><title>"#));
        self.text(&full(row, self.diagram));
        self.put(format_args!("</title>"));
        self.words(MARGIN, y + 4, TIME, &times::in_words(row.at));
        self.put(format_args!("<g{}>", colour(row)));
        match row.kind {
            Kind::Arrow { payload, end } if from != to => {
                self.arrow(from, to, y, end);
                let (middle, label) = (i32::midpoint(from, to), label(payload));
                if is_choice(payload) {
                    self.pill(middle, y - 14, width(&label) + 20);
                }
                self.words(middle, y - 10, MIDDLE, &label);
                if let Some(failure) = row.failure {
                    self.bottom += SECOND_LINE;
                    self.words(middle, y + 19, MIDDLE, &cut(failure, LONGEST_TEXT));
                }
            }
            _ => {
                self.cross(to, y);
                let failure = not_received(row, self.diagram);
                self.words(to + 12, y + 4, "", &cut(&failure, LONGEST_TEXT));
            }
        }
        self.put(format_args!("</g></g>"));
    }

    fn arrow(&mut self, from: i32, to: i32, y: i32, end: End) {
        let way = to - from;
        let (point, back) = (8 * way.signum(), -8 * way.signum());
        match end {
            End::Arrived => {
                self.path(LINE, format_args!("M{from} {y}H{}", to + back / 2));
                let head = format_args!("M{} {}l{point} 5 {back} 5z", to + back, y - 5);
                self.path("", head);
            }
            End::InFlight => {
                let to = from + way / 4 * 3;
                self.path(DASHES, format_args!("M{from} {y}H{to}"));
                let head = format_args!("M{} {}l{point} 5 {back} 5", to + back, y - 5);
                self.path(LINE, head);
            }
            End::Broken => {
                self.path(LINE, format_args!("M{from} {y}h{}", way / 2));
                self.cross(from + way / 2, y);
            }
        }
    }

    fn cross(&mut self, x: i32, y: i32) {
        self.path(
            LINE,
            format_args!("M{} {}l10 10m0 -10l-10 10", x - 5, y - 5),
        );
    }

    fn pill(&mut self, x: i32, y: i32, wide: i32) {
        self.put(format_args!(
            r#"<rect x="{}" y="{}" width="{wide}" height="20" rx="10" opacity=".14"/>"#,
            x - wide / 2,
            y - 10
        ));
    }

    fn participant(&mut self, x: i32, y: i32, name: &str) {
        let wide = box_width(name);
        self.put(format_args!("<g><title>"));
        self.text(name);
        self.put(format_args!(
            r#"</title><rect x="{}" y="{y}" width="{wide}" height="{BOX}" rx="6" fill-opacity=".08" stroke="currentColor" stroke-opacity=".45"/>"#,
            x - wide / 2
        ));
        self.words(x, y + 21, MIDDLE, &cut(name, LONGEST_NAME));
        self.put(format_args!("</g>"));
    }

    fn note(&mut self, note: &str) {
        self.bottom += ROW;
        self.words(MARGIN, self.bottom + 4, r#"opacity=".65""#, note);
    }

    /// Puts the head above what is drawn, now that its size is known.
    fn finish(mut self) -> String {
        let body = std::mem::take(&mut self.out);
        let names = &self.diagram.participants;
        for (x, name) in self.columns.iter().zip(names) {
            self.right = self.right.max(x + box_width(name) / 2);
        }
        let end = self.bottom + MARGIN + SECOND_LINE;
        let (wide, high) = (self.right + MARGIN, end + BOX + MARGIN);
        self.put(format_args!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="choreo-diagram" role="img" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}" font-family="system-ui,sans-serif" font-size="13"><title>Sequence diagram</title><desc>"#
        ));
        self.text(&summary(self.diagram));
        self.put(format_args!(
            "</desc><style>{STYLE}</style><g fill=\"currentColor\">"
        ));
        for (index, name) in names.iter().enumerate() {
            let x = self.columns[index];
            let line = format_args!("M{x} {}V{end}", MARGIN + BOX);
            self.path(LIFE, line);
            self.participant(x, MARGIN, name);
            self.participant(x, end, name);
        }
        self.out + &body + "</g></svg>\n"
    }

    fn path(&mut self, attributes: &str, path: fmt::Arguments<'_>) {
        self.put(format_args!(r#"<path d="{path}" {attributes}/>"#));
    }

    fn words(&mut self, x: i32, y: i32, attributes: &str, text: &str) {
        let wide = if attributes == MIDDLE {
            width(text) / 2
        } else {
            width(text)
        };
        self.right = self.right.max(x + wide);
        self.put(format_args!(r#"<text x="{x}" y="{y}" {attributes}>"#));
        self.text(text);
        self.put(format_args!("</text>"));
    }

    /// Adds markup.
    fn put(&mut self, markup: fmt::Arguments<'_>) {
        let _ = self.out.write_fmt(markup);
    }

    /// Adds text, which may hold anything.
    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '\n' | '\t' => self.out.push(' '),
                // What XML does not allow.
                '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => self.out.push('\u{fffd}'),
                c => self.out.push(c),
            }
        }
    }
}

const TIME: &str = r#"class="choreo-time" font-size="11" opacity=".65""#;
const MIDDLE: &str = r#"text-anchor="middle""#;
const LINE: &str = r#"fill="none" stroke="currentColor" stroke-width="1.5""#;
const DASHES: &str =
    r#"fill="none" stroke="currentColor" stroke-width="1.5" stroke-dasharray="5 4""#;
const LIFE: &str = r#"stroke="currentColor" stroke-width="1.5" opacity=".3""#;

fn colour(row: &Row<'_>) -> &'static str {
    match row.kind {
        _ if row.failure.is_some() => r##" class="choreo-failed" color="#d9363e""##,
        Kind::Arrow { payload, .. } if is_choice(payload) => {
            r##" class="choreo-choice" color="#895ae2""##
        }
        _ => "",
    }
}

fn is_choice(payload: Option<&Payload>) -> bool {
    matches!(payload, Some(Payload::Label(_)))
}

/// What stands on an arrow: the colour says already what is a choice.
fn label(payload: Option<&Payload>) -> String {
    match payload {
        Some(Payload::Label(label)) => cut(label.as_str(), LONGEST_TEXT),
        payload => cut(&text(payload), LONGEST_TEXT),
    }
}

/// What is shown when an arrow is pointed at.
fn full(row: &Row<'_>, diagram: &Diagram<'_>) -> String {
    let Kind::Arrow { payload, end } = row.kind else {
        return not_received(row, diagram);
    };
    let (from, to) = (diagram.participants[row.from], diagram.participants[row.to]);
    let mut full = [from, " to ", to, ": ", &text(payload)].concat();
    if let Some(Payload::Message {
        encoded: Some(encoded),
        ..
    }) = payload
    {
        full += &format!(", {} bytes", encoded.bytes().len());
    }
    if end == End::InFlight {
        full += ", not received yet";
    }
    if let Some(failure) = row.failure {
        full += "; ";
        full += failure;
    }
    full
}

fn summary(diagram: &Diagram<'_>) -> String {
    let arrows = diagram
        .rows
        .iter()
        .filter(|row| matches!(row.kind, Kind::Arrow { .. }))
        .count();
    let failed = diagram
        .rows
        .iter()
        .filter(|row| row.failure.is_some())
        .count();
    let names = diagram.participants.join(", ");
    format!("Between {names}: {arrows} messages, {failed} failures")
}

/// About how wide a text is, rather too much than too little.
fn width(text: &str) -> i32 {
    text.chars()
        .map(|c| if c.is_ascii() { 7 } else { 13 })
        .sum()
}
