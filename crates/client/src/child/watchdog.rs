//! [`Watchdog`]: the process that ends a child when this process cannot any more.
//!
//! It is a shell that reads from a pipe whose other end only this process has. When the process
//! ends, however it ends, the system closes that end; and the shell ends the child's group. Nothing
//! else that is portable and safe does that: Linux' parent-death signal is set between `fork` and
//! `exec`, does not reach grandchildren, and goes by the thread instead of the process.

use std::io::{PipeWriter, Write as _, pipe};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use super::process::Process;

/// First the number of the group, then nothing or `done`. Signals that a terminal or a service
/// manager sends to everybody are ignored, because that is when it is needed.
///
/// The child has seen the end of its input at the same moment: it has a second to exit by itself,
/// and two after `SIGTERM`.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM
read -r group || exit 0
read -r word && exit 0
signal() { kill -s "$1" -- "-$group" || exit 0; }
signal 0; sleep 1
signal TERM; sleep 1
signal 0; sleep 1
signal KILL
"#;

/// How long it may take to exit after it was told that it is not needed any more.
const EXIT: Duration = Duration::from_secs(1);

/// Ends a child's process group when it is dropped without having been told that the work is
/// [`done`](Self::done), and when this process ends.
#[derive(Debug)]
pub(super) struct Watchdog {
    shell: Child,
    /// Closed on `exec`, so that nobody else who is started holds it open.
    pipe: PipeWriter,
}

impl Watchdog {
    /// Starts a watchdog before the child, so that there is no moment without one.
    pub(super) fn start() -> std::io::Result<Self> {
        let (reader, pipe) = pipe()?;
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "wharf-watchdog"])
            .env_clear()
            .env("PATH", path)
            .current_dir("/")
            .stdin(reader)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self { shell, pipe })
    }

    /// Says whom to watch.
    pub(super) fn watch(&mut self, process: &Process) {
        // An empty pipe has room. If the shell is gone, there is nobody to tell.
        let _ = self
            .pipe
            .write_all(format!("{}\n", process.group()).as_bytes());
    }

    /// Nobody is left to be ended.
    pub(super) async fn done(mut self) {
        let _ = self.pipe.write_all(b"done\n");
        drop(self.pipe);
        let _ = tokio::time::timeout(EXIT, self.shell.wait()).await;
    }
}
