//! The client against our own server, over every transport and in every revision.

mod asks;
mod calls;
mod hostile;
#[cfg(feature = "skills")]
mod skills;
mod stream;
mod support;
mod watch;
