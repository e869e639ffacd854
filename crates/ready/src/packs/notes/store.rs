//! The notes: what can be done with them, and who is told of it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use sqlx::{Sqlite, Transaction};
use wharf::protocol::content::Annotations;
use wharf::protocol::resources::{Resource, ResourceContents};
use wharf::{CatalogHandle, Changed, Error, Result};

use super::database::{self, Database};
use super::options::Options;

/// A note as it is listed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Head {
    pub(super) id: i64,
    pub(super) title: String,
    /// The length of its content, in bytes.
    pub(super) size: i64,
    /// Milliseconds since 1970.
    pub(super) modified: i64,
}

/// A note.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Note {
    pub(super) id: i64,
    pub(super) title: String,
    pub(super) content: String,
}

/// Reads a row by the names of its columns.
macro_rules! from_row {
    ($type:ident { $($column:ident),* }) => {
        impl<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow> for $type {
            fn from_row(row: &'r sqlx::sqlite::SqliteRow) -> Result<Self, sqlx::Error> {
                use sqlx::Row as _;
                Ok(Self { $($column: row.try_get(stringify!($column))?),* })
            }
        }
    };
}
pub(super) use from_row;

from_row!(Head {
    id,
    title,
    size,
    modified
});
from_row!(Note { id, title, content });

/// What an update came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Updated {
    Missing,
    Unchanged(Head),
    Changed(Head),
}

/// How many notes there are, and those that fit into a number of bytes.
#[derive(Debug, Default)]
pub(super) struct Fitting {
    pub(super) notes: Vec<Note>,
    pub(super) total: i64,
}

/// What SQL gives of a [`Head`].
const HEAD: &str = "id, title, size, modified";

/// What is counted for a note in a prompt beside its title and its content.
const AROUND: usize = 200;

#[derive(Debug)]
pub(super) struct Store {
    pub(super) database: Database,
    pub(super) options: Options,
    pub(super) catalog: CatalogHandle,
    /// The writes of this process that [`watch`](super::watch) has not seen yet: of these clients
    /// know already.
    own: Arc<Mutex<BTreeSet<i64>>>,
}

impl Store {
    pub(super) fn new(database: Database, options: Options, catalog: CatalogHandle) -> Self {
        Self {
            database,
            options,
            catalog,
            own: Arc::default(),
        }
    }

    /// Keeps a new note.
    pub(super) async fn create(&self, title: &str, content: &str) -> Result<Head> {
        let title = self.title(title)?;
        self.content(content)?;
        let mut write = self.begin().await?;
        let many: i64 = sqlx::query_scalar("SELECT count(*) FROM notes")
            .fetch_one(&mut *write)
            .await
            .map_err(failure)?;
        if many >= i64::from(self.options.max_notes) {
            return Err(Error::new(format_args!(
                "there are {many} notes already, and no more are allowed: delete some with \
                 `delete_note`, or set `max_notes`"
            )));
        }
        let tick = tick(&mut write, true).await?;
        let head: Head = sqlx::query_as(&format!(
            "INSERT INTO notes (title, content, size, created, modified, changed)
             VALUES (?1, ?2, ?3, ?4, ?4, ?5) RETURNING {HEAD}"
        ))
        .bind(title)
        .bind(content)
        .bind(size(content))
        .bind(now())
        .bind(tick)
        .fetch_one(&mut *write)
        .await
        .map_err(failure)?;
        self.commit(write, tick, tell_list).await?;
        Ok(head)
    }

