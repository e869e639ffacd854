//! A change of the catalog, from one snapshot to the next.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;

use super::listing::{Listings, ResourceListing};
use super::model::ModelHandler;
use super::pages::Pages;
use super::prompt::{IntoPrompt, PromptEntry};
use super::resource::{IntoResource, ResourceEntry};
#[cfg(feature = "skills")]
use super::skills::SkillsEdit;
use super::tool::{IntoTool, ToolEntry};
use super::{Catalog, CatalogSettings};
use crate::error::{Error, Result};
use crate::group::Items;
use crate::handler::text::shown;

/// Which lists an update made different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Changed {
    /// The list of tools.
    pub tools: bool,
    /// The list of resources or of resource templates.
    pub resources: bool,
    /// The list of prompts.
    pub prompts: bool,
}

impl Changed {
    /// Whether any list is different.
    pub fn any(self) -> bool {
        self.tools || self.resources || self.prompts
    }

    /// Compares what clients see: a handler that was replaced under the same definition is no
    /// change of a list.
    pub(super) fn between(before: &Catalog, after: &Catalog) -> Self {
        let resource = |a: &ResourceEntry, b: &ResourceEntry| {
            a.direct() == b.direct() && a.template() == b.template()
        };
        Self {
            tools: differ(&before.tools, &after.tools, |a, b| {
                a.definition() == b.definition()
            }),
            resources: differ(&before.resources, &after.resources, resource)
                || differ(&before.templates, &after.templates, resource)
                || before.listings.differ(&after.listings)
                || skills_differ(before, after),
            prompts: differ(&before.prompts, &after.prompts, |a, b| {
                a.definition() == b.definition()
            }),
        }
    }
}

#[cfg(feature = "skills")]
fn skills_differ(before: &Catalog, after: &Catalog) -> bool {
    match (&before.skills, &after.skills) {
        (Some(before), Some(after)) => !Arc::ptr_eq(before, after) && !before.is_same(after),
        (None, None) => false,
        _ => true,
    }
}

#[cfg(not(feature = "skills"))]
fn skills_differ(_: &Catalog, _: &Catalog) -> bool {
    false
}

fn differ<T>(before: &Entries<T>, after: &Entries<T>, same: impl Fn(&T, &T) -> bool) -> bool {
    before.len() != after.len()
        || before
            .values()
            .zip(after.values())
            .any(|(a, b)| !Arc::ptr_eq(a, b) && !same(a, b))
}

pub(super) type Entries<T> = IndexMap<Arc<str>, Arc<T>>;

/// A copy of the catalog in which an [update](super::CatalogHandle::update) makes its changes.
pub struct CatalogEdit {
    tools: Entries<ToolEntry>,
    resources: Entries<ResourceEntry>,
    unlisted: Entries<ResourceEntry>,
    templates: Entries<ResourceEntry>,
    prompts: Entries<PromptEntry>,
    listings: Listings,
    model: Option<Arc<dyn ModelHandler>>,
    #[cfg(feature = "skills")]
    pub(super) skills: SkillsEdit,
    settings: Arc<CatalogSettings>,
    pub(super) replaces: bool,
    /// What stands in front of names here.
    pub(super) prefix: Option<Arc<str>>,
    /// The first error; with it the edit comes to nothing.
    failed: Option<Error>,
}

impl CatalogEdit {
    pub(super) fn of(catalog: &Catalog) -> Self {
        Self {
            tools: catalog.tools.clone(),
            resources: catalog.resources.clone(),
            unlisted: catalog.unlisted.clone(),
            templates: catalog.templates.clone(),
            prompts: catalog.prompts.clone(),
            listings: catalog.listings.clone(),
            model: catalog.model.clone(),
            #[cfg(feature = "skills")]
            skills: SkillsEdit::of(catalog.skills.clone()),
            settings: Arc::clone(&catalog.settings),
            replaces: true,
            prefix: None,
            failed: None,
        }
    }

    pub(super) fn refuse_duplicates(&mut self) {
        self.replaces = false;
    }

    #[cfg_attr(not(feature = "skills"), allow(unused_mut))]
    pub(super) fn into_catalog(mut self, settings: Arc<CatalogSettings>) -> Result<Catalog> {
        #[cfg(feature = "skills")]
        let skills = self.settle_skills();
        match self.failed {
            Some(error) => Err(error),
            None => Ok(Catalog {
                tools: self.tools,
                resources: self.resources,
                unlisted: self.unlisted,
                templates: self.templates,
                prompts: self.prompts,
                listings: self.listings,
                model: self.model,
                #[cfg(feature = "skills")]
                skills,
                settings,
                pages: Pages::new(),
            }),
        }
    }

    /// Adds a tool at the end, or replaces the one of the same name in its place.
    pub fn add_tool(&mut self, tool: impl IntoTool) {
        let mut tool = tool.into_tool();
        tool.definition.name = self.named(tool.definition.name);
        let entry = tool.into_entry(&self.settings.schemas);
        if let Some(entry) = self.keep(entry) {
            let key = Arc::from(entry.definition().name.as_str());
            let added = put(&mut self.tools, key, entry, self.replaces, "tool");
            self.keep(added);
        }
    }

