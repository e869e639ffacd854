//! The tool `delete`.

use std::path::Path;
use std::sync::Arc;

use cap_fs_ext::DirExt as _;
use cap_std::fs::Metadata;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wharf::{Context, Tool};

use super::atomic;
use super::fault::{Fault, Result};
use super::list::exact;
use super::open::{Files, blocking};
use super::options::Deletion;
use super::reach::{LastLink, Reached, Stamp};
use super::shown::{Size, quoted};
use super::told::Told;
use super::write::changes;

/// What `delete` is asked.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What to delete: a path relative to the served directory, or a URI
    path: String,
    /// Whether a directory may be deleted with all that is in it
    #[serde(default)]
    recursive: bool,
}

/// What `delete` answers.
#[derive(Debug, Serialize, JsonSchema)]
struct Deleted {
    /// The path, relative to the served directory
    path: String,
    /// How many files and directories were in it
    entries: u64,
}

pub(super) fn tool(files: &Arc<Files>, deletion: Deletion) -> Tool {
    let shared = Arc::clone(files);
    Tool::new("delete")
        .title("Delete a file")
        .description(
            "Delete a file, a link, or a directory: an empty one, or with `recursive` all that is \
             in it. The user is asked first. It cannot be undone.",
        )
        .annotations(changes(true))
        .handler(move |arguments: Arguments, ctx: Context| {
            let files = Arc::clone(&shared);
            async move {
                let looked = arguments.clone();
                let doomed = blocking(&files, move |files| files.look(&looked)).await?;
                ask(&ctx, &doomed.question, deletion).await?;
                let deleted =
                    blocking(&files, move |files| files.delete(&arguments, doomed.stamp)).await?;
                files.tell(&ctx, Path::new(&deleted.value.path), true);
                Ok::<_, Fault>(deleted)
            }
        })
}

async fn ask(ctx: &Context, question: &str, deletion: Deletion) -> Result<()> {
    match ctx.elicit::<()>(question).await {
        Ok(()) => Ok(()),
        Err(error) if error.is_refused() => Err(Fault::refused(
            "the user did not agree: nothing was deleted",
        )),
        Err(error) if error.is_unsupported() && deletion == Deletion::Allow => Ok(()),
        Err(error) if error.is_unsupported() => Err(Fault::refused(format_args!(
            "nothing was deleted: the user must be asked first, and {error}. Who runs the server \
             can allow it with `delete = \"allow\"`"
        ))),
        Err(error) => Err(Fault::refused(format_args!("nothing was deleted: {error}"))),
    }
}

/// What is to be deleted.
struct Doomed {
    question: String,
    stamp: Stamp,
}

impl Files {
    fn look(&self, arguments: &Arguments) -> Result<Doomed> {
        let (reached, entries) = self.doomed(arguments)?;
        let about = reached.existing()?;
        let path = quoted(reached.place.as_path());
        let question = if about.is_dir() {
            format!(
                "Delete the directory {path} with {entries} files and directories in it? It cannot be undone."
            )
        } else if about.is_symlink() {
            format!("Delete the link {path}? What it leads to stays.")
        } else {
            format!(
                "Delete the file {path} ({})? It cannot be undone.",
                Size(about.len())
            )
        };
        Ok(Doomed {
            question,
            stamp: Stamp::of(about),
        })
    }

    fn doomed(&self, arguments: &Arguments) -> Result<(Reached, u64)> {
        let place = self.names.read(&arguments.path)?;
        let reached = self.reach(&place, LastLink::Keep)?;
        self.check_change(&reached)?;
        let is_dir = reached.existing()?.is_dir();
        let entries = if is_dir {
            self.count_within(&reached)?
        } else {
            0
        };
        if entries > 0 && !arguments.recursive {
            return Err(Fault::failed(format_args!(
                "{} is not empty: give `recursive` to delete the {entries} files and directories in it",
                quoted(reached.place.as_path())
            )));
        }
        Ok((reached, entries))
    }

    fn delete(&self, arguments: &Arguments, agreed: Stamp) -> Result<Told<Deleted>> {
        let _changing = self.changing();
        let (reached, entries) = self.doomed(arguments)?;
        let path = quoted(reached.place.as_path());
        // What the user has agreed to is this, and not what was put in its place.
        if Stamp::of(reached.existing()?) != agreed {
            return Err(Fault::failed(format_args!(
                "{path} was changed meanwhile: nothing was deleted"
            )));
        }
        let is_dir = reached.about.as_ref().is_some_and(Metadata::is_dir);
        let deleted = match (is_dir, entries) {
            (true, 0) => reached.parent.remove_dir(&reached.name),
            (true, _) => reached.parent.remove_dir_all(&reached.name),
            (false, _) => reached.parent.remove_file_or_symlink(&reached.name),
        };
        deleted.map_err(|error| Fault::io(&path, &error))?;
        atomic::sync(&reached.parent);
        let text = match entries {
            0 => format!("deleted {path}"),
            _ => format!("deleted {path} and {entries} files and directories in it"),
        };
        let (path, _) = exact(reached.place.as_path());
        Ok(Told {
            text,
            value: Deleted { path, entries },
        })
    }
}
