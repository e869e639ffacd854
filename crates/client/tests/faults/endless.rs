//! What never ends: lines, bodies, events, frames, lists. It is cut off, and little is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use wharf_client::{Client, Timeouts};

use crate::support::*;

/// More than a client that keeps what it reads would take; less than would harm this machine.
const MUCH: usize = 200 * LIMIT;

/// A server that answers every connection with `head`, and then with `part` over and over.
struct Endless {
    port: u16,
    taken: Arc<AtomicUsize>,
}

impl Endless {
    async fn start(head: String, part: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&taken);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(pour(stream, head.clone(), part.clone(), Arc::clone(&count)));
            }
        });
        Self { port, taken }
    }

    fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

async fn pour(mut stream: TcpStream, head: String, part: Vec<u8>, taken: Arc<AtomicUsize>) {
    let mut request = [0; 8192];
    if stream.read(&mut request).await.unwrap_or(0) == 0 {
        return;
    }
    let request = String::from_utf8_lossy(&request);
    let key = request.lines().find_map(|line| {
        line.split_once(": ")
            .filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))
    });
    let accept = key.map(|(_, key)| {
        tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.trim().as_bytes())
    });
    let head = head.replace("$ACCEPT", accept.as_deref().unwrap_or_default());
    if stream.write_all(head.as_bytes()).await.is_err() {
        return;
    }
    let mut own = 0;
    while !part.is_empty() && own < MUCH && stream.write_all(&part).await.is_ok() {
        own += part.len();
        taken.fetch_add(part.len(), Ordering::Relaxed);
    }
    std::future::pending::<()>().await;
}

/// Nobody can connect to this, and nobody reads much of it, unless it is legal.
fn refused(
    way: Way,
    head: impl Into<String>,
    part: impl Into<Vec<u8>>,
    legal: bool,
) -> BoxFuture<'static, ()> {
    Box::pin(refuse(way, head.into(), part.into(), legal))
}

async fn refuse(way: Way, head: String, part: Vec<u8>, legal: bool) {
    let what = format!(
        "{way:?} {head:?} {:?}",
        String::from_utf8_lossy(&part[..part.len().min(40)])
    );
    let endless = Endless::start(head, part).await;
    let connected = in_time(&what, way.connect(hasty(), endless.port)).await;
    let error = connected.map(drop).expect_err(&what);
    assert!(is_clear(&error), "{what}: {error:?}");
    // A client may try four times, and what the kernel's buffers hold counts as taken.
    let little = 4 * (LIMIT + 8 * 1024 * 1024);
    assert!(
        legal || endless.taken() < little,
        "{what}: {}",
        endless.taken()
    );
}

const OK: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n";

fn http() -> impl Iterator<Item = Way> {
    WAYS.into_iter().take(3)
}

#[tokio::test]
async fn a_body_without_end() {
    let cases = http().flat_map(|way| {
        [
            ("200 OK", "application/json"),
            ("200 OK", "text/html"),
            ("404 Not Found", "application/json"),
            ("500 Internal Server Error", "text/plain"),
        ]
        .map(|(status, kind)| {
            let head =
                format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: {kind}\r\n\r\n");
            refused(way, head, vec![b' '; 50_000], false)
        })
    });
    join_all(cases).await;
}

#[tokio::test]
async fn an_event_without_end() {
    let cases = http().flat_map(|way| {
        [
            ("data: ", "a".repeat(50_000)),
            ("", "data: aaaaaaaaaaaaaaaaaaaaaaaa\n".repeat(2000)),
            ("id: ", "1".repeat(50_000)),
            ("event: ", "e".repeat(50_000)),
            ("unknown", "u".repeat(50_000)),
        ]
        .map(|(begin, part)| {
            let head = format!("{OK}content-type: text/event-stream\r\n\r\n{begin}");
            refused(way, head, part, false)
        })
    });
    join_all(cases).await;
}

/// They are legal, and so they are read for as long as the client waits, but not kept.
#[tokio::test]
async fn comments_and_unknown_messages_without_end() {
    let cases = http().flat_map(|way| {
        [
            ": still there\n\n",
            "event: x\ndata: {}\n\n",
            "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n\n",
            "data: {\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}\n\n",
            "data: rubbish\n\n",
        ]
        .map(|part| {
            let head = format!("{OK}content-type: text/event-stream\r\n\r\n");
            refused(way, head, part.repeat(100), true)
        })
    });
    join_all(cases).await;
}

