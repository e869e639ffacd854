//! The server as a service inside of something else, which may show it any part of a path.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame};
use hyper::{Request, Response};
use wharf::http::{HttpOptions, Service};
use wharf::{Limits, Server};

use crate::wire::tools::{Watch, adder, wait};
use crate::wire::{MS, Value, json, legacy, socket, soon, until};

fn initialize() -> String {
    legacy::initialize("2025-11-25", json!({})).to_string()
}

fn request(method: &str, path: &str, body: &str) -> Request<Full<Bytes>> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    request
        .body(Full::new(Bytes::from(body.to_owned())))
        .unwrap()
}

type Stream = <Service as tower_service::Service<Request<Full<Bytes>>>>::Response;

/// The data of the next event of a stream.
async fn data(stream: &mut Stream) -> Option<String> {
    let frame = soon(stream.body_mut().frame()).await?;
    let event = frame.unwrap().into_data().unwrap();
    let event = std::str::from_utf8(&event).unwrap();
    let data = event.lines().find_map(|line| line.strip_prefix("data: "));
    Some(
        data.unwrap_or_else(|| panic!("no data: {event}"))
            .to_owned(),
    )
}

/// Where a client lands that takes a relative reference at its word.
fn resolve(base: &str, reference: &str) -> String {
    let (mut path, _) = base.rsplit_once('/').unwrap();
    let mut reference = reference;
    while let Some(rest) = reference.strip_prefix("../") {
        (path, _) = path.rsplit_once('/').unwrap();
        reference = rest;
    }
    match reference.strip_prefix('?') {
        Some(query) => format!("{base}?{query}"),
        None => format!("{path}/{reference}"),
    }
}

#[tokio::test]
async fn every_path_has_the_endpoint_and_what_is_below_it() {
    let service = adder().into_service().await.unwrap();
    for mount in ["", "/a", "/a/b.c/d", "/mcp", "/sse/x"] {
        for endpoint in ["/", "/mcp", ""] {
            let path = format!("{mount}{endpoint}");
            if path.is_empty() {
                continue;
            }
            let opened = service.handle(request("POST", &path, &initialize())).await;
            assert_eq!(opened.status(), 200, "{path}");
        }
        let sse = format!("{mount}/sse");
        let mut stream = service.handle(request("GET", &sse, "")).await;
        assert_eq!(stream.status(), 200, "{sse}");
        let endpoint = resolve(&sse, &data(&mut stream).await.unwrap());
        assert!(
            endpoint.starts_with(&format!("{mount}/messages?sessionId=")),
            "{endpoint}"
        );
        let posted = service
            .handle(request("POST", &endpoint, &initialize()))
            .await;
        assert_eq!(posted.status(), 202);
        let opened: Value = serde_json::from_str(&data(&mut stream).await.unwrap()).unwrap();
        assert_eq!(opened["result"]["protocolVersion"], "2025-11-25");
        // There is a place for WebSocket, but nobody to hand the connection over.
        let mut upgrade = request("GET", &format!("{mount}/ws"), "");
        for (name, value) in socket::handshake().headers {
            let name: hyper::header::HeaderName = name.parse().unwrap();
            upgrade.headers_mut().insert(name, value.parse().unwrap());
        }
        assert_eq!(service.handle(upgrade).await.status(), 501);
    }
}

#[tokio::test]
async fn other_names_and_one_path_for_both() {
    for (sse, messages) in [
        ("/old/sse", "/old/post"),
        ("/old/sse", "/post"),
        ("/old", "/old"),
    ] {
        let options = HttpOptions {
            sse: Some(sse.into()),
            messages: messages.into(),
            ..HttpOptions::default()
        };
        let service = adder().http(options).into_service().await.unwrap();
        let path = format!("/mount{sse}");
        let mut stream = service.handle(request("GET", &path, "")).await;
        let endpoint = resolve(&path, &data(&mut stream).await.unwrap());
        assert!(
            endpoint.starts_with(&format!("/mount{messages}?")),
            "{endpoint}"
        );
        let posted = service
            .handle(request("POST", &endpoint, &initialize()))
            .await;
        assert_eq!(posted.status(), 202);
    }
    let options = HttpOptions {
        websocket: Some("/mcp".into()),
        ..HttpOptions::default()
    };
    let refused = adder().http(options).into_service().await.unwrap_err();
    assert!(
        refused.to_string().contains("`path` and `websocket`"),
        "{refused}"
    );
}

#[tokio::test]
async fn sessions_end_in_time_without_a_task_of_ours() {
    let limits = Limits {
        session_idle: Duration::from_secs(1),
        ..Limits::default()
    };
    let service = adder().limits(limits).into_service().await.unwrap();
    let opened = service.handle(request("POST", "/mcp", &initialize())).await;
    let session = opened.headers()["mcp-session-id"].clone();
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
    let ask = async || {
        let mut request = request("POST", "/mcp", &ping);
        request
            .headers_mut()
            .insert("mcp-session-id", session.clone());
        service.handle(request).await.status()
    };
    assert_eq!(ask().await, 200);
    tokio::time::sleep(2100 * MS).await;
    assert_eq!(ask().await, 404);
}

#[tokio::test]
async fn being_told_to_stop_ends_streams_and_lets_calls_finish() {
    let watch = Watch::new();
    let service = adder().tool(wait(&watch)).into_service().await.unwrap();
    let mut idle = service.handle(request("GET", "/sse", "")).await;
    data(&mut idle).await.unwrap();
    let mut busy = service.handle(request("GET", "/sse", "")).await;
    let endpoint = resolve("/sse", &data(&mut busy).await.unwrap());
    let call =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "wait"}});
    for message in [initialize(), call.to_string()] {
        let posted = service.handle(request("POST", &endpoint, &message)).await;
        assert_eq!(posted.status(), 202);
        if message == initialize() {
            data(&mut busy).await.unwrap();
        }
    }
    // A stream is what carries its session: it moves when it is read.
    let (answer, ()) = tokio::join!(data(&mut busy), async {
        until(|| watch.has_started()).await;
        service.stop();
        watch.go();
    });
    assert!(answer.unwrap().contains("done"));
    assert_eq!(data(&mut busy).await, None);
    assert_eq!(data(&mut idle).await, None);
}

/// A body that must not be moved, as those of some layers.
struct Pinned(Full<Bytes>, std::marker::PhantomPinned);

impl Body for Pinned {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        // Given out once and whole: nothing of it is pinned.
        let mut body = self.0.clone();
        Pin::new(&mut body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn it_is_a_service_like_others() {
    fn layers_may_go_around<S, B>(_: &S)
    where
        S: tower_service::Service<Request<B>, Error = std::convert::Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Response: Send,
        S::Future: Send + 'static,
    {
    }
    fn answers_as_others<B: Body<Data = Bytes> + Default + Send + 'static>(_: Response<B>) {}

    let service = Server::new("Test").into_service().await.unwrap();
    layers_may_go_around::<_, Full<Bytes>>(&service);
    layers_may_go_around::<_, Pinned>(&service);
    let (parts, body) = request("GET", "/mcp", "").into_parts();
    let pinned = Request::from_parts(parts, Pinned(body, std::marker::PhantomPinned));
    let answer = service.handle(pinned).await;
    assert_eq!(answer.status(), 400);
    answers_as_others(answer);
}
