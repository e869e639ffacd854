//! HTTP to servers that others name: where it may go, how much it reads, how long it waits.

mod address;
pub use address::Reach;

mod place;
pub(crate) use place::{Place, same_origin};

mod resolver;

mod http;
pub(crate) use http::{Http, Received};
