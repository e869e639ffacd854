//! Servers as child processes: started, watched, and ended with everything that they started.
//!
//! A child is the leader of a process group of its own. One task looks after it ([`supervise`]):
//! it learns of the exit, and ends the group when the [`Child`] is closed or dropped. A process
//! of its own, the watchdog, does the same when this process cannot any more, because it was
//! killed. On Windows a job object is both the group and the watchdog.

mod command;
mod process;
mod spawn;
mod stderr;
mod supervise;
#[cfg(test)]
mod tests;
#[cfg(unix)]
mod watchdog;

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

pub use command::Command;
pub use stderr::Stderr;

use crate::error::{Error, escape};
use crate::link::lines::Keeper;
use stderr::LastWords;

/// How long a server that has closed its output may take to exit, to be asked for its status.
const EXIT: Duration = Duration::from_secs(1);
/// How long what it wrote last may take to arrive after its exit.
const WORDS: Duration = Duration::from_millis(200);

/// A server that was started here. Dropped, it is ended as [`Keeper::close`] does it, without
/// anybody who waits for it.
pub(crate) struct Child {
    program: String,
    last_words: Arc<LastWords>,
    state: watch::Receiver<State>,
    stop: watch::Sender<bool>,
}

/// How far the end of a child is.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    exit: Option<Exit>,
    /// Nobody of its process group is left.
    gone: bool,
}

#[derive(Clone, Copy, Debug)]
enum Exit {
    Status(ExitStatus),
    /// Somebody else was told, such as who ignores `SIGCHLD` for the whole process.
    Unknown,
}

impl Child {
    /// Waits until the child itself has exited.
    async fn exited(&self) -> Exit {
        let mut state = self.state.clone();
        let exited = state.wait_for(|state| state.exit.is_some()).await;
        exited
            .ok()
            .and_then(|state| state.exit)
            .unwrap_or(Exit::Unknown)
    }

    async fn how_it_ended(&self) -> Error {
        let exit = tokio::time::timeout(EXIT, self.exited()).await;
        if exit.is_ok() {
            let _ = tokio::time::timeout(WORDS, self.last_words.complete()).await;
        }
        let program = escape(&self.program);
        let how = match exit {
            Ok(Exit::Status(status)) => format!("the server `{program}` {}", in_words(status)),
            Ok(Exit::Unknown) => format!("the server `{program}` has exited"),
            Err(_) => format!("the server `{program}` has closed its output, and still runs"),
        };
        Error::closed(match self.last_words.get() {
            Some(words) => format!("{how}; it wrote last: {words}"),
            None => format!("{how}; it wrote nothing to its standard error"),
        })
    }

    async fn end(&self) {
        self.stop.send_replace(true);
        self.gone().await;
    }
}

impl Keeper for Child {
    fn why_ended(&self) -> BoxFuture<'_, Error> {
        Box::pin(self.how_it_ended())
    }

    fn gone(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let mut state = self.state.clone();
            let _ = state.wait_for(|state| state.gone).await;
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.end())
    }
}

/// `exited with status 1`, and what that usually means.
fn in_words(status: ExitStatus) -> String {
    match status.code() {
        Some(126) => "exited with status 126 (a command that it calls cannot be executed)".into(),
        Some(127) => "exited with status 127 (a command that it calls was not found)".into(),
        Some(code) => format!("exited with status {code}"),
        None => by_signal(status),
    }
}

#[cfg(unix)]
fn by_signal(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    let Some(signal) = status.signal() else {
        return format!("ended: {status}");
    };
    let name = match rustix::process::Signal::from_named_raw(signal) {
        Some(rustix::process::Signal::KILL) => " (SIGKILL: by somebody, or for lack of memory)",
        Some(rustix::process::Signal::TERM) => " (SIGTERM)",
        Some(rustix::process::Signal::INT) => " (SIGINT)",
        Some(rustix::process::Signal::ABORT) => " (SIGABRT)",
        Some(rustix::process::Signal::SEGV) => " (SIGSEGV)",
        _ => "",
    };
    format!("was ended by signal {signal}{name}")
}

#[cfg(not(unix))]
fn by_signal(status: ExitStatus) -> String {
    format!("ended: {status}")
}
