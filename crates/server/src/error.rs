//! [`Error`]: what handlers return and what the server's own methods return when they fail.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use serde_json::Value;
use wharf_protocol::error::{ErrorCode, ErrorObject};

/// Any error, as tower's services have it.
pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// The result of a handler, and of the server's own methods.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in words that the client may read.
///
/// Any `std` error becomes one with `?`. Like `anyhow::Error` it therefore does not implement
/// [`std::error::Error`] itself; the error it was made from is its [`source`](Error::source).
///
/// What a client gets depends on where the error happens. In a **tool** it becomes a tool result
/// with `isError: true` and the error's message, so that a model can read it and try again
/// (specification 2026-07-28, server/tools, "Error Handling"); only [`Error::protocol`] becomes a
/// JSON-RPC error. In a **resource** or **prompt** there is no such result, so every error becomes a
/// JSON-RPC error: [`not_found`](Error::not_found) "resource not found",
/// [`invalid_params`](Error::invalid_params) `-32602`, any other `-32603`.
///
/// ```
/// use wharf_server::{Error, Result};
///
/// fn port(text: &str) -> Result<u16> {
///     let port: u16 = text.parse()?;
///     if port == 0 {
///         return Err(Error::invalid_params("port 0 cannot be used"));
///     }
///     Ok(port)
/// }
///
/// assert!(port("x").unwrap_err().source().is_some());
/// assert!(port("0").unwrap_err().is_invalid_params());
/// ```
pub struct Error {
    // Boxed: a `Result<T, Error>` stays as small as its `T` on the way through every handler.
    inner: Box<Inner>,
}

struct Inner {
    kind: Kind,
    message: Cow<'static, str>,
    data: Option<Value>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Other,
    NotFound { uri: String },
    InvalidParams,
    InvalidDefinition,
    Protocol(i32),
}

impl Error {
    /// An error with this message and nothing else known about it.
    pub fn new(message: impl fmt::Display) -> Self {
        Self::with_kind(Kind::Other, message.to_string())
    }

    /// The resource with this URI does not exist. The client gets "resource not found" in the form
    /// of its revision (`-32002`, or `-32602` since 2026-07-28), with the URI as data.
    pub fn not_found(uri: impl Into<String>) -> Self {
        let uri = uri.into();
        let message = format!("resource not found: {}", crate::handler::text::shown(&uri));
        Self::with_kind(Kind::NotFound { uri }, message)
    }

    /// What the client sent does not fit; say what, and what would (`-32602`).
    pub fn invalid_params(message: impl fmt::Display) -> Self {
        Self::with_kind(Kind::InvalidParams, message.to_string())
    }

    /// A tool, resource or prompt is defined in a way that cannot be served.
    pub(crate) fn invalid_definition(message: impl fmt::Display) -> Self {
        Self::with_kind(Kind::InvalidDefinition, message.to_string())
    }

    /// A JSON-RPC error with a code of your choice, from tools too.
    pub fn protocol(code: i32, message: impl fmt::Display) -> Self {
        Self::with_kind(Kind::Protocol(code), message.to_string())
    }

