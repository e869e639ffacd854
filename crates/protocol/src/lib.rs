//! The language of the Model Context Protocol, without any I/O.
//!
//! One model in memory for all five revisions, and an explicit [`projection`] of it to each of
//! them; a borrowed [`envelope`]; the framing of [`lines`] and of Server-Sent Events ([`sse`]);
//! mirrored [`headers`]; [`uri_template`]s.

pub mod revision;
pub mod envelope;
pub mod error;
pub mod method;
pub mod request;

pub mod capabilities;
pub mod completion;
pub mod content;
pub mod elicitation;
pub mod logging;
pub mod meta;
pub mod progress;
pub mod prompts;
pub mod resources;
pub mod roots;
pub mod sampling;
pub mod subscriptions;
pub mod tools;

pub mod projection;

pub mod headers;
pub mod lines;
pub mod sse;
pub mod uri_template;
