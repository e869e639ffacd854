//! From a URL to a store.

use std::sync::Arc;

use crate::{Memory, State, StateError};

/// Opens the store that a URL names.
///
/// | URL | store |
/// |---|---|
/// | `memory:` | [`Memory`] with its default bounds |
///
/// # Errors
///
/// An unknown scheme, and whatever keeps the store from being opened, in words for the operator.
pub async fn open(url: &str) -> Result<Arc<dyn State>, StateError> {
    let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
    match scheme {
        "memory" if rest.is_empty() => Ok(Arc::new(Memory::new())),
        "memory" => Err(StateError::refused(
            "`memory:` takes nothing after the colon",
        )),
        "redis" | "rediss" | "postgres" | "postgresql" => Err(StateError::refused(format_args!(
            "stores of the kind `{scheme}:` are not built yet; known: `memory:`, `sqlite:PATH`"
        ))),
        _ => Err(StateError::refused(format_args!(
            "unknown kind of store `{}`; known: `memory:`, `sqlite:PATH`",
            scheme.escape_debug()
        ))),
    }
}
