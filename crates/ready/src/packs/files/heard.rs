//! [`Heard`]: what the watcher has said since it was last asked.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use notify::event::{Event, EventKind, ModifyKind, RenameMode};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

/// How many paths are kept until they are told. With more, only the list is told to have changed.
const MAX_PATHS: usize = 10_000;

/// How long it must be quiet before changes are told.
const QUIET: Duration = Duration::from_millis(50);

/// How long changes wait at most.
const LATEST: Duration = Duration::from_millis(250);

/// What happened to a path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// It came or went, or something took its place.
    pub(super) name: bool,
}

/// What the watcher has said since it was last asked. Filled by its thread.
#[derive(Debug, Default)]
pub(super) struct Heard {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    changes: HashMap<PathBuf, Change>,
    lost: bool,
    events: u64,
}

impl Heard {
    /// Takes in an event of a watcher of the directory `root`.
    pub(super) fn add(&self, root: &Path, event: notify::Result<Event>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Ok(event) if event.need_rescan() => state.lost = true,
            Ok(event) => match change(event.kind) {
                None => return,
                Some(change) => {
                    for path in &event.paths {
                        if let Ok(path) = path.strip_prefix(root) {
                            state.add(path, change);
                        }
                    }
                }
            },
            Err(error) => {
                tracing::warn!(%error, "watching a directory failed");
                state.lost = true;
            }
        }
        state.events += 1;
        drop(state);
        self.wake.notify_one();
    }

    /// Waits for changes, and then until it is quiet. Cancel safe.
    pub(super) async fn wait(&self) {
        self.wake.notified().await;
        // A wake that is taken and then cancelled would be lost otherwise.
        let again = Again(&self.wake);
        let began = Instant::now();
        loop {
            let before = self.events();
            sleep(QUIET).await;
            if self.events() == before || began.elapsed() >= LATEST {
                std::mem::forget(again);
                return;
            }
        }
    }

    /// The paths that changed, and whether some were lost.
    pub(super) fn take(&self) -> (HashMap<PathBuf, Change>, bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (
            std::mem::take(&mut state.changes),
            std::mem::take(&mut state.lost),
        )
    }

    fn events(&self) -> u64 {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .events
    }
}

struct Again<'a>(&'a Notify);

impl Drop for Again<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl State {
    fn add(&mut self, path: &Path, change: Change) {
        if let Some(known) = self.changes.get_mut(path) {
            known.name |= change.name;
        } else if self.changes.len() < MAX_PATHS {
            self.changes.insert(path.to_owned(), change);
        } else {
            self.lost = true;
        }
    }
}

/// What an event means, if it means anything here: reading and permissions do not.
fn change(kind: EventKind) -> Option<Change> {
    let name = match kind {
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)) => return None,
        // Both halves were told before.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) if cfg!(target_os = "linux") => {
            return None;
        }
        EventKind::Modify(ModifyKind::Data(_)) => false,
        _ => true,
    };
    Some(Change { name })
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, Flag};

    use super::*;

    #[test]
    fn paths_are_kept_once_and_within_bounds() {
        let heard = Heard::default();
        let add = |kind, path: String| {
            heard.add(Path::new("/r"), Ok(Event::new(kind).add_path(path.into())))
        };
        let data = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        add(data, "/r/a".into());
        add(EventKind::Create(CreateKind::File), "/r/a".into());
        add(data, "/r/a".into());
        add(data, "/r_evil/a".into());
        assert_eq!(
            heard.take(),
            (HashMap::from([("a".into(), Change { name: true })]), false)
        );
        for n in 0..=MAX_PATHS {
            add(data, format!("/r/{n}"));
        }
        let (changes, lost) = heard.take();
        assert!(changes.len() == MAX_PATHS && lost);
        heard.add(
            Path::new("/r"),
            Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)),
        );
        assert_eq!(heard.take(), (HashMap::new(), true));
    }
}
