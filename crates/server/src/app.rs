//! [`App`]: an interactive page that a host shows beside a tool's result
//! (MCP Apps, SEP-1865 of 2026-01-26, extension `io.modelcontextprotocol/ui`).

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use wharf_protocol::content::Icon;
use wharf_protocol::meta::Meta;
use wharf_protocol::resources::{ReadResourceResult, ResourceContents, TextResourceContents};

use crate::catalog::resource::{IntoResource, Resource};
use crate::catalog::tool::Tool;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::handler::{BoxFuture, ReadRequest, ResourceHandler};

/// The extension's identifier.
pub(crate) const ID: &str = "io.modelcontextprotocol/ui";
/// The media type of a page.
const MIME_TYPE: &str = "text/html;profile=mcp-app";
/// Where tools and resources say what concerns their page.
const META: &str = "ui";

/// An interactive page, which a host shows in a sandbox when a tool that names it is called: a
/// resource under `ui://` with HTML in it.
///
/// The page talks to its host by messages; what it may load and do is declared here, and by
/// default it is nothing. Its host gives it the tool's arguments and result, and calls tools of the
/// same server for it. Hosts without this extension show the tool's result as text, so a tool
/// always needs one.
///
/// ```
/// use wharf_server::{App, AppPermission, Context, NoArguments, Server, Tool};
///
/// let dial = App::new("ui://clock/dial", "<!DOCTYPE html><title>Clock</title>…")
///     .title("A dial")
///     .connect_domain("https://time.example.com")
///     .permission(AppPermission::ClipboardWrite)
///     .prefers_border(false);
/// let server = Server::new("Clock").app(dial).tool(
///     Tool::new("time")
///         .ui("ui://clock/dial")
///         .handler(|_: NoArguments, _: Context| async { "12:00" }),
/// );
/// ```
#[must_use]
pub struct App {
    resource: Resource,
    source: Source,
    about: About,
}

/// What a page asks its host for (Permissions Policy). A host may refuse, so pages ask the browser
/// whether they have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppPermission {
    /// The camera.
    Camera,
    /// The microphone.
    Microphone,
    /// Where the person is.
    Geolocation,
    /// Writing to the clipboard.
    ClipboardWrite,
}

impl AppPermission {
    fn name(self) -> &'static str {
        match self {
            Self::Camera => "camera",
            Self::Microphone => "microphone",
            Self::Geolocation => "geolocation",
            Self::ClipboardWrite => "clipboardWrite",
        }
    }
}

impl App {
    /// A page of fixed HTML: a whole HTML 5 document. The URI begins with `ui://`.
    pub fn new(uri: impl Into<String>, html: impl Into<Arc<str>>) -> Self {
        Self::of(uri.into(), Source::Fixed(html.into()))
    }

    /// A page in a file, read anew each time it is shown.
    pub fn file(uri: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self::of(uri.into(), Source::File(path.into()))
    }

    /// A page that a function makes each time it is shown. Hosts may fetch pages ahead and keep
    /// them, so what belongs to one call goes into the tool's result.
    pub fn function<F, Fut, E>(uri: impl Into<String>, function: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, E>> + Send + 'static,
        E: fmt::Display + Send + 'static,
    {
        let make = move |ctx| -> BoxFuture<'static, Result<String>> {
            let making = function(ctx);
            Box::pin(async move { making.await.map_err(Error::from_display) })
        };
        Self::of(uri.into(), Source::Function(Box::new(make)))
    }

    fn of(uri: String, source: Source) -> Self {
        Self {
            // The page takes its place when everything is known.
            resource: Resource::text(uri, "").mime_type(MIME_TYPE),
            source,
            about: About::default(),
        }
    }

    /// The name, for programs. Without it: the last part of the URI.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.resource = self.resource.name(name);
        self
    }

    /// The name, for people.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.resource = self.resource.title(title);
        self
    }

    /// What the page shows.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.resource = self.resource.description(description);
        self
    }

    /// Adds an icon.
    pub fn icon(mut self, icon: Icon) -> Self {
        self.resource = self.resource.icon(icon);
        self
    }

    /// Leaves the page out of `resources/list`: hosts learn of it from the tools that name it.
    pub fn unlisted(mut self) -> Self {
        self.resource = self.resource.unlisted();
        self
    }

    /// Adds an origin that the page may send requests to (`connect-src`):
    /// `https://api.example.com`, `wss://live.example.com`.
    pub fn connect_domain(mut self, origin: impl Into<String>) -> Self {
        self.about.csp.connect_domains.push(origin.into());
        self
    }

    /// Adds an origin that the page may load scripts, styles, images, fonts and media from:
    /// `https://cdn.example.com`, `https://*.example.com`.
    pub fn resource_domain(mut self, origin: impl Into<String>) -> Self {
        self.about.csp.resource_domains.push(origin.into());
        self
    }

    /// Adds an origin whose pages the page may embed (`frame-src`).
    pub fn frame_domain(mut self, origin: impl Into<String>) -> Self {
        self.about.csp.frame_domains.push(origin.into());
        self
    }

    /// Adds an origin that the page may take for its base URI (`base-uri`).
    pub fn base_uri_domain(mut self, origin: impl Into<String>) -> Self {
        self.about.csp.base_uri_domains.push(origin.into());
        self
    }

    /// Asks for a permission of the browser.
    pub fn permission(mut self, permission: AppPermission) -> Self {
        let name = permission.name().to_owned();
        self.about.permissions.insert(name, json!({}));
        self
    }

    /// Asks for an origin of the page's own that stays the same, such as for OAuth callbacks. Each
    /// host has its own rules for what it may be.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.about.domain = Some(domain.into());
        self
    }

    /// Whether the host should draw a border and a background. Hosts differ without it.
    pub fn prefers_border(mut self, border: bool) -> Self {
        self.about.prefers_border = Some(border);
        self
    }
}

