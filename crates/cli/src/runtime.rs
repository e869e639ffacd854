//! The threads that the asynchronous commands run on.

use std::future::Future;

use crate::failure::Failure;

/// How many connections a command serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// One: a second thread keeps it going while a handler computes, more would only idle.
    OneConnection,
    /// Many: a thread for each core (`TOKIO_WORKER_THREADS` says another number).
    ManyConnections,
}

/// Runs a command to its end.
pub(crate) fn run<T, F>(load: Load, command: F) -> Result<T, Failure>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut builder = if cores == 1 {
        // A second thread would have nowhere to run.
        tokio::runtime::Builder::new_current_thread()
    } else {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        if load == Load::OneConnection {
            builder.worker_threads(cores.min(2));
        }
        builder
    };
    let runtime = builder
        .enable_all()
        .thread_name("wharf")
        .build()
        .map_err(|error| Failure::new(format!("cannot start: {error}")))?;
    // On a worker, not beside the workers: what it wakes runs next to it.
    let done = runtime.block_on(runtime.spawn(command));
    // A read of standard input that nobody waits for would keep the process alive.
    runtime.shutdown_background();
    match done {
        Ok(result) => result,
        Err(_) => Err(Failure::new("an internal error, described above")),
    }
}

/// Runs a command to its end on this thread: what a client does, which is quick to start.
pub(crate) fn here<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start: {error}")))?;
    let done = runtime.block_on(command);
    // Neither a read of standard input nor the look-up of a name is waited for.
    runtime.shutdown_background();
    done
}
