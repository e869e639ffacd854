//! The key of a sealed [`FileStore`], in the system's keyring: Keychain, Credential Manager, or
//! the Secret Service.
//!
//! Only the key is there: a keyring has limits on the size of a value, asks the person for each
//! value that it gives out, and locks nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Error as KeyringError};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::seal::KEY;
use super::{FileStore, Key, Store};
use crate::{Error, random};

const SERVICE: &str = "wharf";
const USER: &str = "key of the token store";
/// A keyring may ask the person to unlock it.
const UNLOCK: Duration = Duration::from_secs(120);

type SealKey = Zeroizing<[u8; KEY]>;

impl FileStore {
    /// A folder as of [`sealed`](Self::sealed), with a key in the system's keyring, which is made
    /// if it is not there; as of [`open`](Self::open) where there is no keyring.
    /// [`is_sealed`](Self::is_sealed) tells which.
    ///
    /// May wait up to 2 minutes for a person who unlocks the keyring.
    ///
    /// # Errors
    ///
    /// As those of [`open`](Self::open); there is a keyring, and it does not give the key.
    pub async fn in_keyring(folder: impl Into<PathBuf>) -> Result<Self, Error> {
        let folder = folder.into();
        let plain = Self::open(&folder)?;
        // Two processes that make a key at once would each seal with its own.
        let _lock = plain.lock(&Key::choice("the key of the store")).await?;
        match key().await? {
            Some(key) => Self::sealed(folder, &key),
            None => Ok(plain),
        }
    }
}

/// The key; `None` where there is no keyring.
async fn key() -> Result<Option<SealKey>, Error> {
    let (reply, answer) = oneshot::channel();
    // A thread of its own: it may wait for a person, and must not hold up the runtime's end.
    std::thread::Builder::new()
        .name("keyring".to_owned())
        .spawn(move || {
            let _ = reply.send(read());
        })
        .map_err(|e| Error::store("the keyring cannot be asked").with_source(e))?;
    match tokio::time::timeout(UNLOCK, answer).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(Error::store("the keyring broke off")),
        Err(_) => Err(Error::store("the keyring was not unlocked in time")
            .with_next_step("unlock it, and try again")),
    }
}

fn read() -> Result<Option<SealKey>, Error> {
    let keyring = match system() {
        Ok(keyring) => keyring,
        Err(error) => {
            tracing::debug!(%error, "there is no keyring here: tokens are kept in plain files");
            return Ok(None);
        }
    };
    let failed = |error: KeyringError| {
        Error::store(format_args!(
            "the system's keyring does not give the key of the token store: {error}"
        ))
        .with_next_step("unlock the keyring, or keep tokens in plain files")
    };
    let entry = keyring.build(SERVICE, USER, None).map_err(failed)?;
    match entry.get_secret() {
        Ok(bytes) => read_key(Zeroizing::new(bytes)).map(Some),
        Err(KeyringError::NoEntry) => make(&entry).map(Some),
        Err(error) => Err(failed(error)),
    }
}

fn read_key(bytes: Zeroizing<Vec<u8>>) -> Result<SealKey, Error> {
    let key = <[u8; KEY]>::try_from(bytes.as_slice());
    key.map(Zeroizing::new).map_err(|_| {
        Error::store("the key of the token store in the system's keyring is not one of ours")
            .with_next_step("remove it there, and sign in again")
    })
}

fn make(entry: &Entry) -> Result<SealKey, Error> {
    let key = random::bytes::<KEY>()?;
    entry.set_secret(&*key).map_err(|error| {
        Error::store(format_args!(
            "the system's keyring does not keep the key of the token store: {error}"
        ))
        .with_next_step("unlock the keyring, or keep tokens in plain files")
    })?;
    Ok(key)
}

type Keyring = Arc<dyn CredentialStoreApi + Send + Sync>;

#[cfg(target_os = "macos")]
fn system() -> Result<Keyring, KeyringError> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
fn system() -> Result<Keyring, KeyringError> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(all(
    unix,
    not(any(target_os = "macos", target_os = "ios", target_os = "android"))
))]
fn system() -> Result<Keyring, KeyringError> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(not(any(windows, all(unix, not(any(target_os = "ios", target_os = "android"))))))]
fn system() -> Result<Keyring, KeyringError> {
    Err(KeyringError::NoDefaultStore)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_32_bytes() {
        assert!(read_key(Zeroizing::new(vec![1; KEY])).is_ok());
        for length in [0, 31, 33] {
            let error = read_key(Zeroizing::new(vec![1; length])).unwrap_err();
            assert!(error.is_store() && error.next_step().is_some());
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn where_there_is_no_keyring_files_are_plain() {
        const CHILD: &str = "WHARF_AUTH_TEST_KEYRING";
        if let Some(folder) = std::env::var_os(CHILD) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let store = runtime.unwrap().block_on(FileStore::in_keyring(folder));
            assert!(!store.unwrap().is_sealed());
            return;
        }
        let folder =
            std::env::temp_dir().join(format!("wharf-auth-keyring-{}", std::process::id()));
        let name = "store::keyring::tests::where_there_is_no_keyring_files_are_plain";
        let done = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(CHILD, &folder)
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        std::fs::remove_dir_all(folder).unwrap();
    }

    /// A session bus and a keyring of its own, where the two programs are installed.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_real_keyring_holds_the_key_and_files_are_sealed_with_it() {
        use crate::{Secret, Store as _};

        const CHILD: &str = "WHARF_AUTH_TEST_REAL_KEYRING";
        const TOKEN: &str = "a token that stands in no file";
        let runtime = || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build().unwrap()
        };
        if let Some(folder) = std::env::var_os(CHILD) {
            runtime().block_on(async {
                let key = Key::choice("https://mcp.example.com/mcp");
                let store = FileStore::in_keyring(&folder).await.unwrap();
                assert!(store.is_sealed());
                store.save(&key, &Secret::new(TOKEN)).await.unwrap();
                let again = FileStore::in_keyring(&folder).await.unwrap();
                let kept = again.load(&key).await.unwrap().unwrap();
                assert_eq!(kept.expose(), TOKEN);
            });
            return;
        }
        let installed = |program| which(program).is_some();
        if !installed("dbus-run-session") || !installed("gnome-keyring-daemon") {
            eprintln!("skipped: dbus-run-session and gnome-keyring-daemon are not installed");
            return;
        }
        let home = std::env::temp_dir().join(format!("wharf-keyring-{}", std::process::id()));
        let folder = home.join("tokens");
        std::fs::create_dir_all(&home).unwrap();
        let script = "printf pass | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec \"$0\" \"$@\"";
        let name =
            "store::keyring::tests::a_real_keyring_holds_the_key_and_files_are_sealed_with_it";
        let done = std::process::Command::new("dbus-run-session")
            .args(["--", "sh", "-c", script])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(CHILD, &folder)
            .env("HOME", &home)
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_RUNTIME_DIR", &home)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
        assert!(!files.is_empty());
        for file in files {
            let path = file.unwrap().path();
            let contents = std::fs::read(&path).unwrap_or_default();
            let plain = contents
                .windows(TOKEN.len())
                .any(|it| it == TOKEN.as_bytes());
            assert!(!plain, "{}", path.display());
        }
        std::fs::remove_dir_all(home).unwrap();
    }

    #[cfg(target_os = "linux")]
    fn which(program: &str) -> Option<std::path::PathBuf> {
        let path = std::env::var_os("PATH")?;
        let mut places = std::env::split_paths(&path).map(|folder| folder.join(program));
        places.find(|place| place.is_file())
    }
}
