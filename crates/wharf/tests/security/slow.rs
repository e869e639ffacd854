//! Row 24: clients that send or read as slowly as they can.

use std::time::Duration;

use wharf::{Limits, Server};

use crate::wire::h2::Http2;
use crate::wire::tools::{Watch, add, echo, wait};
use crate::wire::{MS, Modern, Post, Served, json, serve, text, until};

/// Everything but one limit is long, so that a test sees the one it is about.
fn only(change: impl FnOnce(&mut Limits)) -> Limits {
    let long = Duration::from_secs(3600);
    let mut limits = Limits {
        header_timeout: long,
        body_timeout: long,
        write_timeout: long,
        idle_timeout: long,
        // One connection at a time: the next one shows that the one before was closed.
        connections: 1,
        ..Limits::default()
    };
    change(&mut limits);
    limits
}

fn server(limits: Limits) -> Server {
    Server::new("Test").tool(add).tool(echo).limits(limits)
}

fn good(served: &Served) -> Post {
    Modern::new(served).post(
        1,
        "tools/call",
        json!({"name": "add", "arguments": {"a": 1, "b": 2}}),
    )
}

async fn next_is_answered(served: &Served) {
    assert_eq!(text(&served.ask(&good(served)).await.result()), "3");
}

#[tokio::test]
async fn row_24_slowloris_in_the_head() {
    let served = serve(server(only(|limits| limits.header_timeout = 200 * MS))).await;
    let bytes = good(&served).bytes(served.addr);
    for sent in [1, 10, 60, 200] {
        let mut wire = served.wire().await;
        wire.send(&bytes[..sent]).await;
        assert_eq!(wire.closed().await, b"", "{sent}");
        next_is_answered(&served).await;
    }
    // A byte now and then does not buy time.
    let mut wire = served.wire().await;
    assert!(
        !wire.send_slowly(&bytes[..200], 20 * MS).await,
        "it never ended"
    );
    next_is_answered(&served).await;
    // The same on a connection that was good before.
    let mut wire = served.wire().await;
    for _ in 0..3 {
        assert_eq!(wire.ask(&good(&served)).await.status, 200);
    }
    wire.send(&bytes[..100]).await;
    assert_eq!(wire.closed().await, b"");
    next_is_answered(&served).await;
    // And in the greeting of HTTP/2.
    let mut wire = served.wire().await;
    wire.send(b"PRI * HTTP/2.0\r\n").await;
    wire.closed().await;
    next_is_answered(&served).await;
}

#[tokio::test]
async fn row_24_slowloris_in_the_body() {
    let served = serve(server(only(|limits| limits.body_timeout = 200 * MS))).await;
    let post = good(&served);
    let head = post.head(served.addr);
    for sent in [0, 1, post.body.len() - 1] {
        let mut wire = served.wire().await;
        wire.send(&head).await;
        wire.send(&post.body[..sent]).await;
        let refused = wire.answer().await;
        assert_eq!(refused.error(), (408, -32600), "{sent}");
        assert_eq!(refused.header("connection"), Some("close"));
        assert_eq!(wire.closed().await, b"");
        next_is_answered(&served).await;
    }
    let mut wire = served.wire().await;
    wire.send(&head).await;
    wire.send_slowly(&post.body[..post.body.len() - 1], 10 * MS)
        .await;
    wire.closed().await;
    next_is_answered(&served).await;

    let chunked = post.header("transfer-encoding", "chunked");
    for chunks in ["", "5", "5\r\n", "5\r\n    ", "1\r\n \r\n"] {
        let mut wire = served.wire().await;
        wire.send(&chunked.head(served.addr)).await;
        wire.send(chunks.as_bytes()).await;
        assert_eq!(wire.answer().await.status, 408, "{chunks:?}");
        wire.closed().await;
        next_is_answered(&served).await;
    }
}

#[tokio::test]
async fn row_24_slowloris_without_a_request() {
    let served = serve(server(only(|limits| limits.idle_timeout = 200 * MS))).await;
    let mut silent = served.wire().await;
    assert_eq!(silent.closed().await, b"");
    let mut wire = served.wire().await;
    assert_eq!(wire.ask(&good(&served)).await.status, 200);
    assert_eq!(wire.closed().await, b"");
    next_is_answered(&served).await;
}

#[tokio::test]
async fn row_24_slowloris_that_does_not_read() {
    let served = serve(server(only(|limits| limits.write_timeout = 200 * MS))).await;
    let text = "x".repeat(3 << 20);
    let client = Modern::new(&served);
    let large = client.post(
        1,
        "tools/call",
        json!({"name": "echo", "arguments": {"text": text}}),
    );
    let mut wire = served.wire().await;
    // More than the kernels at both ends take for a reader that does not read.
    let sending = async {
        for _ in 0..20 {
            wire.send(&large.bytes(served.addr)).await;
        }
    };
    // The next one has its turn although this one never reads.
    tokio::join!(sending, next_is_answered(&served));
}

