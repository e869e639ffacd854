//! Against servers that do as a test says, mostly wrong.

mod attacks;
mod flows;
mod people;
mod secrets;
mod world;
