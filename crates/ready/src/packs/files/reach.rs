//! From a [`Place`] to what is there, name by name and handle by handle.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cap_fs_ext::{
    DirExt as _, FollowSymlinks, MetadataExt as _, OpenOptionsFollowExt as _,
    OpenOptionsSyncExt as _,
};
use cap_std::fs::{Dir, File, Metadata, OpenOptions};

use super::fault::{Fault, Result};
use super::open::Files;
use super::place::Place;
use super::rules::Rules;
use super::shown::quoted;

/// A place whose every directory was opened by its handle, without following a link: it lies
/// inside, whatever is renamed meanwhile.
#[derive(Debug)]
pub(super) struct Reached {
    /// The directory in which it lies; of the directory itself, that one.
    pub(super) parent: Arc<Dir>,
    /// Its name there; empty for the directory itself.
    pub(super) name: OsString,
    /// Where that is, after links.
    pub(super) place: Place,
    /// What is there, if anything is.
    pub(super) about: Option<Metadata>,
    /// The ignore rules that hold in its directory.
    pub(super) rules: Rules,
}

/// What to do with a link at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LastLink {
    Follow,
    Keep,
}

impl Files {
    /// Goes to a place, which need not exist; its directory must.
    pub(super) fn reach(&self, place: &Place, last: LastLink) -> Result<Reached> {
        self.reach_new(place, last, false)
    }

    /// The same, where something new may be made: a directory, or else a file.
    pub(super) fn reach_new(&self, place: &Place, last: LastLink, dir: bool) -> Result<Reached> {
        match self.try_reach(place, last, dir)? {
            Ok(reached) => Ok(reached),
            Err(link) => {
                // Once: what comes out has no links, unless somebody is making new ones meanwhile.
                let real = self.resolve(place, last, link)?;
                self.try_reach(&real, last, dir)?.map_err(|_| {
                    Fault::failed(format_args!(
                        "{} is being changed: try again",
                        quoted(place.as_path())
                    ))
                })
            }
        }
    }

    /// Where a path with links leads, as a path without any.
    fn resolve(&self, place: &Place, last: LastLink, link: PathBuf) -> Result<Place> {
        let outside = || {
            Fault::refused(format_args!(
                "{} is a link that leads outside, or nowhere",
                quoted(&link)
            ))
        };
        let root = self.root.dir()?;
        let resolve = |path: &Path| -> Result<Place> {
            let real = root.canonicalize(path).map_err(|_| outside())?;
            Place::resolved(&real).ok_or_else(outside)
        };
        if last == LastLink::Follow && root.symlink_metadata(place.as_path()).is_ok() {
            return resolve(place.as_path());
        }
        // What is at the end stays as it is, or is not there yet.
        let (parent, name) = (place.as_path().parent(), place.as_path().file_name());
        let (Some(parent), Some(name)) = (parent, name) else {
            return Err(outside());
        };
        let parent = match parent.as_os_str().is_empty() {
            true => Place::default(),
            false => resolve(parent)?,
        };
        Ok(Place::found(parent.as_path().join(name)))
    }

    /// `Err` in the result is the link that is in the way.
    fn try_reach(
        &self,
        place: &Place,
        last: LastLink,
        new_dir: bool,
    ) -> Result<Result<Reached, PathBuf>> {
        let mut parent = self.root.dir()?;
        let mut rules = Rules::default();
        let mut path = PathBuf::new();
        self.enter(&mut rules, &parent, &path);
        let mut names = place.names().peekable();
        let mut reached = Reached {
            about: None,
            name: OsString::new(),
            place: place.clone(),
            parent: Arc::clone(&parent),
            rules: Rules::default(),
        };
        while let Some(name) = names.next() {
            path.push(name);
            let is_last = names.peek().is_none();
            let about = match parent.symlink_metadata(name) {
                Ok(about) => Some(about),
                Err(error) if error.kind() == io::ErrorKind::NotFound && is_last => None,
                Err(error) => return Err(self.missing(place, &path, &rules, &error)),
            };
            let is_link = about.as_ref().is_some_and(Metadata::is_symlink);
            let is_dir = !is_last || about.as_ref().map_or(new_dir, Metadata::is_dir);
            self.check(&path, is_dir, &rules)?;
            if is_link && (!is_last || last == LastLink::Follow) {
                return Ok(Err(path));
            }
            if is_last {
                reached.name = name.to_owned();
                reached.about = about;
                break;
            }
            let dir = parent.open_dir_nofollow(name);
            parent = Arc::new(dir.map_err(|error| match error.kind() {
                io::ErrorKind::NotADirectory => Fault::Missing(format!(
                    "{}: {} is not a directory",
                    quoted(place.as_path()),
                    quoted(&path)
                )),
                _ => Fault::io(quoted(&path), &error),
            })?);
            self.enter(&mut rules, &parent, &path);
        }
        if place.is_root() {
            reached.about = Some(
                parent
                    .dir_metadata()
                    .map_err(|error| Fault::io("the directory", &error))?,
            );
        }
        reached.parent = parent;
        reached.rules = rules;
        Ok(Ok(reached))
    }

