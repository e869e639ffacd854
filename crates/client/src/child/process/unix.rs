//! On Unix, a process group.

use std::io;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::process::{Child, Command};

use super::Streams;

/// A child and the process group that it leads.
#[derive(Debug)]
pub(in crate::child) struct Process {
    child: Child,
    group: Pid,
}

impl Process {
    pub(in crate::child) fn start(mut command: Command) -> io::Result<Self> {
        let child = command.process_group(0).spawn()?;
        let id = child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let group = id.ok_or_else(|| io::Error::other("the process has no number"))?;
        Ok(Self { child, group })
    }

    /// The number of the group.
    pub(in crate::child) fn group(&self) -> i32 {
        self.group.as_raw_nonzero().get()
    }

    pub(in crate::child) fn streams(&mut self) -> Streams {
        let child = &mut self.child;
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    }

    /// Waits for the child itself. Can be dropped and called again.
    pub(in crate::child) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Whether there is somebody whom a signal can reach. A child that has exited counts until it
    /// was waited for.
    pub(in crate::child) fn is_alive(&self) -> bool {
        test_kill_process_group(self.group).is_ok()
    }

    /// Asks all of them to exit; `false` if there is nobody to ask.
    pub(in crate::child) fn terminate(&self) -> bool {
        kill_process_group(self.group, Signal::TERM).is_ok()
    }

    pub(in crate::child) fn kill(&mut self) {
        // An error says that there is nobody left.
        let _ = kill_process_group(self.group, Signal::KILL);
    }
}
