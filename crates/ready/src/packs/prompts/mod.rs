//! The prompts pack: a directory of Markdown files with frontmatter, each one a prompt.
//!
//! ```markdown
//! ---
//! title: Review code
//! description: Ask for a review of some code.
//! arguments:
//!   - name: code
//!     description: The code to review
//!     required: true
//!   - name: tone
//!     default: kind
//!     complete: [kind, strict]
//! resources: [style.md]
//! ---
//! Please review this code, and be {{ tone }}:
//!
//! {{ code }}
//!
//! <!-- role: assistant -->
//! I have read `style.md`. One moment.
//! ```
//!
//! - The frontmatter is YAML: `title`, `description`, `arguments` (each with `name`, and as one
//!   likes `title`, `description`, `required`, `default`, `complete`) and `resources`.
//! - The text is one message of the user. A line `<!-- role: assistant -->` or
//!   `<!-- role: user -->`, which Markdown does not show, begins another message. Within a fenced
//!   block of code it is text.
//! - Each message is a [minijinja](https://docs.rs/minijinja) template of its own: `{{ tone }}` is
//!   what was given, `{% if tone %}` asks whether anything was. What is not given and has no
//!   default is empty. Arguments are data: what looks like a template or a role in one is text.
//! - `{% include "parts/rules.md" %}` puts another file in; its frontmatter is left out.
//! - `resources` are files that are embedded before the first message.
//!
//! Paths begin at the directory, and nothing outside of it is ever read.

mod definition;
mod directory;
mod load;
mod options;
mod render;
mod serve;

pub use self::options::Options;
use self::serve::Served;
use super::reload;
use crate::{Pack, Result, Surroundings};

/// Reads the prompts of a directory.
///
/// A file that is broken is logged, with its name and the line, and left out; the others are
/// served. When something changes beneath the directory, it is read again, and clients are told
/// where the list is different: a file that is broken then is served as it was.
///
/// # Errors
/// [`Error::is_unavailable`](crate::Error::is_unavailable): the directory cannot be read.
pub async fn open(options: &Options, at: &Surroundings) -> Result<Pack> {
    let path = at.path(&options.path);
    let served = Served::open(&path, at.catalog.clone());
    let served = served.await.map_err(|error| error.context("prompts"))?;
    let mut pack = Pack::from(served.items());
    if options.watch {
        pack.running.extend(reload::watching(&path, served));
    }
    Ok(pack)
}

#[cfg(test)]
mod tests;
