//! What is served, as `wharf.toml` and the arguments of `wharf serve` say it.
//!
//! [`Given`] is read into a [`Config`], with every `${…}` resolved; a [`Site`] opens its packs and
//! keeps a server's catalog as the configuration says, also when it changes. What is wrong are
//! [`Problems`], each with its place. [`schema`] is what the file may say.

mod admit;
mod argument;
mod check;
mod de;
pub mod form;
mod kinds;
mod load;
mod mask;
mod nearest;
mod node;
mod patterns;
mod problem;
mod read;
mod resolve;
mod restart;
mod schema;
mod sections;
mod settings;
mod site;
mod source;
mod watch;

pub use check::{check, check_config};
pub use load::{Config, FILE_NAME, Given};
pub use problem::{Problem, Problems};
pub use schema::schema;
pub use sections::{Audit, Auth, Limits, Metrics, Tls, Token};
pub use settings::{Http, Settings};
pub use site::{Reloaded, Served, Site};
pub use watch::Watch;
