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

/// The status of a request of a session of `revision` that says in its header what `named` says.
async fn status_of(client: &Legacy<'_>, method: &'static str, named: Option<&str>) -> u16 {
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let post = match method {
        "POST" => client.post(ping),
        _ => client.with_headers(Post::bare(method).header("accept", "text/event-stream")),
    };
    let post = match named {
        Some(named) => post.set("mcp-protocol-version", named),
        None => post.without("mcp-protocol-version"),
    };
    let mut wire = client.served.wire().await;
    wire.send(&post.bytes(client.served.addr)).await;
    if method == "GET" && [None, Some(client.revision.as_str())].contains(&named) {
        // It does not end by itself.
        return wire.stream().await.head.status;
    }
    wire.answer().await.status
}

#[tokio::test]
async fn a_session_is_spoken_to_in_its_revision() {
    let served = serve(adder()).await;
    for revision in LEGACY {
        let has_header = revision >= "2025-06-18";
        for named in LEGACY {
            // A session of its own each time: DELETE ends it.
            for (method, good) in [("POST", 200), ("GET", 200), ("DELETE", 204)] {
                let client = Legacy::open_as(&served, revision, json!({}), None).await;
                if method == "GET" && revision != named && !has_header {
                    continue; // a stream that nobody ends
                }
                let expected = if has_header && revision != named {
                    400
                } else {
                    good
                };
                let status = status_of(&client, method, Some(named)).await;
                assert_eq!(
                    status, expected,
                    "{method} {named} in a session of {revision}"
                );
            }
        }
        let client = Legacy::open_as(&served, revision, json!({}), None).await;
        for unknown in ["2025-11-26", "1", ""] {
            for method in ["POST", "GET", "DELETE"] {
                let status = status_of(&client, method, Some(unknown)).await;
                assert_eq!(
                    status, 400,
                    "{method} {unknown:?} in a session of {revision}"
                );
            }
        }
        // Without it the session says what is spoken, and is still there to say so.
        for (method, good) in [("POST", 200), ("GET", 200), ("DELETE", 204)] {
            let status = status_of(&client, method, None).await;
            assert_eq!(status, good, "{method} in a session of {revision}");
        }
    }
}

#[tokio::test]
async fn what_is_unsupported_is_named_together_with_what_is_not() {
    let served = serve(adder()).await;
    let client = Legacy::open(&served).await;
    let unknown = |post: Post| post.set("mcp-protocol-version", "2099-01-01");
    let notice = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {}});
    for post in [
        unknown(client.request("ping", json!({}))),
        unknown(client.post(notice.clone())),
        unknown(client.get(None)),
        unknown(Post::new(
            legacy::initialize("2025-11-25", json!({})).to_string(),
        )),
        unknown(Post::new(notice.to_string())),
    ] {
        let answer = served.ask(&post).await;
        assert_eq!(answer.error(), (400, -32022), "{:?}", post.headers);
        let data = &answer.json()["error"]["data"];
        assert_eq!(data["requested"], "2099-01-01");
        assert_eq!(data["supported"], json!(["2026-07-28"]));
    }
}

