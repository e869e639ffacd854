//! Rows 1, 2, 5, 21, 23 and 24 where messages go another way: HTTP+SSE, and WebSocket.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use wharf::{Context, Limits, NoArguments, Server, Tool};

use crate::wire::socket::{FIN, TEXT, frame, handshake};
use crate::wire::tools::{Watch, adder, echo, tokens, wait};
use crate::wire::{MS, Post, Served, Socket, Sse, json, serve, sse, text, until};

fn ping() -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string()
}

/// Every request that these transports take, and its status when it is good. The first two end
/// with a response that does not end.
async fn requests(client: &Sse) -> [(Post, u16); 4] {
    let mut own_path = client.post(&ping());
    own_path.target = own_path.target.replace("/messages", "/sse");
    [
        (sse::get(), 200),
        (handshake(), 101),
        (client.post(&ping()), 202),
        (own_path, 202),
    ]
}

/// The status of a request, whose response need not end.
async fn status(served: &Served, post: &Post) -> u16 {
    let mut wire = served.wire().await;
    wire.send(&post.bytes(served.addr)).await;
    wire.head().await.expect("a response").0
}

#[tokio::test]
async fn row_01_dns_rebinding_on_every_path() {
    let served = serve(adder()).await;
    let client = Sse::open(&served).await;
    let host = served.addr.to_string();
    for (request, good) in requests(&client).await {
        let ask = async |name: &str, value: &str| {
            status(&served, &request.clone().header(name, value)).await
        };
        assert_eq!(status(&served, &request).await, good);
        for foreign in [
            "evil.com",
            "localhost.evil.com",
            "127.0.0.1.nip.io",
            "localhost.",
        ] {
            assert_eq!(ask("host", foreign).await, 421, "{foreign}");
        }
        for origin in ["http://evil.com", "null", "https://localhost.evil.com", ""] {
            assert_eq!(ask("origin", origin).await, 403, "{origin}");
        }
        let page = format!("http://{host}");
        assert_eq!(ask("origin", &page).await, good);
        let two = request
            .clone()
            .header("host", &host)
            .header("host", "evil.com");
        assert_eq!(status(&served, &two).await, 400);
        let mut absolute = request.clone().header("host", "evil.com");
        absolute.target = format!("http://evil.com{}", request.target);
        assert_eq!(status(&served, &absolute).await, 421);
    }
    // Neither are paths that do not exist an answer to strangers.
    let mut nothing = Post::bare("GET").header("host", "evil.com");
    nothing.target = "/nothing".into();
    assert_eq!(status(&served, &nothing).await, 421);
}

#[tokio::test]
async fn row_02_cross_site_requests_on_every_path() {
    let served = serve(adder()).await;
    let mut client = Sse::open(&served).await;
    for (request, _) in requests(&client).await {
        let foreign = request.clone().header("sec-fetch-site", "cross-site");
        assert_eq!(status(&served, &foreign).await, 403);
        if request.method != "POST" {
            continue;
        }
        for media_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
            let simple = request.clone().set("content-type", media_type);
            assert_eq!(status(&served, &simple).await, 415, "{media_type}");
        }
        let none = request.without("content-type");
        assert_eq!(status(&served, &none).await, 415);
    }
    // Nothing of this was taken in.
    client
        .send(&json!({"jsonrpc": "2.0", "id": "last", "method": "ping"}))
        .await;
    assert_eq!(client.stream.expect().await["id"], "last");
    let page = "http://localhost:3000";
    let stream = served.stream(&sse::get().header("origin", page)).await;
    assert_eq!(
        stream.head.header("access-control-allow-origin"),
        Some(page)
    );
}

