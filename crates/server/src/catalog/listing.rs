//! [`ResourceListing`]: resources that are too many, or change too often, to be entries of the
//! catalog.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wharf_protocol::resources::{ListResourcesResult, Resource};

use super::pages::{self, ListKind};
use super::{Catalog, InvalidCursor};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::handler::BoxFuture;

/// A list of resources that is made page by page: the files of a directory, the rows of a table.
///
/// `resources/list` shows the catalog's own resources first, then those of each listing. How they
/// are read is a template's matter, which covers their URIs. Whoever changes what a listing shows
/// says so with [`CatalogHandle::notify_changed`](super::CatalogHandle::notify_changed).
pub trait ResourceListing: Send + Sync + 'static {
    /// The page that begins after `cursor`, or the first one, with at most `limit` resources.
    ///
    /// The cursor is one that this listing gave, if the client is honest: it must be checked. A
    /// resource that comes or goes meanwhile is shown or not, and all others exactly once.
    ///
    /// # Errors
    /// [`Error::invalid_params`]: the cursor is none of this listing's. Any other error is told to
    /// the client as an internal one, with its message.
    fn page<'a>(
        &'a self,
        ctx: &'a Context,
        cursor: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<ListedPage>>;
}

/// A page of a [`ResourceListing`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListedPage {
    /// The resources.
    pub resources: Vec<Resource>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<String>,
}

/// The listings of a catalog, in the order in which they are shown.
#[derive(Clone, Default)]
pub(super) struct Listings(Vec<Arc<dyn ResourceListing>>);

impl Listings {
    pub(super) fn add(&mut self, listing: Arc<dyn ResourceListing>) {
        self.0.push(listing);
    }

    pub(super) fn extend(&mut self, more: &Self) {
        self.0.extend(more.0.iter().cloned());
    }

    pub(super) fn remove(&mut self, listing: &Arc<dyn ResourceListing>) -> bool {
        let before = self.0.len();
        self.0.retain(|known| !is_same(known, listing));
        self.0.len() < before
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn differ(&self, other: &Self) -> bool {
        let same = |(a, b): (&Arc<_>, &Arc<_>)| is_same(a, b);
        self.0.len() != other.0.len() || !self.0.iter().zip(&other.0).all(same)
    }
}

fn is_same(a: &Arc<dyn ResourceListing>, b: &Arc<dyn ResourceListing>) -> bool {
    std::ptr::addr_eq(Arc::as_ptr(a), Arc::as_ptr(b))
}

impl fmt::Debug for Listings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} listings", self.0.len())
    }
}

/// Where a page of the list of resources begins.
enum Start {
    /// With this one of the catalog's own.
    Own(usize),
    /// In a listing, after this cursor of it.
    Listing(usize, Option<String>),
}

impl Catalog {
    /// Whether pages of `resources/list` must be made anew each time.
    pub(crate) fn has_listings(&self) -> bool {
        !self.listings.is_empty()
    }

    /// One page of `resources/list`, with what the listings show.
    ///
    /// # Errors
    /// [`InvalidCursor`] as an error of the parameters, or a listing's own.
    pub(crate) async fn list_resources(
        &self,
        ctx: &Context,
        cursor: Option<&str>,
    ) -> Result<ListResourcesResult> {
        let size = self.page_size();
        let mut result = ListResourcesResult::default();
        let (mut index, mut cursor) = match self.start(cursor)? {
            Start::Own(start) => {
                let own = self.resources.values().skip(start).take(size);
                let own = own.filter_map(|entry| entry.direct().cloned());
                result.resources.extend(own);
                let end = start.saturating_add(size);
                if end < self.resources.len() {
                    result.next_cursor = self.own_cursor(end - 1);
                    return Ok(result);
                }
                (0, None)
            }
            Start::Listing(index, cursor) => (index, cursor),
        };
        while let Some(listing) = self.listings.0.get(index) {
            let room = size.saturating_sub(result.resources.len());
            if room == 0 {
                result.next_cursor = Some(listing_cursor(index, None));
                break;
            }
            let page = listing.page(ctx, cursor.as_deref(), room).await?;
            result.resources.extend(page.resources);
            if let Some(next) = page.next {
                result.next_cursor = Some(listing_cursor(index, Some(&next)));
                break;
            }
            (index, cursor) = (index + 1, None);
        }
        Ok(result)
    }

    fn start(&self, cursor: Option<&str>) -> Result<Start> {
        let Some(cursor) = cursor else {
            return Ok(Start::Own(0));
        };
        if let Some((index, cursor)) = read_listing_cursor(cursor) {
            return match index < self.listings.0.len() {
                true => Ok(Start::Listing(index, cursor)),
                false => Err(Error::invalid_params(InvalidCursor::gone())),
            };
        }
        let index = self.index_after(ListKind::Resources, cursor);
        index.map(Start::Own).map_err(Error::invalid_params)
    }

