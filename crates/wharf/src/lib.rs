//! The Model Context Protocol in Rust: one server body for every protocol revision and every
//! transport.
//!
//! ```no_run
//! use wharf::{Server, tool};
//!
//! /// Add two numbers.
//! #[tool]
//! async fn add(a: i64, b: i64) -> i64 {
//!     a + b
//! }
//!
//! #[tokio::main]
//! async fn main() -> wharf::Result<()> {
//!     Server::new("Demo").tool(add).run().await
//! }
//! ```
//!
//! Started by a host it speaks over stdio; with `--http` it serves `http://127.0.0.1:8000/mcp`. Clients
//! of every revision from 2024-11-05 to 2026-07-28 are served at the same time, each exactly as its
//! revision says.
//!
//! # Where to look
//!
//! | for | look at |
//! |---|---|
//! | an introduction, and an example of every feature | the [`guide`] |
//! | the server and how it is reached | [`Server`], [`http`], [`InProcess`], [`Limits`] |
//! | functions as tools, resources and prompts | [`tool`], [`resource`], [`prompt`], [`tools`] |
//! | the same by hand | [`Tool`], [`Resource`], [`Prompt`], [`Group`] |
//! | what a handler takes | [`Context`], [`State`], and its arguments |
//! | what a handler gives | [`IntoToolResult`], [`IntoResourceContents`], [`IntoPromptResult`], [`Error`] |
//! | questions to the client | [`Context::elicit`], [`Context::sample`], [`Context::roots`] |
//! | a catalog that changes | [`CatalogHandle`], [`ResourceListing`] |
//! | code around calls, a catalog of one's own | [`middleware`], [`low_level`] |
//! | who does what, how often and how fast | [`AuditLog`], [`Metrics`], [`observe`] |
//! | extensions, pages for results | [`Extension`], [`App`] |
//! | messages as they are on the wire | [`protocol`] |
//!
//! # Contracts
//!
//! - Handlers are cancelled by being dropped where they wait; see [`Context`].
//! - Nothing that a client sends makes a server panic or exit, and every queue is bounded; see
//!   [`Limits`].
//! - A server listens where others can reach it only if it knows who is calling, or was told not to
//!   care; see [`http::HttpOptions`].

pub mod guide;

// The README's examples run with the other tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}

// --- attributes -------------------------------------------------------------------------------
pub use wharf_macros::{prompt, resource, tool, tools};

// --- a server, and how it is reached -------------------------------------------------------------
pub use wharf_server::http;
pub use wharf_server::{Caching, InProcess, KeyRing, Limits, Lists, Principal, Server, WeakSecret};

/// Where a server keeps what calls share or what outlives the process; see [`Server::store`].
pub use wharf_state as store;

// --- a client ------------------------------------------------------------------------------------
#[cfg(feature = "client")]
pub use wharf_client as client;
#[cfg(feature = "client")]
pub use wharf_client::Client;

// --- what it offers ------------------------------------------------------------------------------
pub use wharf_server::{App, AppPermission};
pub use wharf_server::{
    Catalog, CatalogEdit, CatalogHandle, CatalogSettings, Changed, SchemaLimits, ServedPart,
};
pub use wharf_server::{Extension, ExtensionMethod};
pub use wharf_server::{Group, Items, Prompt, PromptEntry, Resource, Tool};
pub use wharf_server::{IntoPrompt, IntoResource, IntoTool};
pub use wharf_server::{ListedPage, ModelHandler, ResourceListing};
#[cfg(feature = "skills")]
pub use wharf_server::{LoadedSkill, Skill};
pub use wharf_server::{interpret, low_level, middleware};

// --- who watches -----------------------------------------------------------------------------------
pub use wharf_server::{AuditLog, Metrics, observe};

// --- what a handler gets -------------------------------------------------------------------------
pub use wharf_server::{
    AnswerError, AskError, Elicit, ElicitSchema, ElicitSchemaError, Question, Sample, question,
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
