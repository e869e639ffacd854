//! [`MemoryStore`]: tokens that are gone with the process.

use std::collections::HashMap;
use std::fmt;
use std::future::ready;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Key, Lock, Store};
use crate::{Error, Pending, Secret};

/// Tokens that are gone with the process.
#[derive(Default)]
pub struct MemoryStore {
    values: Mutex<HashMap<Key, Secret>>,
    // One for all keys: nobody holds it for longer than a refresh.
    lock: Arc<tokio::sync::Mutex<()>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, change: impl FnOnce(&mut HashMap<Key, Secret>) -> T) -> T {
        change(&mut self.values.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store for MemoryStore {
    fn load<'a>(&'a self, key: &'a Key) -> Pending<'a, Result<Option<Secret>, Error>> {
        Box::pin(ready(Ok(self.with(|values| values.get(key).cloned()))))
    }

    fn save<'a>(&'a self, key: &'a Key, value: &'a Secret) -> Pending<'a, Result<(), Error>> {
        self.with(|values| values.insert(key.clone(), value.clone()));
        Box::pin(ready(Ok(())))
    }

    fn remove<'a>(&'a self, key: &'a Key) -> Pending<'a, Result<(), Error>> {
        self.with(|values| values.remove(key));
        Box::pin(ready(Ok(())))
    }

    fn lock<'a>(&'a self, _: &'a Key) -> Pending<'a, Result<Lock, Error>> {
        let lock = self.lock.clone();
        Box::pin(async move { Ok(Lock::new(lock.lock_owned().await)) })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}
