//! [`Watch`]: says when a file has changed.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::{Instant, sleep, timeout};

/// How long a file must be left alone before it is read: editors write in several steps.
const QUIET: Duration = Duration::from_millis(100);
/// How long that is waited for at most.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often is looked without being told, for file systems that tell nothing.
const EVERY: Duration = Duration::from_secs(2);

/// Watches a file by its directory, so that one that is replaced, deleted or made again is seen,
/// and one behind a link too.
#[derive(Debug)]
pub struct Watch {
    path: PathBuf,
    seen: Option<Stamp>,
    hints: Receiver<()>,
    _watcher: Option<RecommendedWatcher>,
}

/// What tells two states of a file apart without reading it; `None` for a file that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    changed: Option<SystemTime>,
    length: u64,
    /// A file that takes another one's place is another one.
    inode: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let about = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&about);
        #[cfg(not(unix))]
        let inode = 0;
        Some(Self {
            changed: about.modified().ok(),
            length: about.len(),
            inode,
        })
    }
}

impl Watch {
    /// Watches a file from now on. Where the system has no notices, it is looked at every two
    /// seconds.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let (hint, hints) = channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let only_read = event.as_ref().is_ok_and(|event| event.kind.is_access());
            if !only_read {
                // One hint is as good as many.
                let _ = hint.try_send(());
            }
        });
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let watcher = watcher.and_then(|mut watcher| {
            watcher.watch(directory, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        let watcher = watcher
            .inspect_err(
                |error| tracing::debug!(%error, "changes are looked for every two seconds"),
            )
            .ok();
        Self {
            seen: Stamp::of(&path),
            path,
            hints,
            _watcher: watcher,
        }
    }

    /// Waits until the file has changed, came or went, and is left alone. Cancel safe.
    pub async fn changed(&mut self) {
        loop {
            // Without a watcher there are no hints, and only time passes.
            if let Ok(None) = timeout(EVERY, self.hints.recv()).await {
                sleep(EVERY).await;
            }
            if Stamp::of(&self.path) == self.seen {
                continue;
            }
            self.seen = self.settled().await;
            return;
        }
    }

    /// The state of the file once it stays the same for a moment.
    async fn settled(&self) -> Option<Stamp> {
        let begin = Instant::now();
        let mut before = Stamp::of(&self.path);
        loop {
            sleep(QUIET).await;
            let now = Stamp::of(&self.path);
            if now == before || begin.elapsed() > PATIENCE {
                return now;
            }
            before = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_file_that_is_written_replaced_deleted_and_made_again_has_changed() {
        let dir = std::env::temp_dir().join(format!("wharf-watch-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a directory");
        let file = dir.join("wharf.toml");
        std::fs::write(&file, "a").expect("written");
        let mut watch = Watch::new(&file);
        for step in 0..4 {
            match step {
                0 => std::fs::write(&file, "ab").expect("written"),
                1 => {
                    // As editors save.
                    std::fs::write(dir.join("other"), "xy").expect("written");
                    std::fs::rename(dir.join("other"), &file).expect("renamed");
                }
                2 => std::fs::remove_file(&file).expect("removed"),
                _ => std::fs::write(&file, "xy").expect("written"),
            }
            timeout(LONG, watch.changed())
                .await
                .unwrap_or_else(|_| panic!("step {step}"));
        }
        std::fs::write(dir.join("neighbour"), "x").expect("written");
        let quiet = timeout(Duration::from_millis(300), watch.changed()).await;
        quiet.expect_err("nothing of the file has changed");
        drop(watch);
        std::fs::remove_dir_all(dir).expect("removed");
    }
}
