//! Subscriptions with an id.
//!
//! A session is subscribed to a resource once or not at all, so the id is the URI with a mark in
//! front of it. It needs no table, and is still good after a restart.

use wharf::interpret::{Members, Plain, Refused};

use super::read::{invalid, required_text, text};

const MARK: &str = "subscription:";

pub(super) async fn subscribe(server: &Plain, params: &Members) -> Result<Members, Refused> {
    let uri = required_text(params, "uri")?;
    let result = server.call("resources/subscribe", params).await?;
    Ok(result.with("subscriptionId", format!("{MARK}{uri}")))
}

/// Takes the id as well as the URI.
pub(super) async fn unsubscribe(server: &Plain, mut params: Members) -> Result<Members, Refused> {
    if let Some(id) = text(&params, "subscriptionId")? {
        let uri = id
            .strip_prefix(MARK)
            .ok_or_else(|| invalid("`params.subscriptionId` names no subscription"))?;
        params.take("subscriptionId");
        params.set_default("uri", uri);
    }
    server.call("resources/unsubscribe", &params).await
}
