//! Handlers for whole methods: for servers that bring a catalog of their own, such as one that is
//! kept in a database or made of other servers.
//!
//! Each method is a type: [`ListTools`], [`CallTool`], and so on. Its handler takes typed
//! parameters and a [`Context`], and gives the specification's result, which is then written as
//! the client's revision has it. See [`Server::handle`](crate::Server::handle).

use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use wharf_protocol::completion::{CompleteParams, CompleteResult};
use wharf_protocol::error::ErrorObject;
use wharf_protocol::logging::LoggingLevel;
use wharf_protocol::meta::EmptyResult;
use wharf_protocol::projection::{CacheHint, ProjectMembers};
use wharf_protocol::prompts::{GetPromptResult, ListPromptsResult};
use wharf_protocol::raw::RawJson;
use wharf_protocol::resources::{
    ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult,
};
use wharf_protocol::tools::{CallToolResult, ListToolsResult};

use crate::call::Frame;
use crate::context::Context;
use crate::core::Caching;
use crate::error::{Error, Result};
use crate::handler::BoxFuture;
use crate::handler::extract::PromptArguments;

/// A method of the specification that a server may handle as a whole. Sealed: methods of your own
/// are an [`Extension`](crate::Extension)'s.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a method that a server can handle",
    note = "the methods are the types of `wharf::low_level`: ListTools, CallTool, ListResources, ListResourceTemplates, ReadResource, Subscribe, Unsubscribe, ListPrompts, GetPrompt, Complete, SetLevel"
)]
pub trait Method: sealed::Handled {
    /// What the client sends.
    type Params: Send + 'static;
    /// What it gets.
    type Output: Send + 'static;
}

/// A handler of a method.
pub(crate) type Handler<M> = Arc<
    dyn Fn(<M as Method>::Params, Context) -> BoxFuture<'static, Result<<M as Method>::Output>>
        + Send
        + Sync,
>;

pub(crate) mod sealed {
    use super::{Caching, ErrorObject, Frame, Handler, Handlers, Method, ProjectMembers};
    use wharf_protocol::projection::CacheHint;

    pub trait Handled {
        /// What is written for a result.
        type Written: ProjectMembers;

        fn parts() -> Parts<Self>
        where
            Self: Method + Sized;
    }

    /// What the server does around a handler of the method.
    #[allow(missing_debug_implementations)]
    pub struct Parts<M: Method> {
        pub(crate) place: fn(&mut Handlers) -> &mut Option<Handler<M>>,
        pub(crate) read: fn(&Frame) -> Result<M::Params, ErrorObject>,
        pub(crate) write: fn(M::Output) -> M::Written,
        pub(crate) cache: fn(&Caching) -> Option<CacheHint>,
    }
}

/// The handlers that a server was given.
#[derive(Default)]
pub(crate) struct Handlers {
    pub(crate) list_tools: Option<Handler<ListTools>>,
    pub(crate) call_tool: Option<Handler<CallTool>>,
    pub(crate) list_resources: Option<Handler<ListResources>>,
    pub(crate) list_resource_templates: Option<Handler<ListResourceTemplates>>,
    pub(crate) read_resource: Option<Handler<ReadResource>>,
    pub(crate) subscribe: Option<Handler<Subscribe>>,
    pub(crate) unsubscribe: Option<Handler<Unsubscribe>>,
    pub(crate) list_prompts: Option<Handler<ListPrompts>>,
    pub(crate) get_prompt: Option<Handler<GetPrompt>>,
    pub(crate) complete: Option<Handler<Complete>>,
    pub(crate) set_level: Option<Handler<SetLevel>>,
}

impl Handlers {
    pub(crate) fn has_tools(&self) -> bool {
        self.list_tools.is_some() || self.call_tool.is_some()
    }

    pub(crate) fn has_resources(&self) -> bool {
        self.list_resources.is_some()
            || self.list_resource_templates.is_some()
            || self.read_resource.is_some()
            || self.subscribe.is_some()
    }

    pub(crate) fn has_prompts(&self) -> bool {
        self.list_prompts.is_some() || self.get_prompt.is_some()
    }

    /// Whether the catalog does not know which resources there are.
    pub(crate) fn know_resources(&self) -> bool {
        self.read_resource.is_some() || self.subscribe.is_some()
    }
}

