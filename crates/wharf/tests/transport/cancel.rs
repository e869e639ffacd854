//! Calls that nobody waits for any more.

use std::time::Duration;

use wharf::{Context, Limits, NoArguments, Tool};

use crate::wire::h2::Http2;
use crate::wire::tools::{Person, Watch, adder, steps, wait};
use crate::wire::{
    Kind, Legacy, Line, MS, Modern, Peer, all_capabilities, json, serve, soon, text, until,
};

#[tokio::test]
async fn a_lost_connection_cancels_in_2026_07_28() {
    let watch = Watch::new();
    let served = serve(adder().tool(wait(&watch)).tool(steps(&watch))).await;
    let client = Modern::new(&served);
    // Before anything was answered.
    let mut wire = served.wire().await;
    let call = client.post(1, "tools/call", json!({"name": "wait"}));
    wire.send(&call.bytes(served.addr)).await;
    until(|| watch.has_started()).await;
    drop(wire);
    until(|| watch.was_dropped()).await;
    assert_eq!(
        text(&client.call("add", json!({"a": 1, "b": 2})).await.result()),
        "3"
    );
}

#[tokio::test]
async fn a_lost_stream_cancels_in_2026_07_28() {
    let watch = Watch::new();
    let served = serve(adder().tool(steps(&watch))).await;
    let client = Modern::new(&served).meta("progressToken", 1);
    let params = json!({"name": "steps", "arguments": {"count": 1}});
    let mut stream = client.stream("tools/call", params).await;
    stream.expect().await;
    until(|| watch.has_started()).await;
    drop(stream);
    until(|| watch.was_dropped()).await;
}

#[tokio::test]
async fn a_stream_reset_over_http_2_cancels_only_its_call() {
    let watch = Watch::new();
    let served = serve(adder().tool(wait(&watch))).await;
    let client = Modern::new(&served);
    let http2 = Http2::open(served.addr).await;
    let call = client.post(1, "tools/call", json!({"name": "wait"}));
    let authority = served.addr.to_string();
    {
        let sending = http2.send(&call, &authority);
        tokio::pin!(sending);
        tokio::select! {
            _ = &mut sending => panic!("it was answered"),
            () = until(|| watch.has_started()) => {}
        }
    }
    until(|| watch.was_dropped()).await;
    let add = client.post(
        2,
        "tools/call",
        json!({"name": "add", "arguments": {"a": 1, "b": 2}}),
    );
    assert_eq!(text(&http2.ask(&add).await.result()), "3");
}

#[tokio::test]
async fn a_lost_connection_does_not_cancel_in_a_session() {
    let watch = Watch::new();
    let served = serve(adder().tool(wait(&watch))).await;
    let client = Legacy::open(&served).await;
    let mut wire = served.wire().await;
    wire.send(&client.tool(1, "wait", json!({})).bytes(served.addr))
        .await;
    until(|| watch.has_started()).await;
    drop(wire);
    // Whatever the server does about it, it has done by now.
    assert_eq!(client.ask("ping", json!({})).await.status, 200);
    tokio::time::sleep(100 * MS).await;
    assert!(!watch.was_dropped());
    watch.go();
    until(|| watch.has_finished()).await;
}

#[tokio::test]
async fn a_call_whose_client_never_came_for_the_answer_is_not_held_up() {
    let watch = Watch::new();
    let inner = std::sync::Arc::clone(&watch);
    let tool = Tool::new("chatty").handler(move |_: NoArguments, ctx: Context| {
        let watch = std::sync::Arc::clone(&inner);
        async move {
            watch.wait().await;
            for step in 0..50 {
                ctx.info(step).await;
            }
            watch.wait().await;
        }
    });
    let limits = Limits {
        stream_messages: 4,
        stream_after: Duration::from_secs(3600),
        ..Limits::default()
    };
    let served = serve(adder().tool(tool).limits(limits)).await;
    let client = Legacy::open(&served).await;
    let mut wire = served.wire().await;
    wire.send(&client.tool(1, "chatty", json!({})).bytes(served.addr))
        .await;
    until(|| watch.has_started()).await;
    drop(wire);
    // Gives the server the time to see it; without that this test would prove less, not fail.
    tokio::time::sleep(100 * MS).await;
    watch.go();
    until(|| watch.started() == 2).await;
}

