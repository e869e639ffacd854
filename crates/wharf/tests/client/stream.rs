//! The stream on which servers of the handshake revisions speak without being asked.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Channel, Either, Full, channel};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;
use wharf::Client;
use wharf::protocol::ElicitResult;

type Body = Either<Full<Bytes>, Channel<Bytes>>;

/// What there is of a session.
#[derive(Default)]
struct Session {
    /// The stream, once it is open.
    stream: Option<channel::Sender<Bytes>>,
    /// Who waits for the answer to a question.
    waiting: Option<oneshot::Sender<Value>>,
}

/// A server that opens its stream slowly, or never, and that loses what it says while nobody listens.
async fn server(opens: bool) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let session = Arc::new(Mutex::new(Session::default()));
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let session = Arc::clone(&session);
            let service = service_fn(move |request| {
                let session = Arc::clone(&session);
                async move { Ok::<_, Infallible>(answer(&session, request, opens).await) }
            });
            let http = hyper::server::conn::http1::Builder::new();
            tokio::spawn(http.serve_connection(TokioIo::new(connection), service));
        }
    });
    format!("http://{address}/mcp")
}

async fn answer(
    session: &Mutex<Session>,
    request: Request<Incoming>,
    opens: bool,
) -> Response<Body> {
    if request.method() == Method::GET {
        if !opens {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        let (sender, body) = Channel::new(1);
        session.lock().expect("no panic").stream = Some(sender);
        return respond(StatusCode::OK, "text/event-stream", Either::Right(body));
    }
    let body = request
        .into_body()
        .collect()
        .await
        .map(|body| body.to_bytes());
    let message: Value = serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default();
    let result = match message["method"].as_str() {
        Some("initialize") => json!({
            "protocolVersion": "2025-11-25",
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "slow", "version": "1" },
        }),
        Some("tools/call") => {
            let said = json!({ "type": "text", "text": ask(session).await });
            json!({ "content": [said] })
        }
        Some("server/discover") => return status(StatusCode::BAD_REQUEST),
        Some(_) => return status(StatusCode::ACCEPTED),
        None => {
            if let Some(waiting) = session.lock().expect("no panic").waiting.take() {
                let _ = waiting.send(message["result"].clone());
            }
            return status(StatusCode::ACCEPTED);
        }
    };
    let text = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }).to_string();
    let mut response = respond(
        StatusCode::OK,
        "application/json",
        Either::Left(text.into()),
    );
    let id = hyper::header::HeaderValue::from_static("one");
    response.headers_mut().insert("mcp-session-id", id);
    response
}

/// Asks on the stream, as some servers do also in the middle of a call.
async fn ask(session: &Mutex<Session>) -> String {
    let stream = session.lock().expect("no panic").stream.take();
    let Some(mut stream) = stream else {
        return "nobody listens".into();
    };
    let (waiting, answered) = oneshot::channel();
    session.lock().expect("no panic").waiting = Some(waiting);
    let schema =
        json!({ "type": "object", "properties": { "n": { "type": "integer", "default": 7 } } });
    let question = json!({
        "jsonrpc": "2.0", "id": "q", "method": "elicitation/create",
        "params": { "message": "?", "requestedSchema": schema },
    });
    let _ = stream
        .send_data(format!("data: {question}\n\n").into())
        .await;
    answered.await.unwrap_or_default().to_string()
}

fn respond(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let response = Response::builder()
        .status(status)
        .header("content-type", kind);
    response.body(body).expect("a response")
}

fn status(status: StatusCode) -> Response<Body> {
    respond(status, "text/plain", Either::Left(Full::default()))
}

fn answering() -> wharf::client::Builder {
    Client::builder().on_elicit(|_| async { Ok(ElicitResult::accept(Map::new())) })
}

#[tokio::test]
async fn a_question_in_the_first_call_finds_the_stream_open() {
    let url = server(true).await;
    let client = answering().connect(&url).await.expect("a client");
    let result = client.call("ask", json!({})).await.expect("a result");
    let text = result.content[0].as_text().unwrap_or_default();
    assert_eq!(text, r#"{"action":"accept","content":{"n":7}}"#);
}

#[tokio::test]
async fn a_stream_that_does_not_open_keeps_nobody_waiting() {
    let url = server(false).await;
    let client = answering().connect(&url);
    let client = tokio::time::timeout(Duration::from_secs(20), client).await;
    let client = client.expect("in time").expect("a client");
    let result = client.call("ask", json!({})).await.expect("a result");
    assert_eq!(result.content[0].as_text(), Some("nobody listens"));
}
