//! Members of parameters, read or refused. What the client wrote is never repeated.

use serde_json::value::RawValue;
use wharf::interpret::{Members, Refused};
use wharf::protocol::error::{ErrorCode, ErrorObject};

/// An error about the parameters.
pub(super) fn invalid(message: impl Into<String>) -> Refused {
    ErrorObject::new(ErrorCode::INVALID_PARAMS, message).into()
}

/// A member that is text; `None` if it is not there.
pub(super) fn text(params: &Members, name: &str) -> Result<Option<String>, Refused> {
    let text = params.read(name);
    text.map_err(|_| invalid(format!("`params.{name}` must be a string")))
}

/// The same, and it must be there.
pub(super) fn required_text(params: &Members, name: &str) -> Result<String, Refused> {
    text(params, name)?.ok_or_else(|| invalid(format!("`params.{name}` is missing")))
}

/// A member that is an object; empty if it is not there.
pub(super) fn object(params: &Members, name: &str) -> Result<Members, Refused> {
    let object = params.read(name);
    let object = object.map_err(|_| invalid(format!("`params.{name}` must be an object")))?;
    Ok(object.unwrap_or_default())
}

/// Whether a value is text.
pub(super) fn is_text(raw: &RawValue) -> bool {
    raw.get().starts_with('"')
}

/// The texts of an official `content`, one piece or a list of them, joined by line ends; `None` if
/// it has none.
pub(super) fn text_of(content: &RawValue) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Piece {
        text: Option<String>,
    }
    let pieces: Vec<Piece> = if content.get().starts_with('[') {
        serde_json::from_str(content.get()).ok()?
    } else {
        vec![serde_json::from_str(content.get()).ok()?]
    };
    let texts: Vec<String> = pieces.into_iter().filter_map(|piece| piece.text).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}
