//! Skills as resources, and the methods that list them (SEP-2640, "Discovery").

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use wharf_protocol::projection::at;
use wharf_protocol::resources as protocol;

use super::load::{File, Loaded, load};
use super::{ID, MANIFEST, Skill};
use crate::catalog::resource::{Resource, mime_of};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::extension::{Extension, ExtensionMethod};
use crate::group::Items;
use crate::handler::text::shown_up_to;

const DIRECTORY: &str = "inode/directory";

/// All skills of a server, as its methods answer from them.
#[derive(Debug)]
struct Skills {
    entries: Vec<Value>,
    /// Places in `entries` by the URI of the `SKILL.md`.
    by_uri: HashMap<String, usize>,
    /// What is directly in a directory, by the directory's URI; then by the child's.
    directories: BTreeMap<String, BTreeMap<String, protocol::Resource>>,
    page: usize,
}

/// Reads the skills; adds their files to the resources, and gives the extension that lists them.
///
/// # Errors
/// [`Error::is_invalid_definition`]: a skill cannot be read or served.
pub(crate) async fn add(
    skills: Vec<Skill>,
    mut items: Items,
    page: usize,
) -> Result<(Items, Extension)> {
    let loaded = tokio::task::spawn_blocking(move || {
        skills.into_iter().map(load).collect::<Result<Vec<_>>>()
    })
    .await??;
    let mut served = Skills {
        entries: Vec::with_capacity(loaded.len()),
        by_uri: HashMap::new(),
        directories: BTreeMap::new(),
        page: page.max(1),
    };
    // A skill in another one's directory is part of both.
    let mut files: HashMap<String, bytes::Bytes> = HashMap::new();
    for skill in &loaded {
        if served
            .by_uri
            .insert(skill.uri(), served.entries.len())
            .is_some()
        {
            return Err(Error::invalid_definition(format_args!(
                "skill `{}` is given twice",
                skill.name
            )));
        }
        served.entries.push(skill.entry());
        for file in &skill.files {
            match files.insert(file.uri.clone(), file.contents.clone()) {
                None => {}
                Some(same) if same == file.contents => continue,
                Some(_) => {
                    return Err(Error::invalid_definition(format_args!(
                        "`{}` is in two skills, and not the same",
                        shown_up_to(&file.uri, 200)
                    )));
                }
            }
            items.resources.push(served.add(skill, file));
        }
    }
    Ok((items, extension(Arc::new(served))))
}

fn extension(skills: Arc<Skills>) -> Extension {
    let method = |name: &'static str, answer: fn(&Skills, Params, &Context) -> Result<Value>| {
        let skills = Arc::clone(&skills);
        ExtensionMethod::new(name, move |params: Params, ctx: Context| {
            let answer = answer(&skills, params, &ctx);
            std::future::ready(answer)
        })
        .cached_like_lists()
    };
    Extension::new(ID)
        .setting("directoryRead", true)
        .with(method("skills/list", Skills::list))
        .with(method("skills/get", Skills::get))
        .with(method("resources/directory/read", Skills::directory))
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

    /// `skills/list`
    fn list(&self, params: Params, _: &Context) -> Result<Value> {
        let (skills, next) = self.page(self.entries.iter(), params.cursor.as_deref())?;
        let skills: Vec<_> = skills.cloned().collect();
        Ok(with_cursor(json!({ "skills": skills }), next))
    }

    /// `skills/get`
    fn get(&self, params: Params, _: &Context) -> Result<Value> {
        let uri = params.uri()?;
        let entry = self
            .by_uri
            .get(uri)
            .and_then(|place| self.entries.get(*place));
        let entry = entry.ok_or_else(|| unknown("skill", uri))?;
        Ok(json!({ "skill": entry }))
    }

    /// `resources/directory/read`
    fn directory(&self, params: Params, ctx: &Context) -> Result<Value> {
        let uri = params.uri()?;
        let children = self.directories.get(uri);
        let children = children.ok_or_else(|| unknown("directory", uri))?;
        let (children, next) = self.page(children.values(), params.cursor.as_deref())?;
        let revision = ctx.exchange().revision;
        let children = children
            .map(|child| serde_json::to_value(at(child, revision)))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(with_cursor(json!({ "resources": children }), next))
    }

    /// One page of a list that never changes: a cursor is the number of the first item.
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
