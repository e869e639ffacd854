//! The prompt that hands all notes to a model.

use std::fmt::Write as _;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use wharf::protocol::content::{ContentBlock, EmbeddedResource};
use wharf::{Context, Error, Message, Prompt, Result};

use super::store::{Fitting, Store, uri};

/// How long a style in the user's own words may be, in characters.
const MAX_STYLE: usize = 500;

#[derive(Deserialize, JsonSchema)]
struct Style {
    /// How the summary is written: `brief`, `detailed`, `bullets`, or in words of your own
    style: Option<String>,
}

pub(super) fn summarize(store: &Arc<Store>) -> Prompt {
    let store = Arc::clone(store);
    Prompt::new("summarize_notes")
        .title("Summarize notes")
        .description("Summarize all notes.")
        .handler(move |given: Style, _: Context| {
            let store = Arc::clone(&store);
            async move { messages(&store, given.style.as_deref().unwrap_or("brief")).await }
        })
        .complete("style", ["brief", "detailed", "bullets"])
}

async fn messages(store: &Store, style: &str) -> Result<Vec<Message>> {
    let style = match style.trim() {
        "brief" | "" => "Keep it brief.".to_owned(),
        "detailed" => "Give all details.".to_owned(),
        "bullets" => "Write it as a list of bullet points.".to_owned(),
        own if own.chars().nth(MAX_STYLE).is_some() => {
            return Err(Error::invalid_params(format_args!(
                "`style` may have {MAX_STYLE} characters"
            )));
        }
        own => format!("Write it in this style: {own}"),
    };
    let found = store.fitting().await?;
    if found.total == 0 {
        return Ok(vec![Message::user(
            "There are no notes yet. Say so, and that `create_note` makes one.",
        )]);
    }
    let mut messages = vec![Message::user(introduction(&found))];
    messages.extend(found.notes.into_iter().map(|note| {
        Message::user(EmbeddedResource {
            resource: store.contents(note),
            annotations: None,
            meta: None,
        })
    }));
    messages.push(Message::user(ContentBlock::text(format!(
        "Summarize all notes above. {style}"
    ))));
    Ok(messages)
}

/// Which notes follow, by their titles, which are not part of their contents; and which do not.
fn introduction(found: &Fitting) -> String {
    let here = found.notes.len();
    let left = found.total - i64::try_from(here).unwrap_or(i64::MAX);
    let mut text = match left {
        0 if here == 1 => "Here is the one note there is:\n".to_owned(),
        0 => format!("Here are all {here} notes:\n"),
        _ => format!(
            "Here are {here} of {} notes, those that were changed last. The other {left} are left \
             out, because together they are too long; say so in the summary.\n",
            found.total
        ),
    };
    for note in &found.notes {
        // Writing to a string does not fail.
        let _ = write!(text, "\n- {}: {}", uri(note.id), note.title);
    }
    text
}
