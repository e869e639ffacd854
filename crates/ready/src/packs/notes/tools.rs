//! The tools.

use std::fmt::Write as _;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wharf::protocol::content::ContentBlock;
use wharf::protocol::tools::{CallToolResult, ToolAnnotations};
use wharf::{Context, Error, Items, Result, Tool};

use super::answer::{About, Answer, Id};
use super::options::Confirm;
use super::search;
use super::store::{Head, Note, Store, Updated, read_id, time, uri};

pub(super) fn items(store: &Arc<Store>) -> Items {
    Items::new()
        .tool(create(Arc::clone(store)))
        .tool(update(Arc::clone(store)))
        .tool(delete(Arc::clone(store)))
        .tool(search(Arc::clone(store)))
        .tool(list(Arc::clone(store)))
        .tool(read(Arc::clone(store)))
}

/// A tool that knows nothing but the notes.
fn tool(name: &str, title: &str, description: &str) -> Tool {
    Tool::new(name).title(title).description(description)
}

fn writes(destructive: bool, idempotent: bool) -> ToolAnnotations {
    ToolAnnotations {
        title: None,
        read_only_hint: Some(false),
        destructive_hint: Some(destructive),
        idempotent_hint: Some(idempotent),
        open_world_hint: Some(false),
    }
}

#[derive(Deserialize, JsonSchema)]
struct Create {
    /// What the note is called, on one line
    title: String,
    /// The note
    content: String,
}

fn create(store: Arc<Store>) -> Tool {
    tool("create_note", "Create a note", "Keep a new note.")
        .annotations(writes(false, false))
        .handler(move |new: Create, _: Context| {
            let store = Arc::clone(&store);
            async move {
                let head = store.create(&new.title, &new.content).await?;
                let text = format!("Created note {}: {}", head.id, head.title);
                Ok::<_, Error>(linked(&store, head, text))
            }
        })
}

#[derive(Deserialize, JsonSchema)]
struct Update {
    /// The id of the note
    id: Id,
    /// The new title; without it the title stays as it is
    title: Option<String>,
    /// All of the new content; without it the content stays as it is
    content: Option<String>,
}

fn update(store: Arc<Store>) -> Tool {
    tool(
        "update_note",
        "Change a note",
        "Change the title or the content of a note. What is not given stays as it is.",
    )
    .annotations(writes(true, true))
    .handler(move |new: Update, _: Context| {
        let store = Arc::clone(&store);
        async move {
            let id = existing(&new.id)?;
            if new.title.is_none() && new.content.is_none() {
                return Err(Error::new(
                    "there is nothing to change: give `title`, `content` or both",
                ));
            }
            let updated = store.update(id, new.title.as_deref(), new.content.as_deref());
            let (head, what) = match updated.await? {
                Updated::Missing => return Err(missing(&new.id)),
                Updated::Unchanged(head) => (head, "is like that already"),
                Updated::Changed(head) => (head, "was changed"),
            };
            let text = format!("Note {} {what}: {}", head.id, head.title);
            Ok(linked(&store, head, text))
        }
    })
}

#[derive(Deserialize, JsonSchema)]
struct Which {
    /// The id of the note
    id: Id,
}

fn delete(store: Arc<Store>) -> Tool {
    tool(
        "delete_note",
        "Delete a note",
        "Delete a note for ever. Asks the user first, where that is possible.",
    )
    .annotations(writes(true, true))
    .handler(move |which: Which, ctx: Context| {
        let store = Arc::clone(&store);
        async move {
            let id = existing(&which.id)?;
            let head = store.head(id).await?.ok_or_else(|| missing(&which.id))?;
            let asked = agreed(&store, &ctx, &head).await?;
            let Some(gone) = store.delete(id).await? else {
                return Err(missing(&which.id));
            };
            Ok(deleted(&store, gone, asked))
        }
    })
}

/// Whether a person agreed; `false` where nobody could be asked and nobody had to be.
async fn agreed(store: &Store, ctx: &Context, head: &Head) -> Result<bool> {
    let confirm = store.options.confirm;
    if confirm == Confirm::Never {
        return Ok(false);
    }
    let question = format!("Delete note {} (\"{}\") for ever?", head.id, head.title);
    match ctx.elicit::<()>(question).await {
        Ok(()) => Ok(true),
        Err(error) if error.is_unsupported() && confirm == Confirm::WherePossible => Ok(false),
        Err(error) if error.is_unsupported() => Err(Error::new(
            "deleting a note must be confirmed by the user, and this client cannot ask them",
        )),
        Err(error) if error.is_refused() => Err(Error::new(format_args!(
            "the user did not agree: note {} was kept",
            head.id
        ))),
        Err(error) => Err(Error::from_display(error)),
    }
}

/// Without somebody who agreed, the answer is where the note can still be found.
fn deleted(store: &Store, gone: Note, asked: bool) -> CallToolResult {
    let mut text = format!("Deleted note {}: {}", gone.id, gone.title);
    let mut content = Vec::new();
    if !asked {
        text.push_str("\nThis was in it:");
        content.push(ContentBlock::embedded(store.contents(gone)));
    }
    content.insert(0, ContentBlock::text(text));
    CallToolResult {
        content,
        ..CallToolResult::default()
    }
}

