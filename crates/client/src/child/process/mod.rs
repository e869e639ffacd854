//! [`Process`]: a child with everything that it starts, as the system lets us hold it together.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(super) use unix::Process;
#[cfg(windows)]
pub(super) use windows::Process;

use tokio::process::{ChildStderr, ChildStdin, ChildStdout};

/// Our ends of a child's streams, as far as there are any.
pub(super) type Streams = (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>);
