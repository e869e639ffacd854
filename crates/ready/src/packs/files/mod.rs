//! The files pack: a directory as resources and tools.
//!
//! Everything goes through a handle of the directory (`reach`): no path of a client is ever joined
//! to another one and opened. What the options leave out (hidden files, `.gitignore`, `exclude`) is
//! not there: it is not listed, not found, not read and not written.
//!
//! - Links are followed as long as they stay inside; walks (lists, searches) do not follow them.
//! - Only regular files are read. A file with several names (hard links) is refused, because its
//!   other name may lie outside; see [`Options::hard_links`].
//! - Names that are not UTF-8 are shown, escaped, and cannot be named by a client.

mod atomic;
mod delete;
mod dirs;
mod edit;
mod fault;
mod grep;
mod heard;
mod list;
mod media;
mod moving;
mod open;
mod options;
mod part;
mod place;
mod policy;
mod reach;
mod read;
mod resources;
mod root;
mod rules;
mod search;
mod shown;
mod told;
mod walk;
mod watch;
mod write;

pub use options::{Deletion, Options};

use std::sync::Arc;

use wharf::Items;

use self::open::Files;
use crate::{Pack, Result, Running, Surroundings};

/// Opens the pack.
///
/// # Errors
/// [`Error::is_unavailable`](crate::Error::is_unavailable): the directory is not there or cannot be
/// read. [`Error::is_invalid`](crate::Error::is_invalid): a glob or the URI is wrong.
pub async fn open(options: &Options, at: &Surroundings) -> Result<Pack> {
    let files = Arc::new(Files::open(options, at)?);
    let mut items = Items::new()
        .tool(read::tool(&files))
        .tool(list::tool(&files))
        .tool(search::tool(&files))
        .resource(resources::root(&files))
        .resource(resources::template(&files))
        .listing(resources::Listing(Arc::clone(&files)));
    if options.write {
        items = items
            .tool(write::tool(&files))
            .tool(edit::tool(&files))
            .tool(moving::tool(&files));
        if options.delete != Deletion::Never {
            items = items.tool(delete::tool(&files, options.delete));
        }
    }
    let mut pack = Pack::from(items);
    if options.watch {
        let watching = watch::watch(files, at.catalog.clone());
        pack.running.push(Running::spawn(watching));
    }
    Ok(pack)
}
