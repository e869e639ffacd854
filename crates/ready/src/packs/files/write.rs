//! The tool `write`, and what all tools that change something share.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wharf::protocol::tools::ToolAnnotations;
use wharf::{Changed, Context, Tool};

use super::atomic;
use super::fault::{Fault, Result};
use super::list::exact;
use super::open::{Files, blocking};
use super::place::Place;
use super::reach::{LastLink, Reached};
use super::shown::{Size, quoted};
use super::told::Told;

/// What `write` is asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The file: a path relative to the served directory, or its URI
    path: String,
    /// The text that the file is to hold
    text: Option<String>,
    /// Instead of `text`: bytes, in base64
    base64: Option<String>,
    /// Whether a file that is there already may be replaced
    #[serde(default)]
    overwrite: bool,
    /// Whether to make the directories that are missing on the way
    #[serde(default)]
    parents: bool,
}

/// What `write` answers.
#[derive(Debug, Serialize, JsonSchema)]
struct Written {
    /// The path, relative to the served directory
    path: String,
    /// The URI of the file
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    /// Its size in bytes
    size: u64,
    /// Whether the file is new
    created: bool,
}

pub(super) fn tool(files: &Arc<Files>) -> Tool {
    let shared = Arc::clone(files);
    Tool::new("write")
        .title("Write a file")
        .description(format!(
            "Write a whole file of up to {}, all at once. A file that is there already is only \
             replaced with `overwrite`; to change a part of it, use `edit`.",
            Size(files.max_bytes)
        ))
        .annotations(changes(true))
        .handler(move |arguments: Arguments, ctx: Context| {
            let files = Arc::clone(&shared);
            async move {
                let written = blocking(&files, move |files| files.write(arguments)).await?;
                let (path, created) = (Path::new(&written.value.path), written.value.created);
                files.tell(&ctx, path, created);
                Ok::<_, Fault>(written)
            }
        })
}

/// The annotations of a tool that changes files. `again`: doing it twice is as doing it once.
pub(super) fn changes(again: bool) -> ToolAnnotations {
    ToolAnnotations {
        read_only_hint: Some(false),
        destructive_hint: Some(true),
        idempotent_hint: Some(again),
        open_world_hint: Some(false),
        ..ToolAnnotations::default()
    }
}

impl Files {
    fn write(&self, arguments: Arguments) -> Result<Told<Written>> {
        let bytes = match (arguments.text, arguments.base64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(bytes)) => STANDARD
                .decode(bytes.trim_ascii())
                .map_err(|error| Fault::failed(format_args!("`base64` cannot be read: {error}")))?,
            _ => {
                return Err(Fault::failed(
                    "give one of `text` and `base64`: what to write",
                ));
            }
        };
        self.check_size(bytes.len())?;
        let place = self.names.read(&arguments.path)?;
        let _changing = self.changing();
        if arguments.parents {
            self.make_parents(&place)?;
        }
        let reached = self.reach(&place, LastLink::Follow)?;
        self.check_change(&reached)?;
        let shown_path = quoted(reached.place.as_path());
        let before = reached.about.as_ref();
        if let Some(before) = before {
            if !before.is_file() {
                return Err(Fault::failed(format_args!(
                    "{shown_path} is there and no regular file"
                )));
            }
            self.check_names(before, reached.place.as_path())?;
            if !arguments.overwrite {
                return Err(exists(&shown_path));
            }
        }
        self.put(&reached, &bytes)?;
        let created = before.is_none();
        let (path, _) = exact(reached.place.as_path());
        let what = if created {
            "wrote the new file"
        } else {
            "replaced"
        };
        Ok(Told {
            text: format!("{what} {shown_path} ({})", Size(bytes.len() as u64)),
            value: Written {
                uri: self.names.uri(reached.place.as_path()),
                path,
                size: bytes.len() as u64,
                created,
            },
        })
    }

    pub(super) fn put(&self, reached: &Reached, bytes: &[u8]) -> Result<()> {
        let put = atomic::put(
            &reached.parent,
            &reached.name,
            bytes,
            reached.about.as_ref(),
        );
        put.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => exists(&quoted(reached.place.as_path())),
            _ => Fault::io(quoted(reached.place.as_path()), &error),
        })
    }

    pub(super) fn check_size(&self, size: usize) -> Result<()> {
        let size = size as u64;
        if size > self.max_bytes {
            return Err(Fault::failed(format_args!(
                "{} are more than one call may write ({})",
                Size(size),
                Size(self.max_bytes)
            )));
        }
        Ok(())
    }

    /// # Errors
    /// It must not be changed: the directory itself, or a file that says what is served.
    pub(super) fn check_change(&self, reached: &Reached) -> Result<()> {
        if reached.place.is_root() {
            return Err(Fault::refused(
                "this is the directory itself: it is not changed",
            ));
        }
        let rules = [".gitignore", ".ignore"];
        if self.policy.reads_rules() && rules.iter().any(|name| *reached.name == *OsStr::new(name))
        {
            return Err(Fault::refused(format_args!(
                "{} says what is served: it is not changed from here",
                quoted(reached.place.as_path())
            )));
        }
        Ok(())
    }

    fn make_parents(&self, place: &Place) -> Result<()> {
        let ancestors: Vec<&Path> = place.as_path().ancestors().skip(1).collect();
        for path in ancestors
            .into_iter()
            .rev()
            .filter(|path| !path.as_os_str().is_empty())
        {
            let reached = self.reach_new(&Place::found(path.to_owned()), LastLink::Follow, true)?;
            if reached.about.is_none() {
                match reached.parent.create_dir(&reached.name) {
                    Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                        return Err(Fault::io(quoted(path), &error));
                    }
                    _ => atomic::sync(&reached.parent),
                }
            }
        }
        Ok(())
    }

    /// Tells clients of a change, where nobody watches.
    pub(super) fn tell(&self, ctx: &Context, path: &Path, list: bool) {
        if self.is_watched.load(Ordering::Relaxed) {
            return;
        }
        if let Some(uri) = self.names.uri(path) {
            ctx.notify_resource_updated(&uri);
        }
        let resources = list;
        ctx.catalog().notify_changed(Changed {
            resources,
            ..Changed::default()
        });
    }

    pub(super) fn changing(&self) -> std::sync::MutexGuard<'_, ()> {
        self.changing
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

pub(super) fn exists(path: &str) -> Fault {
    Fault::failed(format_args!(
        "{} is there already: give `overwrite` if it is to be replaced",
        path
    ))
}
