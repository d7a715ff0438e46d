//! JSON Schema, written by hand: a library for it would be most of a browser's module.

use crate::Field;

/// The schema of a plug-in's options, as they stand beside its name.
pub(crate) fn of_plugin(name: &str, title: &str, help: &str, fields: &[Field]) -> String {
    let mut out = String::from("{");
    member("title", title, &mut out);
    out.push(',');
    member("description", help, &mut out);
    out.push_str(r#","type":"object","additionalProperties":false,"properties":{"use":{"const":"#);
    quote(name, &mut out);
    out.push('}');
    for field in fields {
        out.push(',');
        quote(field.name, &mut out);
        out.push_str(":{");
        member("description", &unwrapped(field.doc), &mut out);
        out.push(',');
        (field.schema)(&mut out);
        if let Some(default) = field.default {
            out.push_str(r#","default":"#);
            default(&mut out);
        }
        out.push('}');
    }
    out.push_str(r#"},"required":["use""#);
    for field in fields.iter().filter(|field| !field.optional) {
        out.push(',');
        quote(field.name, &mut out);
    }
    out.push_str("]}");
    out
}

/// The members of the schema of a text that is one of these.
pub fn choices(names: &[&str], out: &mut String) {
    out.push_str(r#""enum":["#);
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        quote(name, out);
    }
    out.push(']');
}

/// A text as JSON.
pub fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn member(name: &str, text: &str, out: &mut String) {
    quote(name, out);
    out.push(':');
    quote(text, out);
}

/// The lines of a doc comment as one.
fn unwrapped(doc: &str) -> String {
    let words: Vec<&str> = doc.split_whitespace().collect();
    words.join(" ")
}