#[tokio::test]
async fn headers_without_end() {
    let cases = WAYS.into_iter().flat_map(|way| {
        [
            ("x-long: ", "a".repeat(50_000)),
            ("", "x-another: header\r\n".repeat(100)),
        ]
        .map(|(begin, part)| refused(way, format!("HTTP/1.1 200 OK\r\n{begin}"), part, false))
    });
    join_all(cases).await;
}

#[tokio::test]
async fn an_answer_that_stops_in_the_middle() {
    let cases = http().flat_map(|way| {
        [
            "content-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"jsonrpc\":",
            "content-type: text/event-stream\r\n\r\ndata: {\"jsonrpc\"",
            "content-type: text/event-stream\r\n\r\n",
            "content-type: text/html\r\ncontent-length: 1000\r\n\r\n<html>",
            "content-type: application/js",
            "",
        ]
        .map(|head| refused(way, format!("{OK}{head}"), "", false))
    });
    join_all(cases).await;
}

#[tokio::test]
async fn frames_without_end() {
    let head = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
                sec-websocket-accept: $ACCEPT\r\nsec-websocket-protocol: mcp\r\n\r\n";
    let first = [&[0x01, 126, 0xc3, 0x50][..], &[b'a'; 50_000]].concat();
    let continued = [&[0x00, 126, 0xc3, 0x50][..], &[b'a'; 50_000]].concat();
    let size = (1_u64 << 40).to_be_bytes();
    let cases = WAYS[3..].iter().flat_map(|way| {
        [
            // One that is larger than any memory.
            ([&[0x81, 127], &size[..], &[b'a'; 50_000]].concat(), false),
            // One in so many parts.
            ([&first[..], &continued.repeat(30)].concat(), false),
            // Pings, which are legal, and texts without a text.
            ([0x89, 0x02, b'h', b'i'].repeat(10_000), true),
            ([0x81, 0x00].repeat(10_000), false),
            (vec![0xff; 50_000], false),
            (vec![], false),
        ]
        .map(|(part, legal)| refused(*way, head, part, legal))
    });
    join_all(cases).await;
}

/// Each page says that there is another one, and each of them is empty.
#[tokio::test]
async fn a_list_without_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut page = 0;
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 65536];
            let mut length = 0;
            let request: serde_json::Value = loop {
                let count = stream.read(&mut request[length..]).await.unwrap();
                length += count;
                let text = String::from_utf8_lossy(&request[..length]);
                let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
                match body.and_then(|body| serde_json::from_str(&body).ok()) {
                    Some(request) => break request,
                    None if count == 0 => return,
                    None => {}
                }
            };
            page += 1;
            let result = if request["method"] == "server/discover" {
                serde_json::json!({
                    "resultType": "complete", "supportedVersions": ["2026-07-28"],
                    "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private",
                })
            } else {
                let cursor = format!("{page}{}", "c".repeat(1000));
                serde_json::json!({
                    "resultType": "complete", "tools": [], "nextCursor": cursor,
                    "ttlMs": 0, "cacheScope": "private",
                })
            };
            let body = serde_json::json!({"jsonrpc": "2.0", "id": request["id"], "result": result});
            let body = body.to_string();
            let response = format!(
                "{OK}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(response.as_bytes()).await;
        }
    });
    let limits = wharf_client::Limits {
        list_items: 300,
        ..Default::default()
    };
    let client = WAYS[0].on(Client::builder().limits(limits));
    let client = client.connect(&WAYS[0].address(port)).await.unwrap();
    let error = in_time("a list", client.tools().all())
        .await
        .expect_err("no end");
    assert!(error.is_protocol(), "{error:?}");
}

/// The limit of a message holds for what is asked for as well as for the first answer.
#[tokio::test]
async fn a_result_that_is_too_large() {
    let port = serve().await;
    let small = wharf_client::Limits {
        message_bytes: 100_000,
        ..Default::default()
    };
    let timeouts = Timeouts {
        request: Duration::from_secs(20),
        ..Default::default()
    };
    for way in WAYS {
        let builder = Client::builder().limits(small).timeouts(timeouts);
        let client = way.connect(builder, port).await.unwrap();
        echo(&client, &"x".repeat(90_000)).await.unwrap();
        let error = echo(&client, &"x".repeat(200_000))
            .await
            .expect_err("too large");
        assert!(is_clear(&error), "{way:?}: {error:?}");
        assert!(
            error.is_protocol() || error.is_closed(),
            "{way:?}: {error:?}"
        );
        recovers(&client, &format!("{way:?}")).await;
        in_time("close", client.close()).await;
    }
}
