//! Protocols as SVG sequence diagrams.

use crate::canvas::{Between, Canvas, LINE, MARGIN, ROW, cut, escaped, tip, width};
use crate::{Branch, Global, Step};

/// In characters; more is cut, and shown in full when pointed at.
const LONGEST_TEXT: usize = 48;
/// How much a frame stands out beside what is in it, in pixels.
const INSET: i32 = 10;
/// How far it is to the first row in a frame, and from its last row to its end, in pixels.
const ABOVE: i32 = 30;
const BELOW: i32 = 18;

impl Global {
    /// A sequence diagram, as an SVG picture: a file of its own, or part of a page, whose colour it
    /// takes.
    ///
    /// ```
    /// use choreo_protocol::{Global, Step};
    ///
    /// let hello = Global::new("Hello").role("A").role("B").then(Step::message("A", "B", "Hello"));
    /// assert!(hello.to_svg().starts_with("<svg"));
    /// ```
    #[must_use]
    pub fn to_svg(&self) -> String {
        let roles: Vec<&str> = self.roles.iter().map(|role| &*role.name).collect();
        let mut texts = Vec::new();
        measure(&roles, &self.steps, &mut texts);
        let names = self.roles.iter().map(ToString::to_string).collect();
        let beside = INSET * depth(&self.steps);
        let mut canvas = Canvas::new(names, beside, texts);
        let mut picture = Picture {
            right: canvas.widen(beside),
            canvas,
            roles,
        };
        picture.steps(&self.steps, 0);
        picture
            .canvas
            .finish(&format!("The protocol {}", self.name))
    }
}

struct Picture<'a> {
    canvas: Canvas,
    /// How far the outermost frame goes.
    right: i32,
    roles: Vec<&'a str>,
}

/// What is around some steps.
struct Frame {
    left: i32,
    right: i32,
    top: i32,
}

