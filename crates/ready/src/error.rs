//! [`Error`]: why a pack cannot be opened.

use std::fmt;

/// What the functions of this crate give.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something ready-made cannot be had. Names what is wrong and where; never a secret.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Invalid,
    Unavailable,
}

impl Error {
    /// The options are wrong: only who wrote them can mend it.
    pub fn invalid(message: impl fmt::Display) -> Self {
        Self::of(Kind::Invalid, message)
    }

    /// What the options name is not there, or not to be had.
    pub fn unavailable(message: impl fmt::Display) -> Self {
        Self::of(Kind::Unavailable, message)
    }

    fn of(kind: Kind, message: impl fmt::Display) -> Self {
        Self {
            kind,
            message: message.to_string(),
            source: None,
        }
    }

    /// Adds what it comes from, whose text becomes a part of the message.
    #[must_use]
    pub fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.message = format!("{}: {source}", self.message);
        self.source = Some(Box::new(source));
        self
    }

    /// Says in front what it is about.
    #[must_use]
    pub fn context(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Whether the options are wrong.
    pub fn is_invalid(&self) -> bool {
        self.kind == Kind::Invalid
    }

    /// Whether something is not there, or not to be had.
    pub fn is_unavailable(&self) -> bool {
        self.kind == Kind::Unavailable
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<wharf::Error> for Error {
    fn from(error: wharf::Error) -> Self {
        Self::invalid(error.message())
    }
}
