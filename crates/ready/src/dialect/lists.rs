//! Lists: shorter pages for who asks for them, and the members that the dialect adds.

use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::Instant;
use wharf::interpret::{Members, Plain, Refused};

use super::read::{invalid, text};

/// How long one prompt may take to give its messages for a list.
const PROMPT_TIME: Duration = Duration::from_secs(1);
/// How long all prompts of a page may take together.
const PAGE_TIME: Duration = Duration::from_secs(5);
/// How long the messages of one prompt may be in a list, in bytes.
const PROMPT_BYTES: usize = 16 * 1024;
/// How long those of a page may be together, in bytes.
const PAGE_BYTES: usize = 1024 * 1024;

pub(super) async fn resources(server: &Plain, params: Members) -> Result<Members, Refused> {
    let page = Page::get(server, "resources/list", "resources", params).await?;
    Ok(page.into_result())
}

pub(super) async fn templates(server: &Plain, params: Members) -> Result<Members, Refused> {
    let (method, member) = ("resources/templates/list", "resourceTemplates");
    let page = Page::get(server, method, member, params).await?;
    Ok(page.into_result())
}

/// Tools, with `parameters` (the input's schema) and `returns`: the output's schema, or that of a
/// text, which is what `tools/call` gives as `result` where there is no structured content.
pub(super) async fn tools(server: &Plain, params: Members) -> Result<Members, Refused> {
    let mut page = Page::get(server, "tools/list", "tools", params).await?;
    for tool in &mut page.items {
        if let Some(schema) = tool.raw("inputSchema").map(ToOwned::to_owned) {
            tool.set("parameters", schema);
        }
        match tool.raw("outputSchema").map(ToOwned::to_owned) {
            Some(schema) => tool.set("returns", schema),
            None => tool.set("returns", json!({ "type": "string" })),
        }
    }
    Ok(page.into_result())
}

/// Prompts, with `messages`: those that the prompt gives, if it can without arguments. A prompt
/// that needs arguments is not run with made-up ones, and one that asks, takes long or says much
/// does not belong in a list: for these there is one message, with the description and the names
/// of the arguments in braces.
pub(super) async fn prompts(server: &Plain, params: Members) -> Result<Members, Refused> {
    let mut page = Page::get(server, "prompts/list", "prompts", params).await?;
    let silent = server.silent();
    let end = Instant::now() + PAGE_TIME;
    let mut left = PAGE_BYTES;
    for prompt in &mut page.items {
        let time = PROMPT_TIME.min(end.saturating_duration_since(Instant::now()));
        let getting = messages(&silent, prompt);
        let messages = tokio::time::timeout(time, getting).await.ok().flatten();
        let fits = |raw: &Box<RawValue>| raw.get().len() <= left.min(PROMPT_BYTES);
        match messages.filter(fits) {
            Some(messages) => {
                left -= messages.get().len();
                prompt.set("messages", messages);
            }
            None => prompt.set("messages", template(prompt)),
        }
    }
    Ok(page.into_result())
}

#[derive(serde::Deserialize)]
struct Argument {
    name: String,
    #[serde(default)]
    required: bool,
}

fn arguments(prompt: &Members) -> Vec<Argument> {
    let arguments = prompt.read("arguments").ok().flatten();
    arguments.unwrap_or_default()
}

/// The messages of a prompt that needs no arguments.
async fn messages(server: &Plain, prompt: &Members) -> Option<Box<RawValue>> {
    if arguments(prompt).iter().any(|argument| argument.required) {
        return None;
    }
    let params = Members::new().with("name", prompt.raw("name")?);
    let mut result = server.call("prompts/get", &params).await.ok()?;
    result.take("messages")
}

/// What stands for the messages of a prompt that needs arguments.
fn template(prompt: &Members) -> Value {
    let word = |name| prompt.read::<String>(name).ok().flatten();
    let about = word("description").or_else(|| word("title"));
    let mut lines = vec![about.or_else(|| word("name")).unwrap_or_default()];
    let arguments = arguments(prompt);
    lines.extend(
        arguments
            .iter()
            .map(|Argument { name, .. }| format!("{{{name}}}")),
    );
    let text = lines.join("\n");
    json!([{ "role": "user", "content": { "type": "text", "text": text } }])
}

/// A page of a list.
struct Page {
    member: &'static str,
    result: Members,
    items: Vec<Members>,
}

impl Page {
    /// Gets at most as many items as `limit` says, and never more than a page of the server's.
    async fn get(
        server: &Plain,
        method: &str,
        member: &'static str,
        mut params: Members,
    ) -> Result<Self, Refused> {
        let limit = limit(&mut params)?;
        let place = Place::read(text(&params, "cursor")?)?;
        params.take("cursor");
        if !place.page.is_empty() {
            params.set("cursor", &place.page);
        }
        let mut result = server.call(method, &params).await?;
        let items: Vec<Members> = result.read(member).ok().flatten().unwrap_or_default();
        let all = items.len();
        let items: Vec<Members> = items.into_iter().skip(place.skip).take(limit).collect();
        let next_page: Option<String> = result.read("nextCursor").ok().flatten();
        result.take("nextCursor");
        let reached = place.skip.saturating_add(items.len());
        let next = if reached < all {
            let page = place.page;
            Some(Place {
                skip: reached,
                page,
            })
        } else {
            next_page.map(|page| Place { skip: 0, page })
        };
        if let Some(next) = next {
            result.set("nextCursor", next.write());
        }
        Ok(Self {
            member,
            result,
            items,
        })
    }

    fn into_result(self) -> Members {
        let Self {
            member,
            mut result,
            items,
        } = self;
        result.set(member, items);
        result
    }
}

/// The most items that a page is to have.
fn limit(params: &mut Members) -> Result<usize, Refused> {
    let Some(raw) = params.take("limit") else {
        return Ok(usize::MAX);
    };
    let limit: Option<u64> = serde_json::from_str(raw.get()).ok();
    limit
        .filter(|limit| *limit > 0)
        .map(|limit| usize::try_from(limit).unwrap_or(usize::MAX))
        .ok_or_else(|| invalid("`params.limit` must be an integer from 1"))
}

/// Where a page begins: so many items into a page of the server's.
#[derive(Debug, Default, PartialEq)]
struct Place {
    skip: usize,
    /// The server's own cursor; empty for its first page.
    page: String,
}

impl Place {
    fn read(cursor: Option<String>) -> Result<Self, Refused> {
        let Some(cursor) = cursor else {
            return Ok(Self::default());
        };
        let parts = cursor.split_once('.');
        let place = parts.and_then(|(skip, page)| {
            let skip = skip.parse().ok()?;
            let page = page.to_owned();
            Some(Self { skip, page })
        });
        place
            .filter(|place| place.write() == cursor)
            .ok_or_else(|| invalid("`params.cursor` was not given by this server"))
    }

    fn write(&self) -> String {
        format!("{}.{}", self.skip, self.page)
    }
}