    /// Makes an error from anything that can be shown. An `Error` is kept as it is, and a
    /// protocol [`ErrorObject`] keeps its code and data.
    pub fn from_display<E: fmt::Display + Send + 'static>(error: E) -> Self {
        let mut slot = Some(error);
        let any: &mut dyn Any = &mut slot;
        if let Some(own) = any.downcast_mut::<Option<Error>>().and_then(Option::take) {
            return own;
        }
        if let Some(object) = any
            .downcast_mut::<Option<ErrorObject>>()
            .and_then(Option::take)
        {
            return Self::from_object(object);
        }
        match slot {
            Some(error) => Self::new(error),
            // Not reached: the slot is only emptied where this function returns.
            None => Self::new("unknown error"),
        }
    }

    /// Makes an error of a boxed one, such as tower's services give. An `Error` that was boxed is
    /// itself again.
    pub fn from_boxed(error: Box<dyn StdError + Send + Sync>) -> Self {
        let error = match error.downcast::<Boxed>() {
            Ok(boxed) => return boxed.0,
            Err(other) => other,
        };
        match error.downcast::<ErrorObject>() {
            Ok(object) => Self::from_object(*object),
            Err(error) => {
                let mut made = Self::with_kind(Kind::Other, error.to_string());
                made.inner.source = Some(error);
                made
            }
        }
    }

    /// Adds data for the client: the JSON-RPC error's `data`.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.inner.data = Some(data);
        self
    }

    /// Adds a sentence in front of the message, keeping kind, data and source.
    #[must_use]
    pub fn context(mut self, what: impl fmt::Display) -> Self {
        self.inner.message = Cow::Owned(format!("{what}: {}", self.inner.message));
        self
    }

    /// The message alone.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// The data given with [`with_data`](Error::with_data).
    pub fn data(&self) -> Option<&Value> {
        self.inner.data.as_ref()
    }

    /// The error that this one was made from.
    pub fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }

    /// Whether a resource was not found.
    pub fn is_not_found(&self) -> bool {
        matches!(self.inner.kind, Kind::NotFound { .. })
    }

    /// The URI of the resource that was not found.
    pub fn not_found_uri(&self) -> Option<&str> {
        match &self.inner.kind {
            Kind::NotFound { uri } => Some(uri),
            _ => None,
        }
    }

    /// Whether what the client sent did not fit.
    pub fn is_invalid_params(&self) -> bool {
        self.inner.kind == Kind::InvalidParams
    }

    /// Whether a tool, resource or prompt cannot be served as it is defined: a schema that does not
    /// compile, a name given twice, a missing handler.
    pub fn is_invalid_definition(&self) -> bool {
        self.inner.kind == Kind::InvalidDefinition
    }

    /// Whether this is a JSON-RPC error with a code chosen by [`Error::protocol`].
    pub fn is_protocol(&self) -> bool {
        matches!(self.inner.kind, Kind::Protocol(_))
    }

    /// The JSON-RPC error that says this to a client. "Resource not found" has the code of the
    /// handshake revisions here (`-32002`); whoever writes for 2026-07-28 asks
    /// [`is_not_found`](Error::is_not_found).
    pub fn to_object(&self) -> ErrorObject {
        let code = match &self.inner.kind {
            Kind::Other | Kind::InvalidDefinition => ErrorCode::INTERNAL_ERROR,
            Kind::NotFound { .. } => ErrorCode::RESOURCE_NOT_FOUND,
            Kind::InvalidParams => ErrorCode::INVALID_PARAMS,
            Kind::Protocol(code) => *code,
        };
        let data = match (&self.inner.data, &self.inner.kind) {
            (None, Kind::NotFound { uri }) => Some(serde_json::json!({ "uri": uri })),
            (data, _) => data.clone(),
        };
        ErrorObject {
            code,
            message: self.inner.message.clone().into_owned(),
            data,
        }
    }

    fn from_object(object: ErrorObject) -> Self {
        let mut error = Self::with_kind(Kind::Protocol(object.code), object.message);
        error.inner.data = object.data;
        error
    }

    fn with_kind(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                data: None,
                source: None,
            }),
        }
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        let mut slot = Some(error);
        let any: &mut dyn Any = &mut slot;
        if let Some(object) = any
            .downcast_mut::<Option<ErrorObject>>()
            .and_then(Option::take)
        {
            return Self::from_object(object);
        }
        if let Some(boxed) = any.downcast_mut::<Option<Boxed>>().and_then(Option::take) {
            return boxed.0;
        }
        let Some(error) = slot else {
            return Self::new("unknown error");
        };
        let mut made = Self::with_kind(Kind::Other, error.to_string());
        made.inner.source = Some(Box::new(error));
        made
    }
}

/// An [`Error`] on its way through code that takes any `std` error.
struct Boxed(Error);