    /// Changes what is given of a note, and leaves the rest.
    pub(super) async fn update(
        &self,
        id: i64,
        title: Option<&str>,
        content: Option<&str>,
    ) -> Result<Updated> {
        let title = title.map(|title| self.title(title)).transpose()?;
        content.map(|content| self.content(content)).transpose()?;
        let mut write = self.begin().await?;
        let before: Option<(String, String)> =
            sqlx::query_as("SELECT title, content FROM notes WHERE id = ?1")
                .bind(id)
                .fetch_optional(&mut *write)
                .await
                .map_err(failure)?;
        let Some((old_title, old_content)) = before else {
            return Ok(Updated::Missing);
        };
        let (title, content) = (title.unwrap_or(&old_title), content.unwrap_or(&old_content));
        if title == old_title && content == old_content {
            let head = sqlx::query_as(&format!("SELECT {HEAD} FROM notes WHERE id = ?1"))
                .bind(id)
                .fetch_one(&mut *write)
                .await
                .map_err(failure)?;
            return Ok(Updated::Unchanged(head));
        }
        let renamed = title != old_title;
        let tick = tick(&mut write, renamed).await?;
        let head: Head = sqlx::query_as(&format!(
            "UPDATE notes SET title = ?2, content = ?3, size = ?4, modified = ?5, changed = ?6
             WHERE id = ?1 RETURNING {HEAD}"
        ))
        .bind(id)
        .bind(title)
        .bind(content)
        .bind(size(content))
        .bind(now())
        .bind(tick)
        .fetch_one(&mut *write)
        .await
        .map_err(failure)?;
        let tell = move |catalog: &CatalogHandle| {
            catalog.notify_resource_updated(&uri(id));
            if renamed {
                tell_list(catalog);
            }
        };
        self.commit(write, tick, tell).await?;
        Ok(Updated::Changed(head))
    }

    /// Removes a note for ever, and gives what it was.
    pub(super) async fn delete(&self, id: i64) -> Result<Option<Note>> {
        let mut write = self.begin().await?;
        let gone: Option<Note> =
            sqlx::query_as("DELETE FROM notes WHERE id = ?1 RETURNING id, title, content")
                .bind(id)
                .fetch_optional(&mut *write)
                .await
                .map_err(failure)?;
        let Some(gone) = gone else { return Ok(None) };
        let tick = tick(&mut write, true).await?;
        self.commit(write, tick, tell_list).await?;
        Ok(Some(gone))
    }

    pub(super) async fn get(&self, id: i64) -> Result<Option<Note>> {
        sqlx::query_as("SELECT id, title, content FROM notes WHERE id = ?1")
            .bind(id)
            .fetch_optional(&self.database.readers)
            .await
            .map_err(failure)
    }

    pub(super) async fn head(&self, id: i64) -> Result<Option<Head>> {
        sqlx::query_as(&format!("SELECT {HEAD} FROM notes WHERE id = ?1"))
            .bind(id)
            .fetch_optional(&self.database.readers)
            .await
            .map_err(failure)
    }

