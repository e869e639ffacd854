//! What reads a resource: fixed contents, files, functions.

use std::future::Future;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use wharf_protocol::resources::ReadResourceResult;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::handler::output::IntoResourceContents;
use crate::handler::{BoxFuture, ReadRequest, ResourceHandler};

/// Contents that never change.
pub(super) struct Fixed<T>(pub(super) T);

impl ResourceHandler for Fixed<Arc<str>> {
    fn read<'a>(
        &'a self,
        _: &'a Context,
        request: ReadRequest<'a>,
    ) -> BoxFuture<'a, Result<ReadResourceResult>> {
        Box::pin(std::future::ready(
            (&*self.0).into_resource_contents(request.uri, request.mime_type),
        ))
    }
}

impl ResourceHandler for Fixed<Bytes> {
    fn read<'a>(
        &'a self,
        _: &'a Context,
        request: ReadRequest<'a>,
    ) -> BoxFuture<'a, Result<ReadResourceResult>> {
        Box::pin(std::future::ready(
            (&*self.0).into_resource_contents(request.uri, request.mime_type),
        ))
    }
}

/// A file, read anew each time.
pub(super) struct File(pub(super) PathBuf);

impl ResourceHandler for File {
    fn read<'a>(
        &'a self,
        _: &'a Context,
        request: ReadRequest<'a>,
    ) -> BoxFuture<'a, Result<ReadResourceResult>> {
        let path = self.0.clone();
        Box::pin(async move {
            let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await?;
            let bytes = read.map_err(|error| {
                if error.kind() == std::io::ErrorKind::NotFound {
                    return Error::not_found(request.uri);
                }
                // The path stays out of the message: it is the server's, not the client's.
                tracing::error!(uri = %request.uri, %error, "a file cannot be read");
                Error::new("the file cannot be read")
            })?;
            match String::from_utf8(bytes) {
                Ok(text) => text.into_resource_contents(request.uri, request.mime_type),
                Err(error) => error
                    .into_bytes()
                    .into_resource_contents(request.uri, request.mime_type),
            }
        })
    }
}

/// A function of the context alone.
pub(super) struct Function<F>(pub(super) F);

impl<F, Fut, R> ResourceHandler for Function<F>
where
    F: Fn(Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = R> + Send + 'static,
    R: IntoResourceContents + 'static,
{
    fn read<'a>(
        &'a self,
        ctx: &'a Context,
        request: ReadRequest<'a>,
    ) -> BoxFuture<'a, Result<ReadResourceResult>> {
        let future = (self.0)(ctx.clone());
        Box::pin(async move {
            future
                .await
                .into_resource_contents(request.uri, request.mime_type)
        })
    }
}

/// A function of the template's variables.
pub(super) struct Template<F, V> {
    function: F,
    types: PhantomData<fn(V)>,
}

impl<F, V> Template<F, V> {
    pub(super) fn new(function: F) -> Self {
        Self {
            function,
            types: PhantomData,
        }
    }
}

impl<F, V, Fut, R> ResourceHandler for Template<F, V>
where
    V: DeserializeOwned + Send + 'static,
    F: Fn(V, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = R> + Send + 'static,
    R: IntoResourceContents + 'static,
{
    fn read<'a>(
        &'a self,
        ctx: &'a Context,
        request: ReadRequest<'a>,
    ) -> BoxFuture<'a, Result<ReadResourceResult>> {
        match request.variables.read() {
            Ok(variables) => {
                let future = (self.function)(variables, ctx.clone());
                Box::pin(async move {
                    future
                        .await
                        .into_resource_contents(request.uri, request.mime_type)
                })
            }
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}

/// The media type that a file's name suggests.
pub(crate) fn mime_of(path: &Path) -> Option<&'static str> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    Some(match extension.as_str() {
        "txt" | "log" => "text/plain",
        "md" | "markdown" => "text/markdown",
        "html" | "htm" => "text/html",
        "css" => "text/css",
        "csv" => "text/csv",
        "js" | "mjs" => "text/javascript",
        "json" => "application/json",
        "xml" => "application/xml",
        "yaml" | "yml" => "application/yaml",
        "toml" => "application/toml",
        "py" => "text/x-python",
        "rs" => "text/x-rust",
        "sh" => "application/x-sh",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "svg" => "image/svg+xml",
        "wav" => "audio/wav",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        _ => return None,
    })
}
