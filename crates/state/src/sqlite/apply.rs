//! What each write does to the tables, within the writer's transaction.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use sqlx::SqliteConnection;

use super::read::{self, Row, failure, micros, now, number, record, stored};
use crate::leases::Leases;
use crate::{Expected, Fence, Put, StateError, Table};

/// A write, with all it needs.
#[derive(Debug)]
pub(super) enum Op {
    Put(PutOp),
    Delete {
        table: Table,
        key: Box<str>,
        /// `None`: whosever.
        owner: Option<Box<str>>,
    },
    Lease {
        table: Table,
        key: Box<str>,
        holder: u128,
        time: Duration,
    },
    Release {
        table: Table,
        key: Box<str>,
        fence: Fence,
    },
    Append {
        log: Box<str>,
        owner: Box<str>,
        number: u64,
        event: Bytes,
        keep: usize,
        expires: Option<SystemTime>,
    },
    Forget {
        logs: Box<str>,
    },
    Sweep,
}

#[derive(Debug)]
pub(super) struct PutOp {
    pub(super) table: Table,
    pub(super) key: Box<str>,
    pub(super) expected: Expected,
    pub(super) owner: Box<str>,
    pub(super) value: Bytes,
    pub(super) expires: Option<SystemTime>,
    pub(super) fence: Option<Fence>,
}

impl Op {
    /// Whether it touches the file.
    pub(super) fn writes(&self) -> bool {
        !matches!(self, Self::Lease { .. } | Self::Release { .. })
    }
}

/// What came of a write.
#[derive(Debug)]
pub(super) enum Answer {
    Put(Put),
    Deleted(bool),
    Leased(Option<Fence>),
    Swept(usize),
    Done,
}

/// What the writer keeps itself, because nobody else uses the file.
pub(super) struct Own {
    leases: Leases,
    /// The last number given to a version, a place or a fence. Its upper part is the number of this
    /// opening of the file, so that no number is given twice, and none needs to be stored.
    last: u64,
}

impl Own {
    pub(super) fn new(epoch: u64) -> Self {
        Self {
            leases: Leases::default(),
            last: epoch << 40,
        }
    }

    pub(super) async fn apply(
        &mut self,
        connection: &mut SqliteConnection,
        op: &Op,
    ) -> Result<Answer, StateError> {
        match op {
            Op::Put(put) => self.put(connection, put).await.map(Answer::Put),
            Op::Delete { table, key, owner } => {
                delete(connection, *table, key, owner.as_deref()).await
            }
            Op::Lease {
                table,
                key,
                holder,
                time,
            } => {
                let last = &mut self.last;
                let fence = self.leases.take(*table, key, *holder, *time, || {
                    *last += 1;
                    *last
                });
                Ok(Answer::Leased(fence))
            }
            Op::Release { table, key, fence } => {
                self.leases.release(*table, key, *fence);
                Ok(Answer::Done)
            }
            Op::Append {
                log,
                owner,
                number,
                event,
                keep,
                expires,
            } => append(connection, log, owner, *number, event, *keep, *expires).await,
            Op::Forget { logs } => forget(connection, logs).await,
            Op::Sweep => {
                self.leases.sweep();
                sweep(connection).await
            }
        }
    }

    async fn put(
        &mut self,
        connection: &mut SqliteConnection,
        put: &PutOp,
    ) -> Result<Put, StateError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT seq, key, owner, value, version, expires FROM records
             WHERE tab = ?1 AND key = ?2",
        )
        .bind(put.table.0)
        .bind(put.key.as_bytes())
        .fetch_optional(&mut *connection)
        .await
        .map_err(failure)?;
        let expired = |row: &Row| row.5.is_some_and(|at| at <= now());
        let (gone, found) = match row {
            Some(row) if expired(&row) => (Some(row.0), None),
            row => (None, row.map(record).transpose()?.map(|(_, found)| found)),
        };
        let own = found.as_ref().is_some_and(|it| *it.owner == *put.owner);
        let current = put
            .fence
            .is_none_or(|fence| self.leases.is_current(put.table, &put.key, fence));
        let fits = match (put.expected, &found) {
            (Expected::Absent, None) => true,
            (Expected::Version(version), Some(found)) => own && found.version == version,
            _ => false,
        };
        if !fits || !current {
            return Ok(Put::Conflict(found.filter(|_| own)));
        }
        self.last += 1;
        let version = self.last;
        if let Some(seq) = gone {
            let gone = sqlx::query("DELETE FROM records WHERE seq = ?1").bind(seq);
            gone.execute(&mut *connection).await.map_err(failure)?;
        }
        let query = match &found {
            Some(found) => sqlx::query(
                "UPDATE records SET value = ?1, version = ?2, expires = ?3 WHERE seq = ?4",
            )
            .bind(&put.value[..])
            .bind(stored(version))
            .bind(put.expires.map(micros))
            .bind(stored(found.seq)),
            None => sqlx::query(
                "INSERT INTO records (value, version, expires, seq, tab, key, owner)
                 VALUES (?1, ?2, ?3, ?2, ?4, ?5, ?6)",
            )
            .bind(&put.value[..])
            .bind(stored(version))
            .bind(put.expires.map(micros))
            .bind(put.table.0)
            .bind(put.key.as_bytes())
            .bind(put.owner.as_bytes()),
        };
        query.execute(connection).await.map_err(failure)?;
        Ok(Put::Done(version))
    }
}

