//! What goes into a store and comes out of it.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

/// Which records belong together. Constants of this type live with those who use them.
///
/// ```
/// const SESSIONS: wharf_state::Table = wharf_state::Table("sessions");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Table(pub &'static str);

/// Whose records are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// Those of this owner. `""` is everybody who is not authenticated, together.
    Of(&'a str),
    /// Everybody's: for the server's own work, never for a caller's.
    All,
}

impl Scope<'_> {
    /// Whether what belongs to this owner is in the scope.
    pub fn covers(&self, owner: &str) -> bool {
        match self {
            Self::Of(own) => *own == owner,
            Self::All => true,
        }
    }
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An owner can be an e-mail address: it is not for every log.
        f.write_str(match self {
            Self::Of(_) => "Of(..)",
            Self::All => "All",
        })
    }
}

/// What the writer of a record has seen of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// There is none. One that has expired counts as none.
    Absent,
    /// It had this version.
    Version(u64),
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Put {
    /// It is written, and has this version now.
    Done(u64),
    /// Something else is there than was expected: this, or nothing that the entry's owner may see.
    Conflict(Option<Record>),
}

/// A record to be written.
#[derive(Clone)]
pub struct Entry<'a> {
    /// Whose it is. `""` for everybody who is not authenticated.
    pub owner: &'a str,
    /// What it says; no business of the store.
    pub value: Bytes,
    /// From when on it is absent. `None`: never.
    pub expires: Option<SystemTime>,
    /// The lease under which it is written, if it may only be written under one.
    pub fence: Option<Fence>,
}

impl<'a> Entry<'a> {
    /// An entry that does not expire and needs no lease.
    pub fn new(owner: &'a str, value: impl Into<Bytes>) -> Self {
        Self {
            owner,
            value: value.into(),
            expires: None,
            fence: None,
        }
    }

    /// Says from when on the record is absent.
    #[must_use]
    pub fn expires(mut self, at: SystemTime) -> Self {
        self.expires = Some(at);
        self
    }

    /// Writes only if this lease is still current.
    #[must_use]
    pub fn fence(mut self, fence: Fence) -> Self {
        self.fence = Some(fence);
        self
    }
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("bytes", &self.value.len())
            .field("expires", &self.expires)
            .field("fence", &self.fence)
            .finish_non_exhaustive()
    }
}

/// A record as it was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// What it says.
    pub value: Bytes,
    /// Grows with every write; for [`Expected::Version`].
    pub version: u64,
    /// Its place in [`State::list`](crate::State::list), from its first write on. Greater than 0.
    pub seq: u64,
    /// Whose it is.
    pub owner: Arc<str>,
    /// From when on it is absent. Stores may keep no more than milliseconds of it.
    pub expires: Option<SystemTime>,
}

impl Record {
    /// Whether it counts as absent at this time.
    pub fn is_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the value nor the owner is for a log.
        f.debug_struct("Record")
            .field("bytes", &self.value.len())
            .field("version", &self.version)
            .field("seq", &self.seq)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// The number of a lease. It grows from holder to holder, so a late writer is told from the holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u64);
