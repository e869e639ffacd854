//! [`Resource`]: data that a client may read, at one URI or at all URIs of a template.

mod handlers;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wharf_protocol::content::{Annotations, Icon};
use wharf_protocol::resources::{self as protocol, ReadResourceResult};
use wharf_protocol::uri_template::UriTemplate;

pub(crate) use self::handlers::mime_of;
use self::handlers::{File, Fixed, Function, Template};
use super::complete::{Completer, Completers, CompletionRequest, IntoCompletion};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::handler::extract::Variables;
use crate::handler::output::IntoResourceContents;
use crate::handler::text::shown;
use crate::handler::{BoxFuture, ReadRequest, ResourceHandler};

/// Something that is a resource: a [`Resource`], or a function with `#[resource]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a resource",
    label = "not a resource",
    note = "write `#[resource(\"scheme://…\")]` above the function and name it without brackets: `.resource(greeting)`",
    note = "or make one by hand: `Resource::text(\"note:1\", \"…\")`, `Resource::file(…)`, `Resource::function(…)`, `Resource::template(…)`"
)]
pub trait IntoResource {
    /// Makes the resource.
    fn into_resource(self) -> Resource;
}

impl IntoResource for Resource {
    fn into_resource(self) -> Resource {
        self
    }
}

/// Data that a client may read (specification 2026-07-28, server/resources): a direct resource with
/// one URI, or a template that stands for many.
///
/// ```
/// use wharf_server::{Context, Resource};
///
/// #[derive(serde::Deserialize)]
/// struct Who {
///     name: String,
/// }
///
/// let motto = Resource::text("text://motto", "Parse, then act.").title("The motto");
/// let greeting = Resource::template("greeting://{name}", |who: Who, _: Context| async move {
///     format!("Hello, {}!", who.name)
/// })
/// .complete("name", ["Ada", "Alan"]);
/// ```
#[must_use]
pub struct Resource {
    /// The URI or template, and everything else that both kinds have.
    definition: protocol::Resource,
    handler: Box<dyn ResourceHandler>,
    completers: Completers,
    unlisted: bool,
}

impl Resource {
    /// A resource of fixed text.
    pub fn text(uri: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        let text: Arc<str> = text.into();
        let size = text.len();
        Self::fixed(uri, Box::new(Fixed(text)), size)
    }

    /// A resource of fixed bytes.
    pub fn blob(uri: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        let bytes: Bytes = bytes.into();
        let size = bytes.len();
        Self::fixed(uri, Box::new(Fixed(bytes)), size)
    }

    fn fixed(uri: impl Into<String>, handler: Box<dyn ResourceHandler>, size: usize) -> Self {
        Self::from_handler(uri, handler).size(size as u64)
    }

    /// A file, read anew each time: as text where it is UTF-8, else as bytes. The media type comes
    /// from the file's name, unless [`mime_type`](Resource::mime_type) says otherwise.
    ///
    /// The path is the program's own: it never comes from a client.
    pub fn file(uri: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let mime_type = mime_of(&path);
        let mut resource = Self::from_handler(uri, Box::new(File(path)));
        resource.definition.name = name.unwrap_or(resource.definition.name);
        resource.definition.mime_type = mime_type.map(str::to_owned);
        resource
    }

