//! The catalog: what a server offers.
//!
//! A [`Catalog`] is an immutable snapshot behind an atomic swap: requests read it without a lock,
//! and [`CatalogHandle::update`] puts a new one in its place. Lists are written once per snapshot
//! and revision ([`pages`]).

pub mod complete;
pub mod listing;
pub mod model;
pub mod pages;
pub mod prompt;
pub mod resource;
pub mod schema;
pub mod tool;

mod edit;
mod lookup;
mod part;
#[cfg(feature = "skills")]
mod skills;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use indexmap::IndexMap;

pub use edit::{CatalogEdit, Changed};
pub use pages::{InvalidCursor, ListKind, PageSettings};
pub use part::ServedPart;

use self::listing::Listings;
use self::model::ModelHandler;
use self::pages::Pages;
use self::part::{Part, Parts};
use self::prompt::PromptEntry;
use self::resource::ResourceEntry;
use self::schema::SchemaLimits;
use self::tool::ToolEntry;
use crate::error::{Error, Result};
use crate::group::Items;
use crate::hub::Lists;
#[cfg(feature = "skills")]
use crate::skills::Skills;

/// How a catalog checks and lists what it is given.
#[derive(Debug, Clone, Default)]
pub struct CatalogSettings {
    /// How large the schema of a tool may be.
    pub schemas: SchemaLimits,
    /// How lists are written.
    pub pages: PageSettings,
}

/// One snapshot of what a server offers. Lists have the order in which their items were added.
pub struct Catalog {
    tools: IndexMap<Arc<str>, Arc<ToolEntry>>,
    resources: IndexMap<Arc<str>, Arc<ResourceEntry>>,
    /// Resources that can be read and are not listed.
    unlisted: IndexMap<Arc<str>, Arc<ResourceEntry>>,
    templates: IndexMap<Arc<str>, Arc<ResourceEntry>>,
    prompts: IndexMap<Arc<str>, Arc<PromptEntry>>,
    listings: Listings,
    model: Option<Arc<dyn ModelHandler>>,
    #[cfg(feature = "skills")]
    skills: Option<Arc<Skills>>,
    settings: Arc<CatalogSettings>,
    pages: Pages,
}

impl Catalog {
    /// Checks and compiles all items.
    ///
    /// # Errors
    /// [`Error::is_invalid_definition`]: an item cannot be served, or two have the same name.
    pub fn build(items: Items, settings: CatalogSettings) -> Result<Self> {
        let settings = Arc::new(settings);
        let mut edit = CatalogEdit::of(&Self::empty(Arc::clone(&settings)));
        edit.refuse_duplicates();
        edit.add_items(items);
        edit.into_catalog(settings)
    }

    fn empty(settings: Arc<CatalogSettings>) -> Self {
        Self {
            tools: IndexMap::new(),
            resources: IndexMap::new(),
            unlisted: IndexMap::new(),
            templates: IndexMap::new(),
            prompts: IndexMap::new(),
            listings: Listings::default(),
            model: None,
            #[cfg(feature = "skills")]
            skills: None,
            settings,
            pages: Pages::new(),
        }
    }

    /// The lists that have something in them.
    pub(crate) fn lists(&self) -> Lists {
        Lists {
            tools: !self.tools.is_empty(),
            resources: !self.resources.is_empty()
                || !self.unlisted.is_empty()
                || !self.templates.is_empty()
                || self.has_listings()
                || self.offers_skills(),
            prompts: !self.prompts.is_empty(),
        }
    }

    fn offers_skills(&self) -> bool {
        #[cfg(feature = "skills")]
        return self.skills.is_some();
        #[cfg(not(feature = "skills"))]
        false
    }

    /// Whether a tool can be called as a task.
    pub(crate) fn has_tasks(&self) -> bool {
        self.tools.values().any(|tool| tool.task().is_some())
    }

    /// Whether a URI can be read.
    pub(crate) fn has_resource(&self, uri: &str) -> bool {
        self.find_resource(uri).is_some()
    }

    /// All tools, in order.
    pub fn tools(&self) -> impl ExactSizeIterator<Item = &Arc<ToolEntry>> {
        self.tools.values()
    }

    /// All direct resources that are listed, in order.
    pub fn resources(&self) -> impl ExactSizeIterator<Item = &Arc<ResourceEntry>> {
        self.resources.values()
    }

