//! What the guide quotes stands in the crates that it quotes from, to the letter but for its margin.

use std::fs;
use std::path::Path;

const CHAPTERS: [(&str, &str); 7] = [
    ("stacks", include_str!("../src/stacks.md")),
    ("layers", include_str!("../src/layers.md")),
    ("handlers", include_str!("../src/handlers.md")),
    ("transports", include_str!("../src/transports.md")),
    ("plugins", include_str!("../src/plugins.md")),
    ("testing", include_str!("../src/testing.md")),
    ("publishing", include_str!("../src/publishing.md")),
];

const BEGIN: &str = "```rust,ignore\n";

/// Whether it stands there as it is, or further to the right.
fn stands_in(source: &str, excerpt: &str) -> bool {
    (0..4).any(|depth| {
        let lines = excerpt.lines().map(|line| match line {
            "" => "\n".to_owned(),
            line => format!("{}{line}\n", "    ".repeat(depth)),
        });
        source.contains(&lines.collect::<String>())
    })
}

#[test]
fn excerpts_are_from_the_sources() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut excerpts = 0;
    for (chapter, text) in CHAPTERS {
        // Before each: a line that names the file.
        let mut parts = text.split(BEGIN);
        let mut before = parts.next().expect("there is always one");
        for part in parts {
            let named = before.trim_end().lines().next_back().unwrap_or_default();
            let path = named
                .strip_prefix('`')
                .and_then(|named| named.strip_suffix("`:"))
                .unwrap_or_else(|| panic!("{chapter}: {named:?} names no file"));
            let source = fs::read_to_string(root.join(path))
                .unwrap_or_else(|error| panic!("{chapter}: {path}: {error}"));
            let (excerpt, after) = part.split_once("```\n").expect("it ends");
            assert!(
                stands_in(&source, excerpt),
                "{chapter}: {path} has no longer\n{excerpt}"
            );
            excerpts += 1;
            before = after;
        }
    }
    assert!(excerpts >= 8, "{excerpts} excerpts");
}

#[test]
fn all_chapters_are_in_the_summary_and_are_compiled() {
    let summary = include_str!("../src/SUMMARY.md");
    let compiled = include_str!("../guide.rs");
    let files =
        fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("it is there");
    for file in files {
        let name = file.expect("it is there").file_name();
        let name = name.to_str().expect("a plain name");
        if !["SUMMARY.md", "README.md"].contains(&name) {
            assert!(summary.contains(&format!("({name})")), "{name}");
            assert!(compiled.contains(&format!("\"src/{name}\"")), "{name}");
            assert!(
                CHAPTERS
                    .iter()
                    .any(|(chapter, _)| format!("{chapter}.md") == name),
                "{name}"
            );
        }
    }
}
