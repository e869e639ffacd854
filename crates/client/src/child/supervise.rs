//! The task that looks after one child, from its start until nobody of its group is left.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::process::Process;
#[cfg(unix)]
use super::watchdog::Watchdog;
use super::{Exit, State};

/// From `SIGTERM` to `SIGKILL`, and from there to giving up.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often is looked whether there is still somebody; the system does not tell it.
const LOOK: Duration = Duration::from_millis(10);
/// How long the rest of its standard error may take after everybody has gone.
const READ: Duration = Duration::from_millis(200);

/// What is there as long as the child is.
pub(super) struct Supervised {
    pub(super) process: Process,
    #[cfg(unix)]
    pub(super) watchdog: Option<Watchdog>,
    /// Reads its standard error.
    pub(super) reader: Option<JoinHandle<()>>,
    pub(super) grace: Duration,
    pub(super) state: watch::Sender<State>,
}

/// Waits for the exit of the child, or for `stop` to become true or to lose its sender.
pub(super) async fn supervise(mut child: Supervised, mut stop: watch::Receiver<bool>) {
    let stopped = async {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    tokio::pin!(stopped);
    let exited = tokio::select! {
        () = child.exited() => true,
        () = &mut stopped => false,
    };
    if exited {
        // Somebody whom it started may still be writing what we want to read.
        if child.process.is_alive() {
            let _ = timeout(child.grace, stopped).await;
        }
    } else {
        let _ = timeout(child.grace, child.exited()).await;
    }
    child.end().await;
}

impl Supervised {
    /// Waits for the child itself, and makes its status known. Can be dropped and called again.
    async fn exited(&mut self) {
        let exit = match self.process.wait().await {
            Ok(status) => Exit::Status(status),
            Err(error) => {
                tracing::debug!(%error, "no status of a child");
                Exit::Unknown
            }
        };
        self.state.send_if_modified(|state| {
            let first = state.exit.is_none();
            state.exit.get_or_insert(exit);
            first
        });
    }

    /// Waits until nobody of the group is left.
    async fn gone(&mut self) {
        self.exited().await;
        while self.process.is_alive() {
            sleep(LOOK).await;
        }
    }

    fn is_gone(&self) -> bool {
        self.state.borrow().exit.is_some() && !self.process.is_alive()
    }

    /// Ends who is left.
    async fn end(mut self) {
        if !self.is_gone() && self.process.terminate() {
            let _ = timeout(PATIENCE, self.gone()).await;
        }
        if !self.is_gone() {
            self.process.kill();
            if timeout(PATIENCE, self.gone()).await.is_err() {
                tracing::warn!("processes of a server do not end, although they were killed");
            }
        }
        #[cfg(unix)]
        if let Some(watchdog) = self.watchdog.take() {
            watchdog.done().await;
        }
        self.state.send_modify(|state| {
            state.exit.get_or_insert(Exit::Unknown);
            state.gone = true;
        });
        if let Some(reader) = self.reader.take() {
            // Who left the group may hold it open for ever.
            let stop = reader.abort_handle();
            if timeout(READ, reader).await.is_err() {
                stop.abort();
            }
        }
    }
}
