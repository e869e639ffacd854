//! `initialize`, from the dialect to the specification.

use serde_json::{Value, json};
use wharf::interpret::Members;
use wharf::protocol::error::{ErrorCode, ErrorObject};
use wharf::protocol::revision::Revision;

/// The parameters as the specification has them. What the client says of itself is optional.
pub(super) fn official(mut params: Members) -> Result<Members, ErrorObject> {
    let revision = Revision::V2025_11_25.as_str();
    params.set("protocolVersion", revision);
    if params.raw("clientInfo").is_none() {
        params.set("clientInfo", json!({ "name": "unnamed", "version": "0" }));
    }
    let capabilities = params.read::<Members>("capabilities").map_err(|_| {
        let message = "`params.capabilities` must be an object";
        ErrorObject::new(ErrorCode::INVALID_PARAMS, message)
    })?;
    params.set("capabilities", declared(&capabilities.unwrap_or_default()));
    Ok(params)
}

/// Capabilities as objects: `true` declares one, `false` and `null` do not.
fn declared(said: &Members) -> Members {
    let mut declared = Members::new();
    for (name, value) in said.iter() {
        match value.get() {
            "false" | "null" => {}
            "true" => declared.set(name, json!({})),
            _ => declared.set(name, value),
        }
    }
    declared
}

/// `instructions` are always there: the server's own, or else what it says it is.
pub(super) fn welcome(result: &mut Members) {
    if result.raw("instructions").is_some() {
        return;
    }
    let info: Option<Value> = result.read("serverInfo").ok().flatten();
    let description = info
        .as_ref()
        .and_then(|info| info["description"].as_str())
        .unwrap_or_default();
    result.set("instructions", description);
}