    /// All resource templates, in the order in which they are tried.
    pub fn templates(&self) -> impl ExactSizeIterator<Item = &Arc<ResourceEntry>> {
        self.templates.values()
    }

    /// The model that clients may ask.
    pub fn model(&self) -> Option<&Arc<dyn ModelHandler>> {
        self.model.as_ref()
    }

    /// The skills; `None` where there are none and none are offered.
    #[cfg(feature = "skills")]
    pub(crate) fn skills(&self) -> Option<&Arc<Skills>> {
        self.skills.as_ref()
    }

    /// All prompts, in order.
    pub fn prompts(&self) -> impl ExactSizeIterator<Item = &Arc<PromptEntry>> {
        self.prompts.values()
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog")
            .field("tools", &self.tools.keys())
            .field("resources", &self.resources.keys())
            .field("templates", &self.templates.keys())
            .field("prompts", &self.prompts.keys())
            .finish_non_exhaustive()
    }
}

/// The current catalog of a running server, shared and changeable. Cheap to clone.
#[derive(Clone)]
pub struct CatalogHandle {
    shared: Arc<Shared>,
    /// The part of the catalog that this handle changes, if it is not the whole.
    part: Option<Arc<Part>>,
    /// What edits through this handle put in front of names.
    prefix: Option<Arc<str>>,
}

struct Shared {
    current: ArcSwap<Catalog>,
    /// Held while a new snapshot is made, so that no change is lost.
    editing: Mutex<Parts>,
    listener: OnceLock<Listener>,
    update_listener: OnceLock<UpdateListener>,
}

type Listener = Box<dyn Fn(Changed) + Send + Sync>;
type UpdateListener = Box<dyn Fn(&str) + Send + Sync>;

impl CatalogHandle {
    /// Makes a snapshot the current one.
    pub fn new(catalog: Catalog) -> Self {
        let shared = Shared {
            current: ArcSwap::from_pointee(catalog),
            editing: Mutex::default(),
            listener: OnceLock::new(),
            update_listener: OnceLock::new(),
        };
        Self {
            shared: Arc::new(shared),
            part: None,
            prefix: None,
        }
    }

    /// A handle of the same catalog for whoever knows nothing of the others in it: names of tools
    /// and prompts in its edits have `prefix` and `.` in front, as with
    /// [`Items::prefixed`](crate::Items::prefixed), those that are removed too. An empty prefix
    /// changes nothing, and a prefix of a prefix comes behind it.
    #[must_use]
    pub fn prefixed(&self, prefix: &str) -> Self {
        let before = self.prefix.as_deref().unwrap_or_default();
        let prefix = match prefix {
            "" => self.prefix.clone(),
            prefix => Some(format!("{before}{prefix}.").into()),
        };
        Self {
            shared: Arc::clone(&self.shared),
            part: self.part.clone(),
            prefix,
        }
    }

    fn editing(&self) -> MutexGuard<'_, Parts> {
        // A panic in an edit leaves the current snapshot as it was.
        self.shared
            .editing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what the server was built with, under the settings it starts with.
    ///
    /// # Errors
    /// [`Error::is_invalid_definition`]: an item cannot be served, or two have the same name.
    pub(crate) fn open(&self, items: Items, settings: CatalogSettings) -> Result<()> {
        let mut editing = self.editing();
        let mut edit = CatalogEdit::of(&editing.own(&self.load()));
        edit.refuse_duplicates();
        edit.add_items(items);
        let (whole, own) = editing.with_own(edit.into_catalog(Arc::new(settings))?)?;
        editing.set_own(own);
        self.shared.current.store(whole);
        Ok(())
    }

    /// The current snapshot. Takes no lock; what it holds does not change.
    pub fn load(&self) -> Arc<Catalog> {
        self.shared.current.load_full()
    }

    /// The current snapshot for a short look, without counting a reference.
    pub(crate) fn peek(&self) -> arc_swap::Guard<Arc<Catalog>> {
        self.shared.current.load()
    }

    /// Sets who hears of changes. Only the first one is kept.
    pub(crate) fn on_change(&self, listener: impl Fn(Changed) + Send + Sync + 'static) {
        let _ = self.shared.listener.set(Box::new(listener));
    }

