//! WebSocket connections.

use wharf::http::HttpOptions;
use wharf::{Context, Limits, NoArguments, Tool};

use crate::wire::h2::Http2;
use crate::wire::socket::{BINARY, CLOSE, FIN, Frame, PING, PONG, TEXT, frame, handshake};
use crate::wire::tools::{Watch, adder, echo, greet, wait};
use crate::wire::{MS, Post, Socket, all_capabilities, json, meta, serve, text, until};

fn waiting(id: i64) -> serde_json::Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "wait"}})
}

fn ping(id: i64) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": "ping"}).to_string()
}

#[tokio::test]
async fn a_session() {
    let served = serve(adder()).await;
    let mut client = Socket::open(&served).await;
    let opened = client.initialize("2025-11-25", json!({})).await;
    assert_eq!(opened["protocolVersion"], "2025-11-25");
    let sum = client.call("add", json!({"a": 1, "b": 2})).await;
    assert_eq!(text(&sum["result"]), "3");
}

#[tokio::test]
async fn both_eras_on_one_connection() {
    let served = serve(adder()).await;
    let mut client = Socket::open(&served).await;
    let add = json!({"name": "add", "arguments": {"a": 1, "b": 2}});
    let mut modern = add.clone();
    modern["_meta"] = meta(json!({}));
    let answer = client.ask("tools/call", modern.clone()).await;
    assert_eq!(answer["result"]["resultType"], "complete");
    assert_eq!(
        client.ask("tools/call", add.clone()).await["error"]["code"],
        -32602
    );
    client.initialize("2025-06-18", json!({})).await;
    let legacy = client.ask("tools/call", add).await;
    assert_eq!(legacy["result"].get("resultType"), None);
    let answer = client.ask("tools/call", modern).await;
    assert_eq!(answer["result"]["resultType"], "complete");
}

#[tokio::test]
async fn sub_protocols() {
    let served = serve(adder()).await;
    let name = "sec-websocket-protocol";
    let good = [
        handshake().without(name),
        handshake().set(name, "soap, mcp"),
        handshake().set(name, "soap").header(name, "mcp"),
        handshake().set(name, "mcp,mcp"),
    ];
    for handshake in good {
        let client = Socket::open_as(&served, &handshake).await;
        let mut client = client.unwrap_or_else(|answer| panic!("{answer:?}"));
        client.initialize("2025-11-25", json!({})).await;
    }
    for offered in ["soap", "MCP", "mcp.v1", "", "mcpx, xmcp"] {
        let refused = Socket::open_as(&served, &handshake().set(name, offered)).await;
        let refused = refused.map(drop).unwrap_err();
        assert_eq!(refused.error(), (400, -32600), "{offered}");
    }
}

#[tokio::test]
async fn handshakes_that_are_none() {
    let served = serve(adder()).await;
    let refused = async |handshake: Post| {
        let refused = Socket::open_as(&served, &handshake).await;
        refused.map(drop).unwrap_err()
    };
    for handshake in [
        handshake().without("upgrade"),
        handshake().set("upgrade", "h2c"),
        handshake().without("connection"),
        handshake().set("connection", "keep-alive"),
    ] {
        let answer = refused(handshake).await;
        assert_eq!(answer.error(), (426, -32600));
        assert_eq!(answer.header("upgrade"), Some("websocket"));
    }
    for version in ["8", "14", "", "13, 8"] {
        let answer = refused(handshake().set("sec-websocket-version", version)).await;
        assert_eq!(answer.status, 426, "{version}");
        assert_eq!(answer.header("sec-websocket-version"), Some("13"));
    }
    let key = "sec-websocket-key";
    for handshake in [
        handshake().without(key),
        handshake().set(key, "dGhlIHNhbXBsZSBub25jZQ"),
        handshake().set(key, "AAAA"),
        handshake().header(key, "dGhlIHNhbXBsZSBub25jZQ=="),
    ] {
        assert_eq!(refused(handshake).await.error(), (400, -32600));
    }
    let mut post = handshake();
    post.method = "POST";
    assert_eq!(refused(post).await.header("allow"), Some("GET, OPTIONS"));
    // As browsers write it.
    let browser = handshake().set("connection", "keep-alive, Upgrade");
    assert!(Socket::open_as(&served, &browser).await.is_ok());

    let mut get = Post::bare("GET");
    get.target = "/ws".into();
    let http2 = Http2::open(served.addr).await;
    assert_eq!(http2.ask(&get).await.error(), (505, -32600));
}

