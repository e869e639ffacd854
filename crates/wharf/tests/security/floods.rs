//! Row 23: very many sessions, streams and calls, and clients that do not read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use wharf::{Context, Limits, NoArguments, Resource, Tool};

use crate::wire::tools::{Watch, adder, tokens, wait};
use crate::wire::{Kind, Legacy, MS, Modern, Peer, Post, Served, json, legacy, serve, text, until};

fn initialize(token: Option<&str>) -> Post {
    Post::new(legacy::initialize("2025-11-25", json!({})).to_string()).bearer(token)
}

async fn still_answers(served: &Served, token: Option<&'static str>) {
    let mut client = Modern::new(served);
    client.token = token;
    let answer = client.call("add", json!({"a": 1, "b": 2})).await;
    assert_eq!(text(&answer.result()), "3");
}

#[tokio::test]
async fn row_23_floods_of_sessions() {
    let limits = Limits {
        sessions: 8,
        ..Limits::default()
    };
    let served = serve(adder().limits(limits)).await;
    let mut clients = Vec::new();
    for _ in 0..8 {
        clients.push(Legacy::open(&served).await);
    }
    for _ in 0..100 {
        let refused = served.ask(&initialize(None)).await;
        assert_eq!(refused.error(), (429, -32603));
        assert_eq!(refused.header("mcp-session-id"), None);
    }
    // Those that are open work on, and one that ends makes room.
    for client in &clients {
        assert_eq!(client.ask("ping", json!({})).await.status, 200);
    }
    still_answers(&served, None).await;
    assert_eq!(clients.pop().unwrap().delete().await.status, 204);
    assert_eq!(served.ask(&initialize(None)).await.status, 200);
    assert_eq!(served.ask(&initialize(None)).await.status, 429);
}

#[tokio::test]
async fn row_23_floods_of_sessions_that_nobody_uses() {
    let limits = Limits {
        sessions: 20,
        session_unused: 100 * MS,
        session_idle: Duration::from_secs(3600),
        ..Limits::default()
    };
    let served = serve(adder().limits(limits)).await;
    let used = Legacy::open(&served).await;
    let mut opened = 0;
    // They make room by themselves: a flood passes through, as fast as it may.
    while opened < 60 {
        match served.ask(&initialize(None)).await.status {
            200 => opened += 1,
            429 => tokio::time::sleep(10 * MS).await,
            other => panic!("{other}"),
        }
    }
    assert_eq!(
        used.ask("ping", json!({})).await.status,
        200,
        "a session in use stays"
    );
}

#[tokio::test]
async fn row_23_floods_of_sessions_that_are_idle() {
    let watch = Watch::new();
    let limits = Limits {
        session_idle: 100 * MS,
        ..Limits::default()
    };
    let served = serve(adder().tool(wait(&watch)).limits(limits)).await;
    let (idle, busy, listening) = (
        Legacy::open(&served).await,
        Legacy::open(&served).await,
        Legacy::open(&served).await,
    );
    let _stream = listening.listen().await;
    let call = busy.tool(1, "wait", json!({}));
    let (answer, ()) = tokio::join!(served.ask(&call), async {
        until(|| watch.has_started()).await;
        crate::wire::soon(async {
            // Every look at the session keeps it alive, so look after its time only.
            loop {
                tokio::time::sleep(1500 * MS).await;
                if idle.ask("ping", json!({})).await.status == 404 {
                    break;
                }
            }
        })
        .await;
        watch.go();
    });
    assert_eq!(
        text(&answer.result()),
        "done",
        "a session with a call that runs is in use"
    );
    assert_eq!(
        listening.ask("ping", json!({})).await.status,
        200,
        "and one with an open stream"
    );
}

#[tokio::test]
async fn row_23_floods_of_sessions_per_principal() {
    let limits = Limits {
        sessions_per_principal: 3,
        ..Limits::default()
    };
    let served = serve(adder().limits(limits).http(tokens())).await;
    for _ in 0..3 {
        assert_eq!(served.ask(&initialize(Some("ada"))).await.status, 200);
    }
    assert_eq!(served.ask(&initialize(Some("ada"))).await.status, 429);
    // Others are not hit by it.
    let eve = Legacy::open_as(&served, "2025-11-25", json!({}), Some("eve")).await;
    assert_eq!(eve.delete().await.status, 204);
    for _ in 0..3 {
        assert_eq!(served.ask(&initialize(Some("eve"))).await.status, 200);
    }
    assert_eq!(served.ask(&initialize(Some("eve"))).await.status, 429);
    still_answers(&served, Some("eve")).await;
}

