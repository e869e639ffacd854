//! Watching: clients are told of what changes in the directory.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cap_std::fs::Metadata;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::time::{MissedTickBehavior, interval};
use wharf::{CatalogHandle, Changed};

use super::dirs::Kind;
use super::fault::{Fault, Result};
use super::heard::{Change, Heard};
use super::open::{Files, blocking};
use super::place::Place;
use super::reach::{LastLink, Stamp};
use super::walk::{How, MAX_DEPTH, Walk};

/// How many directories are watched, where each one needs a watch of its own.
const MAX_WATCHED: usize = 65_536;

/// How often to see whether the directory itself is still in its place.
const CHECK: Duration = Duration::from_secs(2);

/// Where one watch covers all directories below.
const IS_RECURSIVE: bool = cfg!(any(target_vendor = "apple", windows));

/// Watches until it is dropped.
///
/// A change costs a look at the file that changed: directories are read when the watch begins, and
/// a new one when it comes. Where the system's events are lost, or there are more than are kept,
/// clients are told only that the list has changed.
pub(super) async fn watch(files: Arc<Files>, catalog: CatalogHandle) {
    let mut watch = Watch {
        heard: Arc::default(),
        watching: None,
        root: None,
        has_complained: false,
        files,
    };
    watch.begin().await;
    let mut check = interval(CHECK);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let news = tokio::select! {
            () = watch.heard.wait() => watch.look().await,
            _ = check.tick() => watch.check().await,
        };
        for uri in news.updated {
            catalog.notify_resource_updated(&uri);
        }
        let resources = news.list;
        catalog.notify_changed(Changed {
            resources,
            ..Changed::default()
        });
    }
}

struct Watch {
    files: Arc<Files>,
    heard: Arc<Heard>,
    watching: Option<Arc<Watching>>,
    /// Which directory stood at the path the last time.
    root: Option<(u64, u64)>,
    has_complained: bool,
}

/// A watcher, and what it watches.
struct Watching {
    watcher: Mutex<RecommendedWatcher>,
    dirs: Mutex<HashSet<PathBuf>>,
}

/// What clients are to be told.
#[derive(Debug, Default)]
struct News {
    updated: Vec<String>,
    list: bool,
    /// New directories, to be watched.
    dirs: Vec<PathBuf>,
    /// Directories that are gone.
    gone: Vec<PathBuf>,
    /// Whether everything has to be watched anew.
    anew: bool,
}

impl Watch {
    /// Watches everything, anew.
    async fn begin(&mut self) {
        self.watching = None;
        let heard = Arc::clone(&self.heard);
        let begun = blocking(&self.files, move |files| {
            let root = Stamp::of(
                &files
                    .root
                    .dir()?
                    .dir_metadata()
                    .map_err(|error| Fault::io("the directory", &error))?,
            );
            let path = files.root.path().to_owned();
            let config = notify::Config::default().with_follow_symlinks(false);
            let hear = move |event| heard.add(&path, event);
            let watcher = RecommendedWatcher::new(hear, config).map_err(Fault::failed)?;
            let watching = Watching {
                watcher: Mutex::new(watcher),
                dirs: Mutex::default(),
            };
            let watched = watching.add(files, Path::new(""));
            Ok((root.file(), watching, watched))
        });
        match begun.await {
            Ok((root, watching, watched)) => {
                self.watching = Some(Arc::new(watching));
                self.files.is_watched.store(true, Ordering::Relaxed);
                self.complain(watched);
            }
            Err(fault) => {
                self.files.is_watched.store(false, Ordering::Relaxed);
                self.complain(Err(fault));
            }
        }
    }

    /// Says once what does not work.
    fn complain(&mut self, watched: Result<()>) {
        if let Err(fault) = watched
            && !std::mem::replace(&mut self.has_complained, true)
        {
            tracing::warn!(
                directory = ?self.files.root.path(),
                reason = %fault,
                "a directory is not watched in full: clients are not told of all changes in it. On \
                 Linux `sysctl fs.inotify` shows the limits; `exclude` keeps large directories out"
            );
        }
    }

    /// Looks at what is said to have changed.
    async fn look(&mut self) -> News {
        let (changes, lost) = self.heard.take();
        if lost {
            tracing::debug!("changes were lost: only the list is told to have changed");
        }
        let looked = blocking(&self.files, move |files| Ok(files.news(&changes))).await;
        let mut news = looked.unwrap_or_default();
        news.list |= lost;
        if lost || news.anew {
            self.begin().await;
            news.list = true;
        } else if let Some(watching) = &self.watching
            && !(news.dirs.is_empty() && news.gone.is_empty())
        {
            let watching = Arc::clone(watching);
            let (dirs, gone) = (
                std::mem::take(&mut news.dirs),
                std::mem::take(&mut news.gone),
            );
            let watched = blocking(&self.files, move |files| {
                gone.iter().for_each(|dir| watching.remove(files, dir));
                dirs.iter().try_for_each(|dir| watching.add(files, dir))
            });
            let watched = watched.await;
            self.complain(watched);
        }
        news
    }

