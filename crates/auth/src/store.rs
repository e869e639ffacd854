//! [`Store`]: where tokens are kept.

use std::any::Any;
use std::sync::Arc;

use crate::{Error, Pending, Secret};

mod memory;
pub use memory::MemoryStore;

mod file;
pub use file::FileStore;

mod seal;

#[cfg(feature = "keyring")]
mod keyring;

/// Where tokens are kept: short texts under short keys.
///
/// [`MemoryStore`] forgets with the process. [`FileStore`] is a folder that only its owner can
/// read, sealed with a key of the system's keyring where there is one.
///
/// # Errors
///
/// Each method fails with an error of [`Error::store`] when it cannot read or write.
pub trait Store: Send + Sync + 'static {
    /// What is kept under a key.
    fn load<'a>(&'a self, key: &'a Key) -> Pending<'a, Result<Option<Secret>, Error>>;

    /// Keeps a value, in place of any before it. All of it is kept, or nothing of it.
    fn save<'a>(&'a self, key: &'a Key, value: &'a Secret) -> Pending<'a, Result<(), Error>>;

    /// Forgets a value. It is no error if there is none.
    fn remove<'a>(&'a self, key: &'a Key) -> Pending<'a, Result<(), Error>>;

    /// Waits for everybody else who has locked a key, in this process and in others, and keeps
    /// them waiting until the lock is dropped.
    ///
    /// A refresh token that may be used once needs it: two who use it at once lose the session.
    fn lock<'a>(&'a self, key: &'a Key) -> Pending<'a, Result<Lock, Error>>;
}

impl<T: Store + ?Sized> Store for Arc<T> {
    fn load<'a>(&'a self, key: &'a Key) -> Pending<'a, Result<Option<Secret>, Error>> {
        (**self).load(key)
    }

    fn save<'a>(&'a self, key: &'a Key, value: &'a Secret) -> Pending<'a, Result<(), Error>> {
        (**self).save(key, value)
    }

    fn remove<'a>(&'a self, key: &'a Key) -> Pending<'a, Result<(), Error>> {
        (**self).remove(key)
    }

    fn lock<'a>(&'a self, key: &'a Key) -> Pending<'a, Result<Lock, Error>> {
        (**self).lock(key)
    }
}

/// A lock of a [`Store`]: held until dropped.
#[must_use]
pub struct Lock(Option<Box<dyn Any + Send>>);

impl Lock {
    /// A lock that is held as long as a value lives.
    pub fn new(held: impl Any + Send) -> Self {
        Self(Some(Box::new(held)))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.take();
    }
}

impl std::fmt::Debug for Lock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lock")
    }
}

/// What a [`Store`] keeps something under.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// The tokens of an issuer for an MCP server.
    pub(crate) fn tokens(server: &str, issuer: &str) -> Self {
        Self(format!("tokens {server} {issuer}"))
    }

    /// The issuer that tokens for an MCP server were last got from.
    pub(crate) fn choice(server: &str) -> Self {
        Self(format!("choice {server}"))
    }

    /// The client that was registered with an issuer.
    pub(crate) fn client(issuer: &str) -> Self {
        Self(format!("client {issuer}"))
    }

    /// The key as text: what it is for, and addresses without spaces. Not a secret.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A secret as plain text in JSON, for what goes into a [`Store`] and nowhere else.
pub(crate) mod exposed {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::Secret;

    pub(crate) fn serialize<S: Serializer>(secret: &Secret, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(secret.expose())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
        String::deserialize(from).map(Secret::new)
    }

    /// The same, where there may be none.
    pub(crate) mod option {
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        use crate::Secret;

        pub(crate) fn serialize<S: Serializer>(
            secret: &Option<Secret>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            secret.as_ref().map(Secret::expose).serialize(to)
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<Secret>, D::Error> {
            Ok(Option::<String>::deserialize(from)?.map(Secret::new))
        }
    }
}
