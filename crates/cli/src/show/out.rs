//! [`Out`]: standard output.

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;
use wharf_protocol::{Revision, projection::at};

use crate::escape;
use crate::failure::Failure;

/// Standard output, and how results are written to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Out {
    /// One JSON document instead of words.
    pub(crate) json: bool,
    /// Text exactly as it came, also to a terminal.
    pub(crate) raw: bool,
    pub(crate) terminal: bool,
}

impl Out {
    pub(crate) fn new(json: bool, raw: bool) -> Self {
        Self {
            json,
            raw,
            terminal: io::stdout().is_terminal(),
        }
    }

    /// How many columns there are; none where nobody looks at columns.
    pub(crate) fn width(self) -> Option<u16> {
        if !self.terminal {
            return None;
        }
        let size = terminal_size::terminal_size();
        Some(size.map_or(80, |(terminal_size::Width(columns), _)| columns.max(40)))
    }

    /// Writes our own words, with their styles where colour is wanted.
    pub(crate) fn words(self, text: &str) -> Result<(), Failure> {
        let mut stdout = anstream::stdout().lock();
        stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
            .map_err(|error| Failure::output(&error))
    }

    /// Writes text of others, and ends its last line.
    pub(crate) fn text(self, text: &str) -> Result<(), Failure> {
        if self.raw {
            return self.bytes(text.as_bytes());
        }
        let safe = escape::text(text);
        let end = if safe.ends_with('\n') || safe.is_empty() {
            ""
        } else {
            "\n"
        };
        self.bytes(format!("{safe}{end}").as_bytes())
    }

    /// Writes a part of a text of others: nothing is added to it.
    pub(crate) fn piece(self, text: &str) -> Result<(), Failure> {
        if self.raw {
            return self.bytes(text.as_bytes());
        }
        self.bytes(escape::text(text).as_bytes())
    }

    /// Writes bytes as they are.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(bytes)
            .and_then(|()| stdout.flush())
            .map_err(|error| Failure::output(&error))
    }

    /// Writes one JSON document: over several lines for people, on one for programs.
    pub(crate) fn document(self, value: &impl Serialize) -> Result<(), Failure> {
        let text = if self.terminal {
            serde_json::to_string_pretty(value)
        } else {
            serde_json::to_string(value)
        };
        let text = text.map_err(|error| not_json(&error))?;
        self.bytes(format!("{}\n", escape::json(&text)).as_bytes())
    }

    /// Writes one JSON document on one line: one of many.
    pub(crate) fn json_line(self, value: &impl Serialize) -> Result<(), Failure> {
        self.bytes(format!("{}\n", compact(value)?).as_bytes())
    }

    /// Writes a result of the protocol as JSON, as it is in `revision`; without what a server
    /// says of itself in each of its results since 2026-07-28, which `wharf info` shows.
    pub(crate) fn model<T>(self, value: &T, revision: Revision) -> Result<(), Failure>
    where
        T: wharf_protocol::projection::ProjectMembers,
    {
        let mut json =
            serde_json::to_value(at(value, revision)).map_err(|error| not_json(&error))?;
        if let Some(meta) = json
            .get_mut("_meta")
            .and_then(serde_json::Value::as_object_mut)
        {
            meta.shift_remove(wharf_protocol::meta::SERVER_INFO);
            if meta.is_empty()
                && let Some(members) = json.as_object_mut()
            {
                members.shift_remove("_meta");
            }
        }
        self.document(&json)
    }
}

fn not_json(error: &serde_json::Error) -> Failure {
    Failure::new(format!("the result cannot be written as JSON: {error}"))
}

/// JSON on one line, safe to show.
fn compact(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string(value);
    let text = text.map_err(|error| not_json(&error))?;
    Ok(escape::json(&text).into_owned())
}