#[tokio::test]
async fn row_23_floods_of_listens() {
    let limits = Limits {
        listens: 5,
        ..Limits::default()
    };
    let served = serve(adder().limits(limits)).await;
    let modern = Modern::new(&served);
    let params = json!({"notifications": {"toolsListChanged": true}});
    let mut streams = Vec::new();
    for _ in 0..4 {
        let mut stream = modern.stream("subscriptions/listen", params.clone()).await;
        stream.expect().await;
        streams.push(stream);
    }
    let client = Legacy::open(&served).await;
    let get = client.listen().await;
    for _ in 0..20 {
        assert_eq!(
            modern
                .ask("subscriptions/listen", params.clone())
                .await
                .status,
            429
        );
        assert_eq!(served.ask(&client.get(None)).await.status, 429);
    }
    still_answers(&served, None).await;
    // A place is free again as soon as its stream is gone.
    drop(get);
    drop(streams.pop());
    let again = || async {
        loop {
            let mut wire = served.wire().await;
            wire.send(
                &modern
                    .post(1, "subscriptions/listen", params.clone())
                    .bytes(served.addr),
            )
            .await;
            let mut byte = [0; 12];
            tokio::io::AsyncReadExt::read_exact(&mut wire.stream, &mut byte)
                .await
                .unwrap();
            if byte.ends_with(b"200") {
                return wire;
            }
            assert!(byte.ends_with(b"429"));
        }
    };
    let (_one, _two) = crate::wire::soon(async { (again().await, again().await) }).await;
    assert_eq!(modern.ask("subscriptions/listen", params).await.status, 429);
}

#[tokio::test]
async fn row_23_floods_of_listens_per_principal() {
    let limits = Limits {
        listens_per_principal: 2,
        ..Limits::default()
    };
    let served = serve(adder().limits(limits).http(tokens())).await;
    let (ada, eve) = (
        Modern::new(&served).token("ada"),
        Modern::new(&served).token("eve"),
    );
    let params = || json!({"notifications": {"toolsListChanged": true}});
    let mut streams = Vec::new();
    for client in [&ada, &eve, &ada, &eve] {
        let mut stream = client.stream("subscriptions/listen", params()).await;
        stream.expect().await;
        streams.push(stream);
    }
    for client in [&ada, &eve] {
        assert_eq!(
            client.ask("subscriptions/listen", params()).await.status,
            429
        );
    }
}

#[tokio::test]
async fn row_23_floods_of_subscriptions() {
    let limits = Limits {
        subscriptions: 3,
        ..Limits::default()
    };
    let template = Resource::template("memo://{id}", |_: serde_json::Value, _: Context| async {
        "x"
    });
    let served = serve(adder().resource(template).limits(limits)).await;
    let client = Legacy::open(&served).await;
    for number in [1, 2, 3, 1, 2, 3] {
        let uri = format!("memo://{number}");
        assert_eq!(
            client
                .ask("resources/subscribe", json!({"uri": uri}))
                .await
                .result(),
            json!({})
        );
    }
    let refused = client
        .ask("resources/subscribe", json!({"uri": "memo://4"}))
        .await;
    assert_eq!(refused.error().1, -32602);
    client
        .ask("resources/unsubscribe", json!({"uri": "memo://1"}))
        .await;
    assert_eq!(
        client
            .ask("resources/subscribe", json!({"uri": "memo://4"}))
            .await
            .result(),
        json!({})
    );
    let many: Vec<_> = (0..4).map(|number| format!("memo://{number}")).collect();
    let refused = Modern::new(&served)
        .ask(
            "subscriptions/listen",
            json!({"notifications": {"resourceSubscriptions": many}}),
        )
        .await;
    assert_eq!(refused.error(), (400, -32602));
    still_answers(&served, None).await;
}

