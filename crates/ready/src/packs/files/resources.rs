//! The files as resources: read, listed, completed.

use std::sync::Arc;

use wharf::protocol::content::Annotations;
use wharf::protocol::resources::{self as protocol, ReadResourceResult};
use wharf::{
    BoxFuture, CompletionRequest, Context, Error, IntoResourceContents as _, ListedPage,
    ReadRequest, Resource, ResourceHandler, ResourceListing,
};

use super::dirs::Kind;
use super::fault::{Fault, Result};
use super::list::modified;
use super::media;
use super::open::{Files, Stop, blocking, walking};
use super::place::{Place, cursor, read_cursor};
use super::reach::LastLink;
use super::read::whole;
use super::shown::{Size, quoted};
use super::walk::{How, MAX_DEPTH, Step, Walk};

/// How many entries the resource of a directory names.
const MAX_NAMED: usize = 1000;

/// The template of all files.
pub(super) fn template(files: &Arc<Files>) -> Resource {
    let completing = Arc::clone(files);
    let name = files.root.path().file_name();
    let name = name.map_or_else(
        || "files".into(),
        |name| name.to_string_lossy().into_owned(),
    );
    Resource::from_handler(
        format!("{}{{+path}}", files.names.base()),
        Box::new(Contents(Arc::clone(files))),
    )
    .name(name)
    .title("Files")
    .description("A file of the directory by its path, or the URIs of what is in a directory.")
    .complete_with("path", move |request: CompletionRequest| {
        let files = Arc::clone(&completing);
        async move { blocking(&files, move |files| files.complete(&request.value)).await }
    })
}

/// The directory itself, which the template does not cover.
pub(super) fn root(files: &Arc<Files>) -> Resource {
    let contents = Contents(Arc::clone(files));
    Resource::from_handler(files.names.base(), Box::new(contents))
        .name("files")
        .title("Files")
        .description("The URIs of what is in the directory.")
        .unlisted()
}

struct Contents(Arc<Files>);

impl ResourceHandler for Contents {
    fn read<'a>(
        &'a self,
        _: &'a Context,
        request: ReadRequest<'a>,
    ) -> BoxFuture<'a, wharf::Result<ReadResourceResult>> {
        Box::pin(async move {
            let uri = request.uri.to_owned();
            let read = blocking(&self.0, move |files| files.contents(&uri)).await;
            read.map_err(|fault| fault.of_resource(request.uri))
        })
    }
}

/// The list of all files.
pub(super) struct Listing(pub(super) Arc<Files>);

impl ResourceListing for Listing {
    fn page<'a>(
        &'a self,
        _: &'a Context,
        cursor: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, wharf::Result<ListedPage>> {
        Box::pin(async move {
            let after = match cursor {
                None => None,
                Some(cursor) => Some(read_cursor(cursor).ok_or_else(|| {
                    Error::invalid_params("this is no cursor of this list: begin again")
                })?),
            };
            let page = walking(&self.0, move |files, stop| {
                files.page(after.as_ref(), limit, stop)
            });
            page.await.map_err(Error::new)
        })
    }
}

impl Files {
    fn contents(&self, uri: &str) -> Result<ReadResourceResult> {
        let place = self.names.read_uri(uri)?;
        let reached = self.reach(&place, LastLink::Follow)?;
        if reached.existing()?.is_dir() {
            return self.uris(&reached.place, uri);
        }
        let (mut file, about) = self.open_file(&reached)?;
        let too_large = |size: u64| {
            Fault::failed(format_args!(
                "{} is larger ({}) than a resource may be ({}): the tool `read` reads parts",
                quoted(place.as_path()),
                Size(size),
                Size(self.max_resource_bytes)
            ))
        };
        if about.len() > self.max_resource_bytes {
            return Err(too_large(about.len()));
        }
        let bytes = whole(&mut file, about.len(), self.max_resource_bytes, &place)?;
        if bytes.len() as u64 > self.max_resource_bytes {
            return Err(too_large(bytes.len() as u64));
        }
        let path = reached.place.as_path();
        let contents = match String::from_utf8(bytes) {
            Ok(text) => text.into_resource_contents(uri, Some(media::text_type(path))),
            Err(error) => error
                .into_bytes()
                .into_resource_contents(uri, Some(media::binary_type(path))),
        };
        contents.map_err(|error| Fault::failed(error.message()))
    }

