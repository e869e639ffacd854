//! Pages, progress and logs.

use std::collections::BTreeSet;

use wharf::{Context, Limits, NoArguments, Resource, Server, Tool};

use crate::wire::tools::{Watch, adder, steps};
use crate::wire::{Kind, Legacy, Line, Modern, Peer, Value, json, serve, text};

fn many(count: usize) -> Server {
    let limits = Limits {
        page_items: 3,
        ..Limits::default()
    };
    let mut server = Server::new("Test").limits(limits);
    for number in 0..count {
        server = server
            .tool(
                Tool::new(format!("tool{number}"))
                    .handler(|_: NoArguments, _: Context| async { "x" }),
            )
            .resource(Resource::text(format!("memo://{number}"), "x"));
    }
    server
}

#[tokio::test]
async fn every_item_comes_once_over_the_pages() {
    for kind in Kind::ALL {
        for count in [3, 4, 7] {
            let mut peer = Peer::open(kind, many(count)).await;
            for (method, list, key) in [
                ("tools/list", "tools", "name"),
                ("resources/list", "resources", "uri"),
            ] {
                let (mut params, mut seen, mut pages) = (json!({}), BTreeSet::new(), 0);
                loop {
                    let reply = peer.request(method, params.clone()).await;
                    let result = reply.result();
                    let items = result[list].as_array().unwrap();
                    assert!((1..=3).contains(&items.len()), "{kind:?} {method}");
                    for item in items {
                        assert!(
                            seen.insert(item[key].as_str().unwrap().to_owned()),
                            "{item} again"
                        );
                    }
                    pages += 1;
                    match result.get("nextCursor") {
                        Some(cursor) => params = json!({"cursor": cursor}),
                        None => break,
                    }
                }
                assert_eq!(
                    (seen.len(), pages),
                    (count, count.div_ceil(3)),
                    "{kind:?} {method}"
                );
            }
        }
    }
}

#[tokio::test]
async fn cursors_of_other_places_are_refused() {
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, many(5)).await;
        let reply = peer.request("tools/list", json!({})).await;
        let cursor = reply.result()["nextCursor"].as_str().unwrap().to_owned();
        assert!(!cursor.contains("tool"), "a cursor is opaque: {cursor}");
        for (method, cursor) in [
            ("resources/list", cursor.clone()),
            ("prompts/list", cursor.clone()),
            ("tools/list", format!("{cursor}x")),
            ("tools/list", cursor[1..].to_owned()),
            ("tools/list", String::new()),
            ("tools/list", "0".into()),
            ("tools/list", "\u{1f980}".into()),
            ("tools/list", "A".repeat(100_000)),
        ] {
            let reply = peer.request(method, json!({"cursor": cursor})).await;
            assert_eq!(
                reply.code(),
                -32602,
                "{kind:?} {method} {}",
                &cursor.chars().take(20).collect::<String>()
            );
        }
        let reply = peer.request("tools/list", json!({"cursor": cursor})).await;
        assert_eq!(reply.result()["tools"].as_array().unwrap().len(), 2);
    }
}

fn talker() -> Server {
    adder().tool(
        Tool::new("talk").handler(|_: NoArguments, ctx: Context| async move {
            ctx.debug("a debug").await;
            ctx.info(json!({"an": "info"})).await;
            ctx.warning("a warning").await;
            ctx.error("an error").await;
            ctx.progress(1.0, 2.0).await;
            ctx.progress(0.5, 2.0).await;
            ctx.progress(1.0, 2.0).await;
            ctx.progress(f64::NAN, None).await;
            ctx.progress_message(2.0, 2.0, "there").await;
            "done"
        }),
    )
}

fn levels(messages: &[Value]) -> Vec<&str> {
    let logs = messages
        .iter()
        .filter(|message| message["method"] == "notifications/message");
    logs.map(|message| message["params"]["level"].as_str().unwrap())
        .collect()
}

