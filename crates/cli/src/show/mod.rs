//! What commands show: results on standard output, in words for people and as JSON for programs;
//! what happens meanwhile on standard error.
//!
//! | file | what changes it |
//! |---|---|
//! | `out` | standard output: text, JSON, whether it is a terminal |
//! | `table` | lists |
//! | `content` | kinds of content: text, images, links |
//! | `save` | what cannot be shown, and is put into a file |
//! | `problems` | what is wrong with a configuration |
//! | `progress` | bars, while a call is under way |

mod content;
mod out;
pub(crate) mod problems;
mod progress;
mod save;
mod table;

pub(crate) use content::{messages, resource_contents, result};
pub(crate) use out::Out;
pub(crate) use progress::Progress;
pub(crate) use save::Saver;
pub(crate) use table::Table;
