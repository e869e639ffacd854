//! Skills as resources, and the methods that list them (SEP-2640, "Discovery").

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use wharf_protocol::error::ErrorCode;
use wharf_protocol::projection::at;
use wharf_protocol::resources as protocol;

use super::load::{File, Loaded, LoadedSkill};
use super::{ID, MANIFEST};
use crate::catalog::resource::{Resource, mime_of};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::extension::{Extension, ExtensionMethod};
use crate::handler::text::shown_up_to;

const DIRECTORY: &str = "inode/directory";

/// All skills of a catalog, as its methods answer from them.
#[derive(Debug, Default)]
pub(crate) struct Skills {
    skills: Vec<LoadedSkill>,
    entries: Vec<Value>,
    /// Places in `entries` by the URI of the `SKILL.md`.
    by_uri: HashMap<String, usize>,
    /// What is directly in a directory, by the directory's URI; then by the child's.
    directories: BTreeMap<String, BTreeMap<String, protocol::Resource>>,
    /// What is in each file, by its URI.
    files: IndexMap<String, Bytes>,
}

/// The extension that lists the skills of the catalog, as long as it has any.
pub(crate) fn extension() -> Extension {
    let method = |name: &'static str, answer: fn(&Asked, Params) -> Result<Value>| {
        ExtensionMethod::new(name, move |params: Params, ctx: Context| {
            let asked = Asked::of(ctx, name);
            let answer = asked.and_then(|asked| answer(&asked, params));
            std::future::ready(answer)
        })
        .cached_like_lists()
    };
    Extension::new(ID)
        .setting("directoryRead", true)
        .with(method("skills/list", Asked::list))
        .with(method("skills/get", Asked::get))
        .with(method("resources/directory/read", Asked::directory))
        .only_while(|catalog| catalog.skills().is_some())
}

#[derive(Deserialize)]
struct Params {
    uri: Option<String>,
    cursor: Option<String>,
}

impl Params {
    fn uri(&self) -> Result<&str> {
        let uri = self.uri.as_deref();
        uri.ok_or_else(|| Error::invalid_params("`params.uri` is missing"))
    }
}

impl Skills {
    /// Puts skills together; gives the resources of their files too.
    ///
    /// # Errors
    /// [`Error::is_invalid_definition`]: two skills have the same URI, or a file in common that is
    /// not the same.
    pub(crate) fn of(skills: Vec<LoadedSkill>) -> Result<(Self, Vec<Resource>)> {
        let mut served = Self::default();
        let mut resources = Vec::new();
        for skill in skills.iter().map(LoadedSkill::loaded) {
            let place = served.entries.len();
            if served.by_uri.insert(skill.uri(), place).is_some() {
                return Err(Error::invalid_definition(format_args!(
                    "skill `{}` is given twice",
                    skill.name
                )));
            }
            served.entries.push(skill.entry());
            for file in &skill.files {
                // A skill in another one's directory is part of both.
                let contents = file.contents.clone();
                match served.files.insert(file.uri.clone(), contents) {
                    None => {}
                    Some(same) if same == file.contents => continue,
                    Some(_) => {
                        return Err(Error::invalid_definition(format_args!(
                            "`{}` is in two skills, and not the same",
                            shown_up_to(&file.uri, 200)
                        )));
                    }
                }
                resources.push(served.add(skill, file));
            }
        }
        served.skills = skills;
        Ok((served, resources))
    }