#[tokio::test]
async fn row_23_floods_of_calls_in_a_session() {
    let watch = Watch::new();
    let limits = Limits {
        calls_per_session: 4,
        ..Limits::default()
    };
    let served = serve(adder().tool(wait(&watch)).limits(limits)).await;
    let (client, other) = (Legacy::open(&served).await, Legacy::open(&served).await);
    let mut wires = Vec::new();
    for id in 0..4 {
        let mut wire = served.wire().await;
        wire.send(&client.tool(id, "wait", json!({})).bytes(served.addr))
            .await;
        wires.push(wire);
    }
    until(|| watch.started() == 4).await;
    for id in 10..30 {
        let refused = served.ask(&client.tool(id, "wait", json!({}))).await;
        assert_eq!(refused.error(), (429, -32603));
        assert_eq!(
            refused.json()["id"],
            id,
            "a client must know what was refused"
        );
    }
    assert_eq!(watch.started(), 4);
    assert_eq!(
        other.ask("ping", json!({})).await.status,
        200,
        "another session is not hit"
    );
    // Answers and cancellations get through, whatever runs.
    for id in 0..4 {
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
        assert_eq!(client.send(cancel).await.status, 202);
    }
    assert_eq!(client.ask("ping", json!({})).await.status, 200);
}

#[tokio::test]
async fn row_23_floods_of_calls_on_a_line() {
    for kind in [Kind::LegacyLine, Kind::ModernLine] {
        let watch = Watch::new();
        let limits = Limits {
            calls_per_session: 4,
            ..Limits::default()
        };
        let mut peer = Peer::open(kind, adder().tool(wait(&watch)).limits(limits)).await;
        let calls: Vec<_> = (0..20)
            .map(|_| peer.request_body("tools/call", json!({"name": "wait"})))
            .collect();
        let line = peer.line();
        for call in &calls {
            line.send(call).await;
        }
        until(|| watch.started() == 4).await;
        // Reading waits for one to end; none is lost.
        for ended in 1..=20 {
            assert!(watch.started() < ended + 4);
            watch.go();
            assert_eq!(text(&line.expect().await["result"]), "done");
            until(|| watch.started() >= (ended + 4).min(20)).await;
        }
        peer.still_answers().await;
    }
}

#[tokio::test]
async fn row_23_floods_of_connections() {
    let limits = Limits {
        connections: 3,
        ..Limits::default()
    };
    let served = serve(adder().limits(limits)).await;
    let mut wires = Vec::new();
    let good = Modern::new(&served).post(
        1,
        "tools/call",
        json!({"name": "add", "arguments": {"a": 1, "b": 2}}),
    );
    for _ in 0..3 {
        let mut wire = served.wire().await;
        assert_eq!(wire.ask(&good).await.status, 200);
        wires.push(wire);
    }
    // The next ones wait, and have their turn.
    let mut late = served.wire().await;
    late.send(&good.bytes(served.addr)).await;
    for wire in &mut wires {
        assert_eq!(wire.ask(&good).await.status, 200);
    }
    drop(wires);
    assert_eq!(late.answer().await.status, 200);
}

/// A tool that says very much, and counts how often it could.
fn flood(said: &Arc<AtomicUsize>, watch: &Arc<Watch>, messages: usize) -> Tool {
    let (said, watch) = (Arc::clone(said), Arc::clone(watch));
    Tool::new("flood").handler(move |_: NoArguments, ctx: Context| {
        let (said, watch) = (Arc::clone(&said), Arc::clone(&watch));
        async move {
            let work = async {
                for _ in 0..messages {
                    ctx.warning("x".repeat(10_000)).await;
                    said.fetch_add(1, Ordering::SeqCst);
                }
                watch.go();
            };
            tokio::join!(work, watch.wait());
            "done"
        }
    })
}

fn small() -> Limits {
    Limits {
        stream_messages: 8,
        replay_events: 8,
        write_timeout: 200 * MS,
        ..Limits::default()
    }
}

#[tokio::test]
async fn row_23_slow_readers_are_dropped_with_their_calls() {
    let (said, watch) = (Arc::default(), Watch::new());
    let server = adder()
        .tool(flood(&said, &watch, usize::MAX))
        .limits(small());
    let served = serve(server).await;
    let client = Modern::new(&served).meta("io.modelcontextprotocol/logLevel", "info");
    let mut stream = client.stream("tools/call", json!({"name": "flood"})).await;
    stream.expect().await;
    // Not reading any more: the sender waits, and then the connection and the call end.
    until(|| watch.was_dropped()).await;
    let before = said.load(Ordering::SeqCst);
    assert!(before < 100_000, "{before} messages are not bounded");
    stream.rest().await;
    assert!(stream.was_cut());
    still_answers(&served, None).await;
}