#[tokio::test]
async fn a_notice_cancels_in_a_session() {
    let watch = Watch::new();
    let served = serve(adder().tool(wait(&watch))).await;
    let client = Legacy::open(&served).await;
    let cancel = |id: serde_json::Value| {
        client.send(
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": {"requestId": id, "reason": "no longer needed"}}),
        )
    };
    let call = client.tool("one", "wait", json!({}));
    let (answer, ()) = tokio::join!(served.ask(&call), async {
        until(|| watch.has_started()).await;
        for other in [json!("two"), json!(1), json!(null), json!({})] {
            assert_eq!(cancel(other).await.status, 202);
        }
        assert!(!watch.was_dropped());
        assert_eq!(cancel(json!("one")).await.status, 202);
        until(|| watch.was_dropped()).await;
    });
    // There is no answer to give, but the request must end.
    assert_eq!((answer.status, answer.body.len()), (202, 0));
    assert_eq!(cancel(json!("one")).await.status, 202);
    assert_eq!(client.ask("ping", json!({})).await.status, 200);
}

#[tokio::test]
async fn a_notice_cancels_a_call_with_a_stream() {
    let watch = Watch::new();
    let served = serve(adder().tool(steps(&watch))).await;
    let client = Legacy::open(&served).await;
    let mut stream = served
        .stream(&client.tool(1, "steps", json!({"count": 1})))
        .await;
    stream.expect().await;
    until(|| watch.has_started()).await;
    client
        .send(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}))
        .await;
    assert_eq!(
        stream.message().await,
        None,
        "the stream ends without an answer"
    );
    assert!(watch.was_dropped());
}

#[tokio::test]
async fn a_notice_cancels_on_a_line() {
    for kind in [Kind::LegacyLine, Kind::ModernLine] {
        let watch = Watch::new();
        let mut peer = Peer::open(kind, adder().tool(wait(&watch))).await;
        let call = peer.request_body("tools/call", json!({"name": "wait"}));
        let line = peer.line();
        line.send(&call).await;
        until(|| watch.has_started()).await;
        let cancel = |id: &serde_json::Value| json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
        line.send(&cancel(&json!("other"))).await;
        line.send(&cancel(&json!(call["id"].to_string()))).await;
        line.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled"}))
            .await;
        assert!(!watch.was_dropped(), "{kind:?}");
        line.send(&cancel(&call["id"])).await;
        until(|| watch.was_dropped()).await;
        // The next message is the answer to the next request: there was none to this one.
        peer.still_answers().await;
        assert!(peer.before.is_empty(), "{kind:?}: {:?}", peer.before);
        // Its id is free again.
        let line = peer.line();
        line.send(&call).await;
        until(|| watch.started() == 2).await;
        watch.go();
        assert_eq!(text(&line.expect().await["result"]), "done");
    }
}

#[tokio::test]
async fn the_end_of_a_line_ends_what_waits_for_the_client() {
    let tool = Tool::new("ask").handler(|_: NoArguments, ctx: Context| async move {
        match ctx.elicit::<Person>("Who?").await {
            Ok(person) => person.name,
            Err(error) => format!("refused: {error}"),
        }
    });
    let watch = Watch::new();
    let mut line = Line::unix(adder().tool(tool).tool(wait(&watch)));
    line.initialize("2025-11-25", all_capabilities()).await;
    let call = |id: i64, name: &str| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name}});
    line.send(&call(1, "wait")).await;
    line.send(&call(2, "ask")).await;
    assert_eq!(line.expect().await["method"], "elicitation/create");
    until(|| watch.has_started()).await;
    line.hang_up().await;
    assert_eq!(
        text(&line.answer(&json!(2)).await["result"]),
        "refused: the client is gone"
    );
    // What works for itself may finish.
    assert!(!watch.was_dropped());
    watch.go();
    assert_eq!(text(&line.answer(&json!(1)).await["result"]), "done");
    assert_eq!(line.message().await, None);
    line.ended().await;
}

