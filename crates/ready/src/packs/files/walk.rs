//! [`Walk`]: through a directory and those in it, in the order of their paths.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_fs_ext::DirExt as _;
use cap_std::fs::Dir;

use super::dirs::{Entries, Kind};
use super::fault::{Fault, Result};
use super::open::Files;
use super::place::Place;
use super::reach::Reached;
use super::rules::Rules;
use super::shown::quoted;

/// How deep a walk goes; each level holds one open directory.
pub(super) const MAX_DEPTH: usize = 64;

/// A walk through what is there for clients: first a directory, then what is in it, by the bytes
/// of the names. It opens directories one by one and never follows a link.
pub(super) struct Walk<'f> {
    files: &'f Files,
    levels: Vec<Level>,
    /// The directory that was given last, to go into next.
    pending: Option<(OsString, Vec<OsString>)>,
    max_depth: usize,
    keep: bool,
    /// Directories that could not be read, or lie too deep.
    pub(super) skipped: u64,
}

struct Level {
    dir: Arc<Dir>,
    path: PathBuf,
    rules: Rules,
    entries: Arc<Entries>,
    next: usize,
    /// The rest of the path after which the walk goes on, if it goes on in the next entry.
    resume: Option<Vec<OsString>>,
}

/// What a walk comes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
}

/// How to walk.
#[derive(Debug, Clone, Copy)]
pub(super) struct How<'a> {
    /// How many levels below the start.
    pub(super) depth: usize,
    /// The path after which to begin.
    pub(super) after: Option<&'a Place>,
    /// Whether the same directories are likely to be walked through again.
    pub(super) keep: bool,
}

impl<'f> Walk<'f> {
    /// Begins in a directory.
    pub(super) fn new(files: &'f Files, start: &Reached, how: How<'_>) -> Result<Self> {
        let dir = start.open_dir()?;
        let path = start.place.as_path();
        let after = how
            .after
            .and_then(|after| after.as_path().strip_prefix(path).ok());
        let after = after.map(|after| after.iter().map(OsString::from).collect());
        let mut walk = Self {
            files,
            levels: Vec::new(),
            pending: None,
            max_depth: how.depth.min(MAX_DEPTH),
            keep: how.keep,
            skipped: 0,
        };
        walk.enter(
            dir,
            path.to_owned(),
            start.rules.clone(),
            after.unwrap_or_default(),
        )
        .map_err(|error| Fault::io(quoted(path), &error))?;
        Ok(walk)
    }

    /// The directory in which the last step lies.
    pub(super) fn dir(&self) -> Option<&Dir> {
        self.levels.last().map(|level| &*level.dir)
    }

    /// Whether a directory had too many entries.
    pub(super) fn is_cut(&self) -> bool {
        self.levels.iter().any(|level| level.entries.cut)
    }

    fn enter(
        &mut self,
        dir: Arc<Dir>,
        path: PathBuf,
        mut rules: Rules,
        mut after: Vec<OsString>,
    ) -> std::io::Result<()> {
        let entries = self.files.dirs.entries(&dir, self.keep)?;
        self.files.enter(&mut rules, &dir, &path);
        let mut level = Level {
            dir,
            path,
            rules,
            entries,
            next: 0,
            resume: None,
        };
        if !after.is_empty() {
            let name = after.remove(0);
            level.next = level.entries.position(&name);
            let is_there = level
                .entries
                .sorted
                .get(level.next)
                .is_some_and(|entry| *entry.name == *name);
            level.resume = is_there.then_some(after);
        }
        self.levels.push(level);
        Ok(())
    }

    fn descend(&mut self, name: &OsString, after: Vec<OsString>) {
        let Some(level) = self.levels.last() else {
            return;
        };
        if self.levels.len() > self.max_depth {
            // What was asked not to be seen is not missed.
            self.skipped += u64::from(self.levels.len() > MAX_DEPTH);
            return;
        }
        let path = level.path.join(name);
        let rules = level.rules.clone();
        let entered = match level.dir.open_dir_nofollow(name) {
            Ok(dir) => self.enter(Arc::new(dir), path.clone(), rules, after),
            Err(error) => Err(error),
        };
        if let Err(error) = entered {
            // Gone, or exchanged for a link: then it is not there.
            let is_gone = matches!(
                error.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            );
            tracing::debug!(?path, %error, "a directory cannot be walked through");
            self.skipped += u64::from(!is_gone);
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if let Some((name, after)) = self.pending.take() {
            self.descend(&name, after);
        }
        loop {
            let level = self.levels.last_mut()?;
            let Some(entry) = level.entries.sorted.get(level.next) else {
                self.levels.pop();
                continue;
            };
            level.next += 1;
            let resume = level.resume.take();
            let (name, kind) = (&*entry.name, entry.kind);
            let path = level.path.join(name);
            let is_dir = kind == Kind::Directory;
            if self
                .files
                .policy
                .hides(&path, is_dir, &level.rules)
                .is_some()
            {
                continue;
            }
            if is_dir {
                self.pending = Some((name.to_os_string(), resume.clone().unwrap_or_default()));
            }
            match resume {
                // It was given before; what is in it may not have been.
                Some(_) => {
                    if let Some((name, after)) = self.pending.take() {
                        self.descend(&name, after);
                    }
                }
                None => return Some(Step { path, kind }),
            }
        }
    }
}

impl std::fmt::Debug for Walk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at: Option<&Path> = self.levels.last().map(|level| &*level.path);
        f.debug_struct("Walk")
            .field("at", &at)
            .finish_non_exhaustive()
    }
}