#[tokio::test]
async fn row_24_slowloris_a_long_call_is_no_slow_client() {
    let watch = Watch::new();
    let limits = only(|limits| {
        limits.header_timeout = 50 * MS;
        limits.body_timeout = 50 * MS;
        limits.write_timeout = 50 * MS;
        limits.idle_timeout = 50 * MS;
        limits.connections = 10;
    });
    let served = serve(server(limits).tool(wait(&watch))).await;
    let client = Modern::new(&served);
    let (answer, ()) = tokio::join!(client.call("wait", json!({})), async {
        until(|| watch.has_started()).await;
        tokio::time::sleep(500 * MS).await;
        watch.go();
    });
    assert_eq!(crate::wire::text(&answer.result()), "done");
    let mut stream = client
        .stream(
            "subscriptions/listen",
            json!({"notifications": {"toolsListChanged": true}}),
        )
        .await;
    stream.expect().await;
    tokio::time::sleep(500 * MS).await;
    next_is_answered(&served).await;
    let mut wire = stream.wire;
    let quiet = tokio::time::timeout(50 * MS, wire.closed()).await;
    assert!(quiet.is_err(), "an open stream is not idle");
}

#[tokio::test]
async fn row_24_slowloris_http_2_connections_that_ask_for_nothing() {
    let served = serve(server(only(|limits| limits.idle_timeout = 300 * MS))).await;
    let client = Http2::open(served.addr).await;
    for _ in 0..3 {
        assert_eq!(client.ask(&good(&served)).await.status, 200);
    }
    client.closed().await;
    next_is_answered(&served).await;
}

#[tokio::test]
async fn row_24_slowloris_http_2_is_not_taken_for_a_slow_head() {
    // What an HTTP/2 client sends between requests is no beginning of one.
    let limits = only(|limits| {
        limits.header_timeout = 100 * MS;
        limits.connections = 10;
    });
    let served = serve(server(limits)).await;
    let client = Http2::open(served.addr).await;
    for _ in 0..4 {
        assert_eq!(client.ask(&good(&served)).await.status, 200);
        tokio::time::sleep(300 * MS).await;
        assert!(!client.is_closed());
    }
}

/// One frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend_from_slice(&[kind, flags]);
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

#[tokio::test]
async fn row_24_http_2_continuations_without_end() {
    let limits = only(|limits| limits.connections = 10);
    let served = serve(server(limits)).await;
    let mut wire = served.wire().await;
    wire.send(GREETING).await;
    wire.send(&frame(SETTINGS, 0, 0, &[])).await;
    wire.send(&frame(HEADERS, 0, 1, &[0x83, 0x86])).await;
    // A header without a name of its own in the table: never the last one.
    let mut header = vec![0, 1, b'x', 127, 0x81, 0x7e];
    header.extend_from_slice(&[b'y'; 16_256]);
    header.truncate(16_000);
    let more = frame(CONTINUATION, 0, 1, &header);
    let mut sent = 0;
    while tokio::io::AsyncWriteExt::write_all(&mut wire.stream, &more)
        .await
        .is_ok()
    {
        sent += more.len();
        assert!(sent < 256 << 20, "it reads on and on");
    }
    next_is_answered(&served).await;
}

#[tokio::test]
async fn row_24_http_2_rapid_resets() {
    let watch = Watch::new();
    let limits = only(|limits| limits.connections = 10);
    let served = serve(server(limits).tool(wait(&watch))).await;
    let mut wire = served.wire().await;
    wire.send(GREETING).await;
    wire.send(&frame(SETTINGS, 0, 0, &[])).await;
    let mut head = vec![0x83, 0x86, 0x04, 4];
    head.extend_from_slice(b"/mcp");
    head.extend_from_slice(&[0x01, 9]);
    head.extend_from_slice(b"localhost");
    let mut sent = 0;
    for stream in (1..200_000_u32).step_by(2) {
        let pair = [
            frame(HEADERS, END_HEADERS, stream, &head),
            frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()),
        ];
        if tokio::io::AsyncWriteExt::write_all(&mut wire.stream, &pair.concat())
            .await
            .is_err()
        {
            break;
        }
        sent += 1;
    }
    assert!(sent < 100_000 - 1, "nobody has stopped it");
    next_is_answered(&served).await;
}
