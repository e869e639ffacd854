//! [`FileStore`]: tokens in a folder that only its owner can read.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::seal::{KEY, Seal};
use super::{Key, Lock, Store};
use crate::{Error, Pending, Secret, random};

/// No value is larger, in bytes.
const LARGEST: u64 = 256 * 1024;
/// How long one waits for another who holds a lock: longer than any refresh.
const LOCKED: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Tokens in a folder that only its owner can read: a file for each key.
///
/// The folder has mode 0700 and its files 0600; elsewhere than on Unix they have what the folder
/// above gives them. A file is replaced as a whole. Several processes may use one folder.
#[derive(Clone)]
pub struct FileStore {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    seal: Option<Seal>,
}

/// A file's content.
#[derive(Serialize, Deserialize)]
struct Content {
    /// Of what; so that whoever looks into the folder can tell.
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<String>,
}

impl FileStore {
    /// A folder, made if it is not there. Values are in it as plain text.
    ///
    /// # Errors
    ///
    /// The folder cannot be made, or others can read it and that cannot be changed.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::with(folder.into(), None)
    }

    /// A folder whose values are sealed (AES-256-GCM) with a key of 32 random bytes. Values that
    /// were put there in plain text are read, and sealed when they are next written.
    ///
    /// # Errors
    ///
    /// As those of [`open`](Self::open).
    pub fn sealed(folder: impl Into<PathBuf>, key: &[u8; KEY]) -> Result<Self, Error> {
        Self::with(folder.into(), Some(Seal::new(key)?))
    }

    /// Whether values are sealed.
    pub fn is_sealed(&self) -> bool {
        self.inner.seal.is_some()
    }

    fn with(folder: PathBuf, seal: Option<Seal>) -> Result<Self, Error> {
        private_folder(&folder).map_err(|e| failed(&folder, "used", e))?;
        Ok(Self {
            inner: Arc::new(Inner { folder, seal }),
        })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let inner = self.inner.clone();
        tokio::task::spawn_blocking(move || work(&inner))
            .await
            .map_err(|e| Error::store("the token store broke off").with_source(e))?
    }
}

impl Inner {
    fn path(&self, key: &Key, extension: &str) -> PathBuf {
        let name = random::sha256(key.as_str().as_bytes());
        self.folder.join(format!("{name}.{extension}"))
    }

    fn load(&self, key: &Key) -> Result<Option<Secret>, Error> {
        let path = self.path(key, "json");
        let mut text = zeroize::Zeroizing::new(String::new());
        match File::open(&path) {
            Ok(file) => file
                .take(LARGEST)
                .read_to_string(&mut text)
                .map_err(|e| failed(&path, "read", e))?,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed(&path, "read", e)),
        };
        let content: Content = serde_json::from_str(&text).map_err(|_| {
            Error::store(format_args!("{} is damaged", path.display()))
                .with_next_step("remove it and sign in again")
        })?;
        if content.key != key.as_str() {
            return Err(Error::store(format_args!(
                "{} is of something else",
                path.display()
            )));
        }
        match (content.value, content.sealed, &self.seal) {
            (Some(value), None, _) => Ok(Some(Secret::new(value))),
            (None, Some(sealed), Some(seal)) => seal.open(key.as_str(), &sealed).map(Some),
            (None, Some(_), None) => Err(Error::store(format_args!(
                "{} is sealed with a key of the system's keyring",
                path.display()
            ))
            .with_next_step("use the keyring, or remove the file and sign in again")),
            _ => Err(Error::store(format_args!("{} is damaged", path.display()))),
        }
    }

    fn save(&self, key: &Key, value: &Secret) -> Result<(), Error> {
        let content = Content {
            key: key.as_str().to_owned(),
            value: self.seal.is_none().then(|| value.expose().to_owned()),
            sealed: match &self.seal {
                Some(seal) => Some(seal.close(key.as_str(), value)?),
                None => None,
            },
        };
        let text = serde_json::to_vec(&content)
            .map_err(|e| Error::store("the token cannot be written").with_source(e))?;
        let text = zeroize::Zeroizing::new(text);
        let path = self.path(key, "json");
        if text.len() as u64 > LARGEST {
            return Err(Error::store(format_args!(
                "more than {LARGEST} bytes to keep"
            )));
        }
        let fresh = self.path(key, &format!("{}.tmp", random::text::<9>()?));
        let written = (|| {
            let mut file = private_file().create_new(true).open(&fresh)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&fresh, &path)?;
            sync_folder(&self.folder)
        })();
        written.map_err(|e| {
            let _ = fs::remove_file(&fresh);
            failed(&path, "written", e)
        })
    }

    fn remove(&self, key: &Key) -> Result<(), Error> {
        let path = self.path(key, "json");
        match fs::remove_file(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(failed(&path, "removed", e)),
            _ => Ok(()),
        }
    }

    /// A lock file is never removed: who waits for it has it open.
    fn try_lock(&self, key: &Key) -> Result<Option<File>, Error> {
        let path = self.path(key, "lock");
        let file = private_file()
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|e| failed(&path, "opened", e))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(failed(&path, "locked", e)),
        }
    }
}

impl Store for FileStore {
    fn load<'a>(&'a self, key: &'a Key) -> Pending<'a, Result<Option<Secret>, Error>> {
        let key = key.clone();
        Box::pin(self.run(move |inner| inner.load(&key)))
    }

    fn save<'a>(&'a self, key: &'a Key, value: &'a Secret) -> Pending<'a, Result<(), Error>> {
        let (key, value) = (key.clone(), value.clone());
        Box::pin(self.run(move |inner| inner.save(&key, &value)))
    }

    fn remove<'a>(&'a self, key: &'a Key) -> Pending<'a, Result<(), Error>> {
        let key = key.clone();
        Box::pin(self.run(move |inner| inner.remove(&key)))
    }

    fn lock<'a>(&'a self, key: &'a Key) -> Pending<'a, Result<Lock, Error>> {
        Box::pin(async move {
            let end = Instant::now() + LOCKED;
            loop {
                let wanted = key.clone();
                if let Some(file) = self.run(move |inner| inner.try_lock(&wanted)).await? {
                    return Ok(Lock::new(file));
                }
                if Instant::now() >= end {
                    return Err(Error::store("another process holds the token store")
                        .with_next_step("end it, and try again"));
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        })
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("folder", &self.inner.folder)
            .field("is_sealed", &self.inner.seal.is_some())
            .finish()
    }
}

fn failed(path: &Path, what: &str, error: io::Error) -> Error {
    Error::store(format_args!("{} cannot be {what}", path.display())).with_source(error)
}

#[cfg(unix)]
fn private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};

    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let mode = fs::metadata(folder)?.permissions().mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