fn progress(messages: &[Value]) -> Vec<f64> {
    let told = messages
        .iter()
        .filter(|message| message["method"] == "notifications/progress");
    told.map(|message| message["params"]["progress"].as_f64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_request_of_2026_07_28_says_what_it_wants_to_hear() {
    for kind in [Kind::ModernLine, Kind::ModernHttp] {
        let mut peer = Peer::open(kind, talker()).await;
        for (level, expected) in [
            (None, &[][..]),
            (Some("debug"), &["debug", "info", "warning", "error"]),
            (Some("info"), &["info", "warning", "error"]),
            (Some("warning"), &["warning", "error"]),
            (Some("emergency"), &[]),
        ] {
            for token in [None, Some(json!("t")), Some(json!(7)), Some(json!(""))] {
                let mut meta = json!({});
                if let Some(level) = level {
                    meta["io.modelcontextprotocol/logLevel"] = json!(level);
                }
                if let Some(token) = &token {
                    meta["progressToken"] = token.clone();
                }
                let reply = peer
                    .request("tools/call", json!({"name": "talk", "_meta": meta}))
                    .await;
                assert_eq!(text(reply.result()), "done");
                assert_eq!(levels(&peer.before), expected, "{kind:?} {level:?}");
                let told: &[f64] = if token.is_some() { &[1.0, 2.0] } else { &[] };
                assert_eq!(progress(&peer.before), told, "{kind:?} {token:?}");
                for message in &peer.before {
                    if message["method"] == "notifications/progress" {
                        assert_eq!(message["params"]["progressToken"], token.clone().unwrap());
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_session_sets_its_level() {
    for kind in [Kind::LegacyLine, Kind::LegacyHttp] {
        let mut peer = Peer::open(kind, talker()).await;
        for (level, expected) in [
            (None, &["info", "warning", "error"][..]),
            (Some("debug"), &["debug", "info", "warning", "error"]),
            (Some("error"), &["error"]),
            (Some("critical"), &[]),
        ] {
            if let Some(level) = level {
                let set = peer
                    .request("logging/setLevel", json!({"level": level}))
                    .await;
                assert_eq!(*set.result(), json!({}));
            }
            let call = json!({"name": "talk", "_meta": {"progressToken": "t"}});
            let reply = peer.request("tools/call", call).await;
            assert_eq!(text(reply.result()), "done");
            assert_eq!(levels(&peer.before), expected, "{kind:?} {level:?}");
            assert_eq!(progress(&peer.before), [1.0, 2.0]);
        }
        for wrong in [json!("loud"), json!("INFO"), json!(3), json!(null)] {
            let reply = peer
                .request("logging/setLevel", json!({"level": wrong}))
                .await;
            assert_eq!(reply.code(), -32602, "{kind:?} {wrong}");
        }
    }
}

#[tokio::test]
async fn messages_of_progress_are_shown_since_2025_03_26() {
    for (revision, shown) in [("2024-11-05", false), ("2025-03-26", true)] {
        let mut line = Line::unix(talker());
        line.initialize(revision, json!({})).await;
        let params = json!({"name": "talk", "_meta": {"progressToken": 1}});
        line.ask("tools/call", params).await;
        let last = line.before.last().unwrap();
        assert_eq!(last["params"]["progress"], 2.0);
        assert_eq!(last["params"].get("message").is_some(), shown, "{revision}");
    }
}

#[tokio::test]
async fn who_accepts_no_stream_gets_the_answer_alone() {
    let served = serve(talker()).await;
    let modern = Modern::new(&served)
        .meta("progressToken", 1)
        .meta("io.modelcontextprotocol/logLevel", "debug");
    let call = modern.post(1, "tools/call", json!({"name": "talk"}));
    assert_eq!(served.ask(&call).await.messages().len(), 7);
    let answer = served.ask(&call.set("accept", "application/json")).await;
    assert!(!answer.is_stream());
    assert_eq!(text(&answer.result()), "done");
    let client = Legacy::open(&served).await;
    let call = client
        .tool(1, "talk", json!({}))
        .set("accept", "application/json");
    let answer = served.ask(&call).await;
    assert!(!answer.is_stream());
    assert_eq!(text(&answer.result()), "done");
    // Also when the handler has to wait, and when it says more than a stream would hold.
    let watch = Watch::new();
    let served = serve(adder().tool(steps(&watch))).await;
    let client = Legacy::open(&served).await;
    watch.go();
    let call = client
        .tool(1, "steps", json!({"count": 1000}))
        .set("accept", "application/json");
    let answer = served.ask(&call).await;
    assert_eq!(text(&answer.result()), "done");
    watch.go();
    let modern = Modern::new(&served).meta("progressToken", 1);
    let params = json!({"name": "steps", "arguments": {"count": 1000}});
    let call = modern
        .post(1, "tools/call", params)
        .set("accept", "application/json");
    assert_eq!(text(&served.ask(&call).await.result()), "done");
}
