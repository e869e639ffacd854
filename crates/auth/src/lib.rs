//! OAuth for the Model Context Protocol: the client's side.
//!
//! [`Authorize`] is what a client asks for headers before each HTTP request, and tells of refusals
//! after. [`Bearer`] is a token that somebody else got. With the feature `oauth`, `OAuth` gets and
//! keeps tokens itself:
//!
//! | question | answer |
//! |---|---|
//! | who gives tokens for this server? | its metadata (RFC 9728, RFC 8414, OpenID Connect Discovery), believed only as far as each document names the one it was asked for |
//! | who are we there? | a `Client` that was registered by hand, a metadata document, or one that registers itself |
//! | how do we get one? | a `Flow`: a person in a browser or on another device, or one of three ways without a person |
//! | who asks the person? | an `Interaction`: `Browser`, `Nobody`, or your own |
//! | where are tokens kept? | a `Store`: `MemoryStore`, `FileStore`, or your own |
//! | what may servers make us do? | ask public addresses, and those of the kind that the user named: `Reach` |
//!
//! With the feature `keyring`, a `FileStore` is sealed with a key in the system's keyring.
//!
//! ```
//! use http::{Method, Uri};
//! use wharf_auth::{Authorize, Bearer, Outgoing};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let bearer = Bearer::new("https://mcp.example.com/mcp", "a token")?;
//! let here = Uri::from_static("https://mcp.example.com/mcp");
//! let headers = bearer.headers(Outgoing { method: &Method::POST, url: &here }).await?;
//! assert_eq!(headers["authorization"], "Bearer a token");
//!
//! let elsewhere = Uri::from_static("https://other.example.com/mcp");
//! let headers = bearer.headers(Outgoing { method: &Method::POST, url: &elsewhere }).await?;
//! assert!(headers.is_empty());
//! # Ok::<(), wharf_auth::Error>(())
//! # }).unwrap();
//! ```

mod authorize;
pub use authorize::{Answer, Authorize, MAX_ATTEMPTS, Next, Outgoing, Pending, Refusal};

mod bearer;
pub use bearer::Bearer;

mod secret;
pub use secret::Secret;

mod error;
pub use error::Error;

mod origin;

#[cfg(feature = "oauth")]
mod oauth;
#[cfg(feature = "oauth")]
pub use oauth::{OAuth, Status};

#[cfg(feature = "oauth")]
mod settings;
#[cfg(feature = "oauth")]
pub use settings::Dpop;

#[cfg(feature = "oauth")]
mod client;
#[cfg(feature = "oauth")]
pub use client::Client;

#[cfg(feature = "oauth")]
mod jwt;
#[cfg(feature = "oauth")]
pub use jwt::SigningKey;

#[cfg(feature = "oauth")]
mod flow;
#[cfg(feature = "oauth")]
pub use flow::{Enterprise, Flow};

#[cfg(feature = "oauth")]
mod assertion;
#[cfg(feature = "oauth")]
pub use assertion::{Assertion, Audience};

#[cfg(feature = "oauth")]
mod interaction;
#[cfg(feature = "oauth")]
pub use interaction::{
    Browser, DeviceCode, Interaction, Nobody, Notice, Shown, SignIn, Unattended,
};

#[cfg(feature = "oauth")]
mod store;
#[cfg(feature = "oauth")]
pub use store::{FileStore, Key, Lock, MemoryStore, Store};

#[cfg(feature = "oauth")]
mod net;
#[cfg(feature = "oauth")]
pub use net::Reach;

#[cfg(feature = "oauth")]
mod challenge;
#[cfg(feature = "oauth")]
mod discovery;
#[cfg(feature = "oauth")]
mod dpop;
#[cfg(feature = "oauth")]
mod random;
#[cfg(feature = "oauth")]
mod redirect;
#[cfg(feature = "oauth")]
mod registration;
#[cfg(feature = "oauth")]
mod scope;
#[cfg(feature = "oauth")]
mod session;
#[cfg(feature = "oauth")]
mod text;
#[cfg(feature = "oauth")]
mod time;
#[cfg(feature = "oauth")]
mod token;
