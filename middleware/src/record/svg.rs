use super::diagram::{Diagram, End, Row, cut};
use super::recording::{Log, Payload};
use crate::times;

// Lengths in pixels.
const MARGIN: i64 = 16;
const TIMES: i64 = 64;
const BOX: i64 = 32;
const ROW: i64 = 42;
const SECOND_LINE: i64 = 18;
const LEAST_GAP: i64 = 120;
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
fn columns(diagram: &Diagram<'_>) -> Vec<i64> {
    let mut columns = Vec::new();
    let mut next = MARGIN + TIMES;
    for (index, name) in diagram.participants.iter().enumerate() {
        let half = box_width(name) / 2;
        let mut column = next + half;
        for row in &diagram.rows {
            let other = row.from.min(row.to);
            if let (Some(left), true) = (columns.get(other), row.from.max(row.to) == index) {
                let failure = width(&cut(row.failure.unwrap_or_default(), LONGEST_TEXT));
                column = column.max(left + width(&label(row, diagram)).max(failure) + 48);
            }
        }
        columns.push(column);
        next = column + (half + MARGIN).max(LEAST_GAP / 2);
    }
    columns
}

fn box_width(name: &str) -> i64 {
    (width(&cut(name, LONGEST_NAME)) + 32).max(72)
}

/// The picture below its head, as far as it is drawn.
struct Canvas<'a> {
    diagram: &'a Diagram<'a>,
    columns: Vec<i64>,
    right: i64,
    bottom: i64,
    out: String,
}

impl Canvas<'_> {
    fn row(&mut self, row: &Row<'_>) {
        let (from, to) = (self.columns[row.from], self.columns[row.to]);
        self.bottom += ROW;
        let y = self.bottom;
        self.put(r#"<g class="choreo-row"><title>"#);
        self.text(&full(row, self.diagram));
        self.put("</title>");
        self.words(
            MARGIN,
            y + 4,
            r#"class="choreo-time""#,
            &times::in_words(row.at),
        );
        let is_choice = matches!(row.payload, Some(Payload::Label(_)));
        self.put(match row.failure {
            Some(_) => r#"<g class="choreo-failed">"#,
            None if is_choice => r#"<g class="choreo-choice">"#,
            None => "<g>",
        });
        let text = label(row, self.diagram);
        let way = to - from;
        // The line ends in a mark.
        let (x, dashes, mark) = match row.end {
            End::NotReceived => (to, "", "m-5-5l10 10m0-10l-10 10"),
            End::Broken => (from + way / 2, "", "m-5-5l10 10m0-10l-10 10"),
            End::InFlight if way > 0 => (from + way / 4 * 3, "5 4", "l-8-5v10z"),
            End::InFlight => (from + way / 4 * 3, "5 4", "l8-5v10z"),
            End::Arrived if way > 0 => (to, "", "l-8-5v10z"),
            End::Arrived => (to, "", "l8-5v10z"),
        };
        if row.end == End::NotReceived {
            self.line(&format!("M{x} {y}{mark}"), dashes);
            self.words(x + 12, y + 4, "", &text);
        } else {
            self.line(&format!("M{from} {y}H{x}{mark}"), dashes);
            let middle = i64::midpoint(from, to);
            if is_choice {
                let wide = width(&text) + 20;
                self.put(&format!(
                    r#"<rect x="{}" y="{}" width="{wide}" height="20" rx="10" opacity=".14"/>"#,
                    middle - wide / 2,
                    y - 24
                ));
            }
            self.words(middle, y - 10, MIDDLE, &text);
            if let Some(failure) = row.failure {
                self.bottom += SECOND_LINE;
                self.words(middle, y + 19, MIDDLE, &cut(failure, LONGEST_TEXT));
            }
        }
        self.put("</g></g>");
    }

    fn participant(&mut self, x: i64, y: i64, name: &str) {
        let wide = box_width(name);
        self.put("<g><title>");
        self.text(name);
        self.put(&format!(
            r#"</title><rect x="{}" y="{y}" width="{wide}" height="{BOX}" rx="6" fill-opacity=".08" stroke="currentColor" stroke-opacity=".45"/>"#,
            x - wide / 2
        ));
        self.words(x, y + 21, MIDDLE, &cut(name, LONGEST_NAME));
        self.put("</g>");
    }

    fn note(&mut self, note: &str) {
        self.bottom += ROW;
        self.words(MARGIN, self.bottom + 4, "", note);
    }

    /// Puts the head above what is drawn, now that its size is known.
    fn finish(mut self) -> String {
        let body = std::mem::take(&mut self.out);
        let names = &self.diagram.participants;
        if let (Some(x), Some(name)) = (self.columns.last(), names.last()) {
            self.right = self.right.max(x + box_width(name) / 2);
        }
        let end = self.bottom + MARGIN + SECOND_LINE;
        let (wide, high) = (self.right + MARGIN, end + BOX + MARGIN);
        self.put(&format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="choreo-diagram" role="img" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}" font-family="system-ui,sans-serif" font-size="13"><title>Sequence diagram</title><desc>"#
        ));
        self.text(&summary(self.diagram));
        self.put("</desc><style>");
        self.put(STYLE);
        self.put(r#"</style><g fill="currentColor"><g opacity=".3">"#);
        for x in self.columns.clone() {
            self.line(&format!("M{x} {MARGIN}V{end}"), "");
        }
        self.put("</g>");
        for (x, name) in self.columns.clone().into_iter().zip(names) {
            self.participant(x, MARGIN, name);
            self.participant(x, end, name);
        }
        self.put(&body);
        self.put("</g></svg>\n");
        self.out
    }

    fn line(&mut self, path: &str, dashes: &str) {
        self.put(&format!(
            r#"<path d="{path}" stroke="currentColor" stroke-width="1.5" stroke-dasharray="{dashes}"/>"#
        ));
    }

    fn words(&mut self, x: i64, y: i64, attributes: &str, text: &str) {
        let wide = width(text);
        self.right = self
            .right
            .max(x + if attributes == MIDDLE { wide / 2 } else { wide });
        self.put(&format!(r#"<text x="{x}" y="{y}" {attributes}>"#));
        self.text(text);
        self.put("</text>");
    }

    /// Adds markup.
    fn put(&mut self, markup: &str) {
        self.out.push_str(markup);
    }

    /// Adds text, which may hold anything.
    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.put("&amp;"),
                '<' => self.put("&lt;"),
                '>' => self.put("&gt;"),
                '\n' | '\t' => self.out.push(' '),
                // What XML does not allow.
                '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => self.out.push('\u{fffd}'),
                c => self.out.push(c),
            }
        }
    }
}

const MIDDLE: &str = r#"text-anchor="middle""#;

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
fn width(text: &str) -> i64 {
    text.chars()
        .map(|c| if c.is_ascii() { 7 } else { 13 })
        .sum()
}
