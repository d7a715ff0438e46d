/// The line of a stack's text at which an error points, with a mark below the column, to be put
/// behind the error.
///
/// What stands in quotes, and words that are no keys, are dots: they may be secrets in the wrong
/// place. The names behind `use` and `role` are shown.
pub(crate) fn excerpt(text: &str, line: usize, column: usize) -> String {
    /// So much is shown before the column and behind it.
    const AROUND: usize = 60;

    let Some(found) = line
        .checked_sub(1)
        .and_then(|index| text.lines().nth(index))
    else {
        return String::new();
    };
    let before = column.saturating_sub(1);
    let skipped = before.saturating_sub(AROUND);
    let shown: String = masked(found)
        .chars()
        .skip(skipped)
        .take(2 * AROUND)
        .collect();
    let (number, margin) = (line, " ".repeat(line.to_string().len()));
    let caret = " ".repeat(before - skipped);
    format!("\n  {number} | {}\n  {margin} | {caret}^", shown.trim_end())
}

/// The line with dots, one for each character, in place of what may be secret.
fn masked(line: &str) -> String {
    let chars: Vec<char> = line
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let (mut masked, mut index, mut key) = (String::with_capacity(line.len()), 0, String::new());
    let header = line.trim_start().starts_with('[') && !line.contains('=');
    while let Some(&first) = chars.get(index) {
        let rest = &chars[index..];
        let length = match first {
            '#' => break,
            '"' | '\'' => quoted(rest),
            _ => rest.iter().take_while(|c| is_word(**c)).count(),
        };
        if length == 0 {
            masked.push(first);
            index += 1;
            continue;
        }
        let word: String = rest[..length].iter().collect();
        let is_key = leads(&rest[length..]) || (header && is_word(first));
        if is_key {
            key = word.trim_matches(['"', '\'']).to_owned();
        }
        let name = matches!(key.rsplit('.').next(), Some("use" | "role"));
        if is_key || name || is_plain(&word) {
            masked.push_str(&word);
        } else {
            let ends = [0, length - 1];
            let dots = word.chars().enumerate().map(|(index, c)| match c {
                '"' | '\'' if ends.contains(&index) => c,
                _ => '·',
            });
            masked.extend(dots);
        }
        index += length;
    }
    masked
}

/// How long a text in quotes is, with them, or what there is of one that does not end.
fn quoted(chars: &[char]) -> usize {
    let mut escaped = false;
    let ends = |(_, c): &(usize, &char)| {
        let ends = **c == chars[0] && !escaped;
        escaped = **c == '\\' && !escaped;
        ends
    };
    let end = chars.iter().enumerate().skip(1).find(ends);
    end.map_or(chars.len(), |(index, _)| index + 1)
}

fn is_word(c: char) -> bool {
    !c.is_whitespace() && !"[]{}=:,\"'#".contains(c)
}

/// Whether a value follows. Secrets often end in `=`, which nothing follows.
fn leads(rest: &[char]) -> bool {
    let mut rest = rest.iter().skip_while(|c| c.is_whitespace());
    let sign = matches!(rest.next(), Some('=' | ':'));
    sign && rest.find(|c| !c.is_whitespace()).is_some_and(|c| *c != '=')
}

/// Whether it is a number, or what else is no text.
fn is_plain(word: &str) -> bool {
    word.parse::<f64>().is_ok() || matches!(word, "true" | "false" | "null")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_below_the_column() {
        let text = "role = \"A\"\n\n  retries = 7 # why\n";
        assert_eq!(
            excerpt(text, 3, 13),
            "\n  3 |   retries = 7\n    |             ^"
        );
        assert_eq!(excerpt(text, 4, 1), "");
        let long = format!("{}retries = -1{}", " ".repeat(500), " ".repeat(500));
        assert_eq!(
            excerpt(&long, 1, 511),
            format!(
                "\n  1 | {0}retries = -1\n    | {0}          ^",
                " ".repeat(50)
            )
        );
    }

    #[test]
    fn what_may_be_secret_is_not_shown() {
        for (line, shown) in [
            ("token = \"hunter2\"", "token = \"·······\""),
            ("token = hunter2", "token = ·······"),
            ("token = 'hunter2", "token = '·······"),
            ("token = \"hun\\\"ter\" # hunter2", "token = \"········\" "),
            ("hunter2", "·······"),
            ("aHVudGVyMg==", "··········=="),
            (
                "token = { key = \"hunter2\" }",
                "token = { key = \"·······\" }",
            ),
            (
                "{\"token\": \"hunter2\", \"n\": 1}",
                "{\"token\": \"·······\", \"n\": 1}",
            ),
            ("peers = [\"Bob\", true]", "peers = [\"···\", true]"),
        ] {
            assert_eq!(masked(line), shown, "{line}");
        }
    }

    #[test]
    fn names_are_shown() {
        for line in [
            "use = \"trase\"",
            "handler.use = \"memory\"",
            "[handlr]",
            "[[layers]]",
            "rate = 1.5",
        ] {
            assert_eq!(masked(line), line);
        }
    }
}
