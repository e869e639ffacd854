//! [`Root`]: the handle of the directory that is served.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::fault::{Fault, Result};

/// The directory that is served, by its handle. A directory that is removed and made again, or put
/// in its place, is opened anew.
#[derive(Debug)]
pub(super) struct Root {
    /// Its real path when it was opened first. Given by who runs the server, never by a client.
    path: PathBuf,
    current: Mutex<Arc<Dir>>,
}

impl Root {
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        let path = std::fs::canonicalize(path)?;
        let dir = Dir::open_ambient_dir(&path, ambient_authority())?;
        // A directory that cannot be read is found out now.
        dir.entries()?;
        Ok(Self {
            path,
            current: Mutex::new(Arc::new(dir)),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The directory that stands at the path now.
    pub(super) fn dir(&self) -> Result<Arc<Dir>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_at_path(&current) {
            let dir = Dir::open_ambient_dir(&self.path, ambient_authority())
                .map_err(|_| Fault::failed("the directory that is served is not there"))?;
            *current = Arc::new(dir);
        }
        Ok(Arc::clone(&current))
    }

    #[cfg(unix)]
    fn is_at_path(&self, dir: &Dir) -> bool {
        use cap_fs_ext::MetadataExt as _;

        let (Ok(there), Ok(here)) = (std::fs::metadata(&self.path), dir.dir_metadata()) else {
            return false;
        };
        (there.dev(), there.ino()) == (here.dev(), here.ino())
    }

    #[cfg(not(unix))]
    fn is_at_path(&self, dir: &Dir) -> bool {
        // An open handle keeps the directory in its place.
        dir.dir_metadata().is_ok()
    }
}