    /// Removes a tool; whether there was one.
    pub fn remove_tool(&mut self, name: &str) -> bool {
        let name = self.named(name.to_owned());
        self.tools.shift_remove(name.as_str()).is_some()
    }

    /// Adds a resource or template at the end, or replaces the one of the same URI in its place.
    pub fn add_resource(&mut self, resource: impl IntoResource) {
        let entry = resource.into_resource().into_entry();
        if let Some(entry) = self.keep(entry) {
            let key = Arc::from(entry.key());
            let (list, other) = if entry.template().is_some() {
                (&mut self.templates, None)
            } else if entry.is_unlisted() {
                (&mut self.unlisted, Some(&mut self.resources))
            } else {
                (&mut self.resources, Some(&mut self.unlisted))
            };
            // A URI is one resource, listed or not.
            if let Some(other) = other
                && other.contains_key(&key)
            {
                if self.replaces {
                    other.shift_remove(&key);
                } else {
                    let twice = put(other, key, entry, false, "resource");
                    self.keep(twice);
                    return;
                }
            }
            let added = put(list, key, entry, self.replaces, "resource");
            self.keep(added);
        }
    }

    /// Removes the resource or template with exactly this URI or URI template; whether there was
    /// one.
    pub fn remove_resource(&mut self, uri: &str) -> bool {
        self.resources.shift_remove(uri).is_some()
            || self.unlisted.shift_remove(uri).is_some()
            || self.templates.shift_remove(uri).is_some()
    }

    /// Adds a prompt at the end, or replaces the one of the same name in its place.
    pub fn add_prompt(&mut self, prompt: impl IntoPrompt) {
        let mut prompt = prompt.into_prompt();
        prompt.definition.name = self.named(prompt.definition.name);
        let entry = prompt.into_entry();
        if let Some(entry) = self.keep(entry) {
            let key = Arc::from(entry.definition().name.as_str());
            let added = put(&mut self.prompts, key, entry, self.replaces, "prompt");
            self.keep(added);
        }
    }

    /// Removes a prompt; whether there was one.
    pub fn remove_prompt(&mut self, name: &str) -> bool {
        let name = self.named(name.to_owned());
        self.prompts.shift_remove(name.as_str()).is_some()
    }

    /// The prompt of this name, as it is at this point of the edit.
    pub fn prompt(&self, name: &str) -> Option<&Arc<PromptEntry>> {
        self.prompts.get(self.named(name.to_owned()).as_str())
    }

    /// The name with what stands in front of it here.
    fn named(&self, name: String) -> String {
        match &self.prefix {
            Some(prefix) => format!("{prefix}{name}"),
            None => name,
        }
    }

    /// Adds a listing of resources at the end.
    pub fn add_listing(&mut self, listing: Arc<dyn ResourceListing>) {
        self.listings.add(listing);
    }

    /// Removes this listing; whether it was there.
    pub fn remove_listing(&mut self, listing: &Arc<dyn ResourceListing>) -> bool {
        self.listings.remove(listing)
    }

    /// Sets the model that clients may ask; `None` for none.
    pub fn set_model(&mut self, model: Option<Arc<dyn ModelHandler>>) {
        self.model = model;
    }

    /// Adds several items at once. A model among them takes the place of the one before.
    pub fn add_items(&mut self, items: Items) {
        items.tools.into_iter().for_each(|tool| self.add_tool(tool));
        items
            .resources
            .into_iter()
            .for_each(|resource| self.add_resource(resource));
        items
            .prompts
            .into_iter()
            .for_each(|prompt| self.add_prompt(prompt));
        items
            .listings
            .into_iter()
            .for_each(|listing| self.add_listing(listing));
        #[cfg(feature = "skills")]
        if let Some(skills) = items.skills {
            self.offer_skills();
            skills.into_iter().for_each(|skill| self.add_skill(skill));
        }
        if items.model.is_some() {
            self.set_model(items.model);
        }
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.tools.clear();
        self.resources.clear();
        self.unlisted.clear();
        self.templates.clear();
        self.prompts.clear();
        self.listings.clear();
        self.model = None;
        #[cfg(feature = "skills")]
        {
            self.skills = SkillsEdit::default();
        }
    }

    pub(super) fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result
            .map_err(|error| {
                self.failed.get_or_insert(error);
            })
            .ok()
    }
}

impl fmt::Debug for CatalogEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatalogEdit")
            .field("tools", &self.tools.keys())
            .field("resources", &self.resources.keys())
            .field("templates", &self.templates.keys())
            .field("prompts", &self.prompts.keys())
            .field("listings", &self.listings)
            .finish_non_exhaustive()
    }
}

fn put<T>(
    list: &mut Entries<T>,
    key: Arc<str>,
    entry: T,
    replaces: bool,
    what: &str,
) -> Result<()> {
    if !replaces && list.contains_key(&key) {
        return Err(Error::invalid_definition(format_args!(
            "{what} `{}` is given twice",
            shown(&key)
        )));
    }
    list.insert(key, Arc::new(entry));
    Ok(())
}
