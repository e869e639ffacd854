//! [`Source`]: a text that somebody wrote, and the places in it.

use std::ops::Range;
use std::sync::Arc;

/// A file or an argument: what problems point into. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source(Arc<Text>);

#[derive(Debug, PartialEq, Eq)]
struct Text {
    /// The path of the file as it was given; nothing for an argument.
    file: Option<String>,
    text: String,
}

impl Source {
    pub(super) fn file(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self(Arc::new(Text {
            file: Some(path.into()),
            text: text.into(),
        }))
    }

    pub(super) fn argument(text: impl Into<String>) -> Self {
        Self(Arc::new(Text {
            file: None,
            text: text.into(),
        }))
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.0.file.as_deref()
    }

    pub(super) fn text(&self) -> &str {
        &self.0.text
    }

    /// The line that a span begins on.
    pub(super) fn line(&self, span: &Range<usize>) -> Line<'_> {
        let text = self.text();
        let mut start = span.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let begin = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let line = text[begin..end].trim_end_matches('\r');
        let mut stop = span.end.clamp(start, begin + line.len().max(start - begin));
        while !text.is_char_boundary(stop) {
            stop -= 1;
        }
        Line {
            number: text[..start].matches('\n').count() + 1,
            column: text[begin..start].chars().count() + 1,
            width: text[start..stop].chars().count().max(1),
            text: line,
        }
    }
}

/// A line of a [`Source`], and the part of it that is meant. Counted in characters, from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) number: usize,
    pub(super) column: usize,
    pub(super) width: usize,
    pub(super) text: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_characters() {
        let source = Source::file("a.toml", "one\r\nzwöo = 3\n\nend");
        for (span, number, column, width, text) in [
            (0..3, 1, 1, 3, "one"),
            (0..100, 1, 1, 3, "one"),
            (5..10, 2, 1, 4, "zwöo = 3"),
            (8..9, 2, 3, 1, "zwöo = 3"),
            (13..14, 2, 8, 1, "zwöo = 3"),
            (15..15, 3, 1, 1, ""),
            (19..19, 4, 4, 1, "end"),
            (900..901, 4, 4, 1, "end"),
        ] {
            let line = Line {
                number,
                column,
                width,
                text,
            };
            assert_eq!(source.line(&span), line, "{span:?}");
        }
    }
}
