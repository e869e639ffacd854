//! On Windows, a job object.

use std::io;
use std::process::ExitStatus;

use process_wrap::tokio::{ChildWrapper, CommandWrap, JobObject, KillOnDrop};
use tokio::process::Command;

use super::Streams;

/// A child and the job that it and its children belong to. When the job's handle is closed, by a
/// drop or because this process has ended, the system ends them all.
#[derive(Debug)]
pub(in crate::child) struct Process(Box<dyn ChildWrapper>);

impl Process {
    pub(in crate::child) fn start(command: Command) -> io::Result<Self> {
        let mut command = CommandWrap::from(command);
        command.wrap(KillOnDrop).wrap(JobObject).spawn().map(Self)
    }

    pub(in crate::child) fn streams(&mut self) -> Streams {
        let child = &mut self.0;
        (
            child.stdin().take(),
            child.stdout().take(),
            child.stderr().take(),
        )
    }

    /// Waits for the child itself. Can be dropped and called again.
    pub(in crate::child) async fn wait(&mut self) -> io::Result<ExitStatus> {
        // The wrapper would wait for the whole job, with a thread.
        self.0.inner_mut().wait().await
    }

    /// Not asked here: who is left ends with the job.
    pub(in crate::child) fn is_alive(&self) -> bool {
        false
    }

    /// There are no signals.
    pub(in crate::child) fn terminate(&self) -> bool {
        false
    }

    pub(in crate::child) fn kill(&mut self) {
        // An error says that there is nobody left.
        let _ = self.0.start_kill();
    }
}
