//! Reading a directory again when something in it has changed.

use std::ffi::OsString;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use crate::Running;

/// How long it must have been quiet before the directory is read.
const QUIET: Duration = Duration::from_millis(150);
/// It is read all the same after this.
const AT_MOST: Duration = Duration::from_secs(2);

/// What is changed by reading the directory again.
pub(super) trait Reload: Send + 'static {
    /// Reads the directory. Called after changes, never at once after another one.
    fn reload(&mut self) -> impl Future<Output = ()> + Send;
}

/// Reads a directory again whenever something beneath it has changed, or the directory itself has
/// been exchanged for another one. `None`, and a line in the log, where the system cannot watch.
pub(super) fn watching(path: &Path, mut reload: impl Reload) -> Option<Running> {
    let mut watching = match Watching::new(path) {
        Ok(watching) => watching,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "changes are not seen until the next start");
            return None;
        }
    };
    Some(Running::spawn(async move {
        loop {
            watching.changed().await;
            reload.reload().await;
        }
    }))
}

struct Watching {
    watcher: RecommendedWatcher,
    path: PathBuf,
    /// Holds one permit at most: a hundred changes are no more than one.
    something: Arc<Notify>,
}

impl Watching {
    fn new(path: &Path) -> notify::Result<Self> {
        let path = std::path::absolute(path)?;
        let something = Arc::new(Notify::new());
        let tell = Arc::clone(&something);
        let name = path.file_name().map(OsString::from);
        let whole = path.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // What the system could not say may be anything.
            if event.map_or(true, |event| concerns(&event, &whole, name.as_ref())) {
                tell.notify_one();
            }
        })?;
        let mut watching = Self {
            watcher,
            path,
            something,
        };
        watching.look()?;
        Ok(watching)
    }

    /// Watches what is at the path now; its parent too, which says when it is exchanged.
    fn look(&mut self) -> notify::Result<()> {
        // There is nothing to forget at first, and after the directory was gone.
        let _ = self.watcher.unwatch(&self.path);
        if let Some(parent) = self.path.parent() {
            self.watcher.watch(parent, RecursiveMode::NonRecursive)?;
        }
        self.watcher.watch(&self.path, RecursiveMode::Recursive)
    }

    /// Waits for a change, and for the changes that come with it.
    async fn changed(&mut self) {
        self.something.notified().await;
        let _ = tokio::time::timeout(AT_MOST, async {
            while tokio::time::timeout(QUIET, self.something.notified())
                .await
                .is_ok()
            {}
        })
        .await;
        // While it is gone, its parent is watched, and says when it is back.
        if let Err(error) = self.look() {
            tracing::debug!(path = %self.path.display(), %error, "there is nothing to watch");
        }
    }
}

/// Whether it is a change, and one of the directory: reading is none, and the directory's
/// neighbours are none of its own.
fn concerns(event: &Event, path: &Path, name: Option<&OsString>) -> bool {
    let is_change = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    };
    let is_own = |changed: &PathBuf| {
        // What is in the parent itself is a neighbour, if it has another name. Some systems give
        // other paths for the same places, and then everything is taken for the directory's own.
        changed
            .parent()
            .is_none_or(|parent| Some(parent) != path.parent())
            || changed.file_name() == name.map(OsString::as_os_str)
    };
    is_change && (event.paths.is_empty() || event.paths.iter().any(is_own) || event.need_rescan())
}
