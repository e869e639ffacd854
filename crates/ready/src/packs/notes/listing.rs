//! The notes in `resources/list`.

use std::sync::Arc;

use wharf::{BoxFuture, Context, Error, ListedPage, ResourceListing, Result};

use super::store::{Store, read_id};

/// All notes by their ids. A cursor is the id after which the page begins, so that notes that come
/// and go meanwhile move no other ones.
pub(super) struct Notes(pub(super) Arc<Store>);

impl ResourceListing for Notes {
    fn page<'a>(
        &'a self,
        _: &'a Context,
        cursor: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<ListedPage>> {
        Box::pin(async move {
            let after = match cursor {
                None => 0,
                Some(cursor) => {
                    read_id(cursor).ok_or_else(|| Error::invalid_params("invalid cursor"))?
                }
            };
            let mut heads = self.0.page(after, limit.saturating_add(1)).await?;
            let more = heads.len() > limit;
            heads.truncate(limit);
            let next = heads.last().filter(|_| more);
            Ok(ListedPage {
                next: next.map(|last| last.id.to_string()),
                resources: heads.iter().map(|head| self.0.resource(head)).collect(),
            })
        })
    }
}
