//! Model Context Protocol clients: one API for every revision and every transport.
//!
//! ```no_run
//! use serde_json::json;
//! use wharf_client::Client;
//!
//! # async fn f() -> wharf_client::Result<()> {
//! let client = Client::connect("http://127.0.0.1:8000/mcp").await?;
//! let result = client.call("add", json!({"a": 1, "b": 2})).await?;
//! println!("{:?}", result.content);
//! client.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! Which revision and which transport a server speaks is found out when connecting. What servers
//! ask for in the middle of a call (forms, models, roots) is answered by handlers that are given
//! once, however the revision carries it.

// --- a connection -------------------------------------------------------------------------------
mod builder;
mod client;
mod connect;
mod target;

pub use builder::{Builder, Limits, Timeouts};
pub use client::Client;
pub use connect::{ServerInfo, Transport};
pub use target::Target;

/// Credentials for HTTP requests: tokens at hand, and signing in.
pub use wharf_auth as auth;

// --- what can be done with it ---------------------------------------------------------------------
mod cache;
mod call;
mod lists;
#[cfg(feature = "skills")]
mod skills;
mod subscription;
mod task;
mod tools;

pub use call::{Call, ProgressStream};
pub use lists::{Listed, Pages};
#[cfg(feature = "skills")]
pub use skills::{LoadedSkill, SkillEntry, SkillFile};
pub use subscription::{Subscription, Watch};
pub use task::{Started, TaskCall, TaskHandle};

// --- what comes from the server -------------------------------------------------------------------
mod asks;
mod notification;

pub use asks::{AskError, Form, Page};
pub use notification::{Notification, Notifications};

// --- below -------------------------------------------------------------------------------------------
mod alive;
mod child;
mod error;
mod link;
mod message;
mod peer;

pub use child::{Command, Stderr};
pub use error::{Error, Result};
