//! The Model Context Protocol in Rust: one server body for every protocol revision and every
//! transport.

// --- attributes -------------------------------------------------------------------------------
pub use wharf_macros::{prompt, resource, tool, tools};

// --- a server, and how it is reached -------------------------------------------------------------
pub use wharf_server::http;
pub use wharf_server::{Caching, InProcess, KeyRing, Limits, Lists, Principal, Server, WeakSecret};

// --- what it offers ------------------------------------------------------------------------------
pub use wharf_server::{
    Catalog, CatalogEdit, CatalogHandle, CatalogSettings, Changed, SchemaLimits,
};
pub use wharf_server::{Group, Items, Prompt, Resource, Tool};
pub use wharf_server::{IntoPrompt, IntoResource, IntoTool};

// --- what a handler gets -------------------------------------------------------------------------
pub use wharf_server::{
    AnswerError, AskError, Elicit, ElicitSchema, ElicitSchemaError, Elicitation, Sample,
};
pub use wharf_server::{CompletionRequest, IntoCompletion};
pub use wharf_server::{Context, FromText, NoArguments, PromptArguments, State, Variables};

// --- what a handler gives ------------------------------------------------------------------------
pub use wharf_server::{Audio, Error, Image, Json, Message, Result};
pub use wharf_server::{
    BoxFuture, CallError, PromptHandler, ReadRequest, ResourceHandler, ToolHandler,
};
pub use wharf_server::{IntoContent, IntoPromptResult, IntoResourceContents, IntoToolResult};

/// The language of the protocol: messages, revisions, error codes.
pub use wharf_protocol as protocol;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
