//! Parts of the catalog, which have their own contents and come and go as one: [`ServedPart`].

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use wharf_protocol::tools::Tool;

use super::edit::{CatalogEdit, Changed, Entries};
use super::pages::Pages;
use super::tool::ToolEntry;
use super::{Catalog, CatalogHandle, CatalogSettings};
use crate::error::{Error, Result};
use crate::handler::text::shown;

/// A part that is to be served, and what of it; see [`CatalogHandle::set_parts`].
#[derive(Clone)]
#[must_use]
pub struct ServedPart {
    handle: CatalogHandle,
    admits: Option<Admits>,
}

type Admits = Arc<dyn Fn(&Tool) -> bool + Send + Sync>;

impl ServedPart {
    /// All of a part.
    pub fn new(handle: CatalogHandle) -> Self {
        Self {
            handle,
            admits: None,
        }
    }

    /// Leaves out the tools for which this is not true. Names have their prefix.
    pub fn admit(mut self, admits: impl Fn(&Tool) -> bool + Send + Sync + 'static) -> Self {
        self.admits = Some(Arc::new(admits));
        self
    }
}

impl From<CatalogHandle> for ServedPart {
    fn from(handle: CatalogHandle) -> Self {
        Self::new(handle)
    }
}

impl fmt::Debug for ServedPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServedPart").field(&self.handle).finish()
    }
}

/// A part: what is in it, and whether that is served.
pub(super) struct Part {
    /// Changed only while the catalog is edited.
    contents: Mutex<Arc<Catalog>>,
    served: AtomicBool,
}

impl Part {
    pub(super) fn contents(&self) -> Arc<Catalog> {
        let contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&contents)
    }

    fn set_contents(&self, catalog: Arc<Catalog>) {
        *self.contents.lock().unwrap_or_else(PoisonError::into_inner) = catalog;
    }

    pub(super) fn is_served(&self) -> bool {
        self.served.load(Ordering::Acquire)
    }
}

/// A part that is served.
struct Served {
    part: Arc<Part>,
    admits: Option<Admits>,
}

impl Served {
    fn view(&self) -> View<'_> {
        View {
            contents: self.part.contents(),
            admits: self.admits.as_ref(),
        }
    }
}

/// What there is of a part to serve.
struct View<'a> {
    contents: Arc<Catalog>,
    admits: Option<&'a Admits>,
}

/// What a catalog is made of: what stands in no part, and the parts.
#[derive(Default)]
pub(super) struct Parts {
    /// What stands in no part; the whole catalog while there are no parts.
    own: Option<Arc<Catalog>>,
    list: Vec<Served>,
}

impl Parts {
    /// What edits outside of parts begin with.
    pub(super) fn own(&self, whole: &Arc<Catalog>) -> Arc<Catalog> {
        Arc::clone(self.own.as_ref().unwrap_or(whole))
    }

    /// The whole with another own part. Nothing is changed yet.
    pub(super) fn with_own(&self, own: Catalog) -> Result<(Arc<Catalog>, Option<Arc<Catalog>>)> {
        let own = Arc::new(own);
        match self.list.is_empty() {
            true => Ok((own, None)),
            false => Ok((whole(&own, self.list.iter().map(Served::view))?, Some(own))),
        }
    }

    pub(super) fn set_own(&mut self, own: Option<Arc<Catalog>>) {
        self.own = own;
    }
}

/// One catalog of several. The first model of them is the model.
fn whole<'a>(own: &Arc<Catalog>, parts: impl Iterator<Item = View<'a>>) -> Result<Arc<Catalog>> {
    let mut whole = Catalog {
        tools: own.tools.clone(),
        resources: own.resources.clone(),
        unlisted: own.unlisted.clone(),
        templates: own.templates.clone(),
        prompts: own.prompts.clone(),
        listings: own.listings.clone(),
        model: own.model.clone(),
        #[cfg(feature = "skills")]
        skills: own.skills.clone(),
        settings: Arc::clone(&own.settings),
        pages: Pages::new(),
    };
    for View {
        contents: part,
        admits,
    } in parts
    {
        let admitted =
            |tool: &Arc<ToolEntry>| admits.is_none_or(|admits| admits(tool.definition()));
        let tools = part.tools.iter().filter(|(_, tool)| admitted(tool));
        join(&mut whole.tools, tools, "tool")?;
        join(&mut whole.resources, &part.resources, "resource")?;
        join(&mut whole.unlisted, &part.unlisted, "resource")?;
        join(&mut whole.templates, &part.templates, "resource template")?;
        join(&mut whole.prompts, &part.prompts, "prompt")?;
        whole.listings.extend(&part.listings);
        whole.model = whole.model.or_else(|| part.model.clone());
        #[cfg(feature = "skills")]
        if let Some(skills) = &part.skills {
            whole.skills = Some(match &whole.skills {
                Some(known) => known.and(skills)?,
                None => Arc::clone(skills),
            });
        }
    }
    let twice = whole
        .unlisted
        .keys()
        .find(|key| whole.resources.contains_key(*key));
    match twice {
        Some(key) => Err(given_twice("resource", key)),
        None => Ok(Arc::new(whole)),
    }
}

