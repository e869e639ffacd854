//! [`Group`]: the process group that a child leads.

#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// The process group of a child; on systems without groups, nobody.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group(#[cfg(unix)] Pid);

#[cfg(unix)]
impl Group {
    /// The group of a child that was started as a leader.
    pub(super) fn of(child: &tokio::process::Child) -> Option<Self> {
        let id = i32::try_from(child.id()?).ok()?;
        Some(Self(Pid::from_raw(id)?))
    }

    pub(super) fn id(self) -> i32 {
        self.0.as_raw_nonzero().get()
    }

    /// Whether there is somebody in it whom a signal can reach. A child that has exited counts
    /// until it was waited for.
    pub(super) fn is_alive(self) -> bool {
        test_kill_process_group(self.0).is_ok()
    }

    /// Asks all of them to exit; whether that is possible at all.
    pub(super) fn terminate(self) -> bool {
        kill_process_group(self.0, Signal::TERM).is_ok()
    }

    pub(super) fn kill(self) {
        // An error says that there is nobody left.
        let _ = kill_process_group(self.0, Signal::KILL);
    }
}

#[cfg(not(unix))]
impl Group {
    pub(super) fn of(_: &tokio::process::Child) -> Option<Self> {
        Some(Self())
    }

    pub(super) fn is_alive(self) -> bool {
        false
    }

    pub(super) fn terminate(self) -> bool {
        false
    }

    pub(super) fn kill(self) {}
}