    /// A resource that a function makes each time it is read.
    pub fn function<F, Fut, R>(uri: impl Into<String>, function: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = R> + Send + 'static,
        R: IntoResourceContents + 'static,
    {
        Self::from_handler(uri, Box::new(Function(function)))
    }

    /// A template (RFC 6570) and the function that makes the resource at any URI of it. `V` takes
    /// the variables by name: a struct, or a map of strings.
    pub fn template<V, F, Fut, R>(uri_template: impl Into<String>, function: F) -> Self
    where
        V: DeserializeOwned + Send + 'static,
        F: Fn(V, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = R> + Send + 'static,
        R: IntoResourceContents + 'static,
    {
        Self::from_handler(uri_template, Box::new(Template::new(function)))
    }

    /// A resource, or a template where the URI has variables, with a handler of your own.
    pub fn from_handler(uri: impl Into<String>, handler: Box<dyn ResourceHandler>) -> Self {
        let uri = uri.into();
        let definition = protocol::Resource {
            name: name_of(&uri).to_owned(),
            uri,
            ..protocol::Resource::default()
        };
        Self {
            definition,
            handler,
            completers: Completers::default(),
            unlisted: false,
        }
    }

    /// Puts another handler into its place.
    pub(crate) fn handled_by(mut self, handler: Box<dyn ResourceHandler>) -> Self {
        self.handler = handler;
        self
    }

    /// Says nothing of the size.
    pub(crate) fn unsized_(mut self) -> Self {
        self.definition.size = None;
        self
    }

    /// Leaves the resource out of `resources/list`: for what clients learn of in another way. It
    /// can be read and subscribed to as any other. Templates are always listed.
    pub fn unlisted(mut self) -> Self {
        self.unlisted = true;
        self
    }

    /// The name, for programs. Without it: the last part of the URI.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.definition.name = name.into();
        self
    }

    /// The name, for people.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.definition.title = Some(title.into());
        self
    }

    /// What the resource is, for the model.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.definition.description = Some(description.into());
        self
    }

    /// The media type of the contents, where they do not say their own.
    pub fn mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.definition.mime_type = Some(mime_type.into());
        self
    }

    /// The size of the contents in bytes, before any encoding. Templates have none.
    pub fn size(mut self, size: u64) -> Self {
        self.definition.size = Some(size);
        self
    }

    /// Whom the resource is for, and how important it is.
    pub fn annotations(mut self, annotations: Annotations) -> Self {
        self.definition.annotations = Some(annotations);
        self
    }

    /// Adds an icon.
    pub fn icon(mut self, icon: Icon) -> Self {
        self.definition.icons.push(icon);
        self
    }

    /// Adds a member of `_meta`.
    pub fn meta(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.definition
            .meta
            .get_or_insert_default()
            .insert(key.into(), value.into());
        self
    }

    /// Completes a variable of the template from a list: values that begin with what was typed,
    /// upper or lower case. An empty list completes nothing.
    pub fn complete<I>(mut self, variable: impl Into<String>, values: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.completers
            .add(variable.into(), Completer::fixed(values));
        self
    }

    /// Completes a variable of the template with a function.
    pub fn complete_with<F, Fut>(mut self, variable: impl Into<String>, function: F) -> Self
    where
        F: Fn(CompletionRequest) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: IntoCompletion,
    {
        self.completers
            .add(variable.into(), Completer::function(function));
        self
    }

    #[cfg(feature = "skills")]
    pub(crate) fn definition(&self) -> &protocol::Resource {
        &self.definition
    }

    /// The URI, or the template.
    pub fn uri(&self) -> &str {
        &self.definition.uri
    }

    /// Checks the definition.
    pub(crate) fn into_entry(self) -> Result<ResourceEntry> {
        let uri = self.definition.uri.clone();
        self.compile()
            .map_err(|error| error.context(format_args!("resource `{}`", shown(&uri))))
    }

    fn compile(self) -> Result<ResourceEntry> {
        let Self {
            definition,
            handler,
            completers,
            unlisted,
        } = self;
        check_scheme(&definition.uri)?;
        crate::app::check_uri(&definition.uri, definition.mime_type.as_deref())?;
        if definition.name.is_empty() {
            return Err(Error::invalid_definition(
                "it has no name: add one with `.name(…)`",
            ));
        }
        let place = if definition.uri.contains(['{', '}']) {
            let template = UriTemplate::parse(&definition.uri).map_err(|error| {
                Error::invalid_definition(format_args!("invalid URI template: {error}"))
            })?;
            completers.check(template.variables(), "variable")?;
            let protocol::Resource {
                uri,
                name,
                title,
                description,
                mime_type,
                annotations,
                size: _,
                icons,
                meta,
            } = definition;
            let definition = protocol::ResourceTemplate {
                uri_template: uri,
                name,
                title,
                description,
                mime_type,
                annotations,
                icons,
                meta,
            };
            Place::Template {
                definition,
                template,
            }
        } else {
            completers.check(std::iter::empty(), "variable")?;
            Place::Direct(definition)
        };
        Ok(ResourceEntry {
            place,
            handler,
            completers,
            unlisted,
        })
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource")
            .field("definition", &self.definition)
            .finish_non_exhaustive()
    }
}

