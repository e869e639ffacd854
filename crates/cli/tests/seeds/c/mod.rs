//! The notes template and the specification of 2024-11-05 (SEEDS, C), with clients written by hand:
//! lines over a pipe, and events over a socket.

#![allow(unreachable_pub, reason = "a test is a program of its own")]

mod asks;
mod host;
mod notes;
mod whole;
mod wire;
