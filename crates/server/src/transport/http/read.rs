//! What a POST must look like, and its body within the limits.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use ::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use bytes::{Bytes, BytesMut};
use wharf_protocol::error::ErrorCode;

use super::answer::{failure, with_header};
use super::stream::Body;
use crate::limits::Limits;

/// What the client can read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Accepts {
    pub(super) json: bool,
    pub(super) events: bool,
}

fn refusal(status: StatusCode, message: &str) -> Response<Body> {
    failure(status, ErrorCode::INVALID_REQUEST, message)
}

fn refuse<T>(status: StatusCode, message: &str) -> Result<T, Box<Response<Body>>> {
    Err(Box::new(refusal(status, message)))
}

/// Checks `Content-Type`, `Content-Encoding` and `Accept`.
pub(super) fn check_headers(headers: &HeaderMap) -> Result<Accepts, Box<Response<Body>>> {
    check_content(headers)?;
    let accepts = accepts(headers);
    if !accepts.json && !accepts.events {
        let message = "header Accept must list application/json and text/event-stream";
        return refuse(StatusCode::NOT_ACCEPTABLE, message);
    }
    Ok(accepts)
}

/// Checks `Content-Type` and `Content-Encoding`.
///
/// The media type is what keeps a web page from calling us without a preflight: a page can send
/// text and forms anywhere, but not `application/json`.
pub(super) fn check_content(headers: &HeaderMap) -> Result<(), Box<Response<Body>>> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let is_json = types.next().is_some_and(is_json) && types.next().is_none();
    if !is_json {
        let message = "header Content-Type must be application/json";
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
    }
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    if encodings.any(|value| value != "identity") {
        let message = "compressed bodies are not accepted: send it without Content-Encoding";
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
    }
    Ok(())
}

fn is_json(value: &HeaderValue) -> bool {
    let media_type = value
        .as_bytes()
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default();
    media_type
        .trim_ascii()
        .eq_ignore_ascii_case(b"application/json")
}

/// Reads `Accept`; an absent one accepts everything.
pub(super) fn accepts(headers: &HeaderMap) -> Accepts {
    let mut values = headers.get_all(header::ACCEPT).iter().peekable();
    let mut found = Accepts {
        json: values.peek().is_none(),
        events: values.peek().is_none(),
    };
    for range in values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')) {
        let mut parts = range.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let media_type = parts.next().unwrap_or_default();
        if parts.any(|part| matches!(part, b"q=0" | b"q=0.0" | b"q=0.00" | b"q=0.000")) {
            continue;
        }
        let is = |name: &[u8]| media_type.eq_ignore_ascii_case(name);
        found.json |= is(b"application/json") || is(b"*/*") || is(b"application/*");
        found.events |= is(b"text/event-stream") || is(b"*/*") || is(b"text/*");
    }
    found
}

/// Reads the body of a POST within the limits.
pub(super) async fn bytes<B>(
    limits: &Limits,
    headers: &HeaderMap,
    body: B,
) -> Result<Bytes, Box<Response<Body>>>
where
    B: http_body::Body<Data = Bytes>,
{
    // A body of any host's making, which need not be one that can be moved.
    let mut body = pin!(body);
    match self::body(&mut body, limits.message_bytes, limits.body_timeout).await {
        Ok(bytes) => Ok(bytes),
        Err(BodyError::TooLarge) => {
            drain(&mut body, headers, limits.message_bytes).await;
            let message = format!("the body is larger than {} bytes", limits.message_bytes);
            Err(close(refusal(StatusCode::PAYLOAD_TOO_LARGE, &message)))
        }
        Err(BodyError::TooSlow) => {
            let message = "the body did not arrive in time";
            Err(close(refusal(StatusCode::REQUEST_TIMEOUT, message)))
        }
        Err(BodyError::Broken) => {
            let message = "the body could not be read";
            let status = StatusCode::BAD_REQUEST;
            Err(Box::new(failure(status, ErrorCode::PARSE_ERROR, message)))
        }
    }
}

#[derive(Debug)]
enum BodyError {
    TooLarge,
    TooSlow,
    Broken,
}

/// Reads a body of at most `limit` bytes within `time`.
async fn body<B>(body: &mut B, limit: usize, time: Duration) -> Result<Bytes, BodyError>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyError::TooLarge);
    }
    let reading = read(body, limit);
    tokio::pin!(reading);
    // Most bodies are there already: then there is no need of a timer.
    let first = poll_fn(|cx| Poll::Ready(reading.as_mut().poll(cx))).await;
    match first {
        Poll::Ready(result) => result,
        Poll::Pending => tokio::time::timeout(time, reading)
            .await
            .unwrap_or(Err(BodyError::TooSlow)),
    }
}

async fn read<B>(body: &mut B, limit: usize) -> Result<Bytes, BodyError>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    loop {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await;
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else {
            continue;
        };
        if first.len() + all.len() + data.len() > limit {
            return Err(BodyError::TooLarge);
        }
        // A body that came in one piece is not copied.
        if all.is_empty() && first.is_empty() {
            first = data;
        } else {
            if all.is_empty() {
                all.extend_from_slice(&std::mem::take(&mut first));
            }
            all.extend_from_slice(&data);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// How long a body that was refused is still taken from the client.
const DRAIN: Duration = Duration::from_secs(1);

/// Takes what the client still sends of a body that is too large, within bounds, and drops it. A
/// connection that is closed while bytes come in takes the response with it, and most clients read
/// only when they have sent everything.
async fn drain<B>(body: &mut B, headers: &HeaderMap, limit: usize)
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    if headers.contains_key(header::EXPECT) {
        // The client waits for our word, and to read on would be to give it.
        return;
    }
    let reading = async {
        let mut read = 0;
        while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read / 2 > limit {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN, reading).await;
}

/// Ends the connection after the response: what is left of the body is not read.
fn close(response: Response<Body>) -> Box<Response<Body>> {
    Box::new(with_header(response, header::CONNECTION, "close"))
}