/// A resource or template in the catalog: checked and ready to be read.
pub struct ResourceEntry {
    place: Place,
    handler: Box<dyn ResourceHandler>,
    completers: Completers,
    unlisted: bool,
}

enum Place {
    Direct(protocol::Resource),
    Template {
        definition: protocol::ResourceTemplate,
        template: UriTemplate,
    },
}

impl ResourceEntry {
    /// The definition of a direct resource.
    pub fn direct(&self) -> Option<&protocol::Resource> {
        match &self.place {
            Place::Direct(definition) => Some(definition),
            Place::Template { .. } => None,
        }
    }

    /// The definition of a template.
    pub fn template(&self) -> Option<&protocol::ResourceTemplate> {
        match &self.place {
            Place::Direct(_) => None,
            Place::Template { definition, .. } => Some(definition),
        }
    }

    /// Whether it is a direct resource that is not listed.
    pub(crate) fn is_unlisted(&self) -> bool {
        self.unlisted && self.direct().is_some()
    }

    /// The URI or template that the entry is found by.
    pub(crate) fn key(&self) -> &str {
        match &self.place {
            Place::Direct(definition) => &definition.uri,
            Place::Template { definition, .. } => &definition.uri_template,
        }
    }

    /// The values of the template's variables, if this entry serves the URI. Linear in the URI's
    /// length.
    pub(crate) fn matches(&self, uri: &str) -> Option<Variables<'_>> {
        match &self.place {
            Place::Direct(definition) => (definition.uri == uri).then(Variables::default),
            Place::Template { template, .. } => template.match_uri(uri).map(Variables::new),
        }
    }

    /// Whether the template has this variable.
    pub(crate) fn has_variable(&self, name: &str) -> bool {
        match &self.place {
            Place::Direct(_) => false,
            Place::Template { template, .. } => template.variables().any(|known| known == name),
        }
    }

    pub(crate) fn completer(&self, variable: &str) -> Option<&Completer> {
        self.completers.get(variable)
    }

    fn mime_type(&self) -> Option<&str> {
        match &self.place {
            Place::Direct(definition) => definition.mime_type.as_deref(),
            Place::Template { definition, .. } => definition.mime_type.as_deref(),
        }
    }

    /// Reads the resource at a URI that this entry [`matches`](ResourceEntry::matches).
    pub(crate) fn read<'a>(
        &'a self,
        ctx: &'a Context,
        uri: &'a str,
        variables: Variables<'a>,
    ) -> BoxFuture<'a, Result<ReadResourceResult>> {
        self.handler.read(
            ctx,
            ReadRequest {
                uri,
                mime_type: self.mime_type(),
                variables,
            },
        )
    }
}

impl fmt::Debug for ResourceEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ResourceEntry").field(&self.key()).finish()
    }
}

/// The last part of a URI that says something.
fn name_of(uri: &str) -> &str {
    let parts = uri.rsplit(['/', ':']);
    parts
        .map(|part| part.trim_matches(|c: char| "{}+*#?&;.".contains(c)))
        .find(|part| !part.is_empty())
        .unwrap_or(uri)
}

