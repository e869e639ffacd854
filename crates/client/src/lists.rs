//! Lists, over all their pages.

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::{Stream, StreamExt as _, stream};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use wharf_protocol::prompts::Prompt;
use wharf_protocol::resources::{Resource, ResourceTemplate};
use wharf_protocol::tasks::Task;
use wharf_protocol::tools::Tool;

use crate::call::{Call, run};
use crate::client::Shared;
use crate::error::{Error, Result, escape};
use crate::message::Request;

/// An item of a list: its type, and the JSON that the server wrote, byte for byte.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    item: T,
    raw: Box<RawValue>,
}

impl<T> Listed<T> {
    /// The JSON just as the server wrote it: order of members, numbers, unknown members and all.
    pub fn raw(&self) -> &RawValue {
        &self.raw
    }

    /// The item without its JSON.
    pub fn into_inner(self) -> T {
        self.item
    }
}

impl<T> Deref for Listed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.item
    }
}

/// What a list has items of.
pub(crate) trait Item: DeserializeOwned + Send + 'static {
    /// Whether the client can use it; why not, if it cannot.
    fn take(&self, shared: &Shared) -> Result<(), String> {
        let _ = shared;
        Ok(())
    }
}

impl Item for Resource {}
impl Item for ResourceTemplate {}
impl Item for Prompt {}
impl Item for Task {}

impl Item for Tool {
    fn take(&self, shared: &Shared) -> Result<(), String> {
        shared.common.tools.learn(self)
    }
}

/// A list, over all its pages, which are asked for as they are needed.
///
/// It ends after [`Limits::list_items`](crate::Limits), and where a server gives the same page
/// again, with an error. Items that are malformed are left out, with a warning in the log.
#[must_use = "a list is read by asking for its items"]
pub struct Pages<T> {
    items: Pin<Box<dyn Stream<Item = Result<Listed<T>>> + Send>>,
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").finish_non_exhaustive()
    }
}

struct Reading {
    cursor: Option<String>,
    /// Digests of the cursors, which may be long.
    seen: HashSet<u64>,
    digests: RandomState,
    items: usize,
    more: bool,
}

impl<T> Pages<T> {
    /// The list of `method`, whose items are the result's `member`.
    pub(crate) fn new(shared: &Arc<Shared>, method: &'static str, member: &'static str) -> Self
    where
        T: Item,
    {
        let shared = Arc::clone(shared);
        let start = Reading {
            cursor: None,
            seen: HashSet::new(),
            digests: RandomState::new(),
            items: 0,
            more: true,
        };
        let pages = stream::try_unfold(start, move |reading| {
            let shared = Arc::clone(&shared);
            async move {
                if !reading.more {
                    return Ok(None);
                }
                page(&shared, method, member, reading).await.map(Some)
            }
        });
        let items = pages.flat_map(|page: Result<Vec<Listed<T>>>| {
            let (items, error) = match page {
                Ok(items) => (items, None),
                Err(error) => (Vec::new(), Some(error)),
            };
            stream::iter(items.into_iter().map(Ok).chain(error.map(Err)))
        });
        Self {
            items: Box::pin(items),
        }
    }
}

async fn page<T: Item>(
    shared: &Arc<Shared>,
    method: &'static str,
    member: &str,
    mut reading: Reading,
) -> Result<(Vec<Listed<T>>, Reading)> {
    let mut request = Request::new(method);
    if let Some(cursor) = &reading.cursor {
        request = request.with("cursor", cursor)?;
    }
    let answer = run(Call::<()>::new(shared, Ok(request))).await;
    let answer = answer.inspect_err(|_| {
        // A cursor that has become invalid makes all pages stale.
        shared.common.cache.forget(method);
    })?;
    let mut members: std::collections::HashMap<String, Box<RawValue>> = answer.read()?;
    let items = members.remove(member).ok_or_else(|| {
        Error::protocol(format!("the server's answer to {method} has no `{member}`"))
    })?;
    let raw: Vec<Box<RawValue>> = serde_json::from_str(items.get())
        .map_err(|_| Error::protocol(format!("`{member}` of {method} is no list")))?;
    // An empty page counts, so that there are not any number of them.
    reading.items += raw.len().max(1);
    if reading.items > shared.config.limits.list_items {
        return Err(Error::protocol(format!(
            "the server's list has more than {} items",
            shared.config.limits.list_items
        )));
    }
    let mut listed = Vec::with_capacity(raw.len());
    for raw in raw {
        let taken = serde_json::from_str::<T>(raw.get())
            .map_err(|error| error.to_string())
            .and_then(|item| item.take(shared).map(|()| item));
        match taken {
            Ok(item) => listed.push(Listed { item, raw }),
            Err(why) => tracing::warn!(
                method,
                item = %escape(raw.get()),
                why = %escape(&why),
                "left out what the server's list has no right to hold"
            ),
        }
    }
    let next = members
        .remove("nextCursor")
        .and_then(|cursor| serde_json::from_str::<Option<String>>(cursor.get()).ok()?);
    reading.more = next.is_some();
    if let Some(cursor) = &next
        && !reading.seen.insert(reading.digests.hash_one(cursor))
    {
        return Err(Error::protocol(format!(
            "the server's answers to {method} lead in a circle"
        )));
    }
    reading.cursor = next;
    Ok((listed, reading))
}

impl<T> Pages<T> {
    /// The next item; `None` at the end. Cancel safe: an item that was not given comes next time.
    pub async fn next(&mut self) -> Option<Result<Listed<T>>> {
        self.items.next().await
    }

    /// All items.
    ///
    /// # Errors
    /// That of the first page that could not be had.
    pub async fn all(mut self) -> Result<Vec<Listed<T>>> {
        let mut all = Vec::new();
        while let Some(item) = self.next().await {
            all.push(item?);
        }
        Ok(all)
    }
}

impl<T> Stream for Pages<T> {
    type Item = Result<Listed<T>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.items.poll_next_unpin(cx)
    }
}