async fn delete(
    connection: &mut SqliteConnection,
    table: Table,
    key: &str,
    owner: Option<&str>,
) -> Result<Answer, StateError> {
    let done = sqlx::query(
        "DELETE FROM records WHERE tab = ?1 AND key = ?2
         AND (expires IS NULL OR expires > ?3) AND (?4 IS NULL OR owner = ?4)",
    )
    .bind(table.0)
    .bind(key.as_bytes())
    .bind(now())
    .bind(owner.map(str::as_bytes))
    .execute(connection)
    .await
    .map_err(failure)?;
    Ok(Answer::Deleted(done.rows_affected() > 0))
}

async fn append(
    connection: &mut SqliteConnection,
    name: &str,
    owner: &str,
    event_number: u64,
    event: &[u8],
    keep: usize,
    expires: Option<SystemTime>,
) -> Result<Answer, StateError> {
    let Ok(at) = i64::try_from(event_number) else {
        return Err(StateError::refused(format_args!(
            "the number of an event is greater than {}",
            i64::MAX
        )));
    };
    let log: Option<(i64, Vec<u8>, i64, Option<i64>)> =
        sqlx::query_as("SELECT id, owner, last, expires FROM logs WHERE name = ?1")
            .bind(name.as_bytes())
            .fetch_optional(&mut *connection)
            .await
            .map_err(failure)?;
    let live = match log {
        Some((id, _, _, Some(end))) if end <= now() => {
            remove_log(connection, id).await?;
            None
        }
        log => log,
    };
    let id = match live {
        Some((_, other, _, _)) if other != owner.as_bytes() => {
            return Err(StateError::refused("the log belongs to somebody else"));
        }
        Some((_, _, last, _)) if last >= at => {
            return Err(StateError::refused(format_args!(
                "event {at} cannot follow event {} of the same log",
                number(last)
            )));
        }
        Some((id, ..)) => {
            let grown = sqlx::query("UPDATE logs SET last = ?1, expires = ?2 WHERE id = ?3")
                .bind(at)
                .bind(expires.map(micros))
                .bind(id);
            grown.execute(&mut *connection).await.map_err(failure)?;
            id
        }
        None => sqlx::query_scalar(
            "INSERT INTO logs (name, owner, last, expires) VALUES (?1, ?2, ?3, ?4) RETURNING id",
        )
        .bind(name.as_bytes())
        .bind(owner.as_bytes())
        .bind(at)
        .bind(expires.map(micros))
        .fetch_one(&mut *connection)
        .await
        .map_err(failure)?,
    };
    sqlx::query("INSERT INTO events (log, number, event) VALUES (?1, ?2, ?3)")
        .bind(id)
        .bind(at)
        .bind(event)
        .execute(&mut *connection)
        .await
        .map_err(failure)?;
    // The newest of those that are too many, and all before it.
    sqlx::query(
        "DELETE FROM events WHERE log = ?1 AND number <=
         (SELECT number FROM events WHERE log = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)",
    )
    .bind(id)
    .bind(stored(keep as u64))
    .execute(connection)
    .await
    .map_err(failure)?;
    Ok(Answer::Done)
}

async fn remove_log(connection: &mut SqliteConnection, id: i64) -> Result<(), StateError> {
    for query in [
        "DELETE FROM events WHERE log = ?1",
        "DELETE FROM logs WHERE id = ?1",
    ] {
        let gone = sqlx::query(query).bind(id).execute(&mut *connection);
        gone.await.map_err(failure)?;
    }
    Ok(())
}

async fn forget(connection: &mut SqliteConnection, prefix: &str) -> Result<Answer, StateError> {
    // No text has the byte 0xFF: what begins with the prefix is less than it with that byte.
    let end = [prefix.as_bytes(), &[0xFF]].concat();
    for query in [
        "DELETE FROM events WHERE log IN (SELECT id FROM logs WHERE name >= ?1 AND name < ?2)",
        "DELETE FROM logs WHERE name >= ?1 AND name < ?2",
    ] {
        let gone = sqlx::query(query).bind(prefix.as_bytes()).bind(&end[..]);
        gone.execute(&mut *connection).await.map_err(failure)?;
    }
    Ok(Answer::Done)
}

async fn sweep(connection: &mut SqliteConnection) -> Result<Answer, StateError> {
    let now = read::now();
    let mut swept = 0;
    for (query, counts) in [
        ("DELETE FROM records WHERE expires <= ?1", true),
        (
            "DELETE FROM events WHERE log IN (SELECT id FROM logs WHERE expires <= ?1)",
            false,
        ),
        ("DELETE FROM logs WHERE expires <= ?1", true),
    ] {
        let done = sqlx::query(query).bind(now).execute(&mut *connection);
        let done = done.await.map_err(failure)?;
        if counts {
            swept += usize::try_from(done.rows_affected()).unwrap_or(usize::MAX);
        }
    }
    Ok(Answer::Swept(swept))
}
