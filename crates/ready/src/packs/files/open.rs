//! [`Files`]: an open directory, which all tools and resources share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::dirs::KnownDirs;
use super::fault::{Fault, Result};
use super::options::Options;
use super::place::Names;
use super::policy::Policy;
use super::root::Root;
use super::rules::KnownRules;
use tokio::sync::Semaphore;

use crate::{Error, Surroundings};

/// How many walks through the directory may go on at a time.
const MAX_WALKS: usize = 4;

/// An open directory.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) root: Root,
    pub(super) policy: Policy,
    pub(super) names: Names,
    pub(super) rules: KnownRules,
    pub(super) dirs: KnownDirs,
    pub(super) hard_links: bool,
    /// Whether the pack's watch tells of changes, those through its own tools too.
    pub(super) is_watched: AtomicBool,
    pub(super) max_bytes: u64,
    pub(super) max_resource_bytes: u64,
    pub(super) max_time: Duration,
    /// How many walks may go on at a time; others wait.
    walks: Arc<Semaphore>,
    /// Held while a file is changed, so that two edits do not undo each other.
    pub(super) changing: Mutex<()>,
}

impl Files {
    pub(super) fn open(options: &Options, at: &Surroundings) -> crate::Result<Self> {
        let path = at.path(&options.path);
        let root = Root::open(&path).map_err(|error| {
            Error::unavailable(format_args!("the directory `{}`", path.display())).because(error)
        })?;
        let invalid = |why: String| Error::invalid(why);
        let names = Names::new(options.uri.as_deref(), root.path().to_owned())
            .map_err(|why| Error::invalid(format_args!("`uri`: {why}")))?;
        Ok(Self {
            policy: Policy::new(options).map_err(invalid)?,
            names,
            rules: KnownRules::default(),
            dirs: KnownDirs::default(),
            hard_links: options.hard_links,
            is_watched: AtomicBool::new(options.watch),
            max_bytes: options.max_bytes.clamp(1024, 64 << 20),
            max_resource_bytes: options.max_resource_bytes.clamp(1024, 256 << 20),
            max_time: Duration::from_secs(options.max_seconds.clamp(1, 300)),
            walks: Arc::new(Semaphore::new(MAX_WALKS)),
            changing: Mutex::new(()),
            root,
        })
    }
}

/// Does work with files on a thread that may wait for them.
pub(super) async fn blocking<T: Send + 'static>(
    files: &Arc<Files>,
    work: impl FnOnce(&Files) -> Result<T> + Send + 'static,
) -> Result<T> {
    let files = Arc::clone(files);
    let done = tokio::task::spawn_blocking(move || work(&files)).await;
    done.unwrap_or_else(|_| Err(Fault::failed("internal error")))
}

/// Walks through the directory on a thread that may wait for it. The walk ends when its time is
/// over, or when nobody waits for it any more.
pub(super) async fn walking<T: Send + 'static>(
    files: &Arc<Files>,
    work: impl FnOnce(&Files, &Stop) -> Result<T> + Send + 'static,
) -> Result<T> {
    let permit = Arc::clone(&files.walks).acquire_owned().await;
    let stop = Stop {
        at: Instant::now() + files.max_time,
        dropped: Arc::default(),
    };
    let _waiting = Waiting(Arc::clone(&stop.dropped));
    blocking(files, move |files| {
        let _permit = permit;
        work(files, &stop)
    })
    .await
}

/// When a walk has to end.
#[derive(Debug)]
pub(super) struct Stop {
    at: Instant,
    dropped: Arc<AtomicBool>,
}

impl Stop {
    pub(super) fn is_now(&self) -> bool {
        self.dropped.load(Ordering::Relaxed) || Instant::now() >= self.at
    }
}

struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
