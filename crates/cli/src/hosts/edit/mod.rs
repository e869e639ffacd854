//! Changing a host's file as text: a member is put in or taken out, and every other byte stays.
//!
//! Nothing is written anew from a parsed form, so comments, indentation and line ends are kept.
//! What was made on the way to an entry is told as a [`Base`], so that taking the entry out can
//! bring the old bytes back.

mod json;
mod layout;
#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;
mod toml;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::table::Format;

/// What the way to an entry was like before it was put in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Base {
    /// How many objects of the way were there: 0 is a file without any, 1 is the whole alone.
    pub(super) there: usize,
    /// What stood in the last one that was there, if it had no members; the whole text of a file
    /// that had nothing in it.
    pub(super) inner: Option<String>,
    /// What was put before and after the entry (TOML).
    pub(super) around: Option<(String, String)>,
}

/// A text with an entry put in.
#[derive(Debug)]
pub(super) struct Put {
    pub(super) text: String,
    pub(super) base: Base,
}

/// Where an entry is: the names of the objects on the way, and its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way<'a> {
    pub(super) section: &'a [&'a str],
    pub(super) name: &'a str,
}

/// Puts an entry in, or another in its place.
///
/// # Errors
/// Why the text is not understood. Nothing of it is repeated.
pub(super) fn put(format: Format, text: &str, way: Way<'_>, value: &Value) -> Result<Put, String> {
    let (mark, text) = layout::mark(text);
    let mut put = match format {
        Format::Json | Format::Commented => json::put(format, text, way, value),
        Format::Toml => toml::put(text, way, value),
    }?;
    put.text.insert_str(0, mark);
    Ok(put)
}

/// Takes an entry out, and what `base` says was made for it.
///
/// # Errors
/// As for [`put`].
pub(super) fn take(
    format: Format,
    text: &str,
    way: Way<'_>,
    base: Option<&Base>,
) -> Result<String, String> {
    let (mark, text) = layout::mark(text);
    let mut rest = match format {
        Format::Json | Format::Commented => json::take(format, text, way, base),
        Format::Toml => toml::take(text, way, base),
    }?;
    rest.insert_str(0, mark);
    Ok(rest)
}
