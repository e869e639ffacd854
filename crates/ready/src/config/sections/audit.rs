//! `[audit]`

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// A log of who did what, and what came of it; without arguments and results.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Audit {
    /// The file that lines of JSON are appended to. SIGHUP opens it again.
    pub path: Option<PathBuf>,
    /// Write them into the server's own log too, under the target `wharf::audit`.
    pub log: bool,
}