    /// What is in a directory, as RFC 2483 writes lists of URIs.
    fn uris(&self, place: &Place, uri: &str) -> Result<ReadResourceResult> {
        let start = self.reach(place, LastLink::Follow)?;
        let how = How {
            depth: 0,
            after: None,
            keep: true,
        };
        let mut text = String::new();
        for (count, step) in Walk::new(self, &start, how)?.enumerate() {
            if count == MAX_NAMED {
                text.push_str("# and more: the tool `list` shows all\r\n");
                break;
            }
            if let Some(uri) = self.names.uri(&step.path) {
                let end = if step.kind == Kind::Directory {
                    "/\r\n"
                } else {
                    "\r\n"
                };
                text.push_str(&uri);
                text.push_str(end);
            }
        }
        let contents = text.into_resource_contents(uri, Some("text/uri-list"));
        contents.map_err(|error| Fault::failed(error.message()))
    }

    fn page(&self, after: Option<&Place>, limit: usize, stop: &Stop) -> Result<ListedPage> {
        let start = self.reach(&Place::default(), LastLink::Follow)?;
        let how = How {
            depth: MAX_DEPTH,
            after,
            keep: true,
        };
        let mut walk = Walk::new(self, &start, how)?;
        let mut page = ListedPage::default();
        let mut last = None;
        while let Some(step) = walk.next() {
            if let Some(resource) = self.resource(&walk, &step) {
                if page.resources.len() == limit {
                    page.next = last;
                    break;
                }
                page.resources.push(resource);
                last = Some(cursor(&step.path));
            }
            if stop.is_now() {
                // Whoever asks on gets further, even if nothing was found.
                page.next = Some(cursor(&step.path));
                break;
            }
        }
        Ok(page)
    }

    fn resource(&self, walk: &Walk<'_>, step: &Step) -> Option<protocol::Resource> {
        if step.kind != Kind::File {
            return None;
        }
        let name = step.path.file_name()?;
        let uri = self.names.uri(&step.path)?;
        let about = walk.dir()?.symlink_metadata(name).ok()?;
        if !about.is_file() || self.has_foreign_names(&about) {
            return None;
        }
        let mut resource = protocol::Resource::new(uri, name.to_str()?);
        resource.mime_type = media::media_type(&step.path).map(str::to_owned);
        resource.size = Some(about.len());
        resource.annotations = Some(Annotations {
            last_modified: modified(&about),
            ..Annotations::default()
        });
        Some(resource)
    }

    /// Paths that begin with what was typed; directories end with a slash.
    fn complete(&self, typed: &str) -> Result<Vec<String>> {
        let (dir, begun) = typed.rsplit_once('/').unwrap_or(("", typed));
        let start = Place::parse(dir).and_then(|place| self.reach(&place, LastLink::Follow));
        let walk = start.and_then(|start| {
            let how = How {
                depth: 0,
                after: None,
                keep: true,
            };
            Walk::new(self, &start, how)
        });
        // Where nothing is, nothing can be completed.
        let Ok(walk) = walk else {
            return Ok(Vec::new());
        };
        let named = walk.filter_map(|step| {
            let name = step.path.file_name()?.to_str()?;
            let slash = if step.kind == Kind::Directory {
                "/"
            } else {
                ""
            };
            let path = match typed.rsplit_once('/') {
                Some((dir, _)) => format!("{dir}/{name}{slash}"),
                None => format!("{name}{slash}"),
            };
            name.starts_with(begun).then_some(path)
        });
        Ok(named.collect())
    }
}
