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
//! | `mask`, `hide` | what of an entry, and of a file, can be shown |
//! | `what` | what a person wants installed, and what it is called |
//! | `offer` | how a server to install is written for a host |
//! | `change`, `edit` | how an entry is put into a file and taken out again, byte by byte |
//! | `save`, `ledger` | how files are written; what was made for our entries |

mod change;
mod edit;
mod entry;
mod expand;
mod find;
mod hide;
mod ledger;
mod mask;
mod offer;
mod places;
mod read;
mod save;
mod table;
mod what;

pub(crate) use change::{Change, install, uninstall};
pub(crate) use entry::{Entry, State};
pub(crate) use expand::{Ready, env_lines};
pub(crate) use find::{find, names};
pub(crate) use ledger::Ledger;
pub(crate) use mask::{Secret, shown_url};
pub(crate) use places::Places;
pub(crate) use read::{Contents, Listing, read_all};
#[cfg(test)]
pub(crate) use save::BACKUP;
pub(crate) use table::{HOSTS, Host, Scope};
pub(crate) use what::{What, name as server_name, what};
