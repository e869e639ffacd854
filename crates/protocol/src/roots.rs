//! Roots: the places a client lets a server work in (spec 2026-07-28, client/roots).

use serde::Deserialize;

use crate::meta::Meta;

/// A directory or file the server may work in.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Root {
    /// Its URI, which begins with `file://` so far.
    pub uri: String,
    /// Its name, for people.
    pub name: Option<String>,
    /// Additional information, since 2025-06-18.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}

impl Root {
    /// One with a URI.
    #[must_use]
    pub fn new(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            ..Self::default()
        }
    }
}

/// The client's answer to `roots/list`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct ListRootsResult {
    /// The roots.
    pub roots: Vec<Root>,
    /// Additional information, up to 2025-11-25.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}
