//! Opening the file: its lock, its schema, its connections.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, SqlitePool};

use super::read::failure;
use crate::StateError;

/// The version of the schema below; in the file's `user_version`.
const SCHEMA: i64 = 1;

/// "Whrf", in the file's `application_id`.
const APPLICATION: i64 = 0x5768_7266;

/// Texts are blobs, so that they compare byte by byte and may hold anything.
const CREATE: &[&str] = &[
    "CREATE TABLE records (
        seq INTEGER PRIMARY KEY,
        tab TEXT NOT NULL,
        key BLOB NOT NULL,
        owner BLOB NOT NULL,
        value BLOB NOT NULL,
        version INTEGER NOT NULL,
        expires INTEGER,
        UNIQUE (tab, key)
    ) STRICT",
    "CREATE INDEX records_in_order ON records (tab, seq, expires)",
    "CREATE INDEX records_of_owner ON records (tab, owner, seq, expires)",
    "CREATE INDEX records_by_expiry ON records (expires) WHERE expires IS NOT NULL",
    "CREATE TABLE logs (
        id INTEGER PRIMARY KEY,
        name BLOB NOT NULL UNIQUE,
        owner BLOB NOT NULL,
        last INTEGER NOT NULL,
        expires INTEGER
    ) STRICT",
    "CREATE INDEX logs_by_expiry ON logs (expires) WHERE expires IS NOT NULL",
    "CREATE TABLE events (
        log INTEGER NOT NULL,
        number INTEGER NOT NULL,
        event BLOB NOT NULL,
        PRIMARY KEY (log, number)
    ) STRICT, WITHOUT ROWID",
    // How often the file was opened: the upper part of all numbers that are given out.
    "CREATE TABLE epoch (number INTEGER NOT NULL) STRICT",
    "INSERT INTO epoch (number) VALUES (0)",
];

/// A file that is ready for use.
pub(super) struct Opened {
    pub(super) path: PathBuf,
    /// Locked for as long as it is open.
    pub(super) lock: File,
    pub(super) connection: SqliteConnection,
    pub(super) readers: SqlitePool,
    /// Greater than at any earlier opening.
    pub(super) epoch: u64,
}

pub(super) async fn open(path: &Path) -> Result<Opened, StateError> {
    let cannot = |what: &str, error: io::Error| {
        StateError::unavailable(format_args!(
            "cannot {what} the store {}: {error}",
            path.display()
        ))
        .with_source(error)
    };
    // Made first, so that it has its mode before anything is in it and one true name to lock.
    let file = private_file(path).map_err(|error| cannot("open", error))?;
    if !file.metadata().is_ok_and(|data| data.is_file()) {
        return Err(StateError::refused(format_args!(
            "{} is no file that a store could be in",
            path.display()
        )));
    }
    drop(file);
    let path = path.canonicalize().map_err(|error| cannot("find", error))?;
    let lock = lock(&path).await?;
    let mut connection = connect(&path).await?;
    prepare(&mut connection, &path).await?;
    let epoch = next_epoch(&mut connection)
        .await
        .map_err(|error| explain(&path, error))?;
    let readers = SqlitePoolOptions::new()
        .max_connections(4)
        .acquire_timeout(Duration::from_secs(10))
        .idle_timeout(Duration::from_secs(60))
        .connect_with(options(&path).pragma("query_only", "ON"))
        .await
        .map_err(|error| explain(&path, error))?;
    Ok(Opened {
        path,
        lock,
        connection,
        readers,
        epoch,
    })
}

/// A connection that writes.
pub(super) async fn connect(path: &Path) -> Result<SqliteConnection, StateError> {
    let connection = options(path).connect().await;
    connection.map_err(|error| explain(path, error))
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // On macOS a write is on the disk only with this.
        .pragma("fullfsync", "ON")
        .busy_timeout(Duration::from_secs(5))
        .disable_statement_logging()
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Locks the file beside the store, which SQLite never touches.
async fn lock(path: &Path) -> Result<File, StateError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let cannot = |error: io::Error| {
        StateError::unavailable(format_args!("cannot lock {}: {error}", name.display()))
            .with_source(error)
    };
    let file = private_file(&name).map_err(cannot)?;
    let patience = Instant::now() + Duration::from_secs(1);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < patience => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(TryLockError::WouldBlock) => {
                return Err(StateError::unavailable(format_args!(
                    "the store {} is in use by another process",
                    path.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(cannot(error)),
        }
    }
}

/// Checks what the file is, and makes its tables if it is new.
async fn prepare(connection: &mut SqliteConnection, path: &Path) -> Result<(), StateError> {
    let shown = path.display();
    let version = number(connection, path, "PRAGMA user_version").await?;
    let application = number(connection, path, "PRAGMA application_id").await?;
    let tables = number(connection, path, "SELECT count(*) FROM sqlite_schema").await?;
    if (version, application, tables) == (0, 0, 0) {
        return create(connection)
            .await
            .map_err(|error| explain(path, error));
    }
    if application != APPLICATION {
        return Err(StateError::refused(format_args!(
            "{shown} is a database of something else"
        )));
    }
    if version > SCHEMA {
        return Err(StateError::refused(format_args!(
            "the store {shown} was written by a newer version (its schema is {version}, \
             this program knows {SCHEMA})"
        )));
    }
    let journal = sqlx::query_scalar::<_, String>("PRAGMA journal_mode")
        .fetch_one(connection)
        .await
        .map_err(|error| explain(path, error))?;
    if journal != "wal" {
        return Err(StateError::unavailable(format_args!(
            "the store {shown} cannot have a write-ahead log; is it on a local disk?"
        )));
    }
    Ok(())
}

async fn number(
    connection: &mut SqliteConnection,
    path: &Path,
    query: &str,
) -> Result<i64, StateError> {
    let number = sqlx::query_scalar(query).fetch_one(connection).await;
    number.map_err(|error| explain(path, error))
}

/// In one transaction, so that a file is a whole store or none.
async fn create(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut *connection)
        .await?;
    for statement in CREATE {
        sqlx::query(statement).execute(&mut *connection).await?;
    }
    for mark in [
        format!("PRAGMA application_id = {APPLICATION}"),
        format!("PRAGMA user_version = {SCHEMA}"),
    ] {
        sqlx::query(&mark).execute(&mut *connection).await?;
    }
    sqlx::query("COMMIT").execute(connection).await?;
    Ok(())
}

async fn next_epoch(connection: &mut SqliteConnection) -> Result<u64, sqlx::Error> {
    let epoch = "UPDATE epoch SET number = number + 1 RETURNING number";
    let epoch: i64 = sqlx::query_scalar(epoch).fetch_one(connection).await?;
    Ok(epoch.unsigned_abs())
}

/// What keeps a file from being opened, with its name.
fn explain(path: &Path, error: sqlx::Error) -> StateError {
    let shown = path.display();
    let code = error.as_database_error().and_then(|error| error.code());
    match code.as_deref() {
        Some("26") => StateError::refused(format_args!("{shown} is no SQLite database")),
        Some("11") => StateError::unavailable(format_args!("the store {shown} is damaged")),
        _ => {
            let failure = failure(error);
            StateError::unavailable(format_args!("cannot open the store {shown}: {failure}"))
                .with_source(failure)
        }
    }
}
