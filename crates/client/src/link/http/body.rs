//! Bodies of responses, read up to a limit.

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use crate::error::{Error, Result};

/// A whole body as text.
pub(super) async fn text(mut body: Incoming, limit: usize) -> Result<String> {
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(limit);
    let mut bytes = Vec::with_capacity(expected.min(limit).min(1 << 20));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Error::closed(format!(
                "the connection broke in the middle of an answer: {error}"
            ))
            .with_source(error)
        })?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        if bytes.len() + data.len() > limit {
            return Err(Error::too_large("the server's answer", limit));
        }
        bytes.extend_from_slice(data);
    }
    String::from_utf8(bytes).map_err(|_| Error::protocol("the server's answer is no UTF-8"))
}

/// What a body begins with: enough to show, and no more than a moment's wait.
pub(super) async fn beginning(body: Incoming) -> String {
    const ENOUGH: usize = 4096;
    let mut bytes = Vec::new();
    let mut body = body;
    let read = async {
        while let Some(Ok(frame)) = body.frame().await {
            if let Some(data) = frame.data_ref() {
                bytes.extend_from_slice(data);
            }
            if bytes.len() >= ENOUGH {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(std::time::Duration::from_secs(2), read).await;
    bytes.truncate(ENOUGH);
    String::from_utf8_lossy(&bytes).into_owned()
}