    /// Sets who hears of resources whose contents changed. Only the first one is kept.
    pub(crate) fn on_resource_updated(&self, listener: impl Fn(&str) + Send + Sync + 'static) {
        let _ = self.shared.update_listener.set(Box::new(listener));
    }

    /// Tells every client that is subscribed to the resource that its contents changed. Never
    /// waits; before the server has started nobody is subscribed. In a handler:
    /// [`Context::notify_resource_updated`](crate::Context::notify_resource_updated).
    pub fn notify_resource_updated(&self, uri: &str) {
        if let (true, Some(listener)) = (self.is_served(), self.shared.update_listener.get()) {
            listener(uri);
        }
    }

    /// Tells clients that lists changed which the catalog does not know: those of a server that
    /// handles the methods itself, see [`Server::handle`](crate::Server::handle). Never waits.
    pub fn notify_changed(&self, changed: Changed) {
        if self.is_served() {
            self.notify(changed);
        }
    }

    /// Whether what this handle changes is served.
    fn is_served(&self) -> bool {
        self.part.as_ref().is_none_or(|part| part.is_served())
    }

    fn notify(&self, changed: Changed) {
        if let (true, Some(listener)) = (changed.any(), self.shared.listener.get()) {
            listener(changed);
        }
    }

    /// Changes the catalog: all of the edit, or nothing. Clients are told of the lists that are
    /// different afterwards. Calls that run keep the snapshot they began with.
    ///
    /// Edits wait for each other, so `edit` must not call `update` itself.
    ///
    /// # Errors
    /// [`Error::is_invalid_definition`]: an added item cannot be served.
    ///
    /// ```
    /// # use wharf_server::{Catalog, CatalogHandle, CatalogSettings, Context, Items, NoArguments, Tool};
    /// # let catalog = CatalogHandle::new(Catalog::build(Items::new(), CatalogSettings::default())?);
    /// let changed = catalog.update(|edit| {
    ///     edit.add_tool(Tool::new("now").handler(|_: NoArguments, _: Context| async { "noon" }));
    ///     edit.remove_tool("yesterday");
    /// })?;
    /// assert!(changed.tools && !changed.prompts);
    /// # Ok::<(), wharf_server::Error>(())
    /// ```
    pub fn update(&self, edit: impl FnOnce(&mut CatalogEdit)) -> Result<Changed> {
        if let Some(part) = &self.part {
            return self.update_part(part, edit);
        }
        let changed = {
            let mut editing = self.editing();
            let before = self.load();
            let mut draft = CatalogEdit::of(&editing.own(&before));
            draft.prefix.clone_from(&self.prefix);
            edit(&mut draft);
            let own = draft.into_catalog(Arc::clone(&before.settings))?;
            let (after, own) = editing.with_own(own)?;
            let changed = Changed::between(&before, &after);
            editing.set_own(own);
            self.shared.current.store(after);
            changed
        };
        self.notify(changed);
        Ok(changed)
    }
}

impl Default for CatalogHandle {
    /// A catalog with nothing in it.
    fn default() -> Self {
        Self::new(Catalog::empty(Arc::default()))
    }
}

impl fmt::Debug for CatalogHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CatalogHandle").field(&self.peek()).finish()
    }
}

/// The longest name of a tool or prompt, in characters (specification 2026-07-28, server/tools,
/// "Tool Names").
const MAX_NAME: usize = 128;

