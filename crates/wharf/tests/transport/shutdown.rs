//! The end of a server: what runs may finish, what waits is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wharf::{Limits, Server};

use crate::wire::h2::Http2;
use crate::wire::tools::{Watch, add, adder, wait};
use crate::wire::{Legacy, MS, Modern, Wire, json, serve, text, until};

#[tokio::test]
async fn calls_in_flight_finish() {
    let watch = Watch::new();
    let mut served = serve(adder().tool(wait(&watch))).await;
    let (modern, legacy) = (Watch::new(), Legacy::open(&served).await);
    drop(modern);
    let client = Modern::new(&served);
    let mut one = served.wire().await;
    one.send(
        &client
            .post(1, "tools/call", json!({"name": "wait"}))
            .bytes(served.addr),
    )
    .await;
    let mut two = served.wire().await;
    two.send(&legacy.tool(1, "wait", json!({})).bytes(served.addr))
        .await;
    until(|| watch.started() == 2).await;
    let addr = served.addr;
    served.tell_to_stop();
    // Nobody else is let in.
    crate::wire::soon(async {
        while tokio::net::TcpStream::connect(addr).await.is_ok() {
            tokio::time::sleep(5 * MS).await;
        }
    })
    .await;
    assert!(!served.is_finished() && !watch.was_dropped());
    watch.go();
    watch.go();
    until(|| watch.has_finished()).await;
    watch.go();
    assert_eq!(text(&one.answer().await.result()), "done");
    assert_eq!(text(&two.answer().await.result()), "done");
    served.stopped().await;
}

#[tokio::test]
async fn streams_are_told() {
    let mut served = serve(adder()).await;
    let client = Modern::new(&served);
    let params = json!({"notifications": {"toolsListChanged": true}});
    let mut listen = client.stream("subscriptions/listen", params).await;
    listen.expect().await;
    let session = Legacy::open(&served).await;
    let mut notices = session.listen().await;
    notices.event().await.unwrap();
    let (mut idle, mut greeted) = (served.wire().await, Http2::open(served.addr).await);
    let call = client.post(
        1,
        "tools/call",
        json!({"name": "add", "arguments": {"a": 1, "b": 2}}),
    );
    assert_eq!(idle.ask(&call).await.status, 200);
    assert_eq!(greeted.ask(&call).await.status, 200);
    served.tell_to_stop();
    let result = listen.expect().await;
    assert_eq!(result["id"], 1);
    assert_eq!(
        result["result"]["_meta"]["io.modelcontextprotocol/subscriptionId"],
        1
    );
    assert_eq!(result["result"]["resultType"], "complete");
    assert_eq!(listen.message().await, None);
    assert_eq!(notices.message().await, None);
    assert!(!listen.was_cut() && !notices.was_cut());
    assert_eq!(idle.closed().await, b"");
    greeted.addr.set_port(0);
    greeted.closed().await;
    served.stopped().await;
}

#[tokio::test]
async fn calls_that_do_not_finish_are_dropped() {
    let watch = Watch::new();
    let limits = Limits {
        shutdown: 100 * MS,
        ..Limits::default()
    };
    let mut served = serve(adder().tool(wait(&watch)).limits(limits)).await;
    let client = Modern::new(&served);
    let mut wire = served.wire().await;
    wire.send(
        &client
            .post(1, "tools/call", json!({"name": "wait"}))
            .bytes(served.addr),
    )
    .await;
    until(|| watch.has_started()).await;
    served.tell_to_stop();
    assert!(wire.try_answer().await.is_none());
    served.stopped().await;
    assert!(watch.was_dropped());
}

#[tokio::test]
async fn calls_of_a_session_without_a_connection_are_dropped() {
    let watch = Watch::new();
    let mut served = serve(adder().tool(wait(&watch))).await;
    let client = Legacy::open(&served).await;
    let mut wire = served.wire().await;
    wire.send(&client.tool(1, "wait", json!({})).bytes(served.addr))
        .await;
    until(|| watch.has_started()).await;
    drop(wire);
    served.tell_to_stop();
    served.stopped().await;
    until(|| watch.was_dropped()).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_up_the_end_only_so_long() {
    let limits = Limits {
        shutdown: 200 * MS,
        write_timeout: Duration::from_secs(3600),
        ..Limits::default()
    };
    let big = "x".repeat(3 << 20);
    let server = Server::new("Test")
        .tool(add)
        .tool(crate::wire::tools::echo)
        .limits(limits);
    let mut served = serve(server).await;
    let client = Modern::new(&served);
    let large = client.post(
        1,
        "tools/call",
        json!({"name": "echo", "arguments": {"text": big}}),
    );
    let mut wires = Vec::new();
    for _ in 0..3 {
        let mut wire: Wire = served.wire().await;
        wire.send(&large.bytes(served.addr)).await;
        wires.push(wire);
    }
    served.tell_to_stop();
    served.stopped().await;
}

#[tokio::test]
async fn what_was_made_at_the_start_is_put_away_at_the_end() {
    let away = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&away);
    let server = adder().lifespan(
        || async { Ok::<_, wharf::Error>(7_u32) },
        move |value: Arc<u32>| async move {
            assert_eq!(*value, 7);
            flag.store(true, Ordering::SeqCst);
        },
    );
    let mut served = serve(server).await;
    assert!(!away.load(Ordering::SeqCst));
    served.tell_to_stop();
    served.stopped().await;
    assert!(away.load(Ordering::SeqCst));
}

#[tokio::test]
async fn http_2_basics() {
    let watch = Watch::new();
    let served = serve(adder().tool(wait(&watch))).await;
    let http2 = Http2::open(served.addr).await;
    let client = Modern::new(&served);
    let call = |id: i64| {
        client.post(
            id,
            "tools/call",
            json!({"name": "add", "arguments": {"a": id, "b": 2}}),
        )
    };
    // Many at once on one connection, while one waits.
    let waiting = client.post("w", "tools/call", json!({"name": "wait"}));
    let (answer, ()) = tokio::join!(http2.ask(&waiting), async {
        until(|| watch.has_started()).await;
        let posts = [call(1), call(2), call(3)];
        let (one, two, three) = tokio::join!(
            http2.ask(&posts[0]),
            http2.ask(&posts[1]),
            http2.ask(&posts[2])
        );
        for (id, answer) in [one, two, three].iter().enumerate() {
            assert_eq!(text(&answer.result()), (id + 3).to_string());
        }
        watch.go();
    });
    assert_eq!(text(&answer.result()), "done");
    // A session, and a stream.
    let body = crate::wire::legacy::initialize("2025-11-25", json!({})).to_string();
    let opened = http2.ask(&crate::wire::Post::new(body)).await;
    let session = opened.header("mcp-session-id").unwrap().to_owned();
    let get = crate::wire::Post::bare("GET")
        .header("accept", "text/event-stream")
        .header("mcp-session-id", &session);
    let response = http2.send(&get, &served.addr.to_string()).await.unwrap();
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    let frame = crate::wire::soon(http_body_util::BodyExt::frame(&mut body))
        .await
        .unwrap()
        .unwrap();
    assert!(frame.into_data().unwrap().starts_with(b"id: "));
    let delete = crate::wire::Post::bare("DELETE").header("mcp-session-id", &session);
    assert_eq!(http2.ask(&delete).await.status, 204);
    let rest = crate::wire::soon(http_body_util::BodyExt::collect(body))
        .await
        .unwrap();
    assert!(rest.to_bytes().is_empty());
}
