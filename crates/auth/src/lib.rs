//! OAuth for the Model Context Protocol: the client's side.
//!
//! [`Authorize`] is what a client asks for headers before each HTTP request, and tells of refusals
//! after. [`Bearer`] is a token that somebody else got. With the feature `oauth`, `OAuth` gets and
//! keeps tokens itself.
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
