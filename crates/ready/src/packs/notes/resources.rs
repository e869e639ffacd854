//! The template of the notes: one of them by its id.

use std::sync::Arc;

use serde::Deserialize;
use wharf::protocol::completion::Completion;
use wharf::{CompletionRequest, Context, Error, Resource, Result};

use super::search;
use super::store::{Store, read_id};

#[derive(Deserialize)]
struct Variables {
    id: String,
}

pub(super) fn template(store: &Arc<Store>) -> Resource {
    let (reads, completes) = (Arc::clone(store), Arc::clone(store));
    Resource::template("note:///{id}", move |given: Variables, _: Context| {
        let store = Arc::clone(&reads);
        async move {
            let missing = || Error::not_found(format!("note:///{}", given.id));
            let id = read_id(&given.id).ok_or_else(missing)?;
            let note = store.get(id).await?.ok_or_else(missing)?;
            Ok::<_, Error>(store.contents(note))
        }
    })
    .name("note")
    .title("Note")
    .description(
        "A note, by its id. Completes ids from their beginning or from words of the title.",
    )
    .mime_type(store.options.format.mime_type())
    .complete_with("id", move |asked: CompletionRequest| {
        let store = Arc::clone(&completes);
        async move { complete(&store, &asked.value).await }
    })
}

async fn complete(store: &Store, typed: &str) -> Result<Completion> {
    let (ids, total) = search::ids(store, typed).await?;
    Ok(Completion {
        has_more: Some(total > ids.len() as u64),
        total: Some(total),
        values: ids.iter().map(i64::to_string).collect(),
    })
}
