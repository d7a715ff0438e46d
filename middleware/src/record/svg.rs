use std::fmt::{self, Write};

use super::diagram::{Diagram, End, Row, cut};
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
    .choreo-failed{color:var(--choreo-error,#d9363e)}\
    .choreo-time{font-size:11px;opacity:.65}";

/// Draws a recording as an SVG sequence diagram.
pub(super) fn draw(log: &Log) -> String {
    let diagram = Diagram::new(log);
    let mut canvas = Canvas::new(&diagram);
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

/// The picture below its head, as far as it is drawn.
struct Canvas<'a> {
    diagram: &'a Diagram<'a>,
    /// Where the first lifeline stands, and how far it is to the next.
    first: i32,
    gap: i32,
    right: i32,
    bottom: i32,
    out: String,
}

impl<'a> Canvas<'a> {
    /// Names and texts fit between the lifelines.
    fn new(diagram: &'a Diagram<'a>) -> Self {
        let (mut widest, mut gap) = (72, LEAST_GAP);
        for name in &diagram.participants {
            widest = widest.max(box_width(name));
        }
        for row in &diagram.rows {
            let failure = width(&cut(row.failure.unwrap_or_default(), LONGEST_TEXT));
            let gaps = row.from.abs_diff(row.to).max(1) as i32;
            gap = gap.max((width(&label(row, diagram)).max(failure) + 48) / gaps);
        }
        Self {
            diagram,
            first: MARGIN + TIMES + widest / 2,
            gap: gap.max(widest + MARGIN),
            right: 0,
            bottom: MARGIN + BOX,
            out: String::new(),
        }
    }

    fn column(&self, participant: usize) -> i32 {
        self.first + self.gap * participant as i32
    }

    fn row(&mut self, row: &Row<'_>) {
        let (from, to) = (self.column(row.from), self.column(row.to));
        self.bottom += ROW;
        let y = self.bottom;
        let is_choice = matches!(row.payload, Some(Payload::Label(_)));
        let colour = match row.failure {
            Some(_) => "choreo-failed",
            None if is_choice => "choreo-choice",
            None => "",
        };
        let way = to - from;
        let (start, tip) = match row.end {
            End::NotReceived => (to, to),
            End::Broken => (from, from + way / 2),
            End::InFlight => (from, from + way / 4 * 3),
            End::Arrived => (from, to),
        };
        let (dashes, mark) = match row.end {
            End::NotReceived | End::Broken => ("", "m-5-5l10 10m0-10l-10 10"),
            End::InFlight if way > 0 => ("5 4", "m0 0l-8-5v10z"),
            End::InFlight => ("5 4", "m0 0l8-5v10z"),
            End::Arrived if way > 0 => ("", "m0 0l-8-5v10z"),
            End::Arrived => ("", "m0 0l8-5v10z"),
        };
        self.put(format_args!(
            r#"<g class="choreo-row"><title>{}</title><text x="{MARGIN}" y="{}" class="choreo-time">{}</text><g class="{colour}"><path d="M{start} {y}H{tip}{mark}" {LINE} stroke-dasharray="{dashes}"/>"#,
            escaped(&full(row, self.diagram)),
            y + 4,
            times::in_words(row.at),
        ));
        let text = label(row, self.diagram);
        if row.end == End::NotReceived {
            self.words(tip + 12, y + 4, &text);
        } else {
            let middle = i32::midpoint(from, to);
            if is_choice {
                let wide = width(&text) + 20;
                self.put(format_args!(
                    r#"<rect x="{}" y="{}" width="{wide}" height="20" rx="10" opacity=".14"/>"#,
                    middle - wide / 2,
                    y - 24
                ));
            }
            self.write(middle, y - 10, "middle", &text);
            if let Some(failure) = row.failure {
                self.bottom += SECOND_LINE;
                self.write(middle, y + 19, "middle", &cut(failure, LONGEST_TEXT));
            }
        }
        self.out.push_str("</g></g>");
    }

    fn note(&mut self, note: &str) {
        self.bottom += ROW;
        self.words(MARGIN, self.bottom + 4, note);
    }

    /// Puts the head above what is drawn, now that its size is known.
    fn finish(mut self) -> String {
        let body = std::mem::take(&mut self.out);
        let names = &self.diagram.participants;
        let end = self.bottom + MARGIN + SECOND_LINE;
        let wide = self.right.max(self.column(names.len()) - self.gap / 2) + MARGIN;
        let high = end + BOX + MARGIN;
        let summary = escaped(&summary(self.diagram));
        self.put(format_args!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="choreo-diagram" role="img" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}" font-family="system-ui,sans-serif" font-size="13"><title>Sequence diagram</title><desc>{summary}</desc><style>{STYLE}</style><g fill="currentColor">"#
        ));
        for (index, name) in names.iter().enumerate() {
            let x = self.column(index);
            self.put(format_args!(
                r#"<path d="M{x} {}V{end}" {LINE} opacity=".3"/>"#,
                MARGIN + BOX
            ));
            for y in [MARGIN, end] {
                let wide = box_width(name);
                self.put(format_args!(
                    r#"<g><title>{}</title><rect x="{}" y="{y}" width="{wide}" height="{BOX}" rx="6" fill-opacity=".08" stroke="currentColor" stroke-opacity=".45"/>"#,
                    escaped(name),
                    x - wide / 2
                ));
                self.write(x, y + 21, "middle", &cut(name, LONGEST_NAME));
                self.out.push_str("</g>");
            }
        }
        self.put(format_args!("{body}</g></svg>\n"));
        self.out
    }

    /// Text from there to the right.
    fn words(&mut self, x: i32, y: i32, text: &str) {
        self.right = self.right.max(x + width(text));
        self.write(x, y, "start", text);
    }

    fn write(&mut self, x: i32, y: i32, anchor: &str, text: &str) {
        let text = escaped(text);
        self.put(format_args!(
            r#"<text x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>"#
        ));
    }

    /// Adds markup.
    fn put(&mut self, markup: fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.out.write_fmt(markup);
    }
}

const LINE: &str = r#"stroke="currentColor" stroke-width="1.5""#;

fn box_width(name: &str) -> i32 {
    (width(&cut(name, LONGEST_NAME)) + 32).max(72)
}

/// Text, which may hold anything, as markup.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' | '\t' => out.push(' '),
            // What XML does not allow.
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
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

/// About how wide a text is, rather too much than too little.
fn width(text: &str) -> i32 {
    text.chars()
        .map(|c| if c.is_ascii() { 7 } else { 13 })
        .sum()
}
