//! The client against our own server, over every transport and in every revision.

mod asks;
mod calls;
mod support;
mod watch;
