//! [`Group`]: tools, resources and prompts that belong together and share a value.

use std::fmt;
use std::sync::Arc;

use crate::catalog::listing::ResourceListing;
use crate::catalog::model::ModelHandler;
use crate::catalog::prompt::{IntoPrompt, Prompt};
use crate::catalog::resource::{IntoResource, Resource};
use crate::catalog::tool::{IntoTool, Tool};

/// A value whose methods are tools, resources and prompts.
///
/// `#[tools]` on an `impl` block writes this. By hand:
///
/// ```
/// use std::sync::Arc;
/// use wharf_server::{Context, Group, Items, Tool};
///
/// struct Counter(std::sync::atomic::AtomicU64);
///
/// impl Group for Counter {
///     fn items(self: Arc<Self>) -> Items {
///         Items::new().tool(
///             Tool::new("next").description("The next number.").handler(
///                 move |_: serde_json::Map<String, serde_json::Value>, _: Context| {
///                     let counter = Arc::clone(&self);
///                     async move { counter.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) }
///                 },
///             ),
///         )
///     }
/// }
///
/// let items = Arc::new(Counter(Default::default())).items();
/// assert_eq!(items.tools.len(), 1);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a group of tools",
    label = "has no tools, resources or prompts",
    note = "write `#[tools]` above an `impl {Self}` block and `#[tool]` above its methods, or implement `Group`"
)]
pub trait Group: Send + Sync + 'static {
    /// All items; each keeps its share of the group.
    fn items(self: Arc<Self>) -> Items;
}

/// Tools, resources and prompts on their way into a server.
#[derive(Default)]
pub struct Items {
    /// The tools, in the order in which they are listed.
    pub tools: Vec<Tool>,
    /// The resources and templates, in the order in which they are listed and tried.
    pub resources: Vec<Resource>,
    /// The prompts, in the order in which they are listed.
    pub prompts: Vec<Prompt>,
    /// Resources that are listed page by page, after those above.
    pub listings: Vec<Arc<dyn ResourceListing>>,
    /// The model that clients may ask.
    pub model: Option<Arc<dyn ModelHandler>>,
    /// The skills, in the order in which they are listed; an empty list declares the extension for
    /// those that come later.
    #[cfg(feature = "skills")]
    pub skills: Option<Vec<crate::LoadedSkill>>,
}

impl Items {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tool.
    #[must_use]
    pub fn tool(mut self, tool: impl IntoTool) -> Self {
        self.tools.push(tool.into_tool());
        self
    }

    /// Adds a resource or template.
    #[must_use]
    pub fn resource(mut self, resource: impl IntoResource) -> Self {
        self.resources.push(resource.into_resource());
        self
    }

    /// Adds a prompt.
    #[must_use]
    pub fn prompt(mut self, prompt: impl IntoPrompt) -> Self {
        self.prompts.push(prompt.into_prompt());
        self
    }

    /// Adds a listing of resources.
    #[must_use]
    pub fn listing(mut self, listing: impl ResourceListing) -> Self {
        self.listings.push(Arc::new(listing));
        self
    }

    /// Sets the model that clients may ask.
    #[must_use]
    pub fn model(mut self, model: impl ModelHandler) -> Self {
        self.model = Some(Arc::new(model));
        self
    }

    /// Adds a skill; see [`Skill::load`](crate::Skill::load).
    #[cfg(feature = "skills")]
    #[must_use]
    pub fn skill(mut self, skill: crate::LoadedSkill) -> Self {
        self.skills.get_or_insert_default().push(skill);
        self
    }

    /// Adds all items of another collection. A model of it takes the place of the one before.
    #[must_use]
    pub fn and(mut self, other: Items) -> Self {
        self.tools.extend(other.tools);
        self.resources.extend(other.resources);
        self.prompts.extend(other.prompts);
        self.listings.extend(other.listings);
        self.model = other.model.or(self.model);
        #[cfg(feature = "skills")]
        if let Some(skills) = other.skills {
            self.skills.get_or_insert_default().extend(skills);
        }
        self
    }

    /// Puts `prefix` and `.` in front of the names of tools and prompts, so that several groups fit
    /// into one server. Resources keep their URIs, which are their names. An empty prefix changes
    /// nothing.
    #[must_use]
    pub fn prefixed(mut self, prefix: &str) -> Self {
        if !prefix.is_empty() {
            for tool in &mut self.tools {
                tool.definition.name.insert_str(0, &format!("{prefix}."));
            }
            for prompt in &mut self.prompts {
                prompt.definition.name.insert_str(0, &format!("{prefix}."));
            }
        }
        self
    }
}

impl fmt::Debug for Items {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("tools", &self.tools)
            .field("resources", &self.resources)
            .field("prompts", &self.prompts)
            .field("listings", &self.listings.len())
            .field("model", &self.model.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_goes_before_tools_and_prompts_only() {
        let items = Items::new()
            .tool(Tool::new("add"))
            .prompt(Prompt::new("ask"))
            .resource(Resource::text("note:1", "hi"))
            .prefixed("math");
        assert_eq!(items.tools[0].definition.name, "math.add");
        assert_eq!(items.prompts[0].definition.name, "math.ask");
        assert_eq!(items.resources[0].uri(), "note:1");
    }
}
