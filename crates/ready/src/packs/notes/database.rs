//! The file: how it is opened, and what is in it.

use std::fs::OpenOptions;
use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, SqlitePool};

use super::options::Place;
use crate::{Error, Result};

/// "WhNt", in the file's `application_id`.
const APPLICATION: i64 = 0x5768_4e74;

/// The version of the schema below; in the file's `user_version`.
const SCHEMA: i64 = 1;

/// How long one process waits for another one that writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// Numbers of deleted notes are not given again (`AUTOINCREMENT`), so that an id means one note for
/// ever. `changed` and `clock` count writes, so that a process sees what others wrote.
const CREATE: &[&str] = &[
    "CREATE TABLE notes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL,
        content TEXT NOT NULL,
        size INTEGER NOT NULL,
        created INTEGER NOT NULL,
        modified INTEGER NOT NULL,
        changed INTEGER NOT NULL
    ) STRICT",
    "CREATE INDEX notes_by_modified ON notes (modified DESC, id DESC)",
    "CREATE INDEX notes_by_changed ON notes (changed)",
    "CREATE TABLE clock (last INTEGER NOT NULL, listed INTEGER NOT NULL) STRICT",
    "INSERT INTO clock (last, listed) VALUES (0, 0)",
    "CREATE VIRTUAL TABLE words USING fts5(
        title, content, content = 'notes', content_rowid = 'id',
        tokenize = 'unicode61 remove_diacritics 2')",
    "CREATE TRIGGER note_added AFTER INSERT ON notes BEGIN
        INSERT INTO words (rowid, title, content) VALUES (new.id, new.title, new.content);
    END",
    "CREATE TRIGGER note_removed AFTER DELETE ON notes BEGIN
        INSERT INTO words (words, rowid, title, content)
            VALUES ('delete', old.id, old.title, old.content);
    END",
    "CREATE TRIGGER note_changed AFTER UPDATE OF title, content ON notes BEGIN
        INSERT INTO words (words, rowid, title, content)
            VALUES ('delete', old.id, old.title, old.content);
        INSERT INTO words (rowid, title, content) VALUES (new.id, new.title, new.content);
    END",
];

/// The connections to the notes.
#[derive(Debug, Clone)]
pub(super) struct Database {
    /// One connection, so that the writes of this process wait for each other and not for SQLite.
    pub(super) writer: SqlitePool,
    /// Connections that cannot write.
    pub(super) readers: SqlitePool,
}

pub(super) async fn open(place: &Place) -> Result<Database> {
    match place {
        Place::Memory => memory().await,
        Place::File(path) => file(path).await,
    }
}

/// One connection for everything: another one would see other notes.
async fn memory() -> Result<Database> {
    let explain = |error| Error::unavailable("cannot keep notes in memory").because(error);
    let options = SqliteConnectOptions::new()
        .in_memory(true)
        .disable_statement_logging();
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await
        .map_err(explain)?;
    let mut connection = pool.acquire().await.map_err(explain)?;
    create(&mut connection).await.map_err(explain)?;
    drop(connection);
    Ok(Database {
        writer: pool.clone(),
        readers: pool,
    })
}

async fn file(path: &Path) -> Result<Database> {
    make(path).map_err(|error| {
        Error::unavailable(format_args!("cannot open `{}`", path.display())).because(error)
    })?;
    let explain = |error| explain(path, error);
    // Another process may be just about to make the same file.
    let until = Instant::now() + PATIENCE;
    loop {
        match prepare(path).await {
            Ok(()) => break,
            Err(Unprepared::Sqlite(error)) if is_busy(&error) && Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(Unprepared::Sqlite(error)) => return Err(explain(error)),
            Err(Unprepared::Other(error)) => return Err(error),
        }
    }
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(10))
        .idle_timeout(Duration::from_secs(60))
        .connect_with(options(path))
        .await
        .map_err(explain)?;
    let readers = SqlitePoolOptions::new()
        .max_connections(4)
        .acquire_timeout(Duration::from_secs(10))
        .idle_timeout(Duration::from_secs(60))
        .connect_with(options(path).pragma("query_only", "ON"))
        .await
        .map_err(explain)?;
    Ok(Database { writer, readers })
}

