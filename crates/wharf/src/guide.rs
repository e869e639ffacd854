//! The guide: how servers are written and called, one question a page.
//!
//! | page | what it answers |
//! |---|---|
//! | [`getting_started`] | the shortest way to a server that a model can use |
//! | [`tools`] | what a tool may take and return; errors, hints, groups |
//! | [`resources`] | data to read: text, bytes, files, templates, updates |
//! | [`prompts`] | messages to begin a conversation with |
//! | [`completion`] | values of arguments while they are typed |
//! | [`context`] | progress, logs, cancellation, shared values |
//! | [`asking`] | forms, pages, the client's model, its roots |
//! | [`tasks`] | calls whose result comes later |
//! | [`catalog`] | changing what is offered while it runs; pages; caching |
//! | [`middleware`] | code around every call: checks, measures, limits |
//! | [`low_level`] | a catalog of one's own: handlers of whole methods |
//! | [`extensions`] | settings and methods that the protocol does not have |
//! | [`skills`] | instructions for an agent, with their files |
//! | [`apps`] | interactive pages for the results of tools |
//! | [`transports`] | stdio, HTTP, inside of axum or hyper; limits |
//! | [`state`] | what survives a restart, and where it is kept |
//! | [`security`] | what is refused by itself, and what is left to decide |
//! | [`revisions`] | what clients of each revision see |
//! | [`client`] | calling servers, and answering what they ask |
//! | [`signing_in`] | tokens, OAuth, keys |
//! | [`testing`] | tests without starting a server |
//!
//! Every example compiles and runs in the tests.

#[doc = include_str!("docs/getting_started.md")]
pub mod getting_started {}

#[doc = include_str!("docs/tools.md")]
pub mod tools {}

#[doc = include_str!("docs/resources.md")]
pub mod resources {}

#[doc = include_str!("docs/prompts.md")]
pub mod prompts {}

#[doc = include_str!("docs/completion.md")]
pub mod completion {}

#[doc = include_str!("docs/context.md")]
pub mod context {}

#[doc = include_str!("docs/asking.md")]
pub mod asking {}

#[doc = include_str!("docs/tasks.md")]
pub mod tasks {}

#[doc = include_str!("docs/catalog.md")]
pub mod catalog {}

#[doc = include_str!("docs/middleware.md")]
pub mod middleware {}

#[doc = include_str!("docs/low_level.md")]
pub mod low_level {}

#[doc = include_str!("docs/extensions.md")]
pub mod extensions {}

#[cfg_attr(all(feature = "skills", feature = "client"), doc = include_str!("docs/skills.md"))]
#[cfg_attr(
    not(all(feature = "skills", feature = "client")),
    doc = "With the features `skills` and `client`."
)]
pub mod skills {}

#[doc = include_str!("docs/apps.md")]
pub mod apps {}

#[doc = include_str!("docs/transports.md")]
pub mod transports {}

#[doc = include_str!("docs/state.md")]
pub mod state {}

#[doc = include_str!("docs/security.md")]
pub mod security {}

#[doc = include_str!("docs/revisions.md")]
pub mod revisions {}

#[cfg_attr(feature = "client", doc = include_str!("docs/client.md"))]
#[cfg_attr(not(feature = "client"), doc = "With the feature `client`.")]
pub mod client {}

#[cfg_attr(feature = "oauth", doc = include_str!("docs/signing_in.md"))]
#[cfg_attr(not(feature = "oauth"), doc = "With the feature `oauth`.")]
pub mod signing_in {}

#[doc = include_str!("docs/testing.md")]
pub mod testing {}
