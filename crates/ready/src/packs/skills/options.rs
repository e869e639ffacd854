//! What can be said about skills in `wharf.toml`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// A directory of skills (agentskills.io).
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The directory: its directories that hold a `SKILL.md` are the skills. Or one skill.
    pub path: PathBuf,
    /// What stands in front of the names in URIs: with `acme/billing` the skill `refunds` is
    /// `skill://acme/billing/refunds/SKILL.md`.
    #[serde(default)]
    pub under: Option<String>,
    /// Whether skills are read again when they change.
    #[serde(default = "yes")]
    pub watch: bool,
}

fn yes() -> bool {
    true
}