#[derive(Deserialize, JsonSchema)]
struct Search {
    /// Words that are all in the title or the content; each stands for all words that begin with it
    #[schemars(length(min = 1, max = 1000))]
    query: String,
    /// How many notes to give at most, from 1 to 50
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 50))]
    limit: u32,
}

fn ten() -> u32 {
    10
}

#[derive(Serialize, JsonSchema)]
struct Matches {
    /// The best notes first
    notes: Vec<Match>,
    /// How many notes match in all
    total: i64,
    /// What is not here, if anything
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Match {
    #[serde(flatten)]
    note: About,
    /// A part of the content, with the words between `**`
    snippet: String,
}

fn search(store: Arc<Store>) -> Tool {
    tool(
        "search_notes",
        "Search notes",
        "Find notes by words in their title or content. Upper and lower case and accents do not \
         matter; there are no operators.",
    )
    .read_only()
    .idempotent()
    .open_world(false)
    .handler(move |asked: Search, _: Context| {
        let store = Arc::clone(&store);
        async move {
            let found = search::find(&store, &asked.query, asked.limit.clamp(1, 50)).await?;
            let shown = i64::try_from(found.hits.len()).unwrap_or(i64::MAX);
            let cut = (shown < found.total).then(|| {
                format!(
                    "{} of {} matches are shown, the best ones: search for more words, or set a \
                     higher `limit`",
                    shown, found.total
                )
            });
            let mut text = match found.total {
                0 => "No note has all of these words.".to_owned(),
                1 => "1 note:".to_owned(),
                total => format!("{total} notes:"),
            };
            for hit in &found.hits {
                // Writing to a string does not fail.
                let _ = write!(text, "\n\n{}: {}\n{}", uri(hit.id), hit.title, hit.snippet);
            }
            if let Some(cut) = &cut {
                let _ = write!(text, "\n\n({cut})");
            }
            let notes = found.hits.into_iter().map(|hit| Match {
                note: About {
                    id: hit.id.to_string(),
                    uri: uri(hit.id),
                    title: hit.title,
                    modified: time(hit.modified),
                },
                snippet: hit.snippet,
            });
            let value = Matches {
                notes: notes.collect(),
                total: found.total,
                cut,
            };
            Ok::<_, Error>(Answer {
                value,
                text,
                links: Vec::new(),
            })
        }
    })
}

#[derive(Deserialize, JsonSchema)]
struct List {
    /// The id after which the list begins: the `next` of the answer before
    after: Option<Id>,
    /// How many notes to give at most, from 1 to 200
    #[serde(default = "fifty")]
    #[schemars(range(min = 1, max = 200))]
    limit: u32,
}

fn fifty() -> u32 {
    50
}

#[derive(Serialize, JsonSchema)]
struct Listed {
    /// Notes in the order in which they were made
    notes: Vec<About>,
    /// There are more notes: what to give as `after` to have them
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

fn list(store: Arc<Store>) -> Tool {
    tool(
        "list_notes",
        "List notes",
        "The titles of all notes, page by page.",
    )
    .read_only()
    .idempotent()
    .open_world(false)
    .handler(move |asked: List, _: Context| {
        let store = Arc::clone(&store);
        async move {
            let after = asked.after.as_ref().map(existing).transpose()?.unwrap_or(0);
            let limit = asked.limit.clamp(1, 200) as usize;
            let mut heads = store.page(after, limit + 1).await?;
            let more = heads.len() > limit;
            heads.truncate(limit);
            let next = heads
                .last()
                .filter(|_| more)
                .map(|last| last.id.to_string());
            let mut text = match heads.is_empty() {
                true => "There are no notes.".to_owned(),
                false => String::new(),
            };
            for head in &heads {
                let _ = writeln!(text, "{}: {}", uri(head.id), head.title);
            }
            if let Some(next) = &next {
                let _ = write!(text, "\n(There are more: ask with `after` \"{next}\".)");
            }
            let notes = heads.into_iter().map(about).collect();
            Ok::<_, Error>(Answer {
                value: Listed { notes, next },
                text,
                links: Vec::new(),
            })
        }
    })
}

fn read(store: Arc<Store>) -> Tool {
    tool(
        "read_note",
        "Read a note",
        "The whole of a note. The same as reading the resource `note:///{id}`.",
    )
    .read_only()
    .idempotent()
    .open_world(false)
    .handler(move |which: Which, _: Context| {
        let store = Arc::clone(&store);
        async move {
            let note = store.get(existing(&which.id)?).await?;
            let note = note.ok_or_else(|| missing(&which.id))?;
            Ok::<_, Error>(ContentBlock::embedded(store.contents(note)))
        }
    })
}

fn about(head: Head) -> About {
    About {
        id: head.id.to_string(),
        uri: uri(head.id),
        title: head.title,
        modified: time(head.modified),
    }
}

fn linked(store: &Store, head: Head, text: String) -> Answer<About> {
    let links = vec![store.resource(&head)];
    Answer {
        value: about(head),
        text,
        links,
    }
}

/// The id, if one like it could have been given out.
fn existing(id: &Id) -> Result<i64> {
    read_id(&id.text()).ok_or_else(|| missing(id))
}

fn missing(id: &Id) -> Error {
    let shown: String = id.text().chars().take(40).collect();
    Error::new(format_args!(
        "there is no note {shown:?}: `list_notes` and `search_notes` give the ids there are"
    ))
}
