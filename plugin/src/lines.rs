use choreo_core::{Error, ErrorKind, Result};

use crate::StackSpec;
use crate::node::At;

/// Where the lines of a text begin.
pub(crate) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// The lines of a text that is not too long.
    pub(crate) fn new(source: &str, text: &'t str) -> Result<Self> {
        if text.len() > StackSpec::MAX_TEXT {
            let (length, most) = (text.len(), StackSpec::MAX_TEXT);
            let detail = format!("{source}: {length} bytes, at most {most} are allowed");
            return Err(Error::new(ErrorKind::Config, detail));
        }
        let ends = text.match_indices('\n').map(|(index, _)| index + 1);
        Ok(Self {
            text,
            starts: std::iter::once(0).chain(ends).collect(),
        })
    }

    /// The place of a byte. Columns count characters.
    #[expect(clippy::cast_possible_truncation, reason = "texts are short")]
    pub(crate) fn at(&self, offset: usize) -> At {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        let before = self.text.get(start..offset).unwrap_or_default();
        At::Text {
            line: line as u32,
            column: before.chars().count() as u32 + 1,
        }
    }
}
