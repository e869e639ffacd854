//! Which files can be read at once, because reading them waits for nothing.

use super::open::Files;
use super::place::Place;

/// The largest file that is read at once. From the system's memory it takes about 0.1 ms, which is
/// less than to hand it to another thread and back.
#[cfg(target_os = "linux")]
const MAX_BYTES: u64 = 1024 * 1024;

impl Files {
    /// Whether a file is small, on a local file system, and its names are in the system's memory:
    /// then nothing is looked up over a network, and no dead mount is waited for. A guess, on which
    /// nothing but the time depends.
    #[cfg(target_os = "linux")]
    pub(super) fn is_near(&self, place: &Place) -> bool {
        use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat2};

        let Ok(root) = self.root.dir() else {
            return false;
        };
        if place.is_root() || !is_local(&*root) {
            return false;
        }
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH
            | ResolveFlags::NO_SYMLINKS
            | ResolveFlags::NO_XDEV
            | ResolveFlags::CACHED;
        let about = openat2(&*root, place.as_path(), flags, Mode::empty(), resolve).and_then(fstat);
        about.is_ok_and(|about| {
            let size = u64::try_from(about.st_size);
            FileType::from_raw_mode(about.st_mode) == FileType::RegularFile
                && size.is_ok_and(|size| size <= MAX_BYTES)
        })
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn is_near(&self, _: &Place) -> bool {
        false
    }
}

#[cfg(target_os = "linux")]
fn is_local(dir: impl std::os::fd::AsFd) -> bool {
    const EXT: u64 = 0xef53;
    const XFS: u64 = 0x5846_5342;
    const BTRFS: u64 = 0x9123_683e;
    const F2FS: u64 = 0xf2f5_2010;
    const ZFS: u64 = 0x2fc1_2fc1;
    const TMPFS: u64 = 0x0102_1994;
    const OVERLAY: u64 = 0x794c_7630;
    rustix::fs::fstatfs(dir).is_ok_and(|about| {
        let kind = about.f_type as u64 & 0xffff_ffff;
        [EXT, XFS, BTRFS, F2FS, ZFS, TMPFS, OVERLAY].contains(&kind)
    })
}
