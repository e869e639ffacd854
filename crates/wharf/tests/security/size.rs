//! Row 21: bodies and lines without end.

use wharf::{Limits, Server};

use crate::wire::h2::Http2;
use crate::wire::tools::{add, echo};
use crate::wire::{Kind, Legacy, Line, MS, Modern, Peer, Post, json, serve, text};

const LIMIT: usize = 64 * 1024;

fn server() -> Server {
    let limits = Limits {
        message_bytes: LIMIT,
        ..Limits::default()
    };
    Server::new("Test").tool(add).tool(echo).limits(limits)
}

/// A call that is exactly so long.
fn sized(client: &Modern<'_>, size: usize) -> Post {
    let of = |length: usize| {
        client.post(
            1,
            "tools/call",
            json!({"name": "echo", "arguments": {"text": "x".repeat(length)}}),
        )
    };
    of(size - of(0).body.len())
}

#[tokio::test]
async fn row_21_unbounded_bodies_exact_limits() {
    let served = serve(server()).await;
    let client = Modern::new(&served);
    for chunked in [false, true] {
        let ask = |post: Post| {
            let served = &served;
            async move {
                if !chunked {
                    return served.ask(&post).await;
                }
                let post = post.header("transfer-encoding", "chunked");
                let mut wire = served.wire().await;
                wire.send(&post.head(served.addr)).await;
                for part in post.body.chunks(10_000) {
                    let mut chunk = format!("{:x}\r\n", part.len()).into_bytes();
                    chunk.extend_from_slice(part);
                    chunk.extend_from_slice(b"\r\n");
                    wire.send(&chunk).await;
                }
                wire.send(b"0\r\n\r\n").await;
                wire.answer().await
            }
        };
        assert_eq!(
            ask(sized(&client, LIMIT)).await.status,
            200,
            "chunked: {chunked}"
        );
        let refused = ask(sized(&client, LIMIT + 1)).await;
        assert_eq!(refused.error(), (413, -32600), "chunked: {chunked}");
        assert_eq!(refused.header("connection"), Some("close"));
        assert!(refused.text().contains("65536"));
    }
    let legacy = Legacy::open(&served).await;
    let big = legacy
        .call("echo", json!({"text": "x".repeat(LIMIT)}))
        .await;
    assert_eq!(big.status, 413);
    assert_eq!(
        text(&legacy.call("add", json!({"a": 1, "b": 2})).await.result()),
        "3"
    );
}

#[tokio::test]
async fn row_21_unbounded_bodies_declared_and_never_sent() {
    let served = serve(server()).await;
    let good = sized(&Modern::new(&served), 1000);
    for length in ["65537", "1073741824", "9223372036854775807"] {
        let mut wire = served.wire().await;
        wire.send(
            &good
                .clone()
                .header("content-length", length)
                .head(served.addr),
        )
        .await;
        let refused = wire.answer().await;
        assert_eq!(refused.status, 413, "{length}");
        wire.closed().await;
    }
    let mut wire = served.wire().await;
    let expecting = good
        .clone()
        .header("expect", "100-continue")
        .header("content-length", "1073741824");
    wire.send(&expecting.head(served.addr)).await;
    assert_eq!(
        wire.answer().await.status,
        413,
        "refused before anything is sent"
    );
    assert_eq!(served.ask(&good).await.status, 200);
}

#[tokio::test]
async fn row_21_unbounded_bodies_chunks_without_end() {
    let served = serve(server()).await;
    let good = sized(&Modern::new(&served), 1000);
    let endless = good.clone().header("transfer-encoding", "chunked");
    for size in [1, 1000, 16 * 1024] {
        let mut wire = served.wire().await;
        wire.send(&endless.head(served.addr)).await;
        let chunk = [
            format!("{size:x}\r\n").as_bytes(),
            &b" ".repeat(size),
            b"\r\n",
        ]
        .concat();
        let many = chunk.repeat(1 + 8192 / chunk.len());
        let mut sent = 0;
        // It does not matter how much the kernel takes: the server reads no more than its limit.
        while tokio::io::AsyncWriteExt::write_all(&mut wire.stream, &many)
            .await
            .is_ok()
        {
            sent += many.len();
            assert!(sent < 256 << 20, "it reads on and on");
        }
    }
    // The same in one chunk that promises to be endless.
    let mut wire = served.wire().await;
    wire.send(&endless.head(served.addr)).await;
    wire.send(b"7fffffff\r\n").await;
    let mut sent = 0;
    while tokio::io::AsyncWriteExt::write_all(&mut wire.stream, &[b' '; 8192])
        .await
        .is_ok()
    {
        sent += 8192;
        assert!(sent < 256 << 20, "it reads on and on");
    }
    assert_eq!(served.ask(&good).await.status, 200);
}

