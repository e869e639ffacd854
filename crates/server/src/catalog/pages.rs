//! Pages of lists, written once for each snapshot and revision and then only copied by pointer
//! (specification 2026-07-28, server/utilities/pagination).

use std::fmt;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::value::RawValue;
use wharf_protocol::Revision;
use wharf_protocol::projection::{CacheHint, ResultFrame, write_result};
use wharf_protocol::prompts::ListPromptsResult;
use wharf_protocol::resources::{ListResourceTemplatesResult, ListResourcesResult};
use wharf_protocol::tools::ListToolsResult;

use super::Catalog;

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// `tools/list`
    Tools,
    /// `resources/list`
    Resources,
    /// `resources/templates/list`
    ResourceTemplates,
    /// `prompts/list`
    Prompts,
}

impl ListKind {
    const COUNT: usize = 4;

    /// The first byte of a cursor, so that a cursor of one list is not taken for another's.
    fn letter(self) -> u8 {
        match self {
            Self::Tools => b't',
            Self::Resources => b'r',
            Self::ResourceTemplates => b'u',
            Self::Prompts => b'p',
        }
    }
}

/// How lists are written.
#[derive(Debug, Clone)]
pub struct PageSettings {
    /// How many items one page has, at least one. Default: 100.
    pub size: usize,
    /// Who the server is, for the results of revisions that say so in each.
    pub server_info: Option<Box<RawValue>>,
    /// How long clients may keep a list, for the revisions that say so. Default: not given.
    pub cache: Option<CacheHint>,
}

impl Default for PageSettings {
    fn default() -> Self {
        Self {
            size: 100,
            server_info: None,
            cache: None,
        }
    }
}

/// A cursor that this server did not make, or whose item is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidCursor(Invalid);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Invalid {
    Unknown,
    Gone,
}

impl InvalidCursor {
    /// What the cursor names was there once.
    pub(super) fn gone() -> Self {
        Self(Invalid::Gone)
    }
}

impl fmt::Display for InvalidCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Invalid::Unknown => "invalid cursor: it is not one that this list gave",
            Invalid::Gone => {
                "invalid cursor: the list has changed since; begin again without a cursor"
            }
        })
    }
}

impl std::error::Error for InvalidCursor {}

impl From<InvalidCursor> for wharf_protocol::error::ErrorObject {
    fn from(error: InvalidCursor) -> Self {
        Self::new(
            wharf_protocol::error::ErrorCode::INVALID_PARAMS,
            error.to_string(),
        )
    }
}

/// The pages of one snapshot, each written when it is first asked for.
pub(super) struct Pages {
    written: [[OnceLock<Vec<Bytes>>; Revision::ALL.len()]; ListKind::COUNT],
}

impl Pages {
    pub(super) fn new() -> Self {
        Self {
            written: [const { [const { OnceLock::new() }; Revision::ALL.len()] }; ListKind::COUNT],
        }
    }
}

impl Catalog {
    /// One page of a list: the complete JSON of the result, ready to be sent.
    ///
    /// # Errors
    /// [`InvalidCursor`]. A cursor names the last item of the page before, so it stays valid while
    /// the list changes around that item.
    pub fn page(
        &self,
        kind: ListKind,
        revision: Revision,
        cursor: Option<&str>,
    ) -> Result<Bytes, InvalidCursor> {
        let size = self.page_size();
        let start = match cursor {
            None => 0,
            Some(cursor) => self.index_after(kind, cursor)?,
        };
        if start % size != 0 {
            // The list has moved since the cursor was given: this page is of no use to others.
            return Ok(self.write_page(kind, revision, start));
        }
        let slot = &self.pages.written[kind as usize][revision as usize];
        let pages = slot.get_or_init(|| {
            // An empty list has one page too.
            (0..self.len(kind).max(1))
                .step_by(size)
                .map(|start| self.write_page(kind, revision, start))
                .collect()
        });
        match pages.get(start / size) {
            Some(page) => Ok(page.clone()),
            // The cursor's item has become the last one.
            None => Ok(self.write_page(kind, revision, start)),
        }
    }

    /// The place after the item that a cursor names.
    pub(super) fn index_after(&self, kind: ListKind, cursor: &str) -> Result<usize, InvalidCursor> {
        let key = read_cursor(kind, cursor).ok_or(InvalidCursor(Invalid::Unknown))?;
        let index = self.index_of(kind, &key);
        index.map(|index| index + 1).ok_or(InvalidCursor::gone())
    }

