//! HTTP+SSE on one path or two, responses on the stream, headers, keep-alive.

use serde_json::json;

use super::wire::{Lines, open, send, within};
use crate::support::{Http, call, initialize};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// Opens the stream, and has a session and a call answered on it, with posts to `path`.
fn on_the_stream(server: &Http, path: impl Fn(&str) -> String) {
    let (head, mut lines) = Lines::get(server.port(), "/sse", &[]);
    assert!(head.starts_with("http/1.1 200"), "{head}");
    for header in ["content-type: text/event-stream", "cache-control: no-cache"] {
        assert!(head.contains(header), "{head}");
    }
    assert_eq!(lines.next("event:"), "endpoint");
    let endpoint = lines.next("data:");
    let post = format!("POST {}", path(&endpoint));
    for (id, message) in [
        (0, initialize()),
        (1, call(1, "add", json!({"a": 1, "b": 2}))),
    ] {
        let answer = send(server.port(), &post, &JSON, &message.to_string());
        assert_eq!((answer.status, answer.body.as_str()), (202, ""));
        assert_eq!(lines.next("event:"), "message");
        let message = lines.message();
        assert_eq!(message["id"], id, "{message}");
        assert!(message.get("result").is_some(), "{message}");
    }
}

#[test]
fn seed_d01_http_sse_on_one_path_or_two() {
    let server = Http::start(&["serve"]);
    // Two: the stream says where to post.
    on_the_stream(&server, |endpoint| {
        assert!(endpoint.starts_with("/messages?sessionId="), "{endpoint}");
        endpoint.to_owned()
    });
    // One: to where the stream is.
    on_the_stream(&server, |endpoint| endpoint.replace("/messages", "/sse"));
}

#[test]
fn seed_d01_one_endpoint_for_get_and_post() {
    let server = Http::start(&["serve"]);
    let session = open(&server);
    let headers = within(&session);
    let (head, _lines) = Lines::get(server.port(), "/mcp", &headers);
    assert!(
        head.starts_with("http/1.1 200") && head.contains("text/event-stream"),
        "{head}"
    );
    let answer = server.ask(&headers, &call(1, "add", json!({"a": 1, "b": 2})));
    assert_eq!(
        answer.header("content-type").as_deref(),
        Some("application/json")
    );
    assert_eq!(answer.json()["id"], 1);
}

#[test]
fn seed_d01_responses_come_on_the_stream_of_their_request() {
    let server = Http::start(&["serve"]);
    let session = open(&server);
    let mut countdown = call(7, "countdown", json!({"from": 2, "interval_ms": 1}));
    countdown["params"]["_meta"] = json!({"progressToken": "p"});
    let (head, mut lines) = Lines::of(server.post(&within(&session), &countdown));
    for header in [
        "content-type: text/event-stream",
        "cache-control: no-cache",
        "x-accel-buffering: no",
    ] {
        assert!(head.contains(header), "{head}");
    }
    let mut methods = Vec::new();
    let answer = loop {
        let message = lines.message();
        match message["method"].as_str() {
            Some(method) => methods.push(method.to_owned()),
            None => break message,
        }
    };
    assert!(
        methods
            .iter()
            .any(|method| method == "notifications/progress"),
        "{methods:?}"
    );
    assert_eq!(
        (&answer["id"], &answer["result"]["content"][0]["text"]),
        (&json!(7), &json!("liftoff"))
    );
}

#[test]
fn seed_d01_an_idle_stream_is_kept_alive() {
    let server = Http::start(&["serve"]);
    let session = open(&server);
    let (_, mut lines) = Lines::get(server.port(), "/mcp", &within(&session));
    let (_, mut old) = Lines::get(server.port(), "/sse", &[]);
    // Lines of comments, which no client takes for anything.
    assert_eq!(lines.next(":"), "");
    assert_eq!(old.next(":"), "");
}

#[test]
fn seed_d01_connections_are_used_again() {
    use std::io::Write as _;
    let server = Http::start(&["serve"]);
    let mut stream = super::wire::connect(server.port());
    for id in 0..3 {
        let ping = json!({"jsonrpc": "2.0", "id": id, "method": "initialize", "params": initialize()["params"]}).to_string();
        let head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\n";
        write!(stream, "{head}content-length: {}\r\n\r\n{ping}", ping.len()).expect("sent");
        let (head, _) = Lines::of(stream.try_clone().expect("the same"));
        assert!(head.starts_with("http/1.1 200"), "{head}");
    }
}