#[tokio::test]
async fn row_05_session_binding_a_stolen_stream_is_an_unknown_one() {
    let served = serve(adder().http(tokens())).await;
    let mut ada = Sse::open_as(&served, Some("ada")).await;
    ada.initialize("2024-11-05", json!({})).await;
    let stolen = ada.post(&ping()).bearer(Some("eve"));
    let mut unknown = stolen.clone();
    unknown.target = format!("/messages?sessionId={}", "0123456789abcdef".repeat(2));
    let (stolen, unknown) = (served.ask(&stolen).await, served.ask(&unknown).await);
    assert_eq!((stolen.status, &stolen.body), (404, &unknown.body));
    assert_eq!(unknown.status, 404);
    for token in [None, Some("old"), Some("")] {
        let post = ada.post(&ping()).bearer(token);
        assert_eq!(status(&served, &post).await, 401, "{token:?}");
        assert_eq!(status(&served, &sse::get().bearer(token)).await, 401);
        assert_eq!(status(&served, &handshake().bearer(token)).await, 401);
    }
    // Nothing of this has reached the session.
    let sum = ada.call("add", json!({"a": 1, "b": 2})).await;
    assert_eq!(text(&sum["result"]), "3");
    assert!(ada.before.is_empty());
}

/// A tool that says who calls it.
fn whoami() -> Tool {
    Tool::new("whoami").handler(|_: NoArguments, ctx: Context| async move {
        ctx.principal()
            .map(|principal| principal.subject.clone())
            .unwrap_or_default()
    })
}

#[tokio::test]
async fn row_05_session_binding_handlers_know_who_calls() {
    let served = serve(Server::new("Test").tool(whoami()).http(tokens())).await;
    let mut ada = Sse::open_as(&served, Some("ada")).await;
    ada.initialize("2024-11-05", json!({})).await;
    assert_eq!(text(&ada.call("whoami", json!({})).await["result"]), "ada");
    let eve = handshake().bearer(Some("eve"));
    let mut eve = Socket::open_as(&served, &eve).await.ok().unwrap();
    eve.initialize("2025-11-25", json!({})).await;
    assert_eq!(text(&eve.call("whoami", json!({})).await["result"]), "eve");
}

const LIMIT: usize = 64 * 1024;

fn small() -> Server {
    let limits = Limits {
        message_bytes: LIMIT,
        ..Limits::default()
    };
    adder().tool(echo).limits(limits)
}

/// A call of `echo` that is exactly so long.
fn sized(size: usize) -> String {
    let of = |length: usize| {
        let params = json!({"name": "echo", "arguments": {"text": "x".repeat(length)}});
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string()
    };
    of(size - of(0).len())
}

#[tokio::test]
async fn row_21_unbounded_bodies_posted_to_a_stream() {
    let served = serve(small()).await;
    let mut client = Sse::open(&served).await;
    client.initialize("2024-11-05", json!({})).await;
    assert_eq!(client.send_raw(&sized(LIMIT)).await.status, 202);
    client.answer(&json!(1)).await;
    assert_eq!(client.send_raw(&sized(LIMIT + 1)).await.status, 413);
    let declared = client.post("").header("content-length", "1073741824");
    assert_eq!(status(&served, &declared).await, 413);
    let endless = client.post("").header("transfer-encoding", "chunked");
    let mut wire = served.wire().await;
    wire.send(&endless.head(served.addr)).await;
    let chunk = [&b"2000\r\n"[..], &[b' '; 8192], b"\r\n"].concat();
    let mut sent = 0;
    while tokio::io::AsyncWriteExt::write_all(&mut wire.stream, &chunk)
        .await
        .is_ok()
    {
        sent += chunk.len();
        assert!(sent < 256 << 20, "it reads on and on");
    }
    // The session has not noticed.
    assert_eq!(client.ask("ping", json!({})).await["result"], json!({}));
}

