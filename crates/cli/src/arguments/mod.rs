//! Arguments from the command line: `key=value` and its relatives, made what a tool's JSON Schema
//! asks for.
//!
//! `given` reads the words, `schema` finds its way in a schema, `coerce` turns text into a value,
//! `build` puts the values together, `help` describes a tool.

mod build;
mod coerce;
mod given;
mod help;
mod nearest;
mod schema;

pub(crate) use build::{arguments, check_required, texts};
pub(crate) use coerce::coerce;
pub(crate) use given::{Given, Source, read_file};
pub(crate) use help::{help, signature};
pub(crate) use nearest::nearest;
pub(crate) use schema::{Schema, plain};
