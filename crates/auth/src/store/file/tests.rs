//! What the folder keeps, from whom, and through what.

use std::process::Command;

use super::*;

/// A folder that is gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("wharf-auth-store-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn key(name: &str) -> Key {
    Key::tokens("https://mcp.example/mcp", name)
}

fn shown_nowhere(folder: &Folder, secret: &str) {
    for file in folder.files() {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        assert!(
            !text.contains(secret),
            "{} holds the secret",
            file.display()
        );
    }
}

#[tokio::test]
async fn what_is_saved_is_loaded_by_the_next_process() {
    let folder = Folder::new("load");
    let store = FileStore::open(&folder.0).unwrap();
    let (a, b) = (key("a"), key("b"));
    assert!(store.load(&a).await.unwrap().is_none());
    store.save(&a, &"one".into()).await.unwrap();
    store.save(&a, &"two".into()).await.unwrap();
    store.save(&b, &"other".into()).await.unwrap();
    let next = FileStore::open(&folder.0).unwrap();
    assert_eq!(next.load(&a).await.unwrap().unwrap().expose(), "two");
    next.remove(&a).await.unwrap();
    next.remove(&a).await.unwrap();
    assert!(store.load(&a).await.unwrap().is_none());
    assert_eq!(store.load(&b).await.unwrap().unwrap().expose(), "other");
    assert_eq!(folder.files().len(), 1, "{:?}", folder.files());
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new("mode");
    fs::create_dir_all(&folder.0).unwrap();
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o755)).unwrap();
    let store = FileStore::open(folder.0.join("tokens")).unwrap();
    drop(FileStore::open(&folder.0).unwrap());
    store.save(&key("a"), &"value".into()).await.unwrap();
    let _lock = store.lock(&key("a")).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.0), 0o700);
    assert_eq!(mode(&folder.0.join("tokens")), 0o700);
    for file in fs::read_dir(folder.0.join("tokens")).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
}

#[tokio::test]
async fn a_sealed_store_shows_nothing_and_takes_over_plain_values() {
    let folder = Folder::new("seal");
    let plain = FileStore::open(&folder.0).unwrap();
    plain.save(&key("a"), &"hunter2".into()).await.unwrap();
    let sealed = FileStore::sealed(&folder.0, &[1; KEY]).unwrap();
    let value = sealed.load(&key("a")).await.unwrap().unwrap();
    assert_eq!(value.expose(), "hunter2");
    sealed.save(&key("a"), &value).await.unwrap();
    shown_nowhere(&folder, "hunter2");
    assert_eq!(sealed.load(&key("a")).await.unwrap().unwrap(), value);
    let error = plain.load(&key("a")).await.unwrap_err();
    assert!(error.is_store() && error.next_step().is_some(), "{error}");
    let other = FileStore::sealed(&folder.0, &[2; KEY]).unwrap();
    assert!(other.load(&key("a")).await.unwrap_err().is_store());
    // A file under another name is not taken for that one.
    let (a, b) = (
        sealed.inner.path(&key("a"), "json"),
        sealed.inner.path(&key("b"), "json"),
    );
    fs::copy(a, b).unwrap();
    assert!(sealed.load(&key("b")).await.unwrap_err().is_store());
}

#[tokio::test]
async fn damage_is_said_and_holds_nobody_up() {
    let folder = Folder::new("damage");
    let store = FileStore::open(&folder.0).unwrap();
    let path = store.inner.path(&key("a"), "json");
    let both = format!(
        "{{\"key\":\"{}\",\"value\":\"a\",\"sealed\":\"b\"}}",
        key("a").as_str()
    );
    for damage in [
        "",
        "{",
        "null",
        "{\"key\":\"x\",\"value\":\"hunter2\"}",
        &both,
        "\u{0}",
    ] {
        fs::write(&path, damage).unwrap();
        let error = store.load(&key("a")).await.expect_err(damage);
        assert!(
            error.is_store() && !error.to_string().contains("hunter2"),
            "{error}"
        );
    }
    store.save(&key("a"), &"value".into()).await.unwrap();
    assert!(store.load(&key("a")).await.unwrap().is_some());
    let large = Secret::new("a".repeat(LARGEST as usize));
    assert!(store.save(&key("a"), &large).await.unwrap_err().is_store());
    assert_eq!(
        store.load(&key("a")).await.unwrap().unwrap().expose(),
        "value"
    );
}

#[tokio::test]
async fn one_at_a_time_holds_a_lock() {
    let folder = Folder::new("lock");
    let store = FileStore::open(&folder.0).unwrap();
    let other = FileStore::open(&folder.0).unwrap();
    let (a, b) = (key("a"), key("b"));
    let held = store.lock(&a).await.unwrap();
    let _free = other.lock(&b).await.unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(200), other.lock(&a)).await;
    assert!(waiting.is_err(), "two hold one lock");
    drop(held);
    let _held = other.lock(&a).await.unwrap();
}

/// Ends a process that holds a lock, and writes while another reads: all of it is from one write.
#[test]
fn processes_do_not_see_half_of_a_value() {
    const CHILD: &str = "WHARF_AUTH_TEST_WRITER";
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    if let Some(folder) = std::env::var_os(CHILD) {
        let store = FileStore::open(folder).unwrap();
        runtime.block_on(async {
            let held = store.lock(&key("a")).await.unwrap();
            std::mem::forget(held);
            for round in 0u32.. {
                let digit = char::from_digit(round % 10, 10).unwrap();
                let text: String = std::iter::repeat_n(digit, 20_000).collect();
                store.save(&key("a"), &text.into()).await.unwrap();
            }
        });
    }
    let folder = Folder::new("half");
    let store = FileStore::open(&folder.0).unwrap();
    let name = "store::file::tests::processes_do_not_see_half_of_a_value";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(CHILD, &folder.0)
        .spawn()
        .unwrap();
    runtime.block_on(async {
        let mut seen = 0;
        while seen < 200 {
            if let Some(value) = store.load(&key("a")).await.unwrap() {
                let text = value.expose();
                assert_eq!(text.len(), 20_000);
                assert!(
                    text.bytes().all(|b| b == text.as_bytes()[0]),
                    "half of a value"
                );
                seen += 1;
            }
        }
        let a = key("a");
        let waiting = tokio::time::timeout(Duration::from_millis(100), store.lock(&a));
        assert!(waiting.await.is_err(), "the other process holds it");
        child.kill().unwrap();
        child.wait().unwrap();
        let _lock = store.lock(&key("a")).await.unwrap();
        assert!(store.load(&key("a")).await.unwrap().is_some());
    });
}