    /// Adds the ignore rules of a directory.
    pub(super) fn enter(&self, rules: &mut Rules, dir: &Dir, path: &Path) {
        if self.policy.reads_rules() {
            self.rules.enter(rules, dir, path);
        }
    }

    /// # Errors
    /// The path is left out.
    pub(super) fn check(&self, path: &Path, is_dir: bool, rules: &Rules) -> Result<()> {
        match self.policy.hides(path, is_dir, rules) {
            Some(why) => Err(Fault::refused(format_args!("{}: {why}", quoted(path)))),
            None => Ok(()),
        }
    }

    /// A directory on the way is not there. What is left out says so before, whether it is there
    /// or not.
    fn missing(&self, place: &Place, path: &Path, rules: &Rules, error: &io::Error) -> Fault {
        if let Err(left_out) = self.check(path, true, rules) {
            return left_out;
        }
        Fault::io(quoted(place.as_path()), error)
    }

    /// Opens a file to read.
    pub(super) fn open_file(&self, reached: &Reached) -> Result<(File, Metadata)> {
        let shown = || quoted(reached.place.as_path());
        let about = reached.existing()?;
        if about.is_dir() {
            return Err(Fault::failed(format_args!("{} is a directory", shown())));
        }
        let (file, about) =
            open_regular(&reached.parent, &reached.name).map_err(|error| match error.kind() {
                io::ErrorKind::InvalidInput => {
                    Fault::failed(format_args!("{} is not a regular file", shown()))
                }
                _ => Fault::io(shown(), &error),
            })?;
        self.check_names(&about, reached.place.as_path())?;
        Ok((file, about))
    }

    /// # Errors
    /// The file has several names, and the options do not allow that.
    pub(super) fn check_names(&self, about: &Metadata, path: &Path) -> Result<()> {
        if self.has_foreign_names(about) {
            return Err(Fault::refused(format_args!(
                "{} has several names (hard links), one of which may lie outside: it is not served",
                quoted(path)
            )));
        }
        Ok(())
    }

    pub(super) fn has_foreign_names(&self, about: &Metadata) -> bool {
        !self.hard_links && about.is_file() && about.nlink() > 1
    }
}

impl Reached {
    /// # Errors
    /// There is nothing.
    pub(super) fn existing(&self) -> Result<&Metadata> {
        let missing = || {
            Fault::Missing(format!(
                "{}: there is no such file",
                quoted(self.place.as_path())
            ))
        };
        self.about.as_ref().ok_or_else(missing)
    }

    /// Opens the directory that is there.
    pub(super) fn open_dir(&self) -> Result<Arc<Dir>> {
        if self.place.is_root() {
            return Ok(Arc::clone(&self.parent));
        }
        let shown = || quoted(self.place.as_path());
        if !self.existing()?.is_dir() {
            return Err(Fault::failed(format_args!(
                "{} is not a directory",
                shown()
            )));
        }
        let dir = self.parent.open_dir_nofollow(&self.name);
        dir.map(Arc::new)
            .map_err(|error| Fault::io(shown(), &error))
    }
}

/// Opens a regular file to read, following no link; never waits for a pipe. Anything else is an
/// [`io::ErrorKind::InvalidInput`].
pub(super) fn open_regular(dir: &Dir, name: &OsStr) -> io::Result<(File, Metadata)> {
    let irregular = || io::Error::from(io::ErrorKind::InvalidInput);
    // Opening a device may already do something.
    if !dir.symlink_metadata(name)?.is_file() {
        return Err(irregular());
    }
    let mut options = OpenOptions::new();
    options.read(true).nonblock(true).follow(FollowSymlinks::No);
    let file = dir.open_with(name, &options)?;
    let about = file.metadata()?;
    match about.is_file() {
        true => Ok((file, about)),
        false => Err(irregular()),
    }
}

/// By what it is seen that a file or a directory is another one, or was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: Option<SystemTime>,
    changed: (i64, i64),
}

impl Stamp {
    pub(super) fn of(about: &Metadata) -> Self {
        #[cfg(unix)]
        let changed = {
            use cap_std::fs::MetadataExt as _;
            (about.ctime(), about.ctime_nsec())
        };
        #[cfg(not(unix))]
        let changed = (0, 0);
        Self {
            file: (about.dev(), about.ino()),
            size: about.len(),
            modified: about
                .modified()
                .ok()
                .map(cap_std::time::SystemTime::into_std),
            changed,
        }
    }

    /// Which file it is.
    pub(super) fn file(&self) -> (u64, u64) {
        self.file
    }

    /// Whether the last change was before a time.
    pub(super) fn is_before(&self, time: SystemTime) -> bool {
        let since = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).ok();
        let changed = u64::try_from(self.changed.0)
            .ok()
            .zip(u32::try_from(self.changed.1).ok());
        let changed = changed.map(|(seconds, nanos)| Duration::new(seconds, nanos));
        let modified = self.modified.and_then(since);
        changed
            .max(modified)
            .is_some_and(|last| since(time).is_some_and(|time| last < time))
    }
}
