//! The one task that writes.

use std::fs::File;
use std::path::PathBuf;

use sqlx::{Connection as _, SqliteConnection, SqlitePool};
use tokio::sync::{mpsc, oneshot};

use super::apply::{Answer, Op, Own};
use super::{file, read};
use crate::StateError;

/// At most this many writes share a transaction.
const BATCH: usize = 512;

/// A write, and where its answer goes.
pub(super) struct Job {
    pub(super) op: Op,
    pub(super) reply: oneshot::Sender<Result<Answer, StateError>>,
}

pub(super) struct Writer {
    path: PathBuf,
    /// `None` after a failure: what a connection is good for then is not certain.
    connection: Option<SqliteConnection>,
    own: Own,
    readers: SqlitePool,
}

/// Why a transaction did not come about.
struct Failure {
    error: StateError,
    /// It may have come about all the same.
    uncertain: bool,
}

impl Failure {
    fn before_commit(error: StateError) -> Self {
        Self {
            error,
            uncertain: false,
        }
    }
}

impl Writer {
    pub(super) fn new(
        path: PathBuf,
        connection: SqliteConnection,
        epoch: u64,
        readers: SqlitePool,
    ) -> Self {
        Self {
            path,
            connection: Some(connection),
            own: Own::new(epoch),
            readers,
        }
    }

    /// Works until the last handle of the store is dropped and every write was answered. The lock
    /// is given back last.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Job>, lock: File) {
        let mut batch = Vec::new();
        while queue.recv_many(&mut batch, BATCH).await > 0 {
            self.work(std::mem::take(&mut batch)).await;
        }
        self.readers.close().await;
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "the SQLite store was not closed cleanly");
        }
        drop(lock);
    }

    async fn work(&mut self, batch: Vec<Job>) {
        let (ops, replies): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|job| (job.op, job.reply)).unzip();
        match self.commit(&ops).await {
            Ok(answers) => {
                for (reply, answer) in replies.into_iter().zip(answers) {
                    // Who does not wait for the answer any more has dropped the receiver.
                    let _ = reply.send(answer);
                }
            }
            Err(failure) if failure.uncertain || ops.len() == 1 => {
                tracing::warn!(error = %failure.error, "a write to the SQLite store failed");
                for reply in replies {
                    let _ = reply.send(Err(failure.error.again()));
                }
            }
            // Nothing was written, and perhaps one of them is to blame: each alone.
            Err(_) => {
                for (op, reply) in ops.iter().zip(replies) {
                    let answer = self.commit(std::slice::from_ref(op)).await;
                    let answer = answer
                        .map_err(|failure| failure.error)
                        .and_then(|mut answers| answers.pop().unwrap_or_else(super::muddle));
                    let _ = reply.send(answer);
                }
            }
        }
    }

    /// Does all of these in one transaction, or none. An operation that is answered with an error
    /// in the list has changed nothing, and the others stand.
    async fn commit(&mut self, ops: &[Op]) -> Result<Vec<Result<Answer, StateError>>, Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => file::connect(&self.path)
                .await
                .map_err(Failure::before_commit)?,
        };
        let before = |error| Failure::before_commit(read::failure(error));
        let writes = ops.iter().any(Op::writes);
        if writes {
            let begin = sqlx::query("BEGIN IMMEDIATE").execute(&mut connection);
            begin.await.map_err(before)?;
        }
        let mut answers = Vec::with_capacity(ops.len());
        for op in ops {
            match self.own.apply(&mut connection, op).await {
                Ok(answer) => answers.push(Ok(answer)),
                Err(error) if error.is_refused() => answers.push(Err(error)),
                // The connection is dropped here, and its transaction with it.
                Err(error) => return Err(Failure::before_commit(error)),
            }
        }
        if writes {
            let commit = sqlx::query("COMMIT").execute(&mut connection).await;
            commit.map_err(|error| Failure {
                error: read::failure(error),
                uncertain: true,
            })?;
        }
        self.connection = Some(connection);
        Ok(answers)
    }
}