    fn own_cursor(&self, last: usize) -> Option<String> {
        let (key, _) = self.resources.get_index(last)?;
        Some(pages::write_cursor(ListKind::Resources, key))
    }
}

/// `l`, the listing's place, and after a colon the listing's own cursor.
fn listing_cursor(index: usize, cursor: Option<&str>) -> String {
    URL_SAFE_NO_PAD.encode(match cursor {
        Some(cursor) => format!("l{index}:{cursor}"),
        None => format!("l{index}"),
    })
}

fn read_listing_cursor(cursor: &str) -> Option<(usize, Option<String>)> {
    let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let place = plain.strip_prefix('l')?;
    let (index, cursor) = match place.split_once(':') {
        Some((index, cursor)) => (index, Some(cursor.to_owned())),
        None => (place, None),
    };
    Some((index.parse().ok()?, cursor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{CatalogSettings, PageSettings};
    use crate::handler::testing::{context, now};
    use crate::{CatalogHandle, Items};

    /// Numbers from 0, whose cursor is the next number.
    struct Numbers(usize);

    impl ResourceListing for Numbers {
        fn page<'a>(
            &'a self,
            _: &'a Context,
            cursor: Option<&'a str>,
            limit: usize,
        ) -> BoxFuture<'a, Result<ListedPage>> {
            Box::pin(async move {
                let start: usize = match cursor {
                    None => 0,
                    Some(cursor) => cursor.parse().map_err(Error::invalid_params)?,
                };
                let end = (start + limit).min(self.0);
                let resource = |n: usize| Resource {
                    uri: format!("number:{n}"),
                    ..Resource::default()
                };
                Ok(ListedPage {
                    resources: (start..end).map(resource).collect(),
                    next: (end < self.0).then(|| end.to_string()),
                })
            })
        }
    }

    fn catalog(own: usize, listings: &[usize]) -> CatalogHandle {
        let mut items = Items::new();
        for n in 0..own {
            items = items.resource(crate::Resource::text(format!("own:{n}"), ""));
        }
        for numbers in listings {
            items = items.listing(Numbers(*numbers));
        }
        let settings = CatalogSettings {
            pages: PageSettings {
                size: 3,
                ..PageSettings::default()
            },
            ..CatalogSettings::default()
        };
        CatalogHandle::new(Catalog::build(items, settings).expect("a catalog"))
    }

    fn pages(catalog: &CatalogHandle) -> Vec<Vec<String>> {
        let (catalog, ctx) = (catalog.load(), context());
        let mut pages = Vec::new();
        let mut cursor = None;
        loop {
            let page = now(catalog.list_resources(&ctx, cursor.as_deref())).expect("a page");
            pages.push(page.resources.into_iter().map(|r| r.uri).collect());
            assert!(pages.len() < 20, "it does not end");
            cursor = page.next_cursor;
            if cursor.is_none() {
                return pages;
            }
        }
    }

    #[test]
    fn listings_come_after_the_own_ones_in_full_pages() {
        for (own, listings, expected) in [
            (0, &[][..], vec![0]),
            (0, &[0, 0], vec![0]),
            (0, &[7], vec![3, 3, 1]),
            (2, &[7], vec![3, 3, 3]),
            (3, &[1], vec![3, 1]),
            (4, &[1, 5, 0, 2], vec![3, 3, 3, 3]),
        ] {
            let pages = pages(&catalog(own, listings));
            let sizes: Vec<_> = pages.iter().map(Vec::len).collect();
            assert_eq!(sizes, expected, "{own} {listings:?}");
            let all: Vec<String> = pages.into_iter().flatten().collect();
            let numbers = listings.iter().flat_map(|many| 0..*many);
            let expected: Vec<_> = (0..own)
                .map(|n| format!("own:{n}"))
                .chain(numbers.map(|n| format!("number:{n}")))
                .collect();
            assert_eq!(all, expected);
        }
    }

    #[test]
    fn cursors_of_listings_that_are_gone_or_of_nobody_are_refused() {
        let handle = catalog(0, &[7]);
        let (catalog, ctx) = (handle.load(), context());
        let page = now(catalog.list_resources(&ctx, None)).expect("a page");
        let cursor = page.next_cursor.expect("more");
        for wrong in [
            "",
            "!",
            "bA",
            &listing_cursor(1, None),
            &listing_cursor(0, Some("x")),
        ] {
            let error = now(catalog.list_resources(&ctx, Some(wrong)));
            assert!(error.expect_err("refused").is_invalid_params(), "{wrong}");
        }
        let changed = handle.update(crate::CatalogEdit::clear).expect("updated");
        assert!(changed.resources);
        let gone = now(handle.load().list_resources(&ctx, Some(&cursor)));
        assert!(gone.expect_err("gone").message().contains("begin again"));
    }
}