fn check_name(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::invalid_definition("it has no name"));
    }
    if name.chars().count() > MAX_NAME {
        return Err(Error::invalid_definition(format_args!(
            "its name is longer than {MAX_NAME} characters"
        )));
    }
    if name.contains(crate::handler::text::is_invisible) {
        return Err(Error::invalid_definition(
            "its name has control characters, or others that cannot be seen",
        ));
    }
    if !name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"_-./".contains(&b))
    {
        tracing::warn!(
            name,
            "a name of other characters than letters, digits, `_`, `-`, `.` and `/` is not understood by every client"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Prompt, Resource, Tool};

    fn tool(name: &str) -> Tool {
        Tool::new(name).raw_handler(|_, _| async {})
    }

    fn handle() -> (CatalogHandle, Arc<Mutex<Vec<Changed>>>) {
        let items = Items::new()
            .tool(tool("a"))
            .tool(tool("b"))
            .resource(Resource::text("x:1", ""));
        let handle = CatalogHandle::new(
            Catalog::build(items, CatalogSettings::default()).expect("a catalog"),
        );
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&heard);
        handle.on_change(move |changed| hears.lock().expect("not poisoned").push(changed));
        (handle, heard)
    }

    fn names(handle: &CatalogHandle) -> Vec<String> {
        handle
            .load()
            .tools()
            .map(|tool| tool.definition().name.clone())
            .collect()
    }

    #[test]
    fn a_name_given_twice_is_refused_at_the_start() {
        let twice = [
            Items::new().tool(tool("a")).tool(tool("a")),
            Items::new()
                .resource(Resource::text("x:1", ""))
                .resource(Resource::text("x:1", "")),
            Items::new()
                .prompt(Prompt::new("p").raw_handler(|_, _| async { "" }))
                .prompt(Prompt::new("p").raw_handler(|_, _| async { "" })),
        ];
        for items in twice {
            let error = Catalog::build(items, CatalogSettings::default()).expect_err("an error");
            assert!(
                error.is_invalid_definition() && error.message().contains("twice"),
                "{error}"
            );
        }
    }

    #[test]
    fn an_update_replaces_adds_and_removes_and_is_announced() {
        let (handle, heard) = handle();
        let before = handle.load();
        handle
            .update(|edit| {
                edit.add_tool(tool("c"));
                edit.add_tool(tool("a").description("New."));
                assert!(edit.remove_tool("b"));
                assert!(!edit.remove_tool("b"));
            })
            .expect("updated");
        assert_eq!(
            names(&handle),
            ["a", "c"],
            "a replaced item keeps its place"
        );
        assert_eq!(
            handle
                .load()
                .tool("a")
                .expect("there")
                .definition()
                .description
                .as_deref(),
            Some("New.")
        );
        assert_eq!(before.tools().len(), 2, "an old snapshot stays as it was");
        assert_eq!(
            *heard.lock().expect("not poisoned"),
            [Changed {
                tools: true,
                ..Changed::default()
            }]
        );
    }

    #[test]
    fn what_changes_nothing_is_not_announced() {
        let (handle, heard) = handle();
        let changed = handle
            .update(|edit| {
                edit.add_tool(tool("a"));
                edit.remove_prompt("none");
                edit.remove_resource("x:1");
                edit.add_resource(Resource::text("x:1", ""));
            })
            .expect("updated");
        assert!(!changed.any() && heard.lock().expect("not poisoned").is_empty());
    }

    #[test]
    fn edits_through_a_prefixed_handle_stay_among_their_names() {
        let (handle, _) = handle();
        let docs = handle.prefixed("my").prefixed("").prefixed("docs");
        docs.update(|edit| {
            edit.add_tool(tool("a"));
            edit.add_prompt(Prompt::new("p").raw_handler(|_, _| async { "" }));
            assert!(edit.prompt("p").is_some());
            assert!(!edit.remove_tool("b"), "it is somebody else's");
            edit.add_items(Items::new().tool(tool("c")));
        })
        .expect("updated");
        assert_eq!(names(&handle), ["a", "b", "my.docs.a", "my.docs.c"]);
        assert!(handle.load().prompt("my.docs.p").is_some());
        docs.update(|edit| {
            assert!(edit.remove_tool("a") && edit.remove_prompt("p"));
        })
        .expect("updated");
        assert_eq!(names(&handle), ["a", "b", "my.docs.c"]);
    }

    #[test]
    fn an_edit_with_an_error_changes_nothing() {
        let (handle, heard) = handle();
        let error = handle
            .update(|edit| {
                edit.remove_tool("a");
                edit.add_tool(Tool::new("lost"));
            })
            .expect_err("an error");
        assert!(error.message().contains("`lost`"), "{error}");
        assert_eq!(names(&handle), ["a", "b"]);
        assert!(heard.lock().expect("not poisoned").is_empty());
    }

    #[test]
    fn no_change_is_lost_between_threads() {
        let (handle, _) = handle();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let handle = &handle;
                scope.spawn(move || {
                    for n in 0..25 {
                        handle
                            .update(|edit| edit.add_tool(tool(&format!("t{thread}-{n}"))))
                            .expect("updated");
                    }
                });
            }
        });
        assert_eq!(handle.load().tools().len(), 102);
    }
}