macro_rules! methods {
    ($($(#[$doc:meta])* $method:ident $place:ident: $params:ty => $result:ty as $written:ty,
        $read:expr, $write:expr, $cache:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $method;

        impl Method for $method {
            type Params = $params;
            type Output = $result;
        }

        impl sealed::Handled for $method {
            type Written = $written;

            fn parts() -> sealed::Parts<Self> {
                sealed::Parts {
                    place: |handlers| &mut handlers.$place,
                    read: $read,
                    write: $write,
                    cache: $cache,
                }
            }
        }
    )*};
}

const LISTS: fn(&Caching) -> Option<CacheHint> = |caching| Some(caching.lists);
const RESOURCES: fn(&Caching) -> Option<CacheHint> = |caching| Some(caching.resources);
const NEVER: fn(&Caching) -> Option<CacheHint> = |_| None;
const DONE: fn(()) -> EmptyResult = |()| EmptyResult::default();

methods! {
    /// `tools/list`
    ListTools list_tools: ListParams => ListToolsResult as ListToolsResult,
        params, std::convert::identity, LISTS;
    /// `tools/call`. Arguments are not validated: the server does not know the schemas. Nor does
    /// it compare `Mcp-Param` headers with them.
    CallTool call_tool: CallToolParams => CallToolResult as CallToolResult,
        CallToolParams::read_from, std::convert::identity, NEVER;
    /// `resources/list`
    ListResources list_resources: ListParams => ListResourcesResult as ListResourcesResult,
        params, std::convert::identity, LISTS;
    /// `resources/templates/list`
    ListResourceTemplates list_resource_templates:
        ListParams => ListResourceTemplatesResult as ListResourceTemplatesResult,
        params, std::convert::identity, LISTS;
    /// `resources/read`
    ReadResource read_resource: UriParams => ReadResourceResult as ReadResourceResult,
        params, std::convert::identity, RESOURCES;
    /// A client wants to be told of updates of a resource: by `resources/subscribe`, or, since
    /// 2026-07-28, by `subscriptions/listen`. With `Ok` it is told whenever
    /// [`Context::notify_resource_updated`] or
    /// [`CatalogHandle::notify_resource_updated`](crate::CatalogHandle::notify_resource_updated)
    /// says so.
    Subscribe subscribe: UriParams => () as EmptyResult, params, DONE, NEVER;
    /// A client no longer wants to be told of updates of a resource, and says so:
    /// `resources/unsubscribe`. A client that goes away says nothing.
    Unsubscribe unsubscribe: UriParams => () as EmptyResult, params, DONE, NEVER;
    /// `prompts/list`
    ListPrompts list_prompts: ListParams => ListPromptsResult as ListPromptsResult,
        params, std::convert::identity, LISTS;
    /// `prompts/get`
    GetPrompt get_prompt: GetPromptParams => GetPromptResult as GetPromptResult,
        GetPromptParams::read_from, std::convert::identity, NEVER;
    /// `completion/complete`
    Complete complete: CompleteParams => CompleteResult as CompleteResult,
        params, std::convert::identity, NEVER;
    /// A client of a session chooses the level of its log: `logging/setLevel`. With `Ok` it gets
    /// messages of this level and above.
    SetLevel set_level: SetLevelParams => () as EmptyResult,
        SetLevelParams::read_from, DONE, NEVER;
}

fn params<T: DeserializeOwned>(frame: &Frame) -> Result<T, ErrorObject> {
    frame.params()
}

/// Parameters of the methods that list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ListParams {
    /// Where to go on: the `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Parameters of [`CallTool`].
#[derive(Clone, Debug)]
pub struct CallToolParams {
    /// The tool.
    pub name: String,
    /// An object; `{}` where the client sent none.
    pub arguments: Box<RawValue>,
}

impl CallToolParams {
    /// Reads the arguments.
    ///
    /// # Errors
    /// The type does not fit.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(self.arguments.get()).map_err(Error::invalid_params)
    }

    fn read_from(frame: &Frame) -> Result<Self, ErrorObject> {
        let arguments = frame.arguments().unwrap_or(RawJson::EMPTY_OBJECT);
        Ok(Self {
            name: frame.name()?.into_owned(),
            arguments: arguments.to_raw_value(),
        })
    }
}

/// Parameters of the methods about one resource.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct UriParams {
    /// The resource.
    pub uri: String,
}

/// Parameters of [`GetPrompt`].
#[derive(Debug)]
pub struct GetPromptParams {
    /// The prompt.
    pub name: String,
    /// Its arguments.
    pub arguments: PromptArguments,
}

impl GetPromptParams {
    fn read_from(frame: &Frame) -> Result<Self, ErrorObject> {
        let arguments = PromptArguments::parse_raw(frame.arguments());
        Ok(Self {
            name: frame.name()?.into_owned(),
            arguments: arguments.map_err(|error| error.to_object())?,
        })
    }
}

/// Parameters of [`SetLevel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetLevelParams {
    /// The least severe level that the client wants.
    pub level: LoggingLevel,
}

impl SetLevelParams {
    fn read_from(frame: &Frame) -> Result<Self, ErrorObject> {
        let level = crate::era::legacy::level_of(frame)?;
        Ok(Self { level })
    }
}
