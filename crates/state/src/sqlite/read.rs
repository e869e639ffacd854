//! What is read, beside the writer.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use sqlx::SqlitePool;

use crate::{Record, Scope, StateError, Table};

/// A record's columns: seq, key, owner, value, version, expires.
pub(super) type Row = (i64, Vec<u8>, Vec<u8>, Vec<u8>, i64, Option<i64>);

/// What SQLite said, for those who asked the store. Its messages hold no values.
pub(super) fn failure(error: sqlx::Error) -> StateError {
    let code = error.as_database_error().and_then(|error| error.code());
    // SQLITE_FULL, and nothing else, says that there is no room.
    let failure = if code.as_deref() == Some("13") {
        StateError::full(format_args!("no room for the SQLite store: {error}"))
    } else {
        StateError::unavailable(format_args!("the SQLite store failed: {error}"))
    };
    failure.with_source(error)
}

/// Microseconds since 1970; times outside of what a file can hold are moved to its ends.
pub(super) fn micros(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(_) => 0,
    }
}

pub(super) fn now() -> i64 {
    micros(SystemTime::now())
}

/// A number of the file's, as a store's.
pub(super) fn number(stored: i64) -> u64 {
    stored.unsigned_abs()
}

/// A store's number as one of the file's; those that the file cannot hold are all after its last.
pub(super) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn text(stored: Vec<u8>) -> Result<String, StateError> {
    String::from_utf8(stored)
        .map_err(|_| StateError::unavailable("the SQLite store holds a text that is none"))
}

/// A row as a key and a record.
pub(super) fn record(row: Row) -> Result<(String, Record), StateError> {
    let (seq, key, owner, value, version, expires) = row;
    let record = Record {
        value: Bytes::from(value),
        version: number(version),
        seq: number(seq),
        owner: text(owner)?.into(),
        expires: expires
            .and_then(|at| SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(number(at)))),
    };
    Ok((text(key)?, record))
}

pub(super) async fn get(
    readers: &SqlitePool,
    table: Table,
    scope: Scope<'_>,
    key: &str,
) -> Result<Option<Record>, StateError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT seq, key, owner, value, version, expires FROM records
         WHERE tab = ?1 AND key = ?2 AND (expires IS NULL OR expires > ?3)",
    )
    .bind(table.0)
    .bind(key.as_bytes())
    .bind(now())
    .fetch_optional(readers)
    .await
    .map_err(failure)?;
    let found = row.map(record).transpose()?;
    Ok(found
        .map(|(_, record)| record)
        .filter(|record| scope.covers(&record.owner)))
}

pub(super) async fn list(
    readers: &SqlitePool,
    table: Table,
    scope: Scope<'_>,
    after: u64,
    limit: usize,
) -> Result<Vec<(String, Record)>, StateError> {
    let query = match scope {
        Scope::Of(owner) => sqlx::query_as::<_, Row>(
            "SELECT seq, key, owner, value, version, expires FROM records
             WHERE tab = ?1 AND seq > ?2 AND (expires IS NULL OR expires > ?3) AND owner = ?5
             ORDER BY seq LIMIT ?4",
        )
        .bind(table.0)
        .bind(stored(after))
        .bind(now())
        .bind(stored(limit as u64))
        .bind(owner.as_bytes()),
        Scope::All => sqlx::query_as::<_, Row>(
            "SELECT seq, key, owner, value, version, expires FROM records
             WHERE tab = ?1 AND seq > ?2 AND (expires IS NULL OR expires > ?3)
             ORDER BY seq LIMIT ?4",
        )
        .bind(table.0)
        .bind(stored(after))
        .bind(now())
        .bind(stored(limit as u64)),
    };
    let rows = query.fetch_all(readers).await.map_err(failure)?;
    rows.into_iter().map(record).collect()
}

pub(super) async fn count(
    readers: &SqlitePool,
    table: Table,
    scope: Scope<'_>,
) -> Result<usize, StateError> {
    let query = match scope {
        Scope::Of(owner) => sqlx::query_scalar::<_, i64>(
            "SELECT count(*) FROM records
             WHERE tab = ?1 AND (expires IS NULL OR expires > ?2) AND owner = ?3",
        )
        .bind(table.0)
        .bind(now())
        .bind(owner.as_bytes()),
        Scope::All => sqlx::query_scalar::<_, i64>(
            "SELECT count(*) FROM records
             WHERE tab = ?1 AND (expires IS NULL OR expires > ?2)",
        )
        .bind(table.0)
        .bind(now()),
    };
    let count = query.fetch_one(readers).await.map_err(failure)?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

pub(super) async fn events(
    readers: &SqlitePool,
    log: &str,
    scope: Scope<'_>,
    after: u64,
    limit: usize,
) -> Result<Vec<(u64, Bytes)>, StateError> {
    // One statement, so that the events are those of the log whose owner was looked at.
    let rows: Vec<(Vec<u8>, i64, Vec<u8>)> = sqlx::query_as(
        "SELECT logs.owner, events.number, events.event
         FROM logs JOIN events ON events.log = logs.id
         WHERE logs.name = ?1 AND (logs.expires IS NULL OR logs.expires > ?2)
           AND events.number > ?3
         ORDER BY events.number LIMIT ?4",
    )
    .bind(log.as_bytes())
    .bind(now())
    .bind(stored(after))
    .bind(stored(limit as u64))
    .fetch_all(readers)
    .await
    .map_err(failure)?;
    let own = |owner: &[u8]| match scope {
        Scope::Of(own) => own.as_bytes() == owner,
        Scope::All => true,
    };
    Ok(rows
        .into_iter()
        .filter(|(owner, _, _)| own(owner))
        .map(|(_, at, event)| (number(at), Bytes::from(event)))
        .collect())
}
