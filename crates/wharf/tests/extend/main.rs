//! What stands around and beside the catalog: layers, handlers of whole methods, extensions.

#[path = "../wire/mod.rs"]
mod wire;

mod extensions;
mod low_level;
mod middleware;
#[cfg(feature = "skills")]
mod skills;