fn join<'a, T: 'a>(
    list: &mut Entries<T>,
    more: impl IntoIterator<Item = (&'a Arc<str>, &'a Arc<T>)>,
    what: &str,
) -> Result<()> {
    for (key, entry) in more {
        if list.insert(Arc::clone(key), Arc::clone(entry)).is_some() {
            return Err(given_twice(what, key));
        }
    }
    Ok(())
}

fn given_twice(what: &str, key: &str) -> Error {
    Error::invalid_definition(format_args!("{what} `{}` is given twice", shown(key)))
}

impl CatalogHandle {
    /// A part of this catalog: a handle whose updates see and change only what was put in through
    /// it. It is aside, and nothing of it is served, until [`set_parts`](Self::set_parts) takes it
    /// in; once it is taken out, its updates and notices reach nobody.
    ///
    /// Names of its tools and prompts get `prefix` and `.` in front, as
    /// [`Items::prefixed`](crate::Items::prefixed) does; an empty one changes nothing.
    ///
    /// ```
    /// # use wharf_server::{CatalogHandle, Context, NoArguments, Tool};
    /// let catalog = CatalogHandle::default();
    /// let clock = catalog.part("clock");
    /// let now = Tool::new("now").handler(|_: NoArguments, _: Context| async { "noon" });
    /// clock.update(|edit| edit.add_tool(now))?;
    /// assert_eq!(catalog.load().tools().len(), 0);
    ///
    /// let changed = catalog.set_parts([clock])?;
    /// assert!(changed.tools);
    /// assert!(catalog.load().tool("clock.now").is_some());
    /// # Ok::<(), wharf_server::Error>(())
    /// ```
    pub fn part(&self, prefix: &str) -> Self {
        let part = Part {
            contents: Mutex::new(Arc::new(Catalog::empty(Arc::<CatalogSettings>::default()))),
            served: AtomicBool::new(false),
        };
        Self {
            part: Some(Arc::new(part)),
            ..self.prefixed(prefix)
        }
    }

    /// Serves these parts, in this order after what stands in no part, and no others: all of it at
    /// once, or nothing. Clients are told of the lists that are different afterwards. Calls that
    /// run keep what they began with. Of several models the first one counts.
    ///
    /// Handles that are no parts of this catalog are passed over.
    ///
    /// # Errors
    /// [`Error::is_invalid_definition`]: two have an item of the same name.
    pub fn set_parts<P: Into<ServedPart>>(
        &self,
        parts: impl IntoIterator<Item = P>,
    ) -> Result<Changed> {
        let served = |ServedPart { handle, admits }| {
            let part = handle.part?;
            Arc::ptr_eq(&handle.shared, &self.shared).then_some(Served { part, admits })
        };
        let list: Vec<_> = parts
            .into_iter()
            .map(Into::into)
            .filter_map(served)
            .collect();
        let (changed, _before) = {
            let mut editing = self.editing();
            let before = self.load();
            let own = editing.own(&before);
            let after = match list.is_empty() {
                true => Arc::clone(&own),
                false => whole(&own, list.iter().map(Served::view))?,
            };
            let changed = Changed::between(&before, &after);
            for known in &editing.list {
                known.part.served.store(false, Ordering::Release);
            }
            for new in &list {
                new.part.served.store(true, Ordering::Release);
            }
            editing.own = (!list.is_empty()).then_some(own);
            // What is no longer served is dropped without the lock.
            let before = (before, std::mem::replace(&mut editing.list, list));
            self.shared.current.store(after);
            (changed, before)
        };
        self.notify(changed);
        Ok(changed)
    }

    /// What is in a part, served or not; `None` for the catalog itself.
    pub fn contents(&self) -> Option<Arc<Catalog>> {
        self.part.as_ref().map(|part| part.contents())
    }

    /// Changes a part.
    pub(super) fn update_part(
        &self,
        part: &Arc<Part>,
        edit: impl FnOnce(&mut CatalogEdit),
    ) -> Result<Changed> {
        let changed = {
            let editing = self.editing();
            let mut draft = CatalogEdit::of(&part.contents());
            draft.prefix.clone_from(&self.prefix);
            edit(&mut draft);
            let contents = Arc::new(draft.into_catalog(Arc::default())?);
            let changed = if part.is_served() {
                let before = self.load();
                let parts = editing.list.iter().map(|known| View {
                    contents: match Arc::ptr_eq(&known.part, part) {
                        true => Arc::clone(&contents),
                        false => known.part.contents(),
                    },
                    admits: known.admits.as_ref(),
                });
                let after = whole(&editing.own(&before), parts)?;
                let changed = Changed::between(&before, &after);
                self.shared.current.store(after);
                changed
            } else {
                Changed::default()
            };
            part.set_contents(contents);
            changed
        };
        self.notify(changed);
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Items, Prompt, Resource};