#[tokio::test]
async fn row_21_unbounded_frames() {
    let served = serve(small()).await;
    let mut client = Socket::open(&served).await;
    client.initialize("2025-11-25", json!({})).await;
    client.send_text(&sized(LIMIT)).await;
    client.answer(&json!(1)).await;
    client.send_text(&sized(LIMIT + 1)).await;
    assert_eq!(client.closed().await, Some(1009));

    // Refused by its head, before a byte of it comes.
    for length in [65_537_u64, 1 << 30, u64::MAX >> 1, u64::MAX] {
        let mut client = Socket::open(&served).await;
        let head = [&[FIN | TEXT, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat();
        client.wire.send(&head).await;
        let code = client.closed().await;
        assert!(matches!(code, Some(1009 | 1002)), "{length}: {code:?}");
    }
    // In many small frames.
    let mut client = Socket::open(&served).await;
    client.send_frame(TEXT, b"\"").await;
    let more = frame(0, &[b'x'; 1000]);
    let mut sent = 0;
    while tokio::io::AsyncWriteExt::write_all(&mut client.wire.stream, &more)
        .await
        .is_ok()
    {
        sent += more.len();
        assert!(sent < 256 << 20, "it reads on and on");
    }
    // One whose client reads only when it has sent everything hears of it.
    let mut client = Socket::open(&served).await;
    for piece in frame(FIN | TEXT, &[b'x'; 3 * LIMIT]).chunks(50_000) {
        client.wire.send(piece).await;
        tokio::time::sleep(20 * MS).await;
    }
    assert_eq!(client.closed().await, Some(1009));
}

#[tokio::test]
async fn row_23_floods_of_streams() {
    let limits = Limits {
        listens: 4,
        ..Limits::default()
    };
    let served = serve(adder().limits(limits)).await;
    let streams = (Sse::open(&served).await, Sse::open(&served).await);
    let sockets = (Socket::open(&served).await, Socket::open(&served).await);
    for _ in 0..20 {
        assert_eq!(status(&served, &sse::get()).await, 429);
        assert_eq!(status(&served, &handshake()).await, 429);
    }
    // A place is free as soon as its connection is gone.
    drop((streams.0, sockets.0));
    crate::wire::soon(async {
        for request in [sse::get(), handshake()] {
            let mut wire = served.wire().await;
            loop {
                wire.send(&request.bytes(served.addr)).await;
                if wire.head().await.unwrap().0 != 429 {
                    break;
                }
                wire = served.wire().await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn row_23_floods_of_streams_per_principal() {
    let limits = Limits {
        listens_per_principal: 2,
        ..Limits::default()
    };
    let served = serve(adder().limits(limits).http(tokens())).await;
    let one = Sse::open_as(&served, Some("ada")).await;
    let two = Socket::open_as(&served, &handshake().bearer(Some("ada"))).await;
    for request in [sse::get(), handshake()] {
        let refused = status(&served, &request.clone().bearer(Some("ada"))).await;
        assert_eq!(refused, 429);
        assert!(status(&served, &request.bearer(Some("eve"))).await < 300);
    }
    drop((one, two.ok()));
}

#[tokio::test]
async fn row_23_floods_of_streams_that_nobody_uses() {
    let limits = Limits {
        session_unused: 200 * MS,
        ..Limits::default()
    };
    let served = serve(adder().limits(limits)).await;
    let mut unused = Sse::open(&served).await;
    let mut used = Sse::open(&served).await;
    used.initialize("2024-11-05", json!({})).await;
    assert_eq!(unused.stream.message().await, None);
    assert_eq!(unused.send_raw(&ping()).await.status, 404);
    assert_eq!(used.ask("ping", json!({})).await["result"], json!({}));

    let mut unused = Socket::open(&served).await;
    let mut used = Socket::open(&served).await;
    used.initialize("2025-11-25", json!({})).await;
    assert_eq!(unused.closed().await, Some(1008));
    assert_eq!(used.ask("ping", json!({})).await["result"], json!({}));
}

#[tokio::test]
async fn row_23_floods_of_calls_on_a_stream() {
    let watch = Watch::new();
    let limits = Limits {
        calls_per_session: 4,
        ..Limits::default()
    };
    let served = serve(adder().tool(wait(&watch)).limits(limits)).await;
    let call = |id: i64| {
        let params = json!({"name": "wait"});
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})
    };
    let mut stream = Sse::open(&served).await;
    stream.initialize("2024-11-05", json!({})).await;
    let mut socket = Socket::open(&served).await;
    socket.initialize("2025-11-25", json!({})).await;
    for id in 100..104 {
        stream.send(&call(id)).await;
        socket.send(&call(id)).await;
    }
    until(|| watch.started() == 8).await;
    for id in 110..120 {
        stream.send(&call(id)).await;
        socket.send(&call(id)).await;
        for refused in [
            stream.answer(&json!(id)).await,
            socket.answer(&json!(id)).await,
        ] {
            assert_eq!(refused["error"]["code"], -32603, "{refused}");
        }
    }
    // One id cannot be two calls.
    stream.send(&call(100)).await;
    socket.send(&call(100)).await;
    for refused in [stream.stream.expect().await, socket.expect().await] {
        assert_eq!(refused["error"]["code"], -32600, "{refused}");
        assert_eq!(refused.get("id"), None);
    }
    // Cancellations get through, whatever runs.
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 100}});
    stream.send(&cancel).await;
    socket.send(&cancel).await;
    for message in [
        stream.call("add", json!({"a": 1, "b": 2})).await,
        socket.call("add", json!({"a": 1, "b": 2})).await,
    ] {
        assert_eq!(text(&message["result"]), "3");
    }
    assert_eq!(watch.started(), 8);
}

/// A tool that says very much, and counts how often it could.
fn flood(said: &Arc<AtomicUsize>, watch: &Arc<Watch>) -> Tool {
    let (said, watch) = (Arc::clone(said), Arc::clone(watch));
    Tool::new("flood").handler(move |_: NoArguments, ctx: Context| {
        let (said, watch) = (Arc::clone(&said), Arc::clone(&watch));
        async move {
            let work = async {
                loop {
                    ctx.warning("x".repeat(10_000)).await;
                    said.fetch_add(1, Ordering::SeqCst);
                }
            };
            tokio::select! {
                () = work => {}
                () = watch.wait() => {}
            }
        }
    })
}

#[tokio::test]
async fn row_23_slow_readers_of_streams_are_dropped_with_their_calls() {
    for socket in [false, true] {
        let (said, watch) = (Arc::default(), Watch::new());
        let limits = Limits {
            stream_messages: 8,
            write_timeout: 200 * MS,
            ..Limits::default()
        };
        let server = adder().tool(flood(&said, &watch)).limits(limits);
        let served = serve(server).await;
        let call =
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "flood"}});
        let (mut stream, mut connection) = (None, None);
        if socket {
            let mut client = Socket::open(&served).await;
            client.initialize("2025-11-25", json!({})).await;
            client.send(&call).await;
            connection = Some(client);
        } else {
            let mut client = Sse::open(&served).await;
            client.initialize("2024-11-05", json!({})).await;
            client.send(&call).await;
            stream = Some(client);
        }
        // Nobody reads: the sender waits, and then the connection and the call end.
        until(|| watch.was_dropped()).await;
        let before = said.load(Ordering::SeqCst);
        assert!(before < 10_000, "{before} messages are not bounded");
        if let Some(mut client) = stream {
            client.stream.rest().await;
            assert!(client.stream.was_cut());
            assert_eq!(client.send_raw(&ping()).await.status, 404);
        }
        if let Some(mut client) = connection {
            client.wire.closed().await;
        }
        let mut next = Socket::open(&served).await;
        next.initialize("2025-11-25", json!({})).await;
    }
}

