//! Ready-made servers: what `wharf serve` serves without a line of code.

mod starter;

pub use starter::{items as starter_items, starter};