    pub(crate) fn page_size(&self) -> usize {
        self.settings.pages.size.max(1)
    }

    fn len(&self, kind: ListKind) -> usize {
        match kind {
            ListKind::Tools => self.tools.len(),
            ListKind::Resources => self.resources.len(),
            ListKind::ResourceTemplates => self.templates.len(),
            ListKind::Prompts => self.prompts.len(),
        }
    }

    fn index_of(&self, kind: ListKind, key: &str) -> Option<usize> {
        match kind {
            ListKind::Tools => self.tools.get_index_of(key),
            ListKind::Resources => self.resources.get_index_of(key),
            ListKind::ResourceTemplates => self.templates.get_index_of(key),
            ListKind::Prompts => self.prompts.get_index_of(key),
        }
    }

    fn key_at(&self, kind: ListKind, index: usize) -> Option<&str> {
        match kind {
            ListKind::Tools => self.tools.get_index(index).map(|(key, _)| &**key),
            ListKind::Resources => self.resources.get_index(index).map(|(key, _)| &**key),
            ListKind::ResourceTemplates => self.templates.get_index(index).map(|(key, _)| &**key),
            ListKind::Prompts => self.prompts.get_index(index).map(|(key, _)| &**key),
        }
    }

    fn write_page(&self, kind: ListKind, revision: Revision, start: usize) -> Bytes {
        let size = self.page_size();
        let has_next = start.saturating_add(size) < self.len(kind);
        let last = start.saturating_add(size - 1);
        let next_cursor = if has_next {
            self.key_at(kind, last).map(|key| write_cursor(kind, key))
        } else {
            None
        };
        let pages = &self.settings.pages;
        let frame = ResultFrame::new(revision)
            .server_info(pages.server_info.as_deref())
            .cache(pages.cache);
        let mut out = Vec::with_capacity(256);
        let written = match kind {
            ListKind::Tools => {
                let tools = self
                    .tools
                    .values()
                    .skip(start)
                    .take(size)
                    .map(|entry| entry.definition().clone())
                    .collect();
                write_result(
                    &mut out,
                    &ListToolsResult {
                        tools,
                        next_cursor,
                        meta: None,
                    },
                    &frame,
                )
            }
            ListKind::Resources => {
                let resources = self
                    .resources
                    .values()
                    .skip(start)
                    .take(size)
                    .filter_map(|entry| entry.direct().cloned())
                    .collect();
                write_result(
                    &mut out,
                    &ListResourcesResult {
                        resources,
                        next_cursor,
                        meta: None,
                    },
                    &frame,
                )
            }
            ListKind::ResourceTemplates => {
                let resource_templates = self
                    .templates
                    .values()
                    .skip(start)
                    .take(size)
                    .filter_map(|entry| entry.template().cloned())
                    .collect();
                write_result(
                    &mut out,
                    &ListResourceTemplatesResult {
                        resource_templates,
                        next_cursor,
                        meta: None,
                    },
                    &frame,
                )
            }
            ListKind::Prompts => {
                let prompts = self
                    .prompts
                    .values()
                    .skip(start)
                    .take(size)
                    .map(|entry| entry.definition().clone())
                    .collect();
                write_result(
                    &mut out,
                    &ListPromptsResult {
                        prompts,
                        next_cursor,
                        meta: None,
                    },
                    &frame,
                )
            }
        };
        if let Err(error) = written {
            // Definitions are JSON values and text, so writing them to memory does not fail.
            tracing::error!(?kind, %error, "a list cannot be written");
        }
        out.into()
    }
}

pub(super) fn write_cursor(kind: ListKind, key: &str) -> String {
    let mut plain = Vec::with_capacity(key.len() + 1);
    plain.push(kind.letter());
    plain.extend_from_slice(key.as_bytes());
    URL_SAFE_NO_PAD.encode(plain)
}

