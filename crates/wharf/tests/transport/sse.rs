//! HTTP+SSE, the HTTP of 2024-11-05.

use wharf::http::HttpOptions;
use wharf::{Context, Limits, NoArguments, Tool};

use crate::wire::tools::{Watch, adder, greet, wait};
use crate::wire::{MS, Post, Sse, all_capabilities, json, serve, sse, text, until};

fn waiting(id: i64) -> serde_json::Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "wait"}})
}

#[tokio::test]
async fn a_session() {
    let served = serve(adder()).await;
    let mut client = Sse::open(&served).await;
    let head = &client.stream.head;
    assert_eq!(head.status, 200);
    assert_eq!(head.header("cache-control"), Some("no-cache, no-transform"));
    let id = client
        .endpoint
        .strip_prefix("/messages?sessionId=")
        .unwrap();
    assert_eq!(id.len(), 32);
    let opened = client.initialize("2024-11-05", json!({})).await;
    assert_eq!(opened["protocolVersion"], "2024-11-05");
    let sum = client.call("add", json!({"a": 1, "b": 2})).await;
    assert_eq!(text(&sum["result"]), "3");
    assert_eq!(client.ask("ping", json!({})).await["result"], json!({}));
}

#[tokio::test]
async fn every_stream_is_a_session_of_its_own() {
    let served = serve(adder()).await;
    let (mut one, mut two) = (Sse::open(&served).await, Sse::open(&served).await);
    assert_ne!(one.endpoint, two.endpoint);
    one.initialize("2024-11-05", json!({})).await;
    two.initialize("2025-11-25", json!({})).await;
    // The same ids at the same time.
    for client in [&one, &two] {
        let call = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/list"});
        client.send(&call).await;
    }
    let mut annotated = Vec::new();
    for client in [&mut one, &mut two] {
        let list = client.answer(&json!(7)).await;
        annotated.push(list["result"]["tools"][0].get("annotations").is_some());
        assert!(client.before.is_empty());
    }
    // Each in its own revision.
    assert_eq!(annotated, [false, true]);
}

#[tokio::test]
async fn one_path_for_both() {
    let options = HttpOptions {
        sse: Some("/events".into()),
        messages: "/events".into(),
        ..HttpOptions::default()
    };
    let served = serve(adder().http(options)).await;
    let mut get = sse::get();
    get.target = "/events".into();
    let mut stream = served.stream(&get).await;
    let endpoint = stream.event().await.unwrap().data;
    assert!(endpoint.starts_with("/events?sessionId="), "{endpoint}");
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
    let post = sse::post(&endpoint, &ping);
    assert_eq!(served.ask(&post).await.status, 202);
    assert_eq!(stream.expect().await["id"], 1);
    let elsewhere = endpoint.replace("/events", "/messages");
    assert_eq!(served.ask(&sse::post(&elsewhere, &ping)).await.status, 404);
}

#[tokio::test]
async fn clients_may_post_to_the_stream_itself() {
    let served = serve(adder()).await;
    let mut client = Sse::open(&served).await;
    client.endpoint = client.endpoint.replace("/messages", "/sse");
    client.initialize("2024-11-05", json!({})).await;
}

#[tokio::test]
async fn posts_that_name_no_stream() {
    let served = serve(adder()).await;
    let client = Sse::open(&served).await;
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
    let id = client.endpoint.split('=').nth(1).unwrap().to_owned();
    let upper = id.to_uppercase();
    let zeros = "0".repeat(32);
    for (query, status) in [
        (String::new(), 400),
        ("?".into(), 400),
        (format!("?sessionid={id}"), 400),
        (format!("?sessionId={id}&sessionId={id}"), 400),
        ("?sessionId=".into(), 404),
        (format!("?sessionId={zeros}"), 404),
        (format!("?sessionId=%30{}", &id[1..]), 404),
        (format!("?sessionId={id}0"), 404),
        (format!("?sessionId={id}"), 202),
        (format!("?x&sessionId={id}&y=1"), 202),
    ] {
        for path in ["/messages", "/sse"] {
            let answer = served
                .ask(&sse::post(&format!("{path}{query}"), &ping))
                .await;
            assert_eq!(answer.status, status, "{path}{query}");
            if status != 202 {
                assert_eq!(answer.error().1, -32600);
            }
        }
    }
    // An id has letters, but for one in a hundred million.
    let post = sse::post(&format!("/messages?sessionId={upper}"), &ping);
    assert_eq!(served.ask(&post).await.status, 404);
}

