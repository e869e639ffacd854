//! Which revision is spoken, and what each sees.

use crate::wire::tools::adder;
use crate::wire::{Legacy, Line, Modern, Post, json, legacy, serve, text};

const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

#[tokio::test]
async fn every_handshake_revision_is_spoken() {
    let served = serve(adder()).await;
    for revision in LEGACY {
        let client = Legacy::open_as(&served, revision, json!({}), None).await;
        let result = client.call("add", json!({"a": 1, "b": 2})).await.result();
        assert_eq!(text(&result), "3");
        assert_eq!(result.get("resultType"), None, "{revision}");
        let mut line = Line::duplex(adder(), 64);
        assert_eq!(
            line.initialize(revision, json!({})).await["protocolVersion"],
            revision
        );
        let reply = line
            .ask(
                "tools/call",
                json!({"name": "add", "arguments": {"a": 1, "b": 2}}),
            )
            .await;
        assert_eq!(text(&reply["result"]), "3");
    }
}

#[tokio::test]
async fn others_are_offered_the_newest() {
    let served = serve(adder()).await;
    for asked in ["2026-07-28", "2099-01-01", "1.0", ""] {
        let body = legacy::initialize(asked, json!({})).to_string();
        let answer = served.ask(&Post::new(body)).await;
        assert_eq!(answer.result()["protocolVersion"], "2025-11-25", "{asked}");
    }
}

#[tokio::test]
async fn discover_says_what_there_is() {
    let served = serve(adder().instructions("Add with care.").version("7")).await;
    let result = Modern::new(&served)
        .ask("server/discover", json!({}))
        .await
        .result();
    assert_eq!(result["resultType"], "complete");
    assert_eq!(result["supportedVersions"], json!(["2026-07-28"]));
    assert_eq!(result["instructions"], "Add with care.");
    assert!(result["capabilities"]["tools"].is_object());
    assert_eq!(result["capabilities"].get("prompts"), None);
    let server = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
    assert_eq!(
        (&server["name"], &server["version"]),
        (&json!("Test"), &json!("7"))
    );
    assert!(
        result["ttlMs"].is_u64() && result["cacheScope"].is_string(),
        "{result}"
    );
}

#[tokio::test]
async fn both_eras_on_one_line() {
    let mut line = Line::unix(adder());
    let call = json!({"name": "add", "arguments": {"a": 1, "b": 2}});
    let modern = line.ask_modern("tools/call", call.clone(), json!({})).await;
    assert_eq!(modern["result"]["resultType"], "complete");
    line.initialize("2025-06-18", json!({})).await;
    let legacy = line.ask("tools/call", call.clone()).await;
    assert_eq!(legacy["result"].get("resultType"), None);
    let modern = line.ask_modern("tools/call", call, json!({})).await;
    assert_eq!(modern["result"]["resultType"], "complete");
}

#[tokio::test]
async fn pieces_of_any_size() {
    // One byte at a time, and many messages at once.
    let mut line = Line::duplex(adder(), 1);
    line.initialize("2025-11-25", json!({})).await;
    let reply = line
        .ask(
            "tools/call",
            json!({"name": "add", "arguments": {"a": 1, "b": 2}}),
        )
        .await;
    assert_eq!(text(&reply["result"]), "3");
    let mut line = Line::unix(adder());
    line.initialize("2025-11-25", json!({})).await;
    let mut burst = String::new();
    for id in 0..2000 {
        let call = json!({"jsonrpc": "2.0", "id": format!("b{id}"), "method": "tools/call",
            "params": {"name": "add", "arguments": {"a": id, "b": 0}}});
        burst += &format!("{call}\r\n\n");
    }
    // Written by a task: neither side may have to read first.
    line.send_bytes(burst.as_bytes()).await;
    for _ in 0..2000 {
        let reply = line.expect().await;
        let id = reply["id"].as_str().unwrap()[1..].to_owned();
        assert_eq!(text(&reply["result"]), id);
    }
}