fn read_cursor(kind: ListKind, cursor: &str) -> Option<String> {
    let plain = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (letter, key) = plain.split_first()?;
    (*letter == kind.letter())
        .then(|| String::from_utf8(key.to_vec()).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{CatalogHandle, CatalogSettings};
    use crate::{Items, Prompt, Resource, Tool};
    use serde_json::Value;

    const REVISION: Revision = Revision::V2025_06_18;

    fn tool(name: &str) -> Tool {
        Tool::new(name).raw_handler(|_, _| async {})
    }

    fn catalog(names: &[&str], size: usize) -> CatalogHandle {
        let items = names
            .iter()
            .fold(Items::new(), |items, name| items.tool(tool(name)));
        let settings = CatalogSettings {
            pages: PageSettings {
                size,
                ..PageSettings::default()
            },
            ..CatalogSettings::default()
        };
        CatalogHandle::new(Catalog::build(items, settings).expect("a catalog"))
    }

    fn page(catalog: &Catalog, cursor: Option<&str>) -> (Vec<String>, Option<String>) {
        let bytes = catalog
            .page(ListKind::Tools, REVISION, cursor)
            .expect("a page");
        let page: Value = serde_json::from_slice(&bytes).expect("JSON");
        let names = page["tools"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|tool| tool["name"].as_str().expect("a name").to_owned());
        (
            names.collect(),
            page.get("nextCursor")
                .map(|cursor| cursor.as_str().expect("text").to_owned()),
        )
    }

    #[test]
    fn a_thousand_tools_come_in_pages() {
        let names: Vec<String> = (0..1_000).map(|n| format!("tool{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let catalog = catalog(&names, 100).load();
        let (mut seen, mut cursor) = page(&catalog, None);
        while let Some(next) = cursor {
            let (more, following) = page(&catalog, Some(&next));
            assert_eq!(more.len(), 100);
            seen.extend(more);
            cursor = following;
        }
        assert_eq!(seen, names);
    }

    #[test]
    fn the_first_page_is_a_pointer_copy() {
        let catalog = catalog(&["a", "b"], 100).load();
        let first = catalog
            .page(ListKind::Tools, REVISION, None)
            .expect("a page");
        let again = catalog
            .page(ListKind::Tools, REVISION, None)
            .expect("a page");
        assert_eq!(first.as_ptr(), again.as_ptr());
        let other = catalog
            .page(ListKind::Tools, Revision::LATEST, None)
            .expect("a page");
        assert_ne!(first.as_ptr(), other.as_ptr());
    }

    #[test]
    fn an_empty_list_has_one_empty_page() {
        let catalog = catalog(&[], 1).load();
        assert_eq!(page(&catalog, None), (vec![], None));
        let first = catalog.page(ListKind::Tools, REVISION, None);
        let again = catalog.page(ListKind::Tools, REVISION, None);
        assert_eq!(
            first.map(|page| page.as_ptr()),
            again.map(|page| page.as_ptr()),
            "it is written once"
        );
    }

    #[test]
    fn cursors_survive_changes_around_their_item() {
        let handle = catalog(&["a", "b", "c", "d"], 2);
        let (_, cursor) = page(&handle.load(), None);
        let cursor = cursor.expect("more");
        handle
            .update(|edit| {
                edit.remove_tool("a");
                edit.remove_tool("d");
                edit.add_tool(tool("e"));
            })
            .expect("updated");
        assert_eq!(page(&handle.load(), Some(&cursor)).0, ["c", "e"]);
        handle
            .update(|edit| {
                edit.remove_tool("c");
                edit.remove_tool("e");
            })
            .expect("updated");
        assert_eq!(
            page(&handle.load(), Some(&cursor)),
            (vec![], None),
            "the cursor's item is the last now"
        );
        handle
            .update(|edit| {
                edit.remove_tool("b");
            })
            .expect("updated");
        let gone = handle
            .load()
            .page(ListKind::Tools, REVISION, Some(&cursor))
            .expect_err("an error");
        assert!(gone.to_string().contains("begin again"), "{gone}");
    }

    #[test]
    fn cursors_of_others_are_refused() {
        let items = Items::new()
            .tool(tool("same"))
            .prompt(Prompt::new("same").raw_handler(|_, _| async { "" }))
            .resource(Resource::text("a:b", ""));
        let catalog = Catalog::build(items, CatalogSettings::default()).expect("a catalog");
        let of_prompts = write_cursor(ListKind::Prompts, "same");
        assert!(
            catalog
                .page(ListKind::Prompts, REVISION, Some(&of_prompts))
                .is_ok()
        );
        for wrong in [of_prompts.as_str(), "", "!", "2", "dA", "dP8"] {
            assert!(
                catalog
                    .page(ListKind::Tools, REVISION, Some(wrong))
                    .is_err(),
                "{wrong:?}"
            );
        }
    }
}
