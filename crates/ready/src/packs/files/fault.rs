//! [`Fault`]: why something of the directory cannot be had.

use std::fmt;
use std::io;

/// Why something of the directory cannot be had, in words for a client: never a path outside.
#[derive(Debug)]
pub(super) enum Fault {
    /// There is no such file.
    Missing(String),
    /// The path leads where this pack does not go, or to what it leaves out.
    Refused(String),
    /// It is there and cannot be done.
    Failed(String),
}

pub(super) type Result<T, E = Fault> = std::result::Result<T, E>;

impl Fault {
    pub(super) fn refused(message: impl fmt::Display) -> Self {
        Self::Refused(message.to_string())
    }

    pub(super) fn failed(message: impl fmt::Display) -> Self {
        Self::Failed(message.to_string())
    }

    /// What the system said of `what`.
    pub(super) fn io(what: impl fmt::Display, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing(format!("{what}: there is no such file")),
            kind => Self::Failed(format!("{what}: {kind}")),
        }
    }

    /// The same for a resource: what is left out is not there.
    pub(super) fn of_resource(self, uri: &str) -> wharf::Error {
        match self {
            Self::Missing(_) | Self::Refused(_) => wharf::Error::not_found(uri),
            Self::Failed(message) => wharf::Error::new(message),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Missing(message) | Self::Refused(message) | Self::Failed(message)) = self;
        f.write_str(message)
    }
}

impl std::error::Error for Fault {}