    /// Sees whether the directory is still the one that is watched.
    async fn check(&mut self) -> News {
        let root = blocking(&self.files, |files| {
            let about = files.root.dir()?.dir_metadata();
            Ok(about.ok().map(|about| Stamp::of(&about).file()))
        });
        let root = root.await.ok().flatten();
        let list = root != self.root;
        if root.is_none() {
            (self.root, self.watching) = (None, None);
        } else if list || self.watching.is_none() {
            self.begin().await;
        }
        News {
            list,
            ..News::default()
        }
    }
}

impl Watching {
    /// Watches a directory and those in it. Each is watched before it is read: what comes into it
    /// is seen by one or the other.
    fn add(&self, files: &Files, path: &Path) -> Result<()> {
        if IS_RECURSIVE {
            return match path.as_os_str().is_empty() {
                true => self.add_one(files, path, RecursiveMode::Recursive),
                false => Ok(()),
            };
        }
        let mode = RecursiveMode::NonRecursive;
        self.add_one(files, path, mode)?;
        let Ok(start) = files.reach(&Place::found(path.to_owned()), LastLink::Keep) else {
            // Gone again.
            return Ok(());
        };
        let how = How {
            depth: MAX_DEPTH,
            after: None,
            keep: false,
        };
        let Ok(walk) = Walk::new(files, &start, how) else {
            return Ok(());
        };
        for step in walk.filter(|step| step.kind == Kind::Directory) {
            self.add_one(files, &step.path, mode)?;
        }
        Ok(())
    }

    fn add_one(&self, files: &Files, path: &Path, mode: RecursiveMode) -> Result<()> {
        let mut dirs = self.dirs.lock().unwrap_or_else(PoisonError::into_inner);
        if dirs.len() >= MAX_WATCHED {
            return Err(Fault::failed(format_args!(
                "there are more than {MAX_WATCHED} directories"
            )));
        }
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        match watcher.watch(&files.root.path().join(path), mode) {
            Ok(()) => {
                dirs.insert(path.to_owned());
                Ok(())
            }
            // Gone again.
            Err(error) if matches!(error.kind, notify::ErrorKind::PathNotFound) => Ok(()),
            Err(error) => Err(Fault::failed(format_args!(
                "after {} directories: {error}",
                dirs.len()
            ))),
        }
    }

    fn remove(&self, files: &Files, path: &Path) {
        let mut dirs = self.dirs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        // A directory that is no more takes those in it along.
        dirs.retain(|dir| {
            let is_gone = dir.starts_with(path);
            if is_gone {
                // The system may have done it already.
                let _ = watcher.unwatch(&files.root.path().join(dir));
            }
            !is_gone
        });
    }
}

impl Files {
    fn news(&self, changes: &HashMap<PathBuf, Change>) -> News {
        let mut news = News::default();
        for (path, change) in changes {
            self.look_at(path, *change, &mut news);
        }
        news
    }

    fn look_at(&self, path: &Path, change: Change, news: &mut News) {
        let Some(name) = path.file_name() else {
            // The directory itself: whether it is another one now is seen by the check, soon.
            news.list |= change.name;
            return;
        };
        if self.policy.reads_rules() && (name == ".gitignore" || name == ".ignore") {
            // Directories may have come into sight.
            news.anew = true;
            return;
        }
        let place = Place::found(path.to_owned());
        let reached = match self.reach(&place, LastLink::Keep) {
            // What is gone may have been a directory, for which other rules hold.
            Err(Fault::Refused(_)) => self.reach_new(&place, LastLink::Keep, true),
            reached => reached,
        };
        let reached = match reached {
            Ok(reached) => reached,
            Err(Fault::Refused(_)) => return,
            Err(_) => {
                news.list |= change.name;
                news.gone.push(path.to_owned());
                return;
            }
        };
        let stamp = reached
            .parent
            .dir_metadata()
            .ok()
            .map(|about| Stamp::of(&about));
        let is_file = reached.about.as_ref().is_some_and(Metadata::is_file);
        if change.name {
            // A file that took the place of another one of the same name is in the list already.
            let had_file = stamp.and_then(|dir| self.dirs.had_file(&dir, name));
            if !(is_file && had_file == Some(true)) {
                news.list = true;
                if let Some(dir) = &stamp {
                    self.dirs.forget(dir);
                }
            }
        }
        let uri = self.names.uri(path);
        match &reached.about {
            None => {
                news.updated.extend(uri);
                news.gone.push(path.to_owned());
            }
            Some(_) if is_file => news.updated.extend(uri),
            Some(about) if about.is_dir() && change.name => news.dirs.push(path.to_owned()),
            Some(_) => {}
        }
    }
}
