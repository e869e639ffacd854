//! Writing a file of a host: as a whole or not at all, and never over a change of somebody else.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::read::text;

/// What the name of a backup ends with. There is one for each file: the file as it was before our
/// last change.
pub(crate) const BACKUP: &str = ".wharf-backup";

/// The file that a path leads to: links are followed, so that they stay links.
pub(super) fn real(path: &Path) -> Result<PathBuf, String> {
    if path.is_symlink() {
        return std::fs::canonicalize(path)
            .map_err(|error| format!("it is a link that leads nowhere: {error}"));
    }
    // The file may not be there yet; links in the way to it do not matter.
    Ok(path.to_owned())
}

/// The backup of a file.
pub(super) fn backup(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(BACKUP);
    file.with_file_name(name)
}

/// Whether a person who is not the owner can read a file.
#[cfg(unix)]
pub(super) fn mode_for_others(file: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata().ok()?.permissions().mode() & 0o777;
    (mode & 0o044 != 0).then_some(mode)
}

#[cfg(not(unix))]
pub(super) fn mode_for_others(_: &Path) -> Option<u32> {
    None
}

/// Makes the directories of a file, and tells which: the outermost first.
pub(super) fn folders(file: &Path) -> Result<Vec<PathBuf>, String> {
    let missing = file.ancestors().skip(1).take_while(|path| !path.exists());
    let mut missing: Vec<_> = missing.map(Path::to_owned).collect();
    missing.reverse();
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("its directory cannot be made: {error}"))?;
    }
    Ok(missing)
}

/// Puts `new` in the place of `old`, of which a backup is made. Without `new` the file goes.
///
/// # Errors
/// The file has changed since `old` was read, or cannot be written. It is as it was then.
pub(super) fn replace(
    file: &Path,
    old: Option<&str>,
    new: Option<&str>,
    private: bool,
) -> Result<(), String> {
    let unchanged = || match text(file)?.as_deref() == old {
        true => Ok(()),
        false => Err("it was changed by somebody else meanwhile; run this again".to_owned()),
    };
    let Some(new) = new else {
        unchanged()?;
        return std::fs::remove_file(file)
            .map_err(|error| format!("it cannot be removed: {error}"));
    };
    let wrong = |error: io::Error| format!("it cannot be written: {error}");
    if let Some(old) = old {
        let copy = beside(file, old, private).map_err(wrong)?;
        std::fs::rename(&copy.0, backup(file)).map_err(wrong)?;
        copy.done();
    }
    let written = beside(file, new, private).map_err(wrong)?;
    unchanged()?;
    std::fs::rename(&written.0, file).map_err(wrong)?;
    written.done();
    // The name is on disk too, where that can be asked for.
    if let Some(folder) = file.parent().and_then(|folder| File::open(folder).ok()) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// A file that goes again, unless it got another name.
struct Beside(PathBuf);

impl Beside {
    fn done(mut self) {
        self.0 = PathBuf::new();
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let _ = std::fs::remove_file(&self.0);
        }
    }
}

/// A new file beside another, with its mode and its owner.
fn beside(file: &Path, contents: &str, private: bool) -> io::Result<Beside> {
    let mut name = std::ffi::OsString::from(".");
    name.push(file.file_name().unwrap_or_default());
    name.push(format!(".wharf-{}", std::process::id()));
    let path = file.with_file_name(name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        if private || file.exists() {
            options.mode(0o600);
        }
    }
    #[cfg(not(unix))]
    let _ = private;
    let mut new = options.open(&path)?;
    let written = Beside(path);
    new.write_all(contents.as_bytes())?;
    if let Ok(about) = file.metadata() {
        owner(&new, &about)?;
        let permissions: Permissions = about.permissions();
        new.set_permissions(permissions)?;
    }
    new.sync_all()?;
    Ok(written)
}

#[cfg(unix)]
fn owner(new: &File, old: &std::fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let own = new.metadata()?;
    if (own.uid(), own.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    std::os::unix::fs::fchown(new, Some(old.uid()), Some(old.gid())).map_err(|error| {
        let message = format!("it belongs to somebody else, and would not any more ({error})");
        io::Error::new(error.kind(), message)
    })
}

#[cfg(not(unix))]
fn owner(_: &File, _: &std::fs::Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("wharf-save-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&path).expect("a directory");
            Self(path)
        }

        fn names(&self) -> Vec<String> {
            let entries = std::fs::read_dir(&self.0).expect("the directory");
            let mut names: Vec<_> = entries
                .map(|entry| {
                    let name = entry.expect("an entry").file_name();
                    name.into_string().expect("Unicode")
                })
                .collect();
            names.sort();
            names
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_change_of_somebody_else_stays() {
        let folder = Folder::new("concurrent");
        let file = folder.0.join("x.json");
        std::fs::write(&file, "theirs").expect("a file");
        for old in [Some("as it was read"), None] {
            let error = replace(&file, old, Some("ours"), true).expect_err("a conflict");
            assert!(error.contains("changed by somebody else"), "{error}");
            assert_eq!(std::fs::read_to_string(&file).expect("text"), "theirs");
        }
        assert!(replace(&file, Some("other"), None, true).is_err());
        let left: Vec<_> = folder
            .names()
            .into_iter()
            .filter(|name| !name.ends_with(BACKUP))
            .collect();
        assert_eq!(left, ["x.json"], "nothing is left behind");
    }

    #[cfg(unix)]
    #[test]
    fn modes_and_links_stay() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = Folder::new("mode");
        let file = folder.0.join("dotfiles.json");
        std::fs::write(&file, "old").expect("a file");
        std::fs::set_permissions(&file, Permissions::from_mode(0o640)).expect("a mode");
        let link = folder.0.join("link.json");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        let target = real(&link).expect("a file");
        replace(&target, Some("old"), Some("new"), true).expect("written");
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&link).expect("text"), "new");
        let mode = |path: &Path| path.metadata().expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&file), 0o640);
        assert_eq!(mode(&backup(&file)), 0o640);
        assert_eq!(std::fs::read_to_string(backup(&file)).expect("text"), "old");
        let fresh = folder.0.join("fresh.json");
        replace(&fresh, None, Some("new"), true).expect("written");
        assert_eq!(mode(&fresh), 0o600);
        assert!(!backup(&fresh).exists());
        std::fs::remove_file(&file).expect("removed");
        assert!(real(&link).expect_err("no file").contains("leads nowhere"));
    }
}