#[tokio::test]
async fn methods_and_media_types() {
    let served = serve(adder()).await;
    let client = Sse::open(&served).await;
    let bare = |method, target: &str| {
        let mut post = Post::bare(method);
        post.target = target.into();
        post
    };
    for (method, target, allowed) in [
        ("DELETE", "/sse", "GET, POST, OPTIONS"),
        ("PUT", "/sse", "GET, POST, OPTIONS"),
        ("GET", "/messages", "POST, OPTIONS"),
        ("DELETE", "/messages", "POST, OPTIONS"),
    ] {
        let answer = served.ask(&bare(method, target)).await;
        assert_eq!(answer.status, 405, "{method} {target}");
        assert_eq!(answer.header("allow"), Some(allowed));
    }
    let json_only = sse::get().set("accept", "application/json");
    assert_eq!(served.ask(&json_only).await.status, 406);
    served.stream(&sse::get().without("accept")).await;
    served.stream(&sse::get().set("accept", "*/*")).await;
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
    let encoded = client.post(&ping).header("content-encoding", "gzip");
    assert_eq!(served.ask(&encoded).await.status, 415);
    // There is nothing but the answer's status to accept.
    let narrow = client.post(&ping).header("accept", "text/plain");
    assert_eq!(served.ask(&narrow).await.status, 202);
}

#[tokio::test]
async fn a_path_that_is_switched_off_is_not_there() {
    let options = HttpOptions {
        sse: None,
        ..HttpOptions::default()
    };
    let served = serve(adder().http(options)).await;
    for post in [sse::get(), sse::post("/messages?sessionId=x", "{}")] {
        let answer = served.ask(&post).await;
        assert_eq!(answer.status, 404);
        assert!(answer.text().contains("/mcp, /ws"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_quiet_stream_is_kept_open() {
    let limits = Limits {
        keep_alive: 50 * MS,
        idle_timeout: 100 * MS,
        header_timeout: 100 * MS,
        ..Limits::default()
    };
    let served = serve(adder().limits(limits)).await;
    let mut client = Sse::open(&served).await;
    client.initialize("2024-11-05", json!({})).await;
    tokio::time::sleep(500 * MS).await;
    assert_eq!(client.ask("ping", json!({})).await["result"], json!({}));
    assert!(
        client.stream.comments() >= 2,
        "{}",
        client.stream.comments()
    );
}

#[tokio::test]
async fn a_stream_that_ends_ends_its_calls() {
    let watch = Watch::new();
    let served = serve(adder().tool(wait(&watch))).await;
    let mut client = Sse::open(&served).await;
    client.initialize("2024-11-05", json!({})).await;
    client.send(&waiting(1)).await;
    until(|| watch.has_started()).await;
    let after = client.post(&waiting(2).to_string());
    drop(client);
    until(|| watch.was_dropped()).await;
    assert_eq!(served.ask(&after).await.status, 404);
}

#[tokio::test]
async fn a_call_can_be_cancelled() {
    let watch = Watch::new();
    let served = serve(adder().tool(wait(&watch))).await;
    let mut client = Sse::open(&served).await;
    client.initialize("2024-11-05", json!({})).await;
    client.send(&waiting(9)).await;
    until(|| watch.has_started()).await;
    let params = json!({"requestId": 9});
    client
        .send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}))
        .await;
    until(|| watch.was_dropped()).await;
    // Its id is free again, and nothing was said about it.
    client
        .send(&json!({"jsonrpc": "2.0", "id": 9, "method": "ping"}))
        .await;
    assert_eq!(client.stream.expect().await["result"], json!({}));
}

#[tokio::test]
async fn a_question_and_a_notice() {
    let server = adder().tool(greet);
    let catalog = server.catalog().clone();
    let served = serve(server).await;
    let mut client = Sse::open(&served).await;
    client.initialize("2025-06-18", all_capabilities()).await;
    let call =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "greet"}});
    client.send(&call).await;
    let asked = client.stream.expect().await;
    assert_eq!(asked["method"], "elicitation/create");
    let person = json!({"action": "accept", "content": {"name": "Ada"}});
    client
        .send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": person}))
        .await;
    let answer = client.answer(&json!(1)).await;
    assert_eq!(text(&answer["result"]), "Hello, Ada!");

    let new = Tool::new("new").handler(|_: NoArguments, _: Context| async { "x" });
    catalog.update(|edit| edit.add_tool(new)).unwrap();
    let notice = client.stream.expect().await;
    assert_eq!(notice["method"], "notifications/tools/list_changed");
}

#[tokio::test]
async fn calls_in_flight_finish_when_the_server_stops() {
    let watch = Watch::new();
    let mut served = serve(adder().tool(wait(&watch))).await;
    let mut client = Sse::open(&served).await;
    client.initialize("2024-11-05", json!({})).await;
    let mut idle = Sse::open(&served).await;
    client.send(&waiting(1)).await;
    until(|| watch.has_started()).await;
    served.tell_to_stop();
    assert_eq!(idle.stream.message().await, None);
    assert!(!idle.stream.was_cut());
    watch.go();
    let answer = client.answer(&json!(1)).await;
    assert_eq!(text(&answer["result"]), "done");
    assert_eq!(client.stream.message().await, None);
    assert!(!client.stream.was_cut());
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
    let mut client = Sse::open(&served).await;
    client.initialize("2024-11-05", json!({})).await;
    client.send(&waiting(1)).await;
    until(|| watch.has_started()).await;
    served.tell_to_stop();
    assert_eq!(client.stream.message().await, None);
    served.stopped().await;
    assert!(watch.was_dropped());
}
