//! A request method that an extension brings along.

use std::fmt;
use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::ser::SerializeMap;
use serde_json::{Map, Value};
use wharf_protocol::error::ErrorObject;
use wharf_protocol::meta::Meta;
use wharf_protocol::projection::{CacheHint, ProjectMembers};
use wharf_protocol::revision::Revision;

use crate::call::Frame;
use crate::context::Context;
use crate::core::Caching;
use crate::error::{Error, Result};
use crate::handler::BoxFuture;

/// A request method of an [`Extension`](super::Extension).
///
/// ```
/// use wharf_server::{Context, Error, Extension, ExtensionMethod};
///
/// #[derive(serde::Deserialize)]
/// struct Get { uri: String }
///
/// let get = ExtensionMethod::new("maps/get", |params: Get, _: Context| async move {
///     Ok::<_, Error>(serde_json::json!({ "map": params.uri }))
/// })
/// .named_by("uri");
/// let maps = Extension::new("com.example/maps").with(get);
/// ```
#[must_use]
pub struct ExtensionMethod {
    pub(super) name: String,
    handler: Handler,
    mirrored: Option<String>,
    cached: Cached,
}

type Running = BoxFuture<'static, Result<OpenResult>>;
type Handler = Box<dyn Fn(&Frame, Context) -> Result<Running, ErrorObject> + Send + Sync>;

/// How long clients may keep the results of a method.
#[derive(Clone, Copy, Debug)]
enum Cached {
    /// They have no room to say so.
    Unsaid,
    Hint(CacheHint),
    #[cfg_attr(not(feature = "skills"), allow(dead_code))]
    LikeLists,
}

impl ExtensionMethod {
    /// A method and its handler; see [`Extension::method`](super::Extension::method).
    pub fn new<P, R, E, F, Fut>(name: impl Into<String>, handler: F) -> Self
    where
        P: DeserializeOwned + Send + 'static,
        R: Serialize + Send + 'static,
        E: fmt::Display + Send + 'static,
        F: Fn(P, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
    {
        let handler: Handler = Box::new(move |frame, ctx| {
            let running = handler(frame.params::<P>()?, ctx);
            Ok(Box::pin(async move {
                let result = running.await.map_err(Error::from_display)?;
                OpenResult::of(&result)
            }))
        });
        Self {
            name: name.into(),
            handler,
            mirrored: None,
            cached: Cached::Unsaid,
        }
    }

    /// The member of the parameters, a string, that clients mirror into the `Mcp-Name` header.
    /// Over HTTP in 2026-07-28 a request without this header, or with another value in it, is
    /// refused. Without this the header is not looked at.
    pub fn named_by(mut self, member: impl Into<String>) -> Self {
        self.mirrored = Some(member.into());
        self
    }

    /// Says how long clients may keep results (`ttlMs` and `cacheScope`), in the revisions that
    /// know it.
    pub fn cached(mut self, hint: CacheHint) -> Self {
        self.cached = Cached::Hint(hint);
        self
    }

    /// Results are kept as long as the server's lists.
    #[cfg(feature = "skills")]
    pub(crate) fn cached_like_lists(mut self) -> Self {
        self.cached = Cached::LikeLists;
        self
    }

    /// What the `Mcp-Name` header must repeat: `None` where it need not be there.
    pub(crate) fn mirrored(&self, frame: &Frame) -> Result<Option<String>, ErrorObject> {
        let Some(member) = &self.mirrored else {
            return Ok(None);
        };
        let params: Map<String, Value> = frame.params()?;
        // A member that is missing or no string is told when the parameters are read.
        let value = params.get(member).and_then(Value::as_str);
        Ok(Some(value.unwrap_or_default().to_owned()))
    }

    /// Reads the parameters and begins to run the handler.
    pub(crate) fn run(&self, frame: &Frame, ctx: Context) -> Result<Running, ErrorObject> {
        (self.handler)(frame, ctx)
    }

    /// The hint that goes into a result.
    pub(crate) fn hint(&self, caching: &Caching) -> Option<CacheHint> {
        match self.cached {
            Cached::Unsaid => None,
            Cached::Hint(hint) => Some(hint),
            Cached::LikeLists => Some(caching.lists),
        }
    }
}

impl fmt::Debug for ExtensionMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ExtensionMethod").field(&self.name).finish()
    }
}

/// A result whose members the protocol does not know.
#[derive(Debug)]
pub(crate) struct OpenResult {
    members: Map<String, Value>,
    meta: Option<Meta>,
    cache: Option<CacheHint>,
}

impl OpenResult {
    fn of(result: &impl Serialize) -> Result<Self> {
        let Value::Object(mut members) = serde_json::to_value(result)? else {
            return Err(Error::new("internal error: the result is not an object"));
        };
        // Written by the server, as the revision has it.
        members.shift_remove("resultType");
        let meta = match members.shift_remove("_meta") {
            Some(Value::Object(meta)) => Some(meta),
            _ => None,
        };
        Ok(Self {
            members,
            meta,
            cache: None,
        })
    }

    pub(crate) fn cached(mut self, hint: Option<CacheHint>) -> Self {
        self.cache = hint;
        self
    }
}

impl ProjectMembers for OpenResult {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        for (name, value) in &self.members {
            map.serialize_entry(name, value)?;
        }
        match self.cache {
            Some(hint) if revision.is_modern() => {
                map.serialize_entry("ttlMs", &hint.ttl_ms)?;
                map.serialize_entry("cacheScope", &hint.scope)
            }
            _ => Ok(()),
        }
    }

    fn meta(&self, _: Revision) -> Option<&Meta> {
        self.meta.as_ref()
    }
}
