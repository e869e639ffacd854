//! The calls that run in a session or on a connection, by id.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;
use wharf_protocol::envelope::IdBuf;

/// Only calls that wait for something are in here: one that is ready at once needs no entry.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    running: Mutex<HashMap<IdBuf, AbortHandle>>,
}

impl Calls {
    fn lock(&self) -> MutexGuard<'_, HashMap<IdBuf, AbortHandle>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many run.
    pub(crate) fn running(&self) -> usize {
        self.lock().len()
    }

    /// Whether a call of this id runs.
    pub(crate) fn contains(&self, id: &IdBuf) -> bool {
        self.lock().contains_key(id)
    }

    /// Remembers a running call, so that it can be cancelled. A second one with the id of one
    /// that runs is aborted, and the answer is `false`.
    pub(crate) fn insert(&self, id: IdBuf, abort: AbortHandle) -> bool {
        match self.lock().entry(id) {
            Entry::Occupied(_) => {
                abort.abort();
                false
            }
            Entry::Vacant(place) => {
                place.insert(abort);
                true
            }
        }
    }

    /// Forgets a call that ended.
    pub(crate) fn remove(&self, id: &IdBuf) {
        self.lock().remove(id);
    }

    /// Drops a running call: its handler stops where it waits, and no answer is sent.
    pub(crate) fn cancel(&self, id: &IdBuf) -> bool {
        let running = self.lock().remove(id);
        running.map(|abort| abort.abort()).is_some()
    }

    /// Drops all.
    pub(crate) fn cancel_all(&self) {
        let all = std::mem::take(&mut *self.lock());
        all.into_values().for_each(|abort| abort.abort());
    }
}
