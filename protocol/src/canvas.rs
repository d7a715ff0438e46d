//! What all sequence diagrams have in common, as SVG. It is shared by this project's crates, and may
//! change with any of them.

use std::fmt::{self, Write};

/// What is free at the edges, in pixels.
pub const MARGIN: i32 = 16;
/// How far it is from one row to the next, in pixels.
pub const ROW: i32 = 42;

const BOX: i32 = 32;
const LEAST_GAP: i32 = 120;
// In characters; more is cut, and shown in full when pointed at.
const LONGEST_NAME: usize = 24;

/// How lines are drawn.
pub const LINE: &str = r#"stroke="currentColor" stroke-width="1.5""#;

/// As a file of its own the picture brings its colours; as part of a page it takes the page's.
/// The two others are readable on white and on black.
const STYLE: &str = "svg:root{color:#1f2328}\
    @media(prefers-color-scheme:dark){svg:root{color:#e6edf3}}\
    .choreo-choice{color:var(--choreo-choice,#895ae2)}\
    .choreo-failed{color:var(--choreo-error,#d9363e)}\
    .choreo-time{font-size:11px;opacity:.65}";

/// A sequence diagram, as far as it is drawn: its head is put above it when its size is known.
#[derive(Debug)]
pub struct Canvas {
    names: Vec<String>,
    /// Where the first lifeline stands, and how far it is to the next.
    first: i32,
    gap: i32,
    right: i32,
    bottom: i32,
    out: String,
}

/// A text between two participants, by their numbers.
#[derive(Clone, Debug)]
pub struct Between {
    /// The one.
    pub from: usize,
    /// The other.
    pub to: usize,
    /// How wide the text is.
    pub width: i32,
}

impl Canvas {
    /// For participants of these names, so far from each other that names and texts fit between
    /// them, with so many pixels left of them.
    #[must_use]
    pub fn new(names: Vec<String>, left: i32, texts: impl IntoIterator<Item = Between>) -> Self {
        let widest = names.iter().map(|name| box_width(name)).max().unwrap_or(72);
        let gaps = texts.into_iter().map(|text| {
            let columns = text.from.abs_diff(text.to).max(1) as i32;
            (text.width + 48) / columns
        });
        let gap = gaps.fold(LEAST_GAP.max(widest + MARGIN), i32::max);
        let first = MARGIN + left + widest / 2;
        Self {
            right: first + gap * (names.len() as i32 - 1) + widest / 2,
            names,
            first,
            gap,
            bottom: MARGIN + BOX,
            out: String::new(),
        }
    }

    /// Where the lifeline of a participant stands.
    #[must_use]
    pub fn column(&self, participant: usize) -> i32 {
        self.first + self.gap * participant as i32
    }

    /// Makes room for so much more on the right, and says how far that is.
    pub fn widen(&mut self, by: i32) -> i32 {
        self.right += by;
        self.right
    }

    /// Goes on so much further below, and says where that is.
    pub fn down(&mut self, by: i32) -> i32 {
        self.bottom += by;
        self.bottom
    }

    /// An arrow from one place to another, with its text above, in a pill if it is a label.
    pub fn arrow(&mut self, y: i32, from: i32, to: i32, text: &str, is_label: bool) {
        let mark = tip(to > from);
        self.put(format_args!(r#"<path d="M{from} {y}H{to}{mark}" {LINE}/>"#));
        self.text(y, i32::midpoint(from, to), text, is_label);
    }

    /// A text above a line.
    pub fn text(&mut self, y: i32, middle: i32, text: &str, is_label: bool) {
        if is_label {
            let wide = width(text) + 20;
            self.put(format_args!(
                r#"<rect x="{}" y="{}" width="{wide}" height="20" rx="10" opacity=".14"/>"#,
                middle - wide / 2,
                y - 24
            ));
        }
        self.write(middle, y - 10, "middle", text);
    }

    /// Text from there to the right.
    pub fn words(&mut self, x: i32, y: i32, text: &str) {
        self.right = self.right.max(x + width(text));
        self.write(x, y, "start", text);
    }

    /// Text at a place.
    pub fn write(&mut self, x: i32, y: i32, anchor: &str, text: &str) {
        let text = escaped(text);
        self.put(format_args!(
            r#"<text x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>"#
        ));
    }

    /// Adds markup.
    pub fn put(&mut self, markup: fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.out.write_fmt(markup);
    }

    /// The picture, with its head above what is drawn.
    #[must_use]
    pub fn finish(mut self, summary: &str) -> String {
        let body = std::mem::take(&mut self.out);
        let end = self.bottom + MARGIN + 18;
        let (wide, high) = (self.right + MARGIN, end + BOX + MARGIN);
        let summary = escaped(summary);
        self.put(format_args!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="choreo-diagram" role="img" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}" font-family="system-ui,sans-serif" font-size="13"><title>Sequence diagram</title><desc>{summary}</desc><style>{STYLE}</style><g fill="currentColor">"#
        ));
        for (index, name) in std::mem::take(&mut self.names).iter().enumerate() {
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
                self.put(format_args!("</g>"));
            }
        }
        self.put(format_args!("{body}</g></svg>\n"));
        self.out
    }
}

/// The tip of an arrow, at the end of its path.
#[must_use]
pub fn tip(to_the_right: bool) -> &'static str {
    match to_the_right {
        true => "m0 0l-8-5v10z",
        false => "m0 0l8-5v10z",
    }
}

/// Text, which may hold anything, as markup.
#[must_use]
pub fn escaped(text: &str) -> String {
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

/// About how wide a text is, rather too much than too little.
#[must_use]
pub fn width(text: &str) -> i32 {
    text.chars()
        .map(|c| if c.is_ascii() { 7 } else { 13 })
        .sum()
}

/// The text, shortened to so many characters.
#[must_use]
pub fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    format!("{text:.*}…", longest - 1)
}

fn box_width(name: &str) -> i32 {
    (width(&cut(name, LONGEST_NAME)) + 32).max(72)
}
