//! [`Sqlite`]: a file that one process after the other uses.

mod apply;
mod file;
mod read;
mod writer;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use sqlx::SqlitePool;
use tokio::sync::{mpsc, oneshot};

use crate::{Entry, Expected, Fence, Pending, Put, Record, Scope, State, StateError, Table};
use apply::{Answer, Op, PutOp};
use writer::Job;

/// The longest key, owner or name of a log, and the longest value or event, in bytes.
const MAX_TEXT: usize = 1 << 20;
const MAX_VALUE: usize = 256 << 20;

/// A store in a SQLite file.
///
/// A write is acknowledged when it would survive the loss of power: its transaction is committed
/// with a write-ahead log and `synchronous=FULL`. Writes that arrive while one is being committed
/// share the next transaction, so many writers cost little more than one. At most 1,024 writes wait;
/// the next makes its caller wait. Readers do not wait for writers.
///
/// **One process.** The file is locked as long as it is open; a second opener gets an error that
/// says so. The system gives the lock back when a process ends, however it ends. Therefore leases
/// are kept in memory, and those of an earlier process are void.
///
/// **Files.** `PATH`, `PATH-wal` and `PATH-shm` are SQLite's, `PATH.lock` is the lock. New ones can
/// be read and written by their owner alone (0600). They are to be on a local disk.
///
/// Keys, owners and the names of logs can have 1 MiB, values and events 256 MiB.
///
/// When the last handle is dropped, writes that were asked for are finished and the file is closed
/// in the background.
pub struct Sqlite {
    path: PathBuf,
    readers: SqlitePool,
    jobs: mpsc::Sender<Job>,
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Sqlite {
    /// Opens the file, or makes it. Waits for up to a second for another process that is about to
    /// end. Within a tokio runtime, which must outlive the store.
    ///
    /// # Errors
    ///
    /// If the file cannot be made, opened or locked, is no store of Wharf's, or is one of a newer
    /// version.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StateError> {
        let file::Opened {
            path,
            lock,
            connection,
            readers,
            epoch,
        } = file::open(path.as_ref()).await?;
        let (jobs, queue) = mpsc::channel(1_024);
        let writer = writer::Writer::new(path.clone(), connection, epoch, readers.clone());
        tokio::spawn(writer.run(queue, lock));
        Ok(Self {
            path,
            readers,
            jobs,
        })
    }

    async fn write(&self, op: Op) -> Result<Answer, StateError> {
        let (reply, answer) = oneshot::channel();
        let gone = || StateError::unavailable("the SQLite store was closed");
        let job = Job { op, reply };
        self.jobs.send(job).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// Refuses what would be too large for the file, before it can spoil a transaction.
fn fits(texts: &[&str], value: &[u8]) -> Result<(), StateError> {
    if texts.iter().any(|text| text.len() > MAX_TEXT) {
        return Err(StateError::refused(format_args!(
            "a key, an owner or a name has more than {MAX_TEXT} bytes"
        )));
    }
    if value.len() > MAX_VALUE {
        return Err(StateError::refused(format_args!(
            "a value has more than {MAX_VALUE} bytes"
        )));
    }
    Ok(())
}

/// The writer answered another question than was asked.
fn muddle<T>() -> Result<T, StateError> {
    Err(StateError::unavailable("the SQLite store lost an answer"))
}

impl State for Sqlite {
    fn is_durable(&self) -> bool {
        true
    }

    fn get<'a>(
        &'a self,
        table: Table,
        scope: Scope<'a>,
        key: &'a str,
    ) -> Pending<'a, Option<Record>> {
        Box::pin(read::get(&self.readers, table, scope, key))
    }

    fn put<'a>(
        &'a self,
        table: Table,
        key: &'a str,
        expected: Expected,
        entry: Entry<'a>,
    ) -> Pending<'a, Put> {
        Box::pin(async move {
            fits(&[key, entry.owner], &entry.value)?;
            let op = Op::Put(PutOp {
                table,
                key: key.into(),
                expected,
                owner: entry.owner.into(),
                value: entry.value,
                expires: entry.expires,
                fence: entry.fence,
            });
            match self.write(op).await? {
                Answer::Put(put) => Ok(put),
                _ => muddle(),
            }
        })
    }

    fn delete<'a>(&'a self, table: Table, scope: Scope<'a>, key: &'a str) -> Pending<'a, bool> {
        Box::pin(async move {
            let owner = match scope {
                Scope::Of(owner) => Some(owner.into()),
                Scope::All => None,
            };
            let key = key.into();
            match self.write(Op::Delete { table, key, owner }).await? {
                Answer::Deleted(deleted) => Ok(deleted),
                _ => muddle(),
            }
        })
    }

    fn list<'a>(
        &'a self,
        table: Table,
        scope: Scope<'a>,
        after: u64,
        limit: usize,
    ) -> Pending<'a, Vec<(String, Record)>> {
        Box::pin(read::list(&self.readers, table, scope, after, limit))
    }

    fn count<'a>(&'a self, table: Table, scope: Scope<'a>) -> Pending<'a, usize> {
        Box::pin(read::count(&self.readers, table, scope))
    }

    fn lease<'a>(
        &'a self,
        table: Table,
        key: &'a str,
        holder: u128,
        time: Duration,
    ) -> Pending<'a, Option<Fence>> {
        Box::pin(async move {
            fits(&[key], &[])?;
            let op = Op::Lease {
                table,
                key: key.into(),
                holder,
                time,
            };
            match self.write(op).await? {
                Answer::Leased(fence) => Ok(fence),
                _ => muddle(),
            }
        })
    }

    fn release<'a>(&'a self, table: Table, key: &'a str, fence: Fence) -> Pending<'a, ()> {
        Box::pin(async move {
            let key = key.into();
            self.write(Op::Release { table, key, fence }).await?;
            Ok(())
        })
    }

    fn append<'a>(
        &'a self,
        log: &'a str,
        owner: &'a str,
        number: u64,
        event: Bytes,
        keep: usize,
        expires: Option<SystemTime>,
    ) -> Pending<'a, ()> {
        Box::pin(async move {
            fits(&[log, owner], &event)?;
            let op = Op::Append {
                log: log.into(),
                owner: owner.into(),
                number,
                event,
                keep,
                expires,
            };
            self.write(op).await?;
            Ok(())
        })
    }

    fn events<'a>(
        &'a self,
        log: &'a str,
        scope: Scope<'a>,
        after: u64,
        limit: usize,
    ) -> Pending<'a, Vec<(u64, Bytes)>> {
        Box::pin(read::events(&self.readers, log, scope, after, limit))
    }

    fn forget<'a>(&'a self, logs: &'a str) -> Pending<'a, ()> {
        Box::pin(async move {
            self.write(Op::Forget { logs: logs.into() }).await?;
            Ok(())
        })
    }

    fn sweep(&self) -> Pending<'_, usize> {
        Box::pin(async move {
            match self.write(Op::Sweep).await? {
                Answer::Swept(count) => Ok(count),
                _ => muddle(),
            }
        })
    }
}
