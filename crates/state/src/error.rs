//! [`StateError`]: what a store says when it cannot.

use std::error::Error as StdError;
use std::fmt;

/// Why a store could not do what was asked.
///
/// The message holds no value and no owner of a record.
pub struct StateError {
    // Boxed: results stay as small as what they carry.
    inner: Box<Inner>,
}

struct Inner {
    kind: Kind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unavailable,
    Full,
    Refused,
}

impl StateError {
    /// The store cannot be reached or does not work.
    pub fn unavailable(message: impl fmt::Display) -> Self {
        Self::with_kind(Kind::Unavailable, message)
    }

    /// There is no room.
    pub fn full(message: impl fmt::Display) -> Self {
        Self::with_kind(Kind::Full, message)
    }

    /// What was asked for makes no sense to a store.
    pub fn refused(message: impl fmt::Display) -> Self {
        Self::with_kind(Kind::Refused, message)
    }

    fn with_kind(kind: Kind, message: impl fmt::Display) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.to_string(),
                source: None,
            }),
        }
    }

    /// Adds what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// The same for another who waited for the same thing; without the source, which cannot be
    /// copied.
    #[cfg(feature = "sqlite")]
    pub(crate) fn again(&self) -> Self {
        Self::with_kind(self.inner.kind, &self.inner.message)
    }

    /// The store cannot be reached or does not work: the same may work later.
    pub fn is_unavailable(&self) -> bool {
        self.inner.kind == Kind::Unavailable
    }

    /// There is no room: the same may work when something has been removed.
    pub fn is_full(&self) -> bool {
        self.inner.kind == Kind::Full
    }

    /// What was asked for makes no sense to the store: the same never works.
    pub fn is_refused(&self) -> bool {
        self.inner.kind == Kind::Refused
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl fmt::Debug for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateError")
            .field("kind", &self.inner.kind)
            .field("message", &self.inner.message)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl StdError for StateError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.inner.source.as_deref()?;
        Some(source)
    }
}