#[tokio::test]
async fn a_path_that_is_switched_off_is_not_there() {
    let options = HttpOptions {
        websocket: None,
        ..HttpOptions::default()
    };
    let served = serve(adder().http(options)).await;
    let refused = Socket::open_as(&served, &handshake()).await;
    assert_eq!(refused.map(drop).unwrap_err().status, 404);
}

#[tokio::test]
async fn messages_in_pieces_with_pings_between() {
    let served = serve(adder()).await;
    let mut client = Socket::open(&served).await;
    let message = ping(5);
    let (first, rest) = message.as_bytes().split_at(10);
    let (second, third) = rest.split_at(10);
    client.send_frame(TEXT, first).await;
    client.send_frame(FIN | PING, b"are you there?").await;
    client.send_frame(0, second).await;
    client.send_frame(0, b"").await;
    let pong = client.frame().await.unwrap();
    assert_eq!(pong.head, FIN | PONG);
    assert_eq!(pong.payload, b"are you there?");
    client.send_frame(FIN | PONG, b"unasked").await;
    client.send_frame(FIN, third).await;
    assert_eq!(client.expect().await["id"], 5);
    // Byte by byte.
    let bytes = frame(FIN | TEXT, ping(6).as_bytes());
    assert!(client.wire.send_slowly(&bytes, MS).await);
    assert_eq!(client.expect().await["id"], 6);
}

#[tokio::test]
async fn what_is_no_message_is_answered_and_what_is_no_frame_ends_it() {
    let served = serve(adder()).await;
    let mut client = Socket::open(&served).await;
    for (text, code) in [
        ("", -32700),
        ("{", -32700),
        ("[]", -32600),
        ("{} {}", -32700),
    ] {
        client.send_text(text).await;
        assert_eq!(client.expect().await["error"]["code"], code, "{text}");
    }
    client.initialize("2025-11-25", json!({})).await;

    let unmasked = [&[FIN | TEXT, 2][..], b"{}"].concat();
    for (bytes, code) in [
        (frame(FIN | BINARY, ping(1).as_bytes()), 1003),
        (frame(FIN | TEXT, b"\"\xff\""), 1007),
        (unmasked, 1002),
        (frame(FIN | 0x40 | TEXT, b"{}"), 1002),
        (frame(FIN | 3, b""), 1002),
        (frame(FIN, b"{}"), 1002),
        (frame(PING, b""), 1002),
    ] {
        let mut client = Socket::open(&served).await;
        client.wire.send(&bytes).await;
        assert_eq!(client.closed().await, Some(code), "{bytes:?}");
    }
}

#[tokio::test]
async fn large_messages_and_many() {
    let served = serve(adder().tool(echo)).await;
    let mut client = Socket::open(&served).await;
    client.initialize("2025-11-25", json!({})).await;
    for length in [100, 125, 126, 60_000, 70_000, 3 << 20] {
        let long = "ä".repeat(length / 2);
        let answer = client.call("echo", json!({"text": long})).await;
        assert!(text(&answer["result"]) == long, "{length}");
    }
    let many: Vec<u8> = (0..5000)
        .flat_map(|id| frame(FIN | TEXT, ping(id).as_bytes()))
        .collect();
    client.wire.send(&many).await;
    for id in 0..5000 {
        assert_eq!(client.expect().await["id"], id);
    }
}

#[tokio::test]
async fn a_client_that_closes_ends_its_calls() {
    let watch = Watch::new();
    let served = serve(adder().tool(wait(&watch))).await;
    let mut client = Socket::open(&served).await;
    client.initialize("2025-11-25", json!({})).await;
    client.send(&waiting(1)).await;
    until(|| watch.has_started()).await;
    client
        .send_frame(FIN | CLOSE, &[&1000_u16.to_be_bytes()[..], b"bye"].concat())
        .await;
    let close = client.frame().await.unwrap();
    assert_eq!(close.code(), 1000);
    assert_eq!(client.frame().await, None);
    until(|| watch.was_dropped()).await;
}

