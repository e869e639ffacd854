//! What outlives the process, where the store can keep it: sessions of the handshake revisions,
//! and the events of their streams.
//!
//! With a store that is not durable nothing in here runs.

pub(crate) mod keys;
mod sessions;
pub(crate) mod streams;

use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard};
use wharf_protocol::error::ErrorCode;
use wharf_state::{State, StateError};

use crate::era::Refusal;
use crate::principal::Principal;

const TURNS: usize = 64;

/// The durable store, and who may change a session in it.
#[derive(Debug)]
pub(crate) struct Durable {
    store: Arc<dyn State>,
    /// What is in the store and what is in memory change together, one change after the other:
    /// otherwise a session could be read from the store just before it is deleted, and live on.
    turns: Box<[Mutex<()>]>,
}

impl Durable {
    pub(crate) fn new(store: Arc<dyn State>) -> Self {
        Self {
            store,
            turns: (0..TURNS).map(|_| Mutex::default()).collect(),
        }
    }

    async fn turn(&self, session: u128) -> MutexGuard<'_, ()> {
        self.turns[session as usize % TURNS].lock().await
    }
}

/// Whose records those of a caller are.
fn owner(principal: Option<&Principal>) -> String {
    principal.map(Principal::binding).unwrap_or_default()
}

/// A request that needs the store, which fails: HTTP 503, or 429 where it is full. What the store
/// said is for the operator.
pub(crate) fn down(error: StateError) -> Refusal {
    tracing::error!(%error, "the store fails");
    let (status, message) = if error.is_full() {
        (429, "the server keeps as much as it can: try again later")
    } else {
        (503, "the server's store does not work now: try again later")
    };
    Refusal::new(status, ErrorCode::INTERNAL_ERROR, message)
}