#[tokio::test]
async fn row_23_floods_of_posts_to_a_stream_that_is_not_read() {
    let limits = Limits {
        write_timeout: Duration::from_secs(3600),
        body_timeout: Duration::from_secs(3600),
        ..Limits::default()
    };
    let served = serve(adder().tool(echo).limits(limits)).await;
    let mut client = Sse::open(&served).await;
    client.initialize("2024-11-05", json!({})).await;
    let large = sized(1 << 20);
    let mut posted = 0;
    // Nothing more is taken in once enough answers wait.
    loop {
        let ask = client.send_raw(&large);
        match tokio::time::timeout(500 * MS, ask).await {
            Ok(answer) => assert_eq!(answer.status, 202),
            Err(_waiting) => break,
        }
        posted += 1;
        assert!(posted < 1000, "it takes on and on");
    }
    for _ in 0..posted {
        client.answer(&json!(1)).await;
    }
    assert_eq!(client.ask("ping", json!({})).await["result"], json!({}));
}

#[tokio::test]
async fn row_23_floods_of_frames_whose_answers_nobody_reads() {
    let limits = Limits {
        write_timeout: Duration::from_secs(3600),
        ..Limits::default()
    };
    let served = serve(adder().limits(limits)).await;
    let mut client = Socket::open(&served).await;
    client.initialize("2025-11-25", json!({})).await;
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    let many = frame(FIN | TEXT, list.as_bytes()).repeat(100);
    let mut sent = 0;
    while let Ok(written) = tokio::time::timeout(
        300 * MS,
        tokio::io::AsyncWriteExt::write_all(&mut client.wire.stream, &many),
    )
    .await
    {
        written.unwrap();
        sent += 100;
        assert!(sent < 2_000_000, "it reads on and on");
    }
    for _ in 0..sent {
        assert_eq!(client.expect().await["id"], 1);
    }
}