    /// These and others, whose files are resources already.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub(crate) fn and(&self, others: &Self) -> Result<Arc<Self>> {
        let skills = [self.skills(), others.skills()].concat();
        Self::of(skills).map(|(skills, _)| Arc::new(skills))
    }

    /// The skills, in the order in which they are listed.
    pub(crate) fn skills(&self) -> &[LoadedSkill] {
        &self.skills
    }

    /// The URIs of all their files.
    pub(crate) fn uris(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    pub(crate) fn has_file(&self, uri: &str) -> bool {
        self.files.contains_key(uri)
    }

    /// Whether clients see the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.entries == other.entries
    }

    /// Makes the resource of a file, and puts it into the directories above it.
    fn add(&mut self, skill: &Loaded, file: &File) -> Resource {
        let is_manifest = file.uri == skill.uri();
        let text = std::str::from_utf8(&file.contents);
        let mime_type = if file.name == MANIFEST {
            "text/markdown"
        } else {
            mime_of(file.name.as_ref()).unwrap_or(match text {
                Ok(_) => "text/plain",
                Err(_) => "application/octet-stream",
            })
        };
        let mut resource = match text {
            Ok(text) => Resource::text(&file.uri, text),
            Err(_) => Resource::blob(&file.uri, file.contents.clone()),
        }
        .mime_type(mime_type);
        resource = if is_manifest {
            resource.name(&skill.name).description(&skill.description)
        } else {
            resource.name(&file.name).unlisted()
        };
        let mut child = resource.definition().clone();
        // Up to the segment after `skill://`, which is a directory but has none above it.
        while let Some((parent, name)) = child.uri.rsplit_once('/') {
            let (parent, name) = (parent.to_owned(), name.to_owned());
            if parent == "skill:/" {
                break;
            }
            let known = self.directories.contains_key(&parent);
            let children = self.directories.entry(parent.clone()).or_default();
            if child.mime_type.as_deref() == Some(DIRECTORY) {
                child.name = name;
            }
            children.insert(child.uri.clone(), child);
            if known {
                break;
            }
            child = protocol::Resource {
                uri: parent,
                mime_type: Some(DIRECTORY.to_owned()),
                ..protocol::Resource::default()
            };
        }
        resource
    }
}

/// What a method answers from.
struct Asked {
    skills: Arc<Skills>,
    page: usize,
    ctx: Context,
}

impl Asked {
    fn of(ctx: Context, method: &str) -> Result<Self> {
        let catalog = ctx.catalog().load();
        // They were there when the request was let in.
        let skills = catalog.skills().cloned().ok_or_else(|| {
            let why = format_args!("unknown method `{method}`");
            Error::protocol(ErrorCode::METHOD_NOT_FOUND, why)
        })?;
        let page = catalog.page_size();
        Ok(Self { skills, page, ctx })
    }

    /// `skills/list`
    fn list(&self, params: Params) -> Result<Value> {
        let (skills, next) = self.page(self.skills.entries.iter(), params.cursor.as_deref())?;
        let skills: Vec<_> = skills.cloned().collect();
        Ok(with_cursor(json!({ "skills": skills }), next))
    }

    /// `skills/get`
    fn get(&self, params: Params) -> Result<Value> {
        let uri = params.uri()?;
        let place = self.skills.by_uri.get(uri);
        let entry = place.and_then(|place| self.skills.entries.get(*place));
        let entry = entry.ok_or_else(|| unknown("skill", uri))?;
        Ok(json!({ "skill": entry }))
    }

    /// `resources/directory/read`
    fn directory(&self, params: Params) -> Result<Value> {
        let uri = params.uri()?;
        let children = self.skills.directories.get(uri);
        let children = children.ok_or_else(|| unknown("directory", uri))?;
        let (children, next) = self.page(children.values(), params.cursor.as_deref())?;
        let revision = self.ctx.exchange().revision;
        let children = children
            .map(|child| serde_json::to_value(at(child, revision)))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(with_cursor(json!({ "resources": children }), next))
    }

    /// One page of a list: a cursor is the number of the first item.
    fn page<I: ExactSizeIterator>(
        &self,
        items: I,
        cursor: Option<&str>,
    ) -> Result<(std::iter::Take<std::iter::Skip<I>>, Option<usize>)> {
        let start = match cursor {
            None => 0,
            Some(cursor) => cursor
                .strip_prefix("s")
                .and_then(|number| number.parse().ok())
                .filter(|start| *start < items.len())
                .ok_or_else(|| Error::invalid_params("invalid cursor"))?,
        };
        let end = start.saturating_add(self.page);
        let next = (end < items.len()).then_some(end);
        Ok((items.skip(start).take(self.page), next))
    }
}

fn with_cursor(mut result: Value, next: Option<usize>) -> Value {
    if let Some(next) = next {
        result["nextCursor"] = format!("s{next}").into();
    }
    result
}

fn unknown(what: &str, uri: &str) -> Error {
    let shown = crate::handler::text::shown(uri);
    let data: Map<String, Value> = [("uri".to_owned(), uri.into())].into_iter().collect();
    Error::invalid_params(format_args!("unknown {what} `{shown}`")).with_data(data.into())
}
