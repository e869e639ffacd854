//! From a URL to a store.

use std::sync::Arc;

use crate::{Memory, State, StateError};

/// Opens the store that a URL names. Within a tokio runtime, which must outlive the store.
///
/// | URL | store |
/// |---|---|
/// | `memory:` | [`Memory`] with its default bounds |
/// | `sqlite:PATH` | `Sqlite`, with the feature `sqlite`; the file is made if it is not there |
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
        "sqlite" => sqlite(rest.strip_prefix("//").unwrap_or(rest)).await,
        "redis" | "rediss" | "postgres" | "postgresql" => Err(StateError::refused(format_args!(
            "stores of the kind `{scheme}:` are not built yet; known: {KNOWN}"
        ))),
        _ => Err(StateError::refused(format_args!(
            "unknown kind of store `{}`; known: {KNOWN}",
            scheme.escape_debug()
        ))),
    }
}

#[cfg(feature = "sqlite")]
const KNOWN: &str = "`memory:`, `sqlite:PATH`";
#[cfg(not(feature = "sqlite"))]
const KNOWN: &str = "`memory:`";

#[cfg(feature = "sqlite")]
async fn sqlite(path: &str) -> Result<Arc<dyn State>, StateError> {
    if path.is_empty() || path == ":memory:" {
        return Err(StateError::refused(
            "`sqlite:` needs the path of a file; what is not to be kept goes into `memory:`",
        ));
    }
    Ok(Arc::new(crate::Sqlite::open(path).await?))
}

#[cfg(not(feature = "sqlite"))]
async fn sqlite(_: &str) -> Result<Arc<dyn State>, StateError> {
    Err(StateError::refused(
        "this program was built without the feature `sqlite`; known: `memory:`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refusal(url: &str) -> String {
        let error = open(url).await.expect_err(url);
        assert!(error.is_refused(), "{url}");
        error.to_string()
    }

    #[test]
    fn a_store_can_be_opened_by_any_task() {
        fn is_send<T: Send>(_: T) {}
        is_send(open("memory:"));
    }

    #[tokio::test]
    async fn a_url_names_a_store() {
        assert!(!open("memory:").await.unwrap().is_durable());
        assert!(!open("memory").await.unwrap().is_durable());
        assert!(refusal("memory:x").await.contains("nothing after"));
        for unknown in ["", "mongo:x", "/var/lib/wharf.db", "\u{1b}[31m:"] {
            let message = refusal(unknown).await;
            assert!(message.contains("`memory:`"), "{message}");
            assert!(!message.contains('\u{1b}'));
        }
        for planned in ["redis://host", "postgres://user:secret@host/db"] {
            let message = refusal(planned).await;
            assert!(message.contains("not built yet"), "{message}");
            assert!(!message.contains("secret"));
        }
        if cfg!(feature = "sqlite") {
            assert!(refusal("sqlite:").await.contains("path"));
            assert!(refusal("sqlite::memory:").await.contains("`memory:`"));
        } else {
            assert!(refusal("sqlite:x").await.contains("feature `sqlite`"));
        }
    }
}
