//! The language of the Model Context Protocol, without any I/O.
//!
//! One model in memory for all five revisions, and an explicit [`projection`] of it to each of
//! them; an [`envelope`] that is read in one pass; the framing of [`lines`] and of Server-Sent Events ([`sse`]);
//! mirrored [`headers`]; [`uri_template`]s. No sockets, no files, no runtime: bytes and values.
//!
//! ```
//! use wharf_protocol::{Revision, envelope::{MessageKind, Parts}, method::Method};
//!
//! let text = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
//! let (kind, parts) = Parts::scan(text)?;
//! assert_eq!((kind, parts.id(text).map(|id| id.as_json())), (MessageKind::Request, Some("1")));
//! let name = parts.method.of(text).and_then(|method| method.as_str()).unwrap_or_default();
//! assert!(Method::parse(&name).is_some_and(|method| method.is_in(Revision::V2024_11_05)));
//! # Ok::<(), wharf_protocol::envelope::EnvelopeError>(())
//! ```
//!
//! Types are named as the specification names them. Reading takes what any revision writes;
//! writing goes through [`at`], which knows for whom.

pub mod envelope;
pub mod error;
pub mod method;
pub mod raw;
pub mod request;
pub mod revision;

pub mod capabilities;
pub mod completion;
pub mod content;
pub mod elicitation;
pub mod input;
pub mod lifecycle;
pub mod logging;
pub mod meta;
pub mod progress;
pub mod prompts;
pub mod resources;
pub mod roots;
pub mod sampling;
pub mod subscriptions;
pub mod tasks;
pub mod tools;

mod lenient;

pub mod projection;

pub mod headers;
pub mod lines;
pub mod sse;
pub mod uri_template;

pub use capabilities::{
    ClientCapabilities, ElicitationCapability, PromptsCapability, ResourcesCapability,
    RootsCapability, SamplingCapability, ServerCapabilities, ToolsCapability,
};
pub use completion::{
    CompleteParams, CompleteResult, Completion, CompletionArgument, CompletionContext,
    CompletionReference,
};
pub use content::{
    Annotations, AudioContent, ContentBlock, EmbeddedResource, Icon, IconTheme, ImageContent,
    Implementation, ResourceLink, Role, TextContent,
};
pub use elicitation::{ElicitAction, ElicitParams, ElicitResult};
pub use input::{InputRequest, InputRequiredResult, InputResponse};
pub use lifecycle::{DiscoverResult, InitializeParams, InitializeResult};
pub use logging::{LoggingLevel, LoggingMessage};
pub use meta::{EmptyResult, Meta};
pub use progress::{Progress, ProgressToken};
pub use projection::{At, CacheHint, CacheScope, ResultFrame, ResultType, at, write_result};
pub use prompts::{GetPromptResult, ListPromptsResult, Prompt, PromptArgument, PromptMessage};
pub use resources::{
    BlobResourceContents, ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult,
    Resource, ResourceContents, ResourceTemplate, TextResourceContents,
};
pub use revision::Revision;
pub use roots::{ListRootsResult, Root};
pub use sampling::{
    CreateMessageParams, CreateMessageResult, IncludeContext, ModelHint, ModelPreferences,
    OneOrMany, SamplingContent, SamplingMessage, ToolChoice, ToolChoiceMode, ToolResultContent,
    ToolUseContent,
};
pub use subscriptions::SubscriptionFilter;
pub use tasks::{CreateTaskResult, ListTasksResult, Task, TaskDetail, TaskState, TaskStatus};
pub use tools::{
    CallToolResult, ListToolsResult, TaskSupport, Tool, ToolAnnotations, ToolExecution,
};
