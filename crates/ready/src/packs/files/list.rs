//! The tool `list`.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use cap_std::fs::Metadata;
use globset::GlobMatcher;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wharf::Tool;

use super::dirs::Kind;
use super::fault::{Fault, Result};
use super::open::{Files, Stop, walking};
use super::policy;
use super::reach::LastLink;
use super::shown::{Size, shown};
use super::told::Told;
use super::walk::{How, MAX_DEPTH, Step, Walk};

const DEFAULT_LIMIT: usize = 200;
const MAX_LIMIT: usize = 2000;

/// What `list` is asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The directory: a path relative to the served one, which is the default
    #[serde(default)]
    path: String,
    /// How many levels to show; 1 is the directory alone. Default: 1, with `glob` all
    #[schemars(range(min = 1, max = 64))]
    depth: Option<usize>,
    /// Show only what matches: `*.md` by its name, `docs/**/*.md` by its path
    glob: Option<String>,
    /// How many entries to show at most. Default: 200
    #[schemars(range(min = 1, max = 2000))]
    limit: Option<usize>,
    /// Go on after this path of a list that was cut
    after: Option<String>,
}

/// What `list` answers.
#[derive(Debug, Serialize, JsonSchema)]
struct Listing {
    /// The entries, by their paths
    entries: Vec<Entry>,
    /// Why the list is not complete, and how to go on
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<String>,
    /// What to give as `after` to go on
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A file or directory.
#[derive(Debug, Serialize, JsonSchema)]
struct Entry {
    /// The path, relative to the served directory
    path: String,
    /// What it is
    kind: EntryKind,
    /// The size of a file, in bytes
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    /// When it was modified, in UTC
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<String>,
    /// Whether the name is not UTF-8, and therefore escaped in `path` and not to be read
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    escaped: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum EntryKind {
    File,
    Directory,
    /// A symbolic link
    Link,
    /// A pipe, a socket or a device
    Other,
}

pub(super) fn tool(files: &Arc<Files>) -> Tool {
    let shared = Arc::clone(files);
    Tool::new("list")
        .title("List files")
        .description(
            "List a directory: names, kinds and sizes, sorted by path. `depth` goes into the \
             directories below, `glob` picks by name or path. Where the list is cut, the answer \
             says how to go on.",
        )
        .read_only()
        .idempotent()
        .open_world(false)
        .handler(move |arguments: Arguments, _| {
            let files = Arc::clone(&shared);
            async move { walking(&files, move |files, stop| files.list(&arguments, stop)).await }
        })
}

impl Files {
    fn list(&self, arguments: &Arguments, stop: &Stop) -> Result<Told<Listing>> {
        let glob = arguments.glob.as_deref().map(matcher).transpose()?;
        let limit = arguments.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
        let all = if glob.is_some() { MAX_DEPTH } else { 1 };
        let depth = arguments.depth.unwrap_or(all).clamp(1, MAX_DEPTH);
        let after = arguments
            .after
            .as_deref()
            .map(|after| self.names.read(after));
        let after = after.transpose()?;
        let start = self.reach(&self.names.read(&arguments.path)?, LastLink::Follow)?;
        let how = How {
            depth: depth - 1,
            after: after.as_ref(),
            keep: true,
        };
        let mut walk = Walk::new(self, &start, how)?;
        let mut entries = Vec::new();
        let (mut cut, mut next) = (None, None);
        while let Some(step) = walk.next() {
            if entries.len() == limit {
                cut = Some(format!("there are more than {limit} entries"));
                break;
            }
            if glob.as_ref().is_none_or(|glob| glob.is_match(&step.path)) {
                let about = walk.dir().zip(step.path.file_name());
                let about = about.and_then(|(dir, name)| dir.symlink_metadata(name).ok());
                entries.push(Entry::new(&step, about.as_ref()));
            }
            next = step.path.to_str().map(str::to_owned).or(next);
            if stop.is_now() {
                cut = Some(format!("the time of {} s is over", self.max_time.as_secs()));
                break;
            }
        }
        let skipped = walk.skipped;
        let mut cut = match (&cut, &next) {
            (Some(why), Some(after)) => Some(format!(
                "{why}: go on with `after`: `{}`, or narrow it down",
                shown(after)
            )),
            _ => {
                next = None;
                cut
            }
        };
        if skipped > 0 || walk.is_cut() {
            let why = format!("{skipped} directories could not be read in full");
            cut = Some(cut.map_or(why.clone(), |cut| format!("{cut}; {why}")));
        }
        let listing = Listing { entries, cut, next };
        Ok(Told {
            text: listing.text(),
            value: listing,
        })
    }
}

/// A glob that a client has written.
pub(super) fn matcher(pattern: &str) -> Result<GlobMatcher> {
    match policy::glob(pattern) {
        Ok(glob) => Ok(glob.compile_matcher()),
        Err(why) => Err(Fault::failed(format_args!("the glob is wrong: {why}"))),
    }
}

/// When a file was modified, as protocol and people write it.
pub(super) fn modified(about: &Metadata) -> Option<String> {
    let time = about.modified().ok()?.into_std();
    let time = jiff::Timestamp::try_from(time).ok()?;
    let time = jiff::Timestamp::from_second(time.as_second()).ok()?;
    Some(time.to_string())
}

/// A path as structured content has it, and whether it had to be escaped.
pub(super) fn exact(path: &Path) -> (String, bool) {
    match path.to_str() {
        Some(path) => (path.to_owned(), false),
        None => (shown(path), true),
    }
}

impl Entry {
    fn new(step: &Step, about: Option<&Metadata>) -> Self {
        let (path, escaped) = exact(&step.path);
        Self {
            path,
            escaped,
            kind: match step.kind {
                Kind::File => EntryKind::File,
                Kind::Directory => EntryKind::Directory,
                Kind::Link => EntryKind::Link,
                Kind::Other => EntryKind::Other,
            },
            size: about.filter(|about| about.is_file()).map(Metadata::len),
            modified: about.and_then(modified),
        }
    }
}

impl Listing {
    fn text(&self) -> String {
        let mut text = String::new();
        for entry in &self.entries {
            let path = shown(&entry.path);
            // Writing to a string cannot fail.
            let _ = match (entry.kind, entry.size) {
                (EntryKind::Directory, _) => writeln!(text, "{path}/"),
                (EntryKind::Link, _) => writeln!(text, "{path} (link)"),
                (EntryKind::Other, _) => writeln!(text, "{path} (no regular file)"),
                (EntryKind::File, Some(size)) => writeln!(text, "{path} ({})", Size(size)),
                (EntryKind::File, None) => writeln!(text, "{path}"),
            };
        }
        if self.entries.is_empty() {
            text.push_str("[nothing here]\n");
        }
        if let Some(cut) = &self.cut {
            let _ = writeln!(text, "[cut: {cut}]");
        }
        text
    }
}
