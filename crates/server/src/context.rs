//! What a handler holds while it runs.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

/// What a handler holds while it runs: the server's state and the way to the client.
///
/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Context {
    states: Arc<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Context {
    /// The state of this type that the server was given, if any.
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.states.get(&TypeId::of::<T>()).and_then(|state| Arc::clone(state).downcast().ok())
    }
}
