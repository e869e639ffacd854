//! [`Extension`]: what a server adds to the protocol, declared by an identifier
//! (specification 2026-07-28, basic/versioning, "Extension Negotiation"; SEP-2133).

mod method;
mod registry;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use self::method::ExtensionMethod;
pub(crate) use self::registry::Extensions;

use crate::catalog::Catalog;
use crate::context::Context;

/// An extension of the protocol: an identifier, settings that are declared to every client, and
/// request methods of its own.
///
/// The server declares it in `capabilities.extensions`, and a handler asks
/// [`Context::client_extension`] whether the client did so too. Nothing of an extension is there
/// unless a server was given it.
///
/// ```
/// use wharf_server::{Context, Error, Extension, Server};
///
/// #[derive(serde::Deserialize)]
/// struct Translate { text: String, to: String }
///
/// #[derive(serde::Serialize)]
/// struct Translation { text: String }
///
/// let translate = Extension::new("com.example/translate")
///     .setting("languages", ["de", "fr"].as_slice())
///     .method("translations/make", |params: Translate, _: Context| async move {
///         match params.to.as_str() {
///             "de" | "fr" => Ok(Translation { text: params.text }),
///             other => Err(Error::invalid_params(format!("no translation into {other:?}"))),
///         }
///     });
/// let server = Server::new("Demo").extension(translate);
/// ```
#[derive(Debug)]
#[must_use]
pub struct Extension {
    pub(super) id: String,
    pub(super) settings: Map<String, Value>,
    pub(super) methods: Vec<ExtensionMethod>,
    pub(super) required: bool,
    pub(super) only_while: Option<OnlyWhile>,
}

impl Extension {
    /// An extension without settings and methods.
    ///
    /// The identifier is a prefix of yours, such as a reversed domain name, a slash and a name:
    /// `com.example/translate`. It follows the rules of the keys of `_meta`; a server with one that
    /// does not cannot start.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            settings: Map::new(),
            methods: Vec::new(),
            required: false,
            only_while: None,
        }
    }

    /// Declares a setting.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// Adds a request method. The name must not be one of the specification's, in any revision.
    ///
    /// The parameters are read into `P`: an object, of which members that `P` does not know are
    /// ignored (`_meta` is among them). The result must be written as an object; `resultType` and
    /// the server's name in `_meta` are added where the revision has them. An error becomes a
    /// JSON-RPC error as in a resource. The handler can ask the client, like a tool's.
    pub fn method<P, R, E, F, Fut>(self, name: impl Into<String>, handler: F) -> Self
    where
        P: DeserializeOwned + Send + 'static,
        R: Serialize + Send + 'static,
        E: std::fmt::Display + Send + 'static,
        F: Fn(P, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
    {
        self.with(ExtensionMethod::new(name, handler))
    }

    /// Adds a request method with settings of its own.
    pub fn with(mut self, method: ExtensionMethod) -> Self {
        self.methods.push(method);
        self
    }

    /// Refuses the extension's methods to clients that did not declare it: with `-32021` and the
    /// missing capability as data, or, in a session, as methods that do not exist.
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

/// Whether an extension is there, as the catalog is at this moment.
pub(super) type OnlyWhile = fn(&Catalog) -> bool;

#[cfg(feature = "skills")]
impl Extension {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Hides the extension and its methods while the catalog has nothing for it.
    pub(crate) fn only_while(mut self, condition: OnlyWhile) -> Self {
        self.only_while = Some(condition);
        self
    }
}

#[cfg(test)]
mod tests;