#[tokio::test]
async fn a_connection_that_is_lost_ends_its_calls() {
    let watch = Watch::new();
    let served = serve(adder().tool(wait(&watch))).await;
    let mut client = Socket::open(&served).await;
    client.initialize("2025-11-25", json!({})).await;
    client.send(&waiting(1)).await;
    until(|| watch.has_started()).await;
    drop(client);
    until(|| watch.was_dropped()).await;
}

#[tokio::test]
async fn a_question_a_notice_and_a_cancellation() {
    let watch = Watch::new();
    let server = adder().tool(greet).tool(wait(&watch));
    let catalog = server.catalog().clone();
    let served = serve(server).await;
    let mut client = Socket::open(&served).await;
    client.initialize("2025-06-18", all_capabilities()).await;
    let call =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "greet"}});
    client.send(&call).await;
    let asked = client.expect().await;
    let person = json!({"action": "accept", "content": {"name": "Ada"}});
    client
        .send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": person}))
        .await;
    assert_eq!(
        text(&client.answer(&json!(1)).await["result"]),
        "Hello, Ada!"
    );

    let new = Tool::new("new").handler(|_: NoArguments, _: Context| async { "x" });
    catalog.update(|edit| edit.add_tool(new)).unwrap();
    let notice = client.expect().await;
    assert_eq!(notice["method"], "notifications/tools/list_changed");

    client.send(&waiting(9)).await;
    until(|| watch.has_started()).await;
    let params = json!({"requestId": 9});
    client
        .send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}))
        .await;
    until(|| watch.was_dropped()).await;
    client.send_text(&ping(9)).await;
    assert_eq!(client.expect().await["result"], json!({}));
}

#[tokio::test]
async fn calls_in_flight_finish_when_the_server_stops() {
    let watch = Watch::new();
    let mut served = serve(adder().tool(wait(&watch))).await;
    let mut client = Socket::open(&served).await;
    client.initialize("2025-11-25", json!({})).await;
    let mut idle = Socket::open(&served).await;
    client.send(&waiting(1)).await;
    until(|| watch.has_started()).await;
    served.tell_to_stop();
    assert_eq!(idle.closed().await, Some(1001));
    watch.go();
    assert_eq!(text(&client.answer(&json!(1)).await["result"]), "done");
    assert_eq!(client.closed().await, Some(1001));
    served.stopped().await;
}

#[tokio::test]
async fn calls_that_do_not_finish_are_dropped_when_the_server_stops() {
    let watch = Watch::new();
    let limits = Limits {
        shutdown: 100 * MS,
        ..Limits::default()
    };
    let mut served = serve(adder().tool(wait(&watch)).limits(limits)).await;
    let mut client = Socket::open(&served).await;
    client.initialize("2025-11-25", json!({})).await;
    client.send(&waiting(1)).await;
    until(|| watch.has_started()).await;
    served.tell_to_stop();
    served.stopped().await;
    assert!(watch.was_dropped());
}

#[tokio::test]
async fn a_quiet_client_is_asked_for_a_sign_of_life() {
    let limits = Limits {
        keep_alive: 50 * MS,
        idle_timeout: 300 * MS,
        header_timeout: 100 * MS,
        ..Limits::default()
    };
    let served = serve(adder().limits(limits)).await;
    let mut alive = Socket::open(&served).await;
    alive.initialize("2025-11-25", json!({})).await;
    let quiet = tokio::time::timeout(1000 * MS, alive.message()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    assert!(alive.pings >= 5, "{}", alive.pings);
    assert_eq!(alive.ask("ping", json!({})).await["result"], json!({}));

    let mut dead = Socket::open(&served).await;
    dead.initialize("2025-11-25", json!({})).await;
    dead.answers_pings = false;
    assert_eq!(dead.message().await, Err(None::<Frame>));
    assert!(dead.pings >= 2, "{}", dead.pings);
}
