//! What can be said about prompts in `wharf.toml`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// A directory of prompts: Markdown files with frontmatter.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The directory. Each `.md` file with frontmatter beneath it is a prompt, named by its path
    /// without `.md`; what begins with a dot is left out.
    pub path: PathBuf,
    /// Whether prompts are read again when they change.
    #[serde(default = "yes")]
    pub watch: bool,
}

fn yes() -> bool {
    true
}
