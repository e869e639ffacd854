//! What was asked for in the beginning, row by row: `seed_<letter><row>_…`.

#[path = "../support/mod.rs"]
mod support;

mod a;