/// A URI begins with a scheme (RFC 3986, 3.1) and has no blanks or control characters.
fn check_scheme(uri: &str) -> Result<()> {
    let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    if !is_scheme {
        return Err(Error::invalid_definition(
            "a URI begins with a scheme, such as `note:` or `https://`",
        ));
    }
    if uri.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Error::invalid_definition(
            "a URI has no blanks: write `%20`",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handler::testing::{context, now};
    use wharf_protocol::resources::ResourceContents;

    fn entry(resource: Resource) -> ResourceEntry {
        resource.into_entry().expect("a resource")
    }

    async fn read(entry: &ResourceEntry, uri: &str) -> Result<ResourceContents> {
        let ctx = context();
        let variables = entry.matches(uri).expect("the URI of this entry");
        let mut result = entry.read(&ctx, uri, variables).await?;
        assert_eq!(result.contents.len(), 1);
        Ok(result.contents.remove(0))
    }

    fn text(uri: &str, mime: &str, text: &str) -> ResourceContents {
        ResourceContents::Text(protocol::TextResourceContents {
            uri: uri.into(),
            mime_type: Some(mime.into()),
            text: text.into(),
            meta: None,
        })
    }

    #[test]
    fn fixed_contents_are_read() {
        let motto = entry(Resource::text("text://motto", "Parse."));
        let definition = motto.direct().expect("direct");
        assert_eq!(
            (definition.name.as_str(), definition.size),
            ("motto", Some(6))
        );
        assert_eq!(
            now(read(&motto, "text://motto")).expect("contents"),
            text("text://motto", "text/plain", "Parse.")
        );
        let blob = entry(Resource::blob("data:x", &b"\0"[..]).mime_type("image/png"));
        assert!(
            matches!(now(read(&blob, "data:x")).expect("contents"), ResourceContents::Blob(b) if b.blob == "AA==" && b.mime_type.as_deref() == Some("image/png"))
        );
    }

    #[test]
    fn functions_and_templates_are_read() {
        let clock = entry(
            Resource::function("time://now", |_| async { Some("noon") }).mime_type("text/x-time"),
        );
        assert_eq!(
            now(read(&clock, "time://now")).expect("contents"),
            text("time://now", "text/x-time", "noon")
        );

        #[derive(serde::Deserialize)]
        struct Item {
            id: u32,
        }
        let items = entry(Resource::template(
            "item://{id}",
            |item: Item, _| async move { (item.id + 1).to_string() },
        ));
        assert_eq!(items.template().expect("a template").name, "id");
        assert_eq!(
            now(read(&items, "item://41")).expect("contents"),
            text("item://41", "text/plain", "42")
        );
        let error = now(read(&items, "item://x")).expect_err("an error");
        assert!(
            error.is_invalid_params() && error.message().contains("variable `id`"),
            "{error}"
        );
        assert!(items.matches("other://1").is_none());
    }

    #[tokio::test]
    async fn files_are_read_anew_each_time() {
        let path = std::env::temp_dir().join(format!("wharf-resource-{}.md", std::process::id()));
        let notes = entry(Resource::file("file:///notes", &path));
        let missing = read(&notes, "file:///notes").await.expect_err("an error");
        assert_eq!(missing.not_found_uri(), Some("file:///notes"));
        std::fs::write(&path, "# One").expect("a temporary file");
        assert_eq!(
            read(&notes, "file:///notes").await.expect("contents"),
            text("file:///notes", "text/markdown", "# One")
        );
        std::fs::write(&path, b"\xff").expect("a temporary file");
        assert!(
            matches!(read(&notes, "file:///notes").await.expect("contents"), ResourceContents::Blob(b) if b.blob == "/w==")
        );
        std::fs::remove_file(&path).expect("the file was there");
    }

    #[test]
    fn a_broken_definition_is_refused() {
        for (resource, why) in [
            (Resource::text("no-scheme", ""), "scheme"),
            (Resource::text("a: b", ""), "blanks"),
            (Resource::text("a:{", ""), "URI template"),
            (
                Resource::text("a:b", "").complete("x", ["y"]),
                "no variable `x`",
            ),
            (Resource::text("a:b", "").name(""), "name"),
        ] {
            let error = resource.into_entry().expect_err("an error");
            assert!(
                error.is_invalid_definition() && error.message().contains(why),
                "{error}"
            );
        }
    }

    #[test]
    fn names_come_from_the_uri() {
        for (uri, name) in [
            ("a://b/c", "c"),
            ("a://b/", "b"),
            ("a:", "a"),
            ("x://{+path}", "path"),
            ("mail:me", "me"),
        ] {
            assert_eq!(name_of(uri), name);
        }
    }
}