impl Picture<'_> {
    /// Steps with so many frames around them.
    fn steps(&mut self, steps: &[Step], around: i32) {
        for step in steps {
            self.step(step, around);
        }
    }

    fn step(&mut self, step: &Step, around: i32) {
        match step {
            Step::Message { from, to, message } => {
                let (Some(from), Some(to)) = (self.column(from), self.column(to)) else {
                    return;
                };
                let text = message.to_string();
                let y = self.canvas.down(ROW);
                self.canvas
                    .put(format_args!("<g><title>{}</title>", escaped(&text)));
                self.canvas
                    .arrow(y, from, to, &cut(&text, LONGEST_TEXT), false);
                self.canvas.put(format_args!("</g>"));
            }
            Step::Choice { at, to, branches } => self.choice(at, to, branches, around),
            Step::Loop { name, steps } => {
                let frame = self.open(around, &format!("loop {name}"));
                self.steps(steps, around + 1);
                self.close(&frame);
            }
            Step::Break(name) => self.note(around, &format!("leaves loop {name}")),
            Step::Continue(name) => self.note(around, &format!("goes on with loop {name}")),
            Step::Parallel(branches) => {
                let frame = self.open(around, "at once");
                for (number, steps) in branches.iter().enumerate() {
                    if number > 0 {
                        self.divide(&frame);
                    }
                    self.steps(steps, around + 1);
                }
                self.close(&frame);
            }
            Step::Call { protocol, roles } => self.call(&protocol.name, roles),
        }
    }

    /// A row for each label, from who decides to all that are told, and below it what happens then.
    fn choice(&mut self, at: &str, to: &[String], branches: &[Branch], around: i32) {
        let frame = self.open(around, &format!("choice at {at}"));
        for (number, branch) in branches.iter().enumerate() {
            if number > 0 {
                self.divide(&frame);
            }
            self.label(at, to, &branch.label);
            self.steps(&branch.steps, around + 1);
        }
        self.close(&frame);
    }

    fn label(&mut self, at: &str, to: &[String], label: &str) {
        let Some(from) = self.column(at) else {
            return;
        };
        let told: Vec<_> = to.iter().filter_map(|role| self.column(role)).collect();
        let Some(nearest) = told.iter().min_by_key(|x| x.abs_diff(from)) else {
            return;
        };
        let y = self.canvas.down(ROW);
        self.canvas
            .put(format_args!(r#"<g class="choreo-choice">"#));
        for to in &told {
            let mark = tip(*to > from);
            let markup = format_args!(r#"<path d="M{from} {y}H{to}{mark}" {LINE}/>"#);
            self.canvas.put(markup);
        }
        let middle = i32::midpoint(from, *nearest);
        self.canvas.text(y, middle, &cut(label, LONGEST_TEXT), true);
        self.canvas.put(format_args!("</g>"));
    }

    /// A box over all roles between those that take part.
    fn call(&mut self, name: &str, roles: &[String]) {
        let columns = roles.iter().filter_map(|role| self.column(role));
        let columns: Vec<_> = columns.collect();
        let (Some(first), Some(last)) = (columns.iter().min(), columns.iter().max()) else {
            return;
        };
        let text = call(name, roles);
        let wide = (last - first + 48).max(width(&text) + 24);
        let middle = i32::midpoint(*first, *last);
        let y = self.canvas.down(ROW);
        self.canvas.put(format_args!(
            r#"<rect x="{}" y="{}" width="{wide}" height="28" rx="6" fill-opacity=".08" stroke="currentColor" stroke-opacity=".45"/>"#,
            middle - wide / 2,
            y - 18
        ));
        self.canvas.write(middle, y, "middle", &text);
    }

    /// Something that nobody sends.
    fn note(&mut self, around: i32, text: &str) {
        let y = self.canvas.down(ABOVE);
        let left = MARGIN + INSET * around;
        self.canvas.put(format_args!(r#"<g opacity=".75">"#));
        self.canvas.words(left, y, text);
        self.canvas.put(format_args!("</g>"));
    }

    /// Begins a frame inside of so many others.
    fn open(&mut self, around: i32, title: &str) -> Frame {
        let top = self.canvas.down(BELOW);
        let inset = INSET * around;
        let (left, right) = (MARGIN + inset, self.right - inset);
        let y = self.canvas.down(BELOW);
        self.canvas.put(format_args!(r#"<g opacity=".75">"#));
        self.canvas.words(left + INSET, y, title);
        self.canvas.put(format_args!("</g>"));
        Frame { left, right, top }
    }

    /// A line between two parts of a frame.
    fn divide(&mut self, frame: &Frame) {
        let Frame { left, right, .. } = frame;
        let y = self.canvas.down(BELOW);
        self.canvas.put(format_args!(
            r#"<path d="M{left} {y}H{right}" {LINE} stroke-dasharray="5 4" opacity=".45"/>"#
        ));
    }

    fn close(&mut self, frame: &Frame) {
        let Frame { left, right, top } = frame;
        let (wide, high) = (right - left, self.canvas.down(BELOW) - top);
        self.canvas.put(format_args!(
            r#"<rect x="{left}" y="{top}" width="{wide}" height="{high}" rx="6" fill="none" {LINE} opacity=".45"/>"#
        ));
    }

    fn column(&self, role: &str) -> Option<i32> {
        let number = self.roles.iter().position(|known| *known == role)?;
        Some(self.canvas.column(number))
    }
}

fn call(name: &str, roles: &[String]) -> String {
    cut(&format!("{name}({})", roles.join(", ")), LONGEST_TEXT)
}

/// How many frames there are in each other.
fn depth(steps: &[Step]) -> i32 {
    let depths = steps.iter().map(|step| match step {
        Step::Choice { branches, .. } => {
            let depths = branches.iter().map(|branch| depth(&branch.steps));
            depths.max().unwrap_or_default() + 1
        }
        Step::Loop { steps, .. } => depth(steps) + 1,
        Step::Parallel(branches) => {
            let depths = branches.iter().map(|steps| depth(steps));
            depths.max().unwrap_or_default() + 1
        }
        Step::Message { .. } | Step::Break(_) | Step::Continue(_) | Step::Call { .. } => 0,
    });
    depths.max().unwrap_or_default()
}

/// The texts that have to fit between roles.
fn measure(roles: &[&str], steps: &[Step], texts: &mut Vec<Between>) {
    let column = |role: &String| roles.iter().position(|known| known == role);
    for step in steps {
        match step {
            Step::Message { from, to, message } => {
                if let (Some(from), Some(to)) = (column(from), column(to)) {
                    let width = width(&cut(&message.to_string(), LONGEST_TEXT));
                    texts.push(Between { from, to, width });
                }
            }
            Step::Choice { at, to, branches } => {
                let told = to.iter().filter_map(column);
                let nearest = column(at)
                    .and_then(|from| Some((from, told.min_by_key(|to| to.abs_diff(from))?)));
                for branch in branches {
                    if let Some((from, to)) = nearest {
                        let width = width(&cut(&branch.label, LONGEST_TEXT)) + 20;
                        texts.push(Between { from, to, width });
                    }
                    measure(roles, &branch.steps, texts);
                }
            }
            Step::Loop { steps, .. } => measure(roles, steps, texts),
            Step::Parallel(branches) => branches
                .iter()
                .for_each(|steps| measure(roles, steps, texts)),
            Step::Call { .. } | Step::Break(_) | Step::Continue(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop() -> Global {
        let again = Step::again(
            "again",
            [
                Step::Parallel(vec![
                    vec![Step::message("Buyer", "Bank", "Money")],
                    vec![Step::message("Seller", "Courier", "Parcel")],
                ]),
                Step::choice(
                    "Seller",
                    ["Buyer", "Bank", "Courier"],
                    [
                        Branch::new("more<b>", [Step::Continue("again".into())]),
                        Branch::new("enough", [Step::Break("again".into())]),
                    ],
                ),
            ],
        );
        let greet = Global::new("Greet").role("A").role("B");
        let greet = greet.then(Step::message("A", "B", "Hello"));
        let global = ["Buyer", "Seller", "Bank"].into_iter();
        let global = global.fold(Global::new("Shop"), Global::role);
        let call = Step::Call {
            protocol: Box::new(greet),
            roles: vec!["Buyer".into(), "Seller".into()],
        };
        global.family("Courier", "n").then(call).then(again)
    }

    #[test]
    fn the_picture_shows_all_that_happens() {
        let svg = shop().to_svg();
        for text in [
            "Buyer",
            "Courier[n]",
            "Greet(Buyer, Seller)",
            "loop again",
            "at once",
            "Money",
            "Parcel",
            "choice at Seller",
            "more&lt;b&gt;",
            "goes on with loop again",
            "leaves loop again",
        ] {
            assert!(svg.contains(&format!(">{text}</text>")), "{text}: {svg}");
        }
        // Three are told of each of two labels.
        let labels = svg.split("choreo-choice\">").skip(1);
        let arrows = labels.map(|label| label.split("</g>").next().unwrap_or_default());
        let counts: Vec<_> = arrows
            .map(|arrows| arrows.matches("<path").count())
            .collect();
        assert_eq!(counts, [3, 3]);
        for tag in ["svg", "g", "text", "title", "desc", "style"] {
            let opened = svg.matches(&format!("<{tag}>")).count();
            let opened = opened + svg.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, svg.matches(&format!("</{tag}>")).count(), "{tag}");
        }
        // Part of a page in which an empty line ends markup.
        assert_eq!(svg.trim_end().lines().count(), 1);
    }

    #[test]
    fn everything_is_within_the_picture() {
        let svg = shop().to_svg();
        let size = |name: &str| -> i32 {
            let (_, rest) = svg
                .split_once(&format!(" {name}=\""))
                .expect("it has a size");
            let (size, _) = rest.split_once('"').expect("it ends");
            size.parse().expect("it is a number")
        };
        let (wide, high) = (size("width"), size("height"));
        for (name, most) in [("x", wide), ("y", high)] {
            for rest in svg.split(&format!(" {name}=\"")).skip(1) {
                let (at, _) = rest.split_once('"').expect("it ends");
                let at: i32 = at.parse().expect("it is a number");
                assert!((0..=most).contains(&at), "{name}={at} of {most}");
            }
        }
    }
}
