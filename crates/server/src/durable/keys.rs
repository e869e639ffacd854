//! The keys of sealed journals, kept so that the next process can open them.

use wharf_state::{Entry, Expected, Put, Record, Scope, State, StateError, Table};

use crate::ask::journal::{KeyRing, WeakSecret, fresh_secret};
use crate::error::{Error, Result};

/// Secrets of the server's own.
const KEYS: Table = Table("keys");
const JOURNALS: &str = "journals";

/// The keys that the store has; made and kept if it has none.
pub(crate) async fn kept(store: &dyn State) -> Result<KeyRing> {
    let found = store.get(KEYS, Scope::All, JOURNALS).await.map_err(down)?;
    if let Some(kept) = found {
        return read(&kept);
    }
    let secret = fresh_secret();
    let entry = Entry::new("", secret.to_vec());
    match store.put(KEYS, JOURNALS, Expected::Absent, entry).await {
        Ok(Put::Done(_)) => KeyRing::from_secret(&secret).map_err(weak),
        // Another one was faster.
        Ok(Put::Conflict(Some(kept))) => read(&kept),
        Ok(Put::Conflict(None)) => Err(Error::new("the store does not keep the server's keys")),
        Err(error) => Err(down(error)),
    }
}

fn read(kept: &Record) -> Result<KeyRing> {
    KeyRing::from_secret(&kept.value).map_err(weak)
}

fn weak(error: WeakSecret) -> Error {
    Error::from(error).context("the server's keys in the store")
}

fn down(error: StateError) -> Error {
    Error::from(error).context("the server's keys cannot be kept")
}
