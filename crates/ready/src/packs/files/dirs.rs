//! [`KnownDirs`]: the sorted names of directories, kept as long as they stay as they were.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use cap_std::fs::{Dir, FileType};

use super::reach::Stamp;

/// How many entries of one directory are read. Those after it are left out, and this is logged.
pub(super) const MAX_ENTRIES: usize = 1_000_000;

/// How many entries are kept in all, at about 60 bytes each; of one directory always all.
const MAX_KEPT: usize = 250_000;

/// How long ago a directory must have changed for its stamp to tell that it has not changed since:
/// clocks of file systems tick up to 10 ms apart.
const SETTLED: Duration = Duration::from_millis(50);

/// What an entry of a directory is. Links are not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Link,
    /// A pipe, a socket, a device.
    Other,
}

impl Kind {
    pub(super) fn of(about: FileType) -> Self {
        if about.is_file() {
            Self::File
        } else if about.is_dir() {
            Self::Directory
        } else if about.is_symlink() {
            Self::Link
        } else {
            Self::Other
        }
    }
}

/// A name in a directory.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Box<OsStr>,
    pub(super) kind: Kind,
}

/// The entries of a directory, by the bytes of their names.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) sorted: Vec<Entry>,
    /// Whether there are more than [`MAX_ENTRIES`].
    pub(super) cut: bool,
}

impl Entries {
    /// Where the entries begin that are not before `name`.
    pub(super) fn position(&self, name: &OsStr) -> usize {
        let name = name.as_encoded_bytes();
        self.sorted
            .partition_point(|entry| entry.name.as_encoded_bytes() < name)
    }

    pub(super) fn get(&self, name: &OsStr) -> Option<&Entry> {
        let found = self.sorted.get(self.position(name));
        found.filter(|entry| &*entry.name == name)
    }

    fn read(dir: &Dir) -> io::Result<Self> {
        let mut entries = Self::default();
        for entry in dir.entries()? {
            let entry = entry?;
            if entries.sorted.len() == MAX_ENTRIES {
                tracing::warn!(
                    "a directory has more than {MAX_ENTRIES} entries: some are left out"
                );
                entries.cut = true;
                break;
            }
            let name = entry.file_name().into_boxed_os_str();
            let mut about = entry.file_type()?;
            if !(about.is_file() || about.is_dir() || about.is_symlink()) {
                // Some file systems do not say; and it may be gone again.
                match dir.symlink_metadata(&*name) {
                    Ok(found) => about = found.file_type(),
                    Err(_) => continue,
                }
            }
            let kind = Kind::of(about);
            entries.sorted.push(Entry { name, kind });
        }
        entries
            .sorted
            .sort_unstable_by(|a, b| a.name.as_encoded_bytes().cmp(b.name.as_encoded_bytes()));
        Ok(entries)
    }
}

/// The entries of directories that were read lately.
#[derive(Debug, Default)]
pub(super) struct KnownDirs {
    kept: Mutex<Kept>,
    /// How often a directory was read.
    reads: AtomicU64,
}

#[derive(Debug, Default)]
struct Kept {
    dirs: HashMap<(u64, u64), KeptDir>,
    entries: usize,
    uses: u64,
}

#[derive(Debug)]
struct KeptDir {
    stamp: Stamp,
    entries: Arc<Entries>,
    used: u64,
}

impl KnownDirs {
    /// The entries of a directory, read now unless it is as it was the last time. `keep`: whether
    /// they are likely to be asked for again.
    pub(super) fn entries(&self, dir: &Dir, keep: bool) -> io::Result<Arc<Entries>> {
        let stamp = Stamp::of(&dir.dir_metadata()?);
        if let Some(known) = self.kept().find(&stamp) {
            return Ok(known);
        }
        let began = SystemTime::now();
        self.reads.fetch_add(1, Ordering::Relaxed);
        let entries = Arc::new(Entries::read(dir)?);
        let is_settled =
            stamp.is_before(began - SETTLED) && Stamp::of(&dir.dir_metadata()?) == stamp;
        if keep && is_settled {
            self.kept().keep(stamp, Arc::clone(&entries));
        }
        Ok(entries)
    }

    /// Whether a file was in the directory when it was read the last time; `None` if it was not
    /// read, or the entries were dropped since. Reads nothing.
    pub(super) fn had_file(&self, dir: &Stamp, name: &OsStr) -> Option<bool> {
        let kept = self.kept();
        let entry = kept.dirs.get(&dir.file())?.entries.get(name);
        Some(entry.is_some_and(|entry| entry.kind == Kind::File))
    }

    /// Drops what is known of a directory.
    pub(super) fn forget(&self, dir: &Stamp) {
        self.kept().remove(dir.file());
    }

    /// How often a directory was read.
    #[cfg(test)]
    pub(super) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn find(&mut self, stamp: &Stamp) -> Option<Arc<Entries>> {
        self.uses += 1;
        let known = self.dirs.get_mut(&stamp.file())?;
        if known.stamp != *stamp {
            return None;
        }
        known.used = self.uses;
        Some(Arc::clone(&known.entries))
    }

    fn keep(&mut self, stamp: Stamp, entries: Arc<Entries>) {
        self.remove(stamp.file());
        while !self.dirs.is_empty() && self.entries + entries.sorted.len() > MAX_KEPT {
            let oldest = self.dirs.iter().min_by_key(|(_, known)| known.used);
            match oldest.map(|(file, _)| *file) {
                Some(file) => self.remove(file),
                None => break,
            }
        }
        // An empty directory counts, too: their number is bounded.
        self.entries += entries.sorted.len() + 1;
        let used = self.uses;
        self.dirs.insert(
            stamp.file(),
            KeptDir {
                stamp,
                entries,
                used,
            },
        );
    }

    fn remove(&mut self, file: (u64, u64)) {
        if let Some(known) = self.dirs.remove(&file) {
            self.entries -= known.entries.sorted.len() + 1;
        }
    }
}
