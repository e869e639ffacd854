//! [`Grep`]: the lines of one file after the other in which something is found.

use std::io;

use cap_std::fs::File;
use grep_regex::RegexMatcher;
use grep_searcher::{
    BinaryDetection, Searcher, SearcherBuilder, Sink, SinkContext, SinkFinish, SinkMatch,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::shown::cut;

/// The largest file that is searched, in bytes.
pub(super) const MAX_FILE: u64 = 64 * 1024 * 1024;

/// How much of a line is shown, in bytes.
const MAX_LINE: usize = 500;

/// A line that matches, or is near one that does.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Line {
    /// Its number, counted from 1
    pub(super) line: u64,
    /// What it says; what is longer than 500 bytes is cut and ends with `…`
    pub(super) text: String,
    /// Whether it matches; otherwise it is near a line that does
    pub(super) matches: bool,
}

/// What was found in a file.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) matches: usize,
    pub(super) lines: Vec<Line>,
}

/// Searches files, within a number of bytes of lines for all of them.
#[derive(Debug)]
pub(super) struct Grep {
    searcher: Searcher,
    room: usize,
}

impl Grep {
    pub(super) fn new(context: usize, room: usize) -> Self {
        let searcher = SearcherBuilder::new()
            .line_number(true)
            .before_context(context)
            .after_context(context)
            .binary_detection(BinaryDetection::quit(0))
            .heap_limit(Some(16 << 20))
            .build();
        Self { searcher, room }
    }

    pub(super) fn is_full(&self) -> bool {
        self.room == 0
    }

    /// What is found in a file, with at most `limit` matches; `None` if the file is binary or
    /// cannot be searched.
    pub(super) fn search(
        &mut self,
        text: &RegexMatcher,
        file: File,
        limit: usize,
    ) -> Option<Found> {
        let mut lines = Lines {
            found: Found {
                matches: 0,
                lines: Vec::new(),
            },
            limit,
            room: self.room,
            is_binary: false,
        };
        let searched = self.searcher.search_reader(text, file, &mut lines);
        if lines.is_binary || searched.is_err() {
            return None;
        }
        self.room = lines.room;
        Some(lines.found)
    }
}

struct Lines {
    found: Found,
    limit: usize,
    room: usize,
    is_binary: bool,
}

impl Lines {
    /// Whether there is room for more.
    fn add(&mut self, number: Option<u64>, bytes: &[u8], matches: bool) -> bool {
        let end = bytes.len().min(MAX_LINE + 2);
        let line = String::from_utf8_lossy(&bytes[..end]);
        let line = line.trim_end_matches(['\r', '\n']);
        let mut text = cut(line, MAX_LINE).to_owned();
        if text.len() < line.len() {
            text.push('…');
        }
        self.room = self.room.saturating_sub(text.len() + 16);
        self.found.matches += usize::from(matches);
        let line = number.unwrap_or_default();
        self.found.lines.push(Line {
            line,
            text,
            matches,
        });
        self.room > 0
    }
}

impl Sink for Lines {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        if self.found.matches == self.limit {
            return Ok(false);
        }
        Ok(self.add(found.line_number(), found.bytes(), true))
    }

    fn context(&mut self, _: &Searcher, near: &SinkContext<'_>) -> io::Result<bool> {
        Ok(self.add(near.line_number(), near.bytes(), false))
    }

    fn binary_data(&mut self, _: &Searcher, _: u64) -> io::Result<bool> {
        self.is_binary = true;
        Ok(false)
    }

    fn finish(&mut self, _: &Searcher, end: &SinkFinish) -> io::Result<()> {
        self.is_binary |= end.binary_byte_offset().is_some();
        Ok(())
    }
}
