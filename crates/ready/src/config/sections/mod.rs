//! Sections of the file about how a server is run.

mod audit;
mod auth;
mod limits;
mod metrics;
mod tls;

pub use audit::Audit;
pub use auth::{Auth, Token};
pub use limits::Limits;
pub use metrics::Metrics;
pub use tls::Tls;
