//! The HTTP server with a model behind it, and the dialect of its first description. Clients are
//! written by hand, over sockets, as somebody would write them who has read only that description.

mod client;
mod dialect;
mod others;
mod rows;
mod sampling;
mod tasks;
