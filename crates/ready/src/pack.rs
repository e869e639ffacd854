//! [`Pack`]: a part of a server that is made from options.

use std::future::Future;
use std::path::{Path, PathBuf};

use tokio::task::JoinHandle;
use wharf::{CatalogHandle, Items};

/// What an open pack offers, and what works behind it.
#[derive(Debug, Default)]
#[must_use = "a pack that is dropped is closed"]
pub struct Pack {
    /// What it offers. Names of tools and prompts have no prefix yet.
    pub items: Items,
    /// What works until the pack is closed, such as the watching of a directory.
    pub running: Vec<Running>,
}

impl From<Items> for Pack {
    fn from(items: Items) -> Self {
        Self {
            items,
            running: Vec::new(),
        }
    }
}

/// Work in the background that ends when this is dropped.
#[derive(Debug)]
#[must_use = "work that is dropped ends"]
pub struct Running(JoinHandle<()>);

impl Running {
    /// Begins the work, on the runtime that is current.
    pub fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a pack finds around it when it is opened.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The server's catalog: where changes are told.
    pub catalog: CatalogHandle,
    /// Where relative paths begin: the directory of `wharf.toml`, or the working directory.
    pub base: PathBuf,
}

impl Surroundings {
    /// The path that options mean: `~` is the home directory, and what is relative begins at the
    /// base.
    pub fn path(&self, path: &Path) -> PathBuf {
        let home = || std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
        match (path.strip_prefix("~"), home()) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => self.base.join(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_begin_at_home_or_at_the_base() {
        let at = Surroundings {
            catalog: CatalogHandle::default(),
            base: "/srv/wharf".into(),
        };
        let home = std::env::home_dir().expect("a home");
        for (given, meant) in [
            ("notes", PathBuf::from("/srv/wharf/notes")),
            ("/data", "/data".into()),
            ("~/notes", home.join("notes")),
            ("~", home),
            ("~other/notes", "/srv/wharf/~other/notes".into()),
        ] {
            assert_eq!(at.path(Path::new(given)), meant, "{given}");
        }
    }

    #[tokio::test]
    async fn work_ends_when_it_is_dropped() {
        let (alive, ended) = tokio::sync::oneshot::channel::<()>();
        let running = Running::spawn(async move {
            let _alive = alive;
            std::future::pending().await
        });
        drop(running);
        ended.await.expect_err("the work is gone");
    }
}
