//! What the attributes' code refers to, wherever it is written: the crates that it derives with, and
//! the parts that it is made of. Nothing here is for use by hand.

pub use schemars;
pub use serde;
pub use serde_json;

pub use wharf_server::__private::{
    Context, Group, IntoPrompt, IntoResource, IntoTool, Items, Prompt, PromptArguments, PromptBody,
    Resource, ResourceBody, Result, Tool, ToolAnnotations, ToolBody, Variables, choices, icon,
    output_schema_of, prompt, prompt_argument, resource, tool,
};

/// The frontmatter of Markdown files, for the ready-made servers.
#[cfg(feature = "skills")]
pub use wharf_server::__private::{Lines, cut_frontmatter, frontmatter_with_lines};