/// `_meta.ui` of a page.
#[derive(Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct About {
    #[serde(skip_serializing_if = "is_default")]
    csp: Csp,
    #[serde(skip_serializing_if = "Map::is_empty")]
    permissions: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefers_border: Option<bool>,
}

/// Origins, by what the page may do with them.
#[derive(Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Csp {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    connect_domains: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource_domains: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    frame_domains: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    base_uri_domains: Vec<String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl IntoResource for App {
    fn into_resource(self) -> Resource {
        let Self {
            mut resource,
            source,
            about,
        } = self;
        // Text and flags, which are written as JSON without fail.
        let about = (!is_default(&about))
            .then(|| serde_json::to_value(about).ok())
            .flatten();
        if let Some(about) = &about {
            resource = resource.meta(META, about.clone());
        }
        resource = match &source {
            Source::Fixed(html) => resource.size(html.len() as u64),
            _ => resource.unsized_(),
        };
        let meta = about.map(|about| Meta::from_iter([(META.to_owned(), about)]));
        resource.handled_by(Box::new(Page { source, meta }))
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("App").field(&self.resource).finish()
    }
}

/// A page as it is read.
struct Page {
    source: Source,
    /// What the definition says too: hosts look here first.
    meta: Option<Meta>,
}

enum Source {
    Fixed(Arc<str>),
    File(PathBuf),
    Function(Box<dyn Fn(Context) -> BoxFuture<'static, Result<String>> + Send + Sync>),
}

impl ResourceHandler for Page {
    fn read<'a>(
        &'a self,
        ctx: &'a Context,
        request: ReadRequest<'a>,
    ) -> BoxFuture<'a, Result<ReadResourceResult>> {
        Box::pin(async move {
            let text = match &self.source {
                Source::Fixed(html) => html.as_ref().to_owned(),
                Source::File(path) => {
                    let path = path.clone();
                    let read = tokio::task::spawn_blocking(|| std::fs::read_to_string(path));
                    read.await?.map_err(|error| {
                        // The path stays out of the message: it is the server's.
                        tracing::error!(uri = %request.uri, %error, "a page cannot be read");
                        Error::new("the page cannot be read")
                    })?
                }
                Source::Function(make) => make(ctx.clone()).await?,
            };
            Ok(ReadResourceResult {
                contents: vec![ResourceContents::Text(TextResourceContents {
                    uri: request.uri.to_owned(),
                    mime_type: Some(MIME_TYPE.to_owned()),
                    text,
                    meta: self.meta.clone(),
                })],
                meta: None,
            })
        })
    }
}

impl Tool {
    /// Shows the result in a page: the URI of an [`App`] of the same server. Hosts that do not show
    /// pages show the result as without it.
    pub fn ui(self, uri: impl Into<String>) -> Self {
        let uri: String = uri.into();
        self.about_ui("resourceUri", uri.into())
    }

    /// For pages only: hosts offer the tool to pages of this server and not to the model. Hosts
    /// that do not know of pages offer it to the model as any other.
    pub fn app_only(self) -> Self {
        self.about_ui("visibility", json!(["app"]))
    }

    /// For the model only: hosts refuse calls by pages.
    pub fn model_only(self) -> Self {
        self.about_ui("visibility", json!(["model"]))
    }

    fn about_ui(mut self, name: &str, value: Value) -> Self {
        let meta = self.definition.meta.get_or_insert_default();
        let mut about = match meta.shift_remove(META) {
            Some(Value::Object(about)) => about,
            _ => Map::new(),
        };
        about.insert(name.to_owned(), value);
        meta.insert(META.to_owned(), about.into());
        self
    }

    /// The page that shows the tool's result.
    pub(crate) fn page(&self) -> Option<&str> {
        let meta = self.definition.meta.as_ref()?;
        meta.get(META)?.get("resourceUri")?.as_str()
    }
}

impl Context {
    /// Whether the client shows pages ([`App`]). A tool need not ask: its text is for those that do
    /// not.
    pub fn client_shows_apps(&self) -> bool {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Settings {
            mime_types: Vec<String>,
        }
        let settings: Option<Settings> = self.client_extension(ID);
        settings.is_some_and(|settings| settings.mime_types.iter().any(|known| known == MIME_TYPE))
    }
}

/// A page is under `ui://`, and nothing but pages is there for hosts to show.
pub(crate) fn check_uri(uri: &str, mime_type: Option<&str>) -> Result<()> {
    if mime_type == Some(MIME_TYPE) && !uri.starts_with("ui://") {
        return Err(Error::invalid_definition(
            "the URI of a page begins with `ui://`",
        ));
    }
    Ok(())
}
