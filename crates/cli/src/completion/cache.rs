//! What servers said a moment ago, so that pressing Tab again costs nothing.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

/// How long a list of a server that can be asked again is good.
pub(super) const SHORT: Duration = Duration::from_secs(30);
/// How long one is good of a server that is a command, and is not started for this.
pub(super) const LONG: Duration = Duration::from_secs(7 * 86_400);
/// The largest list that is kept.
const MAX_FILE: usize = 4 << 20;

/// The file for a list (`tools`, `prompts`, …) of a server.
fn path(target: &str, list: &str) -> Option<PathBuf> {
    let named = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let base = named.or_else(|| {
        let home = std::env::home_dir()?;
        Some(if cfg!(target_os = "macos") {
            home.join("Library").join("Caches")
        } else {
            home.join(".cache")
        })
    })?;
    let mut hasher = DefaultHasher::new();
    target.hash(&mut hasher);
    Some(
        base.join("wharf")
            .join(format!("{list}-{:016x}.json", hasher.finish())),
    )
}

/// Keeps a list. That this fails is nobody's trouble: the next Tab asks again.
pub(crate) fn store(target: &str, list: &str, items: &impl serde::Serialize) {
    let Some(path) = path(target, list) else {
        return;
    };
    let Ok(items) = serde_json::to_value(items) else {
        return;
    };
    let whole = Value::Object(Map::from_iter([
        ("target".to_owned(), target.into()),
        (list.to_owned(), items),
    ]))
    .to_string();
    if whole.len() > MAX_FILE {
        return;
    }
    if let Some(directory) = path.parent() {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let _ = builder.create(directory);
    }
    // Written beside and moved, so that nobody reads half of it.
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    if std::fs::write(&beside, whole)
        .and_then(|()| std::fs::rename(&beside, &path))
        .is_err()
    {
        let _ = std::fs::remove_file(&beside);
    }
}

/// A list that is not older than `age`.
pub(super) fn load(target: &str, list: &str, age: Duration) -> Option<Vec<Value>> {
    let path = path(target, list)?;
    let about = std::fs::metadata(&path).ok()?;
    let old = SystemTime::now()
        .duration_since(about.modified().ok()?)
        .unwrap_or_default();
    if old > age || about.len() > MAX_FILE as u64 {
        return None;
    }
    let mut whole: Value = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
    if whole["target"] != target {
        return None;
    }
    match whole[list].take() {
        Value::Array(items) => Some(items),
        _ => None,
    }
}