#[tokio::test]
async fn who_says_that_it_stands_by_itself_is_judged_as_that() {
    let served = serve(adder()).await;
    let modern = Modern::new(&served);
    let list = modern.post(1, "tools/list", json!({}));
    let without = list.clone().without("mcp-protocol-version");
    assert_eq!(served.ask(&without).await.error(), (400, -32020));
    // A session does not stand in for the header, and its header does not fit the body.
    let client = Legacy::open(&served).await;
    let in_session = without.clone().header("mcp-session-id", &client.session);
    assert_eq!(served.ask(&in_session).await.error(), (400, -32020));
    let in_session = client.with_headers(without.clone());
    assert_eq!(served.ask(&in_session).await.error(), (400, -32020));
    // A revision of the handshake cannot be spoken by itself: headers and body agree on it, so
    // that it is no mismatch but a version that is not served.
    let version = "io.modelcontextprotocol/protocolVersion";
    let older = modern
        .clone()
        .meta(version, "2025-11-25")
        .post(1, "tools/list", json!({}));
    let agreed = older.clone().set("mcp-protocol-version", "2025-11-25");
    assert_eq!(served.ask(&agreed).await.error(), (400, -32022));
    assert_eq!(served.ask(&older).await.error(), (400, -32020));
    // A session's id beside a modern request is ignored, whatever it is, and none is given.
    for session in [client.session.as_str(), "nonsense"] {
        let post = list.clone().header("mcp-session-id", session);
        let answer = served.ask(&post.header("last-event-id", "1-1")).await;
        assert_eq!(
            (answer.status, answer.header("mcp-session-id")),
            (200, None)
        );
        assert_eq!(answer.result()["resultType"], "complete");
    }
    // It has no streams to open and no session to end.
    for method in ["GET", "DELETE"] {
        let bare = Post::bare(method).header("accept", "text/event-stream");
        let bare = bare.header("mcp-protocol-version", "2026-07-28");
        assert_eq!(served.ask(&bare).await.status, 405, "{method}");
        let named = bare.header("mcp-session-id", &client.session);
        assert_eq!(served.ask(&named).await.status, 405, "{method}");
    }
    assert_eq!(client.ask("ping", json!({})).await.status, 200);
}

#[tokio::test]
async fn how_a_client_opens_decides_its_era_over_http() {
    let served = serve(adder()).await;
    // A modern request first, as a client of both eras does; then a handshake at the same place.
    let modern = Modern::new(&served);
    assert_eq!(modern.ask("tools/list", json!({})).await.status, 200);
    for header in [None, Some("2024-11-05"), Some("2025-11-25")] {
        let mut post = Post::new(legacy::initialize("2025-06-18", json!({})).to_string());
        if let Some(header) = header {
            post = post.header("mcp-protocol-version", header);
        }
        let answer = served.ask(&post).await;
        assert_eq!(
            answer.result()["protocolVersion"],
            "2025-06-18",
            "{header:?}"
        );
        assert!(answer.header("mcp-session-id").is_some());
    }
    // What belongs to neither era is refused in words that no modern error has, so that a client
    // of both goes on with `initialize`.
    let bare = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    let (status, code) = served.ask(&Post::new(bare)).await.error();
    assert_eq!(status, 400);
    assert!(![-32020, -32021, -32022].contains(&code), "{code}");
}

#[tokio::test]
async fn how_a_client_opens_decides_its_era_on_a_line() {
    let probe = |version: &str| {
        let mut meta = crate::wire::meta(json!({}));
        meta["io.modelcontextprotocol/protocolVersion"] = version.into();
        json!({"_meta": meta})
    };
    let mut line = Line::unix(adder());
    let found = line.ask("server/discover", probe("2026-07-28")).await;
    assert_eq!(found["result"]["supportedVersions"], json!(["2026-07-28"]));
    for version in ["2027-01-01", "2025-11-25", ""] {
        let refused = line.ask("server/discover", probe(version)).await;
        assert_eq!(refused["error"]["code"], -32022, "{version}");
        let data = &refused["error"]["data"];
        assert_eq!(data["supported"], json!(["2026-07-28"]));
        assert_eq!(data["requested"], version);
    }
    // Before it is open only a sign of life is given, and what says no era is not served.
    assert!(line.ask("ping", json!({})).await["result"].is_object());
    for method in ["server/discover", "tools/list", "tools/call"] {
        let refused = line.ask(method, json!({"name": "add"})).await;
        assert!(refused["error"]["code"].is_i64(), "{refused}");
    }
    // The handshake decides for what does not say otherwise itself.
    line.initialize("2024-11-05", json!({})).await;
    let listed = line.ask("tools/list", json!({})).await;
    assert_eq!(listed["result"].get("resultType"), None);
    let listed = line.ask("tools/list", probe("2026-07-28")).await;
    assert_eq!(listed["result"]["resultType"], "complete");
    let again = legacy::initialize("2025-11-25", json!({}));
    line.send(&again).await;
    assert_eq!(line.answer(&json!(0)).await["error"]["code"], -32600);
    assert!(line.ask("ping", json!({})).await["result"].is_object());
}
