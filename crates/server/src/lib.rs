//! Model Context Protocol servers: what they offer, and how requests reach it.
//!
//! Use it through the crate `wharf`, which adds the attributes and the guide. In reading order:
//!
//! - [`Server`] is built from [`Tool`]s, [`Resource`]s and [`Prompt`]s, and started: stdio, HTTP
//!   ([`http`]), or in process ([`InProcess`]).
//! - A handler holds a [`Context`], takes what [`handler::extract`] reads, and gives what
//!   [`handler::output`] writes.
//! - The [`catalog`] is what is offered at the moment; it can be changed while the server runs.
//! - [`Limits`] bound everything; [`Principal`] is who calls; [`Error`] is what goes wrong.
//!
//! What happens between a request's bytes and its answer's is told in `ARCHITECTURE.md`.

pub mod catalog;
pub mod context;
pub mod error;
pub mod extension;
pub mod group;
pub mod handler;
pub mod interpret;
pub mod limits;
pub mod low_level;
pub mod middleware;
pub mod observe;
pub mod principal;

mod app;
mod ask;
mod audit;
mod call;
mod calls;
mod core;
mod dispatch;
mod durable;
mod era;
mod hooks;
mod hub;
mod metrics;
mod outbox;
mod quota;
mod rate;
mod server;
mod session;
#[cfg(feature = "skills")]
mod skills;
mod task;
mod transport;

pub use app::{App, AppPermission};
pub use ask::elicit::{AnswerError, Elicit, ElicitSchema, ElicitSchemaError};
pub use ask::journal::{KeyRing, WeakSecret};
pub use ask::{AskError, Question, Sample, question};

pub use self::core::Caching;
pub use audit::AuditLog;
pub use catalog::complete::{CompletionRequest, IntoCompletion};
pub use catalog::listing::{ListedPage, ResourceListing};
pub use catalog::model::ModelHandler;
pub use catalog::prompt::{IntoPrompt, Prompt, PromptEntry};
pub use catalog::resource::{IntoResource, Resource, ResourceEntry};
pub use catalog::schema::{SchemaLimits, Validator as SchemaValidator};
pub use catalog::tool::{IntoTool, Tool, ToolEntry};
pub use catalog::{
    Catalog, CatalogEdit, CatalogHandle, CatalogSettings, Changed, InvalidCursor, ListKind,
    PageSettings, ServedPart,
};
pub use context::Context;
pub use error::{Error, Result};
pub use extension::{Extension, ExtensionMethod};
pub use group::{Group, Items};
pub use handler::extract::{NoArguments, PromptArguments, State, Variables};
pub use handler::output::{
    Audio, Image, IntoContent, IntoPromptResult, IntoResourceContents, IntoToolResult, Json,
    Message,
};
pub use handler::text::FromText;
pub use handler::{BoxFuture, CallError, PromptHandler, ReadRequest, ResourceHandler, ToolHandler};
pub use hub::Lists;
pub use limits::Limits;
pub use metrics::Metrics;
pub use principal::Principal;
pub use server::Server;
#[cfg(feature = "skills")]
pub use skills::{LoadedSkill, Skill};
pub use transport::http;
pub use transport::in_process::InProcess;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
