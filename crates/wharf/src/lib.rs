//! (in progress)

pub use wharf_macros::{prompt, resource, tool, tools};
pub use wharf_protocol as protocol;
pub use wharf_server::{
    Audio, CallError, Catalog, CatalogSettings, CompletionRequest, Context, Error, FromText, Group,
    Image, IntoCompletion, IntoPrompt, IntoPromptResult, IntoResource, IntoResourceContents, IntoTool,
    IntoToolResult, Items, Json, Message, Prompt, Resource, Result, State, Tool,
};

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
