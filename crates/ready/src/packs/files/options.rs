//! [`Options`] of the files pack.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// A directory, served as resources and tools.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The directory. `~` is the home directory; a relative path begins at `wharf.toml`.
    pub path: PathBuf,
    /// Where the URIs of its files begin, such as `docs:///`. Default: `file://` and the real path
    /// of the directory, so that hosts know the files. Ends with `/`.
    #[serde(default)]
    pub uri: Option<String>,
    /// Whether clients may change files: adds the tools `write`, `edit`, `move` and `delete`.
    #[serde(default)]
    pub write: bool,
    /// Whether the tool `delete` asks the user first. Without `write` it means nothing.
    #[serde(default)]
    pub delete: Deletion,
    /// Whether names that begin with a dot are there.
    #[serde(default)]
    pub hidden: bool,
    /// Whether `.gitignore` and `.ignore` files in the directory are obeyed: what they name is not
    /// there, and neither is `.git`.
    #[serde(default = "yes")]
    pub ignore: bool,
    /// Globs of the only files that are there, such as `*.md` or `docs/**`. Empty: all files.
    #[serde(default)]
    pub include: Vec<String>,
    /// Globs of files and directories that are not there, such as `drafts` or `**/*.key`.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Whether files with several names (hard links) are served. Their other name may lie outside
    /// of the directory.
    #[serde(default)]
    pub hard_links: bool,
    /// The most bytes that one call of a tool reads or writes; what is longer is read in parts.
    #[serde(default = "mebibyte")]
    #[schemars(range(min = 1024, max = 67_108_864))]
    pub max_bytes: u64,
    /// The largest file that is served as a resource, in bytes.
    #[serde(default = "resource_bytes")]
    #[schemars(range(min = 1024, max = 268_435_456))]
    pub max_resource_bytes: u64,
    /// How long one list or search may take, in seconds; then it gives what it found.
    #[serde(default = "seconds")]
    #[schemars(range(min = 1, max = 300))]
    pub max_seconds: u64,
    /// Whether the directory is watched, so that clients are told of changes.
    #[serde(default = "yes")]
    pub watch: bool,
}

/// Whether the tool `delete` asks the user first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Deletion {
    /// It asks. Where the client cannot ask its user, nothing is deleted.
    #[default]
    Ask,
    /// It asks where the client can ask its user, and deletes unasked where not.
    Allow,
    /// There is no such tool.
    Never,
}

impl Options {
    /// A directory with everything else at its default: read-only, watched, without hidden and
    /// ignored files.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            uri: None,
            write: false,
            delete: Deletion::default(),
            hidden: false,
            ignore: true,
            include: Vec::new(),
            exclude: Vec::new(),
            hard_links: false,
            max_bytes: mebibyte(),
            max_resource_bytes: resource_bytes(),
            max_seconds: seconds(),
            watch: true,
        }
    }
}

fn yes() -> bool {
    true
}

fn mebibyte() -> u64 {
    1024 * 1024
}

fn resource_bytes() -> u64 {
    16 * 1024 * 1024
}

fn seconds() -> u64 {
    10
}