#[tokio::test]
async fn a_line_that_ends_does_not_wait_for_ever() {
    let watch = Watch::new();
    let limits = Limits {
        shutdown: 100 * MS,
        ..Limits::default()
    };
    let mut line = Line::unix(adder().tool(wait(&watch)).limits(limits));
    line.initialize("2025-11-25", json!({})).await;
    line.send(
        &json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "wait"}}),
    )
    .await;
    until(|| watch.has_started()).await;
    line.hang_up().await;
    assert_eq!(line.message().await, None);
    line.ended().await;
    assert!(watch.was_dropped());
}

#[tokio::test]
async fn calls_have_a_time_limit() {
    for kind in Kind::ALL {
        let watch = Watch::new();
        let own = Watch::new();
        let inner = std::sync::Arc::clone(&own);
        let quick =
            Tool::new("quick")
                .timeout(50 * MS)
                .handler(move |_: NoArguments, _: Context| {
                    let watch = std::sync::Arc::clone(&inner);
                    async move { watch.wait().await }
                });
        let limits = Limits {
            call_timeout: 300 * MS,
            ..Limits::default()
        };
        let mut peer =
            Peer::open(kind, adder().tool(wait(&watch)).tool(quick).limits(limits)).await;
        for (name, watch) in [("wait", &watch), ("quick", &own)] {
            let reply = peer.call(name, json!({})).await;
            assert_eq!(reply.result()["isError"], true, "{kind:?} {name}");
            assert!(text(reply.result()).contains("did not finish"), "{reply:?}");
            assert!(watch.was_dropped());
        }
        peer.still_answers().await;
    }
}

#[tokio::test]
async fn the_time_a_client_thinks_does_not_count() {
    let tool =
        Tool::new("ask")
            .timeout(50 * MS)
            .handler(|_: NoArguments, ctx: Context| async move {
                let person: Person = ctx.elicit("Who?").await?;
                Ok::<_, wharf::Error>(person.name)
            });
    let served = serve(adder().tool(tool)).await;
    let client = Legacy::open_as(&served, "2025-11-25", all_capabilities(), None).await;
    let mut stream = served.stream(&client.tool(1, "ask", json!({}))).await;
    let asked = stream.expect().await;
    tokio::time::sleep(200 * MS).await;
    let answer = json!({"action": "accept", "content": {"name": "Ada"}});
    assert_eq!(client.answer(&asked, answer).await.status, 202);
    assert_eq!(text(&stream.expect().await["result"]), "Ada");
}

#[tokio::test]
async fn but_it_ends_too() {
    let tool = Tool::new("ask").handler(|_: NoArguments, ctx: Context| async move {
        match ctx.elicit::<Person>("Who?").await {
            Err(error) if error.is_timeout() => "too late".to_owned(),
            other => format!("{other:?}"),
        }
    });
    let limits = Limits {
        ask_timeout: 50 * MS,
        ..Limits::default()
    };
    let served = serve(adder().tool(tool).limits(limits)).await;
    let client = Legacy::open_as(&served, "2025-11-25", all_capabilities(), None).await;
    let mut stream = served.stream(&client.tool(1, "ask", json!({}))).await;
    let asked = stream.expect().await;
    let taken_back = stream.expect().await;
    assert_eq!(taken_back["method"], "notifications/cancelled");
    assert_eq!(taken_back["params"]["requestId"], asked["id"]);
    assert_eq!(text(&stream.expect().await["result"]), "too late");
    let answer = json!({"action": "accept", "content": {"name": "Ada"}});
    assert_eq!(client.answer(&asked, answer).await.status, 400);
}