    /// Notes in the order of their ids.
    pub(super) async fn page(&self, after: i64, limit: usize) -> Result<Vec<Head>> {
        sqlx::query_as(&format!(
            "SELECT {HEAD} FROM notes WHERE id > ?1 ORDER BY id LIMIT ?2"
        ))
        .bind(after)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.database.readers)
        .await
        .map_err(failure)
    }

    /// The notes that were changed last, as many as fit into the limit of a prompt, by id.
    pub(super) async fn fitting(&self) -> Result<Fitting> {
        let mut read = self.database.readers.begin().await.map_err(failure)?;
        let total = sqlx::query_scalar("SELECT count(*) FROM notes")
            .fetch_one(&mut *read)
            .await
            .map_err(failure)?;
        let mut left = usize::try_from(self.options.max_prompt).unwrap_or(usize::MAX);
        let mut notes: Vec<Note> = Vec::new();
        let mut all = sqlx::query_as::<_, Note>(
            "SELECT id, title, content FROM notes ORDER BY modified DESC, id DESC",
        )
        .fetch(&mut *read);
        while let Some(note) = all.try_next().await.map_err(failure)? {
            let needs = note.title.len() + note.content.len() + AROUND;
            let Some(rest) = left.checked_sub(needs) else {
                break;
            };
            left = rest;
            notes.push(note);
        }
        notes.sort_by_key(|note| note.id);
        Ok(Fitting { notes, total })
    }

    /// A title on one line, as it is kept.
    fn title<'t>(&self, title: &'t str) -> Result<&'t str> {
        let title = title.trim();
        let most = self.options.max_title as usize;
        if title.is_empty() {
            return Err(Error::new("a note needs a title"));
        }
        if title.contains(char::is_control) {
            return Err(Error::new(
                "a title is one line of text, without control characters",
            ));
        }
        let long = title.chars().count();
        if long > most {
            return Err(Error::new(format_args!(
                "the title has {long} characters, and may have {most}: put the rest into `content`"
            )));
        }
        Ok(title)
    }

    fn content(&self, content: &str) -> Result<()> {
        let most = self.options.max_content as usize;
        if content.len() > most {
            return Err(Error::new(format_args!(
                "the content has {} bytes, and a note may have {most}: make several notes of it",
                content.len()
            )));
        }
        Ok(())
    }

    /// Takes the right to write, before anything is read that the write depends on.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>> {
        let begin = self.database.writer.begin_with("BEGIN IMMEDIATE").await;
        begin.map_err(failure)
    }

    /// Commits, and tells clients. Goes on when the caller is gone: what is written is told.
    async fn commit(
        &self,
        write: Transaction<'static, Sqlite>,
        tick: i64,
        tell: impl FnOnce(&CatalogHandle) + Send + 'static,
    ) -> Result<()> {
        let (own, catalog) = (Arc::clone(&self.own), self.catalog.clone());
        let committing = tokio::spawn(async move {
            // Before it is seen: the one who watches may be quicker.
            lock(&own).insert(tick);
            match write.commit().await {
                Ok(()) => {
                    tell(&catalog);
                    Ok(())
                }
                Err(error) => {
                    lock(&own).remove(&tick);
                    Err(failure(error))
                }
            }
        });
        committing.await?
    }

    /// Whether this process made that write, and has told of it.
    pub(super) fn is_own(&self, tick: i64) -> bool {
        lock(&self.own).contains(&tick)
    }

    /// Forgets the writes up to this one.
    pub(super) fn forget_own(&self, seen: i64) {
        let mut own = lock(&self.own);
        *own = own.split_off(&seen.saturating_add(1));
    }

    /// The note as `resources/list` shows it.
    pub(super) fn resource(&self, head: &Head) -> Resource {
        Resource {
            mime_type: Some(self.options.format.mime_type().to_owned()),
            size: u64::try_from(head.size).ok(),
            annotations: Some(Annotations {
                last_modified: Some(time(head.modified)),
                ..Annotations::default()
            }),
            ..Resource::new(uri(head.id), head.title.as_str())
        }
    }

    /// The note as `resources/read` shows it.
    pub(super) fn contents(&self, note: Note) -> ResourceContents {
        ResourceContents::text(uri(note.id), note.content)
            .mime_type(self.options.format.mime_type())
    }
}

/// Counts a write; with `listed` one that makes the list of notes different.
async fn tick(write: &mut Transaction<'static, Sqlite>, listed: bool) -> Result<i64> {
    sqlx::query_scalar(
        "UPDATE clock SET last = last + 1, listed = iif(?1, last + 1, listed) RETURNING last",
    )
    .bind(listed)
    .fetch_one(&mut **write)
    .await
    .map_err(failure)
}

fn lock(own: &Mutex<BTreeSet<i64>>) -> MutexGuard<'_, BTreeSet<i64>> {
    own.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells that the list of notes is different.
pub(super) fn tell_list(catalog: &CatalogHandle) {
    catalog.notify_changed(Changed {
        resources: true,
        ..Changed::default()
    });
}

pub(super) fn uri(id: i64) -> String {
    format!("note:///{id}")
}

/// The id that a text means: digits as they are given out, and nothing else.
pub(super) fn read_id(text: &str) -> Option<i64> {
    let id: i64 = text.parse().ok()?;
    (id > 0 && id.to_string() == text).then_some(id)
}

pub(super) fn time(millis: i64) -> String {
    let time = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH);
    time.to_string()
}

fn now() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

fn size(content: &str) -> i64 {
    i64::try_from(content.len()).unwrap_or(i64::MAX)
}

/// What the client is told of SQLite's troubles. Nothing of a note is in it, nor where the file is.
pub(super) fn failure(error: sqlx::Error) -> Error {
    let message = match database::code(&error) {
        Some(5 | 6) => "another process has been writing the notes for too long: try again",
        Some(13) => "there is no room left for notes on the disk",
        Some(8) => "the file of the notes cannot be written to",
        Some(11) => "the file of the notes is damaged",
        _ => "the notes cannot be had",
    };
    tracing::error!(%error, "{message}");
    Error::new(message)
}
