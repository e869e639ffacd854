//! What servers, children and networks do to a client: every call ends in bounded time, with the
//! right result or a clear error; the client goes on where it can; nothing is left behind.
#![cfg(unix)]

mod child;
mod endless;
mod killed;
mod network;
mod proxy;
mod support;