#[tokio::test]
async fn a_cancelled_call_takes_its_asks_back() {
    let watch = Watch::new();
    let inner = std::sync::Arc::clone(&watch);
    let ask = Tool::new("ask").handler(move |_: NoArguments, ctx: Context| {
        let watch = std::sync::Arc::clone(&inner);
        async move {
            let both = async { tokio::join!(watch.wait(), ctx.sample("Who?")) };
            both.await.1.map(|answer| answer.text().into_owned())
        }
    });
    let served = serve(adder().tool(ask)).await;
    for revision in ["2024-11-05", "2025-03-26", "2025-11-25"] {
        let client = Legacy::open_as(&served, revision, all_capabilities(), None).await;
        let mut stream = served.stream(&client.tool(1, "ask", json!({}))).await;
        let asked = stream.expect().await;
        assert_eq!(asked["method"], "sampling/createMessage");
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": {"requestId": 1}});
        assert_eq!(client.send(cancel).await.status, 202);
        let taken_back = stream.expect().await;
        assert_eq!(
            taken_back["method"], "notifications/cancelled",
            "{revision}"
        );
        assert_eq!(taken_back["params"]["requestId"], asked["id"]);
        assert_eq!(stream.message().await, None);
        assert!(!stream.was_cut() && watch.was_dropped());
    }
}

/// Calls that end at every possible moment, on several threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_that_end_while_they_are_taken_in_leave_nothing_behind() {
    const WORKERS: usize = 8;
    let tool =
        Tool::new("turns").raw_handler(|arguments: serde_json::Value, _: Context| async move {
            for _ in 0..arguments["turns"].as_u64().unwrap_or_default() {
                tokio::task::yield_now().await;
            }
            "done"
        });
    let limits = Limits {
        calls_per_session: WORKERS,
        ..Limits::default()
    };
    let served = std::sync::Arc::new(serve(adder().tool(tool).limits(limits)).await);
    let client = Legacy::open(&served).await;
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..WORKERS {
        let served = std::sync::Arc::clone(&served);
        let posts: Vec<_> = (0..200)
            .map(|call| {
                client.tool(
                    format!("{worker}-{call}"),
                    "turns",
                    json!({"turns": call % 7}),
                )
            })
            .collect();
        workers.spawn(async move {
            let mut wire = served.wire().await;
            for (call, post) in posts.iter().enumerate() {
                let answer = wire.ask(post).await;
                assert_eq!(text(&answer.result()), "done");
                assert_eq!(answer.message()["id"], format!("{worker}-{call}"));
                if call % 50 == 0 {
                    // A connection that is cut in the middle of a call.
                    wire.send(&posts[call].bytes(served.addr)[..60]).await;
                    wire = served.wire().await;
                }
            }
        });
    }
    while let Some(done) = soon(workers.join_next()).await {
        done.unwrap();
    }
    // Were any of them remembered, there would be no room.
    for _ in 0..WORKERS {
        assert_eq!(
            text(&client.call("turns", json!({"turns": 3})).await.result()),
            "done"
        );
    }
}

/// The same on a line, with cancellations that come too early, too late and in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cancellations_at_any_moment() {
    let tool =
        Tool::new("turns").raw_handler(|arguments: serde_json::Value, _: Context| async move {
            for _ in 0..arguments["turns"].as_u64().unwrap_or_default() {
                tokio::task::yield_now().await;
            }
            "done"
        });
    let mut line = Line::unix(adder().tool(tool));
    line.initialize("2025-11-25", json!({})).await;
    let mut all = String::new();
    for id in 0..3000_u32 {
        let call = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": {"name": "turns", "arguments": {"turns": id % 50}}});
        all += &format!("{call}\n");
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": {"requestId": id.saturating_sub(id % 5)}});
        all += &format!("{cancel}\n");
    }
    line.send_bytes(all.as_bytes()).await;
    let mark = json!({"jsonrpc": "2.0", "id": "mark", "method": "tools/call",
        "params": {"name": "turns", "arguments": {"turns": 1000}}});
    line.send(&mark).await;
    line.answer(&json!("mark")).await;
    let mut ids: Vec<_> = line
        .before
        .iter()
        .map(|answer| answer["id"].as_u64())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), line.before.len(), "no call is answered twice");
    // Those with a cancellation of another id only are answered for certain.
    let certain = (0..3000).filter(|id| id % 5 != 0).count();
    line.hang_up().await;
    let mut rest = 0;
    while line.message().await.is_some() {
        rest += 1;
    }
    assert!(
        ids.len() + rest >= certain,
        "{} answers of {certain}",
        ids.len() + rest
    );
}
