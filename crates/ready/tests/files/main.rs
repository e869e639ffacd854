//! The files pack in a real server, called by a client.

#![cfg(unix)]

mod attacks;
mod changes;
mod list;
mod read;
mod resources;
mod search;
mod support;
mod watch;
