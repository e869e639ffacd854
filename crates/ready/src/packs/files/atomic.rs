//! Files that change all at once: who reads one sees the old contents or the new.

use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, Write as _};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt as _};
use cap_std::fs::{Dir, File, Metadata, OpenOptions};

use super::policy::TEMPORARY;

/// Puts a file into a directory: written beside, brought to the disk, then renamed. `before` is the
/// file that it replaces, whose permissions it gets; without one, a file that is there meanwhile is
/// not replaced ([`io::ErrorKind::AlreadyExists`]).
///
/// What fails in between leaves the old file as it was. The new one has the owner of the process,
/// and none of the old one's other names.
pub(super) fn put(
    dir: &Dir,
    name: &OsStr,
    bytes: &[u8],
    before: Option<&Metadata>,
) -> io::Result<()> {
    let (mut file, temporary) = Temporary::new(dir, before.is_some())?;
    file.write_all(bytes)?;
    #[cfg(unix)]
    if let Some(before) = before {
        use cap_std::fs::{MetadataExt as _, Permissions, PermissionsExt as _};
        file.set_permissions(Permissions::from_mode(before.mode() & 0o777))?;
    }
    file.sync_all()?;
    drop(file);
    match before {
        Some(_) => dir.rename(&temporary.name, dir, name)?,
        None => rename_new(dir, &temporary.name, dir, name)?,
    }
    temporary.keep();
    sync(dir);
    Ok(())
}

/// Renames, unless there is something of the new name ([`io::ErrorKind::AlreadyExists`]).
pub(super) fn rename_new(from: &Dir, old: &OsStr, to: &Dir, new: &OsStr) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(from, old, to, new, RenameFlags::NOREPLACE) {
            // Some file systems do not know how.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            renamed => return Ok(renamed?),
        }
    }
    match to.symlink_metadata(new) {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => from.rename(old, to, new),
    }
}

/// Brings the names of a directory to the disk, as far as the system can.
pub(super) fn sync(dir: &Dir) {
    #[cfg(unix)]
    {
        use rustix::fs::{Mode, OFlags, fsync, openat};
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let synced = openat(dir, ".", flags, Mode::empty()).and_then(fsync);
        if let Err(error) = synced {
            tracing::debug!(%error, "a directory was not brought to the disk");
        }
    }
    #[cfg(not(unix))]
    let _ = dir;
}

/// A file that is removed again unless it gets to its place.
struct Temporary<'d> {
    dir: &'d Dir,
    name: OsString,
    stays: bool,
}

impl<'d> Temporary<'d> {
    fn new(dir: &'d Dir, replaces: bool) -> io::Result<(File, Self)> {
        let mut options = OpenOptions::new();
        options
            .write(true)
            .create_new(true)
            .follow(FollowSymlinks::No);
        #[cfg(unix)]
        if replaces {
            use cap_std::fs::OpenOptionsExt as _;
            // Until it has the permissions of the old one, nobody else reads it.
            options.mode(0o600);
        }
        #[cfg(not(unix))]
        let _ = replaces;
        loop {
            let random = RandomState::new().build_hasher().finish();
            let name = OsString::from(format!("{TEMPORARY}{random:016x}"));
            match dir.open_with(&name, &options) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(file) => {
                    return Ok((
                        file,
                        Self {
                            dir,
                            name,
                            stays: false,
                        },
                    ));
                }
            }
        }
    }

    fn keep(mut self) {
        self.stays = true;
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.stays
            && let Err(error) = self.dir.remove_file(&self.name)
        {
            tracing::warn!(name = ?self.name, %error, "a temporary file is left behind");
        }
    }
}