#[tokio::test]
async fn row_21_unbounded_bodies_compressed() {
    let served = serve(server()).await;
    let good = sized(&Modern::new(&served), 1000);
    for encoding in [
        "gzip",
        "x-gzip",
        "deflate",
        "br",
        "zstd",
        "gzip, gzip",
        "identity, gzip",
        "GZIP",
    ] {
        let mut post = good.clone().header("content-encoding", encoding);
        assert_eq!(served.ask(&post).await.status, 415, "{encoding}");
        // Ten bytes of a real gzip head.
        post.body = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
        assert_eq!(served.ask(&post).await.status, 415, "{encoding}");
    }
    let both = good
        .clone()
        .header("content-encoding", "identity")
        .header("content-encoding", "gzip");
    assert_eq!(served.ask(&both).await.status, 415);
    // Bytes that only look compressed are not JSON.
    let mut post = good.clone();
    post.body = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    assert_eq!(served.ask(&post).await.error(), (400, -32700));
    assert_eq!(
        served
            .ask(&good.header("content-encoding", "identity"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn row_21_unbounded_bodies_over_http_2() {
    let served = serve(server()).await;
    let client = Modern::new(&served);
    let http2 = Http2::open(served.addr).await;
    assert_eq!(http2.ask(&sized(&client, LIMIT)).await.status, 200);
    let refused = http2
        .send(&sized(&client, LIMIT + 1), &served.addr.to_string())
        .await;
    assert!(refused.is_ok_and(|response| response.status() == 413));
    assert_eq!(http2.ask(&sized(&client, 1000)).await.status, 200);
}

#[tokio::test]
async fn row_21_unbounded_heads() {
    let limits = Limits {
        header_bytes: 16 * 1024,
        headers: 50,
        ..Limits::default()
    };
    let served = serve(server().limits(limits)).await;
    let good = sized(&Modern::new(&served), 1000);
    let mut many = good.clone();
    for number in 0..60 {
        many = many.header(&format!("x-{number}"), "1");
    }
    assert_eq!(served.ask(&many).await.status, 431);
    let large = good.clone().header("x-large", "x".repeat(40_000));
    assert_eq!(served.ask_raw(&large.bytes(served.addr)).await, Some(431));
    let mut endless = served.wire().await;
    endless.send(b"POST /mcp HTTP/1.1\r\nx: ").await;
    let mut sent = 0;
    while tokio::io::AsyncWriteExt::write_all(&mut endless.stream, &[b'x'; 4096])
        .await
        .is_ok()
    {
        sent += 4096;
        assert!(sent < 256 << 20, "it reads on and on");
    }
    assert_eq!(served.ask(&good).await.status, 200);
}

#[tokio::test]
async fn row_21_lines_without_end() {
    for kind in [Kind::LegacyLine, Kind::ModernLine] {
        let mut peer = Peer::open(kind, server()).await;
        let line = peer.line();
        for part in 0..100 {
            line.send_bytes(&[b'x'; 10_000]).await;
            if part == 50 {
                // It is refused as soon as it is too long, not when it ends.
                let refused = line.expect().await;
                assert_eq!(refused["error"]["code"], -32600, "{kind:?}");
                assert_eq!(refused.get("id"), None);
            }
        }
        line.send_bytes(b"\n").await;
        peer.still_answers().await;
        let mut call = peer.request_body(
            "tools/call",
            json!({"name": "echo", "arguments": {"text": ""}}),
        );
        let rest = LIMIT - call.to_string().len();
        call["params"]["arguments"]["text"] = json!("x".repeat(rest));
        let line = peer.line();
        line.send(&call).await;
        assert_eq!(
            text(&line.answer(&call["id"].clone()).await["result"]).len(),
            rest
        );
        call["params"]["arguments"]["text"] = json!("x".repeat(rest + 1));
        line.send(&call).await;
        assert_eq!(line.expect().await["error"]["code"], -32600);
        peer.still_answers().await;
    }
}

#[tokio::test]
async fn row_21_lines_without_end_that_end_with_the_input() {
    let mut line = Line::duplex(server(), 1000);
    line.initialize("2025-11-25", json!({})).await;
    let id = line.next_id();
    let call = json!({"jsonrpc": "2.0", "id": id, "method": "ping"});
    // The last line may lack its end.
    line.send_bytes(call.to_string().as_bytes()).await;
    line.hang_up().await;
    assert_eq!(line.answer(&id).await["result"], json!({}));
    assert_eq!(line.message().await, None);
    line.ended().await;
}

#[tokio::test]
async fn row_21_unbounded_bodies_the_refusal_reaches_who_sends_first_and_reads_then() {
    let served = serve(server()).await;
    let client = Modern::new(&served);
    for size in [LIMIT + 20_000, LIMIT + 60_000] {
        for chunked in [false, true] {
            let post = sized(&client, size);
            let mut wire = served.wire().await;
            if chunked {
                wire.send(
                    &post
                        .clone()
                        .header("transfer-encoding", "chunked")
                        .head(served.addr),
                )
                .await;
                wire.send(format!("{size:x}\r\n").as_bytes()).await;
            } else {
                wire.send(&post.head(served.addr)).await;
            }
            // In pieces: the server has refused it long before the last one.
            for piece in post.body.chunks(20_000) {
                let sent = tokio::io::AsyncWriteExt::write_all(&mut wire.stream, piece).await;
                assert!(sent.is_ok(), "{size} {chunked}: {sent:?}");
                tokio::time::sleep(20 * MS).await;
            }
            if chunked {
                wire.send(b"\r\n0\r\n\r\n").await;
            }
            assert_eq!(wire.answer().await.status, 413, "{size} {chunked}");
        }
    }
}
