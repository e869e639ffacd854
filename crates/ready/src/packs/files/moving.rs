//! The tool `move`, and what moving and deleting directories share.

use std::path::Path;
use std::sync::Arc;

use cap_fs_ext::DirExt as _;
use cap_std::fs::{Dir, Metadata};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wharf::{Context, Tool};

use super::atomic;
use super::dirs::Kind;
use super::fault::{Fault, Result};
use super::list::exact;
use super::open::{Files, blocking};
use super::reach::{LastLink, Reached};
use super::rules::Rules;
use super::shown::quoted;
use super::told::Told;
use super::walk::MAX_DEPTH;
use super::write::{changes, exists};

/// How many entries a directory may have in all that is moved or deleted as a whole.
pub(super) const MAX_ENTRIES: u64 = 10_000;

/// What `move` is asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What to move: a path relative to the served directory, or a URI
    from: String,
    /// Its new path; the directory in which it lies must exist
    to: String,
    /// Whether a file that is there already may be replaced
    #[serde(default)]
    overwrite: bool,
}

/// What `move` answers.
#[derive(Debug, Serialize, JsonSchema)]
struct Moved {
    /// The old path, relative to the served directory
    from: String,
    /// The new path, relative to the served directory
    to: String,
    /// The URI that it has now
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
}

pub(super) fn tool(files: &Arc<Files>) -> Tool {
    let shared = Arc::clone(files);
    Tool::new("move")
        .title("Move a file")
        .description(
            "Move or rename a file or directory. A file that is there already is only replaced \
             with `overwrite`; a directory never is.",
        )
        .annotations(changes(false))
        .handler(move |arguments: Arguments, ctx: Context| {
            let files = Arc::clone(&shared);
            async move {
                let moved = blocking(&files, move |files| files.rename(&arguments)).await?;
                files.tell(&ctx, Path::new(&moved.value.from), true);
                files.tell(&ctx, Path::new(&moved.value.to), false);
                Ok::<_, Fault>(moved)
            }
        })
}

impl Files {
    fn rename(&self, arguments: &Arguments) -> Result<Told<Moved>> {
        let (from, to) = (
            self.names.read(&arguments.from)?,
            self.names.read(&arguments.to)?,
        );
        let _changing = self.changing();
        let from = self.reach(&from, LastLink::Keep)?;
        self.check_change(&from)?;
        let about = from.existing()?;
        let is_dir = about.is_dir();
        let to = self.reach_new(&to, LastLink::Keep, is_dir)?;
        self.check_change(&to)?;
        let (old, new) = (quoted(from.place.as_path()), quoted(to.place.as_path()));
        if is_dir {
            self.count_within(&from)?;
        }
        match &to.about {
            Some(there) if there.is_dir() => {
                return Err(Fault::failed(format_args!(
                    "{new} is a directory: `to` is the new path itself"
                )));
            }
            Some(_) if !arguments.overwrite || is_dir => return Err(exists(&new)),
            Some(there) => self.check_names(there, to.place.as_path())?,
            None => {}
        }
        let renamed = match to.about.as_ref().is_some_and(Metadata::is_file) {
            true => from.parent.rename(&from.name, &to.parent, &to.name),
            false => atomic::rename_new(&from.parent, &from.name, &to.parent, &to.name),
        };
        renamed.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => exists(&new),
            _ => Fault::io(&old, &error),
        })?;
        atomic::sync(&from.parent);
        atomic::sync(&to.parent);
        let uri = self.names.uri(to.place.as_path());
        let (from, to) = (exact(from.place.as_path()).0, exact(to.place.as_path()).0);
        Ok(Told {
            text: format!("moved {old} to {new}"),
            value: Moved { from, to, uri },
        })
    }

    /// How many entries a directory has in all.
    ///
    /// # Errors
    /// It has some that are left out here: they must neither vanish unseen, nor come into sight
    /// under another path. Or it has too many.
    pub(super) fn count_within(&self, reached: &Reached) -> Result<u64> {
        let mut count = 0;
        let dir = reached.open_dir()?;
        self.count(
            &dir,
            reached.place.as_path(),
            &reached.rules,
            MAX_DEPTH,
            &mut count,
        )?;
        Ok(count)
    }

    fn count(
        &self,
        dir: &Dir,
        path: &Path,
        rules: &Rules,
        depth: usize,
        count: &mut u64,
    ) -> Result<()> {
        let io = |error: std::io::Error| Fault::io(quoted(path), &error);
        let mut rules = rules.clone();
        self.enter(&mut rules, dir, path);
        for entry in &self.dirs.entries(dir, false).map_err(io)?.sorted {
            *count += 1;
            if *count > MAX_ENTRIES || depth == 0 {
                return Err(Fault::failed(format_args!(
                    "{} has too much in it (more than {MAX_ENTRIES} entries, or {MAX_DEPTH} levels): do it in parts",
                    quoted(path)
                )));
            }
            let inner = path.join(&*entry.name);
            let is_dir = entry.kind == Kind::Directory;
            if self.policy.hides(&inner, is_dir, &rules).is_some() {
                return Err(Fault::refused(format_args!(
                    "{} holds something that is not served: it cannot be moved or deleted as a whole",
                    quoted(path)
                )));
            }
            if is_dir {
                let dir = dir.open_dir_nofollow(&*entry.name).map_err(io)?;
                self.count(&dir, &inner, &rules, depth - 1, count)?;
            }
        }
        Ok(())
    }
}