    fn tool(name: &str) -> crate::Tool {
        crate::Tool::new(name).raw_handler(|_, _| async {})
    }

    fn names(handle: &CatalogHandle) -> Vec<String> {
        let catalog = handle.load();
        catalog
            .tools()
            .map(|tool| tool.definition().name.clone())
            .collect()
    }

    fn with_listener() -> (CatalogHandle, Arc<Mutex<Vec<Changed>>>) {
        let handle = CatalogHandle::default();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&heard);
        handle.on_change(move |changed| hears.lock().expect("not poisoned").push(changed));
        (handle, heard)
    }

    #[test]
    fn parts_come_and_go_as_one_in_their_order() {
        let (handle, heard) = with_listener();
        handle
            .update(|edit| edit.add_tool(tool("own")))
            .expect("updated");
        let one = handle.part("one");
        let two = handle.part("");
        let items = Items::new()
            .tool(tool("a"))
            .prompt(Prompt::new("p").raw_handler(|_, _| async { "" }))
            .resource(Resource::text("x:1", ""));
        one.update(|edit| edit.add_items(items)).expect("updated");
        two.update(|edit| edit.add_tool(tool("b")))
            .expect("updated");
        assert_eq!(names(&handle), ["own"], "aside");
        heard.lock().expect("not poisoned").clear();

        handle.set_parts([two.clone(), one.clone()]).expect("set");
        assert_eq!(names(&handle), ["own", "b", "one.a"]);
        assert!(
            handle
                .load()
                .prompts()
                .any(|p| p.definition().name == "one.p")
        );
        handle
            .update(|edit| edit.add_tool(tool("own2")))
            .expect("updated");
        two.update(|edit| edit.add_tool(tool("c")))
            .expect("updated");
        assert_eq!(names(&handle), ["own", "own2", "b", "c", "one.a"]);

        let changed = handle.set_parts([two.clone()]).expect("set");
        assert!(changed.tools && changed.resources && changed.prompts);
        let changed = handle.set_parts([two.clone()]).expect("set");
        assert!(!changed.any(), "what is the same is no change");
        assert_eq!(names(&handle), ["own", "own2", "b", "c"]);
        let said = heard.lock().expect("not poisoned").len();
        one.update(|edit| edit.add_tool(tool("late")))
            .expect("updated");
        one.notify_changed(Changed {
            tools: true,
            ..Changed::default()
        });
        assert_eq!(
            heard.lock().expect("not poisoned").len(),
            said,
            "nobody hears of it"
        );
        handle.set_parts(<[ServedPart; 0]>::default()).expect("set");
        assert_eq!(names(&handle), ["own", "own2"]);
    }

    #[test]
    fn a_part_changes_only_itself() {
        let handle = CatalogHandle::default();
        let one = handle.part("");
        let two = handle.part("");
        one.update(|edit| edit.add_tool(tool("a")))
            .expect("updated");
        handle.set_parts([one.clone(), two.clone()]).expect("set");
        two.update(|edit| {
            assert!(!edit.remove_tool("a"));
            edit.clear();
        })
        .expect("updated");
        let error = two
            .update(|edit| edit.add_tool(tool("a")))
            .expect_err("twice");
        assert!(
            error.message().contains("tool `a` is given twice"),
            "{error}"
        );
        assert_eq!(names(&handle), ["a"]);
        assert!(
            two.contents().expect("a part").tools().len() == 0,
            "all or nothing"
        );
    }

    #[test]
    fn what_is_not_admitted_is_not_served() {
        let handle = CatalogHandle::default();
        let part = handle.part("x");
        part.update(|edit| {
            edit.add_tool(tool("a"));
            edit.add_tool(tool("b"));
        })
        .expect("updated");
        let only_a = ServedPart::new(part.clone()).admit(|tool| tool.name == "x.a");
        handle.set_parts([only_a]).expect("set");
        assert_eq!(names(&handle), ["x.a"]);
        assert!(
            part.update(|edit| assert!(edit.remove_tool("a")))
                .expect("updated")
                .tools
        );
        assert!(names(&handle).is_empty());
        assert!(handle.set_parts([part.clone()]).expect("set").tools);
        assert_eq!(names(&handle), ["x.b"]);
        assert_eq!(part.contents().expect("a part").tools().len(), 1);
    }

    #[test]
    fn parts_stay_when_the_server_starts() {
        let handle = CatalogHandle::default();
        let part = handle.part("");
        part.update(|edit| edit.add_tool(tool("a")))
            .expect("updated");
        handle.set_parts([part]).expect("set");
        handle
            .open(Items::new().tool(tool("own")), CatalogSettings::default())
            .expect("opened");
        assert_eq!(names(&handle), ["own", "a"]);
    }
}
