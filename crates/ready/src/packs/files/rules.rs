//! [`Rules`]: the `.gitignore` and `.ignore` files on the way to a place.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use cap_std::fs::Dir;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::reach::{Stamp, open_regular};

/// What is read of one ignore file, in bytes. More is not looked at, and logged.
const MAX_BYTES: u64 = 256 * 1024;

/// How many directories' rules are kept.
const MAX_KEPT: usize = 1024;

/// By rank: what the second says counts before the first.
const FILES: [&str; 2] = [".gitignore", ".ignore"];

/// The rules that hold in a directory: its own and those above it, up to the one that is served.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules(Vec<(PathBuf, Arc<[Gitignore]>)>);

impl Rules {
    /// Whether a path is ignored, given that its directory is not.
    pub(super) fn ignore(&self, path: &Path, is_dir: bool) -> bool {
        for (base, rules) in self.0.iter().rev() {
            let Ok(path) = path.strip_prefix(base) else {
                continue;
            };
            for rules in rules.iter().rev() {
                let found = rules.matched(path, is_dir);
                if !found.is_none() {
                    return found.is_ignore();
                }
            }
        }
        false
    }
}

/// The rules of directories, kept as long as their files stay as they were.
#[derive(Debug, Default)]
pub(super) struct KnownRules(Mutex<HashMap<PathBuf, Known>>);

#[derive(Debug)]
struct Known {
    stamps: [Option<Stamp>; 2],
    rules: Arc<[Gitignore]>,
}

impl KnownRules {
    /// Adds the rules of a directory to those above it.
    pub(super) fn enter(&self, rules: &mut Rules, dir: &Dir, path: &Path) {
        let stamps = FILES.map(|name| {
            let about = dir.symlink_metadata(name).ok()?;
            about.is_file().then(|| Stamp::of(&about))
        });
        if stamps.iter().all(Option::is_none) {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = match known.get(path) {
            Some(known) if known.stamps == stamps => Arc::clone(&known.rules),
            _ => {
                let own: Arc<[Gitignore]> =
                    FILES.iter().map(|name| read(dir, name, path)).collect();
                if known.len() >= MAX_KEPT {
                    known.clear();
                }
                let rules = Arc::clone(&own);
                known.insert(path.to_owned(), Known { stamps, rules });
                own
            }
        };
        rules.0.push((path.to_owned(), own));
    }
}

fn read(dir: &Dir, name: &str, path: &Path) -> Gitignore {
    let mut builder = GitignoreBuilder::new("");
    let Ok((file, _)) = open_regular(dir, name.as_ref()) else {
        return Gitignore::empty();
    };
    let mut bytes = Vec::new();
    if let Err(error) = file.take(MAX_BYTES).read_to_end(&mut bytes) {
        tracing::warn!(?path, name, %error, "an ignore file cannot be read");
    }
    if bytes.len() as u64 == MAX_BYTES {
        tracing::warn!(
            ?path,
            name,
            "an ignore file is longer than 256 KiB: the rest is not looked at"
        );
    }
    for line in String::from_utf8_lossy(&bytes).lines() {
        if let Err(error) = builder.add_line(None, line) {
            tracing::debug!(?path, name, %error, "a line of an ignore file is wrong");
        }
    }
    builder.build().unwrap_or_else(|error| {
        tracing::warn!(?path, name, %error, "an ignore file cannot be used");
        Gitignore::empty()
    })
}