impl fmt::Debug for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Boxed {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

impl From<Error> for Box<dyn StdError + Send + Sync> {
    fn from(error: Error) -> Self {
        Box::new(Boxed(error))
    }
}

/// The message; with `{:#}` also what it was made from, cause after cause.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)?;
        if f.alternate() {
            // The source's own text is already the message; its causes are what is new.
            let mut next = self.source().and_then(StdError::source);
            while let Some(cause) = next {
                write!(f, ": {cause}")?;
                next = cause.source();
            }
        }
        Ok(())
    }
}

/// As `{:#}`, because this is how a `main` that returns an error shows it. `{:#?}` shows every
/// part.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return write!(f, "{self:#}");
        }
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.inner.kind)
            .field("message", &self.inner.message);
        if let Some(data) = &self.inner.data {
            out.field("data", data);
        }
        if let Some(source) = &self.inner.source {
            out.field("source", source);
        }
        out.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_std_error_becomes_one_with_its_source() {
        let error: Error = "x".parse::<u8>().expect_err("an error").into();
        assert_eq!(error.to_string(), "invalid digit found in string");
        assert!(
            error
                .source()
                .is_some_and(|s| s.is::<std::num::ParseIntError>())
        );
        assert_eq!(error.to_object().code, ErrorCode::INTERNAL_ERROR);
    }

    #[test]
    fn from_display_keeps_our_own_error() {
        let error = Error::from_display(Error::not_found("file:///a").with_data(json!(1)));
        assert!(error.is_not_found());
        assert_eq!(error.not_found_uri(), Some("file:///a"));
        assert_eq!(error.data(), Some(&json!(1)));
        assert_eq!(Error::from_display("plain").message(), "plain");
    }

    #[test]
    fn an_error_survives_a_box() {
        let boxed: BoxError = Error::not_found("a:b").with_data(json!(1)).into();
        assert_eq!(boxed.to_string(), "resource not found: a:b");
        let error = Error::from_boxed(boxed);
        assert_eq!(
            (error.not_found_uri(), error.data()),
            (Some("a:b"), Some(&json!(1)))
        );
        let foreign: BoxError = "x".parse::<u8>().expect_err("an error").into();
        let error = Error::from_boxed(foreign);
        assert!(
            error
                .source()
                .is_some_and(|s| s.is::<std::num::ParseIntError>())
        );
        let object = ErrorObject::new(-7, "no");
        assert!(Error::from_boxed(Box::new(object)).is_protocol());
    }

    #[test]
    fn a_protocol_error_object_keeps_its_code() {
        let object = ErrorObject {
            code: -7,
            message: "no".into(),
            data: Some(json!({"a": 1})),
        };
        for error in [
            Error::from(object.clone()),
            Error::from_display(object.clone()),
        ] {
            assert!(error.is_protocol());
            assert_eq!(error.to_object(), object);
        }
    }

    #[test]
    fn not_found_carries_the_uri_and_escapes_it_in_the_message() {
        let error = Error::not_found("x://\u{1b}[31m");
        assert_eq!(
            error.to_object().data,
            Some(json!({"uri": "x://\u{1b}[31m"}))
        );
        assert!(!error.to_string().contains('\u{1b}'), "{error}");
    }

    #[test]
    fn alternate_display_shows_the_causes() {
        #[derive(Debug)]
        struct Outer(std::num::ParseIntError);
        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bad port")
            }
        }
        impl StdError for Outer {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&self.0)
            }
        }
        let error = Error::from(Outer("x".parse::<u8>().expect_err("an error")));
        assert_eq!(format!("{error}"), "bad port");
        assert_eq!(
            format!("{error:#}"),
            "bad port: invalid digit found in string"
        );
        assert_eq!(
            format!("{error:?}"),
            "bad port: invalid digit found in string"
        );
        assert!(format!("{error:#?}").contains("kind: Other"));
        assert_eq!(
            format!("{}", error.context("starting")),
            "starting: bad port"
        );
    }
}
