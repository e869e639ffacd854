//! The hosts that people configure MCP servers in, and what stands in their files.
//!
//! | file | what changes it |
//! |---|---|
//! | `table` | a host that is new, or that keeps its servers elsewhere |
//! | `places` | where files are on Linux, macOS and Windows |
//! | `read` | how a file becomes entries, and what is wrong with it |
//! | `entry` | how one entry says what to start or to call |
//! | `expand` | variables in entries: of the environment, of the project |
//! | `find` | a server by its name |
//! | `mask` | what of an entry can be shown |

mod entry;
mod expand;
mod find;
mod mask;
mod places;
mod read;
mod table;

pub(crate) use entry::{Entry, State};
pub(crate) use expand::Ready;
pub(crate) use find::{find, names};
pub(crate) use mask::{Secret, shown_url};
pub(crate) use places::Places;
pub(crate) use read::{Contents, Listing, read_all};
pub(crate) use table::{HOSTS, Scope};