/// Makes the file and the directory it is in, for this user alone.
///
/// One that is there is not opened: closing it would take away the locks that SQLite has on it for
/// other connections of this process (SQLite, "How To Corrupt", 2.2).
fn make(path: &Path) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            match std::fs::metadata(path)?.is_file() {
                true => Ok(()),
                false => Err(std::io::Error::other("it is not a file")),
            }
        }
        Err(error) => Err(error),
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // On macOS a write is on the disk only with this.
        .pragma("fullfsync", "ON")
        .busy_timeout(PATIENCE)
        .disable_statement_logging()
}

enum Unprepared {
    Sqlite(sqlx::Error),
    Other(Error),
}

impl From<sqlx::Error> for Unprepared {
    fn from(error: sqlx::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Looks at what the file is, and makes its tables if it is new.
async fn prepare(path: &Path) -> Result<(), Unprepared> {
    // Looked at before anything is set: a file of something else stays as it is.
    let bare = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(PATIENCE)
        .disable_statement_logging();
    let mut connection = bare.connect().await?;
    // One look at it all: somebody else may be about to make the tables.
    sqlx::query("BEGIN").execute(&mut connection).await?;
    let ready = is_ready(&mut connection, path).await?;
    sqlx::query("COMMIT").execute(&mut connection).await?;
    if !ready {
        drop(connection);
        connection = options(path).connect().await?;
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut connection)
            .await?;
        // Somebody else may have made them while this one waited.
        if !is_ready(&mut connection, path).await? {
            create(&mut connection).await?;
        }
        sqlx::query("COMMIT").execute(&mut connection).await?;
    }
    Ok(())
}

/// Whether the tables are there; `false` for an empty file.
async fn is_ready(connection: &mut SqliteConnection, path: &Path) -> Result<bool, Unprepared> {
    let mut numbers = [0_i64; 3];
    for (number, query) in numbers.iter_mut().zip([
        "PRAGMA user_version",
        "PRAGMA application_id",
        "SELECT count(*) FROM sqlite_schema",
    ]) {
        *number = sqlx::query_scalar(query)
            .fetch_one(&mut *connection)
            .await?;
    }
    let shown = path.display();
    match numbers {
        [0, 0, 0] => Ok(false),
        [SCHEMA, APPLICATION, _] => Ok(true),
        [version, APPLICATION, _] => Err(Unprepared::Other(Error::invalid(format_args!(
            "`{shown}` was written by a newer version (its schema is {version}, this program \
             knows {SCHEMA})"
        )))),
        _ => Err(Unprepared::Other(Error::invalid(format_args!(
            "`{shown}` is a database of something else; say where the notes are with `path`"
        )))),
    }
}

async fn create(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    for statement in CREATE {
        sqlx::query(statement).execute(&mut *connection).await?;
    }
    for mark in [
        format!("PRAGMA application_id = {APPLICATION}"),
        format!("PRAGMA user_version = {SCHEMA}"),
    ] {
        sqlx::query(&mark).execute(&mut *connection).await?;
    }
    Ok(())
}

/// SQLite's own number for what went wrong, without its refinements.
pub(super) fn code(error: &sqlx::Error) -> Option<i64> {
    let code = error.as_database_error()?.code()?;
    Some(code.parse::<i64>().ok()? & 0xff)
}

/// Whether another process was writing for too long (SQLITE_BUSY, SQLITE_LOCKED).
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    matches!(code(error), Some(5 | 6))
}

/// What keeps the file from being opened.
fn explain(path: &Path, error: sqlx::Error) -> Error {
    let shown = path.display();
    match code(&error) {
        Some(26) => Error::invalid(format_args!(
            "`{shown}` is no SQLite database; say where the notes are with `path`"
        )),
        Some(11) => Error::unavailable(format_args!("`{shown}` is damaged")).because(error),
        _ => Error::unavailable(format_args!("cannot open `{shown}`")).because(error),
    }
}