#[tokio::test]
async fn row_23_slow_readers_of_a_session_hold_up_nobody() {
    let (said, watch) = (Arc::default(), Watch::new());
    let server = adder().tool(flood(&said, &watch, 3000)).limits(small());
    let served = serve(server).await;
    let client = Legacy::open(&served).await;
    let mut stream = served.stream(&client.tool(1, "flood", json!({}))).await;
    stream.expect().await;
    // The connection ends, and the call goes on without a reader.
    until(|| watch.has_finished()).await;
    assert_eq!(said.load(Ordering::SeqCst), 3000);
    let events = stream.rest().await;
    assert!(stream.was_cut());
    // What is no longer kept is not skipped in silence.
    let last = events.last().and_then(|event| event.id.clone()).unwrap();
    assert_eq!(served.ask(&client.get(Some(&last))).await.status, 404);
    assert_eq!(client.ask("ping", json!({})).await.status, 200);
}

#[tokio::test]
async fn row_23_slow_readers_get_fewer_notices() {
    let server = adder().resource(Resource::text("memo://a", "x"));
    let catalog = server.catalog().clone();
    let touch = Tool::new("touch").handler(|_: NoArguments, ctx: Context| async move {
        for _ in 0..100_000 {
            ctx.notify_resource_updated("memo://a");
        }
    });
    let served = serve(server.tool(touch)).await;
    let params =
        json!({"notifications": {"resourceSubscriptions": ["memo://a"], "toolsListChanged": true}});
    let mut stream = Modern::new(&served)
        .stream("subscriptions/listen", params)
        .await;
    stream.expect().await;
    Modern::new(&served).call("touch", json!({})).await.result();
    catalog
        .update(|edit| {
            edit.add_tool(Tool::new("new").handler(|_: NoArguments, _: Context| async { "x" }))
        })
        .unwrap();
    let mut updates = 0;
    loop {
        match stream.expect().await["method"].as_str().unwrap() {
            "notifications/resources/updated" => updates += 1,
            "notifications/tools/list_changed" => break,
            other => panic!("{other}"),
        }
    }
    assert!(
        (1..1000).contains(&updates),
        "{updates} notices of one kind"
    );
}

#[tokio::test]
async fn row_23_slow_readers_of_a_line_hold_up_their_own_calls() {
    for kind in [Kind::LegacyLine, Kind::ModernLine] {
        let (said, watch) = (Arc::default(), Watch::new());
        let server = adder().tool(flood(&said, &watch, 5000)).limits(small());
        let mut peer = Peer::open(kind, server).await;
        let meta = json!({"io.modelcontextprotocol/logLevel": "info"});
        let call = peer.request_body("tools/call", json!({"name": "flood", "_meta": meta}));
        let line = peer.line();
        line.send(&call).await;
        until(|| said.load(Ordering::SeqCst) > 0).await;
        // Whatever can be kept somewhere is kept by now; time only makes this test stricter.
        tokio::time::sleep(300 * MS).await;
        let before = said.load(Ordering::SeqCst);
        assert!(before < 1000, "{kind:?}: {before} messages of 10 kB");
        assert!(!watch.has_finished());
        let answer = line.answer(&call["id"]).await;
        assert_eq!(text(&answer["result"]), "done");
        assert_eq!(line.before.len(), 5000);
        line.before.clear();
        peer.still_answers().await;
    }
}

#[tokio::test]
async fn row_23_floods_of_requests_whose_answers_nobody_reads() {
    let mut line = crate::wire::Line::unix(adder());
    line.initialize("2025-11-25", json!({})).await;
    let many: String = (0..100)
        .map(|id| json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"}).to_string() + "\n")
        .collect();
    // Nothing more is taken in once enough answers wait.
    let mut sent = 0;
    while tokio::time::timeout(300 * MS, line.send_bytes(many.as_bytes()))
        .await
        .is_ok()
    {
        sent += 100;
        assert!(sent < 1_000_000, "it reads on and on");
    }
    for id in 0..sent {
        assert_eq!(line.expect().await["id"], id % 100);
    }
}