#[tokio::test]
async fn row_24_slowloris_in_a_frame() {
    let limits = Limits {
        body_timeout: 200 * MS,
        ..Limits::default()
    };
    let served = serve(adder().limits(limits)).await;
    let bytes = frame(FIN | TEXT, &[b' '; 1000]);
    for sent in [1, 5, 9, 500] {
        let mut client = Socket::open(&served).await;
        client.initialize("2025-11-25", json!({})).await;
        client.wire.send(&bytes[..sent]).await;
        assert_eq!(client.closed().await, Some(1008), "{sent}");
    }
    // A byte now and then does not buy time, and neither do pings between the pieces.
    let mut client = Socket::open(&served).await;
    assert!(
        !client.wire.send_slowly(&bytes, 10 * MS).await,
        "it never ended"
    );
    let mut client = Socket::open(&served).await;
    client.send_frame(TEXT, b"{").await;
    let mut writer = async || {
        for _ in 0..200 {
            let ping = [frame(FIN | 9, b"x"), frame(0, b" ")].concat();
            if tokio::io::AsyncWriteExt::write_all(&mut client.wire.stream, &ping)
                .await
                .is_err()
            {
                return;
            }
            tokio::time::sleep(20 * MS).await;
        }
        panic!("it never ended");
    };
    writer().await;
    // Pongs and pings alone are no beginning of a message.
    let mut client = Socket::open(&served).await;
    client.initialize("2025-11-25", json!({})).await;
    for _ in 0..20 {
        client.send_frame(FIN | 10, b"unasked").await;
        tokio::time::sleep(30 * MS).await;
    }
    assert_eq!(client.ask("ping", json!({})).await["result"], json!({}));
}

#[tokio::test]
async fn row_24_slowloris_in_the_handshake() {
    let long = Duration::from_secs(3600);
    let limits = Limits {
        header_timeout: 200 * MS,
        body_timeout: long,
        connections: 1,
        ..Limits::default()
    };
    let served = serve(adder().limits(limits)).await;
    for request in [sse::get(), handshake()] {
        let bytes = request.bytes(served.addr);
        let mut wire = served.wire().await;
        wire.send(&bytes[..bytes.len() - 2]).await;
        assert_eq!(wire.closed().await, b"");
    }
    // A connection that became a WebSocket keeps its place, and gives it back.
    let client = Socket::open(&served).await;
    let mut next = served.wire().await;
    next.send(&handshake().bytes(served.addr)).await;
    assert!(tokio::time::timeout(500 * MS, next.head()).await.is_err());
    drop(client);
    assert_eq!(next.head().await.unwrap().0, 101);
}
