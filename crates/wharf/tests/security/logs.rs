//! Row 19: what a client sends must not write the server's log, nor draw on its terminal.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};
use wharf::{Context, Limits, NoArguments, Server, Tool};

use crate::wire::tools::{add, tokens};
use crate::wire::{Kind, Legacy, Line, Modern, Peer, Post, Value, all_capabilities, json, serve};

/// Everything that is logged on this thread, as the plainest of formatters would write it: texts
/// that are values are quoted, all else is as it displays itself.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        struct Line(String, usize);
        impl Visit for Line {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                self.1 += usize::from(field.name() == "message");
                let _ = write!(self.0, "{}={value:?} ", field.name());
            }
            fn record_str(&mut self, field: &Field, value: &str) {
                if field.name() == "message" {
                    self.record_debug(field, &format_args!("{value}"));
                } else {
                    self.record_debug(field, &value);
                }
            }
        }
        let mut line = Line(String::new(), 0);
        event.record(&mut line);
        let target = event.metadata().target();
        if target.starts_with("wharf") {
            assert!(line.1 <= 1, "two messages in one line: {}", line.0);
            self.0.lock().unwrap().push(line.0);
        }
    }
}

impl Log {
    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

const NASTY: [&str; 6] = [
    "\u{1b}]0;pwned\u{7}",
    "x\r\n{\"level\":\"ERROR\",\"message\":\"forged\"}",
    "\u{9b}31mred",
    "a\u{202e}b\u{2066}c",
    "tab\tnul\0bell\u{8}",
    "\u{e0041}\u{200b}invisible",
];

fn is_nasty(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200b}' | '\u{202e}' | '\u{2066}' | '\u{e0041}'
        )
}

#[track_caller]
fn clean(text: &str) {
    assert!(!text.contains(is_nasty), "{text:?}");
}

fn server() -> Server {
    let boom = Tool::new("boom").handler(|Said { text }: Said, _: Context| async move {
        if true {
            panic!("cannot read {text}");
        }
        "never"
    });
    let wait = Tool::new("wait").handler(|_: NoArguments, _: Context| async {
        std::future::pending::<()>().await;
        "never"
    });
    Server::new("Test").tool(add).tool(boom).tool(wait)
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Said {
    text: String,
}

#[tokio::test]
async fn row_19_log_injection() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let mut heard = 0;
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, server()).await;
        for nasty in NASTY {
            // The name of a tool, a method, an argument, a URI, a client, a log level, an id.
            let name = kind.is_http().then(|| encoded(nasty));
            let mut replies = Vec::new();
            for (method, params) in [
                ("tools/call", json!({"name": nasty})),
                ("prompts/get", json!({"name": nasty})),
                ("resources/read", json!({"uri": nasty})),
                ("resources/subscribe", json!({"uri": nasty})),
                ("logging/setLevel", json!({"level": nasty})),
                ("tools/list", json!({"cursor": nasty})),
                (
                    "tools/list",
                    json!({"_meta": {"progressToken": {nasty: nasty}}}),
                ),
                (
                    "tools/list",
                    json!({"_meta": {"io.modelcontextprotocol/logLevel": nasty}}),
                ),
                (
                    "completion/complete",
                    json!({"ref": {"type": nasty}, "argument": {"name": "a", "value": ""}}),
                ),
                (
                    "completion/complete",
                    json!({"ref": {"type": "ref/prompt", "name": nasty}, "argument": {"name": nasty, "value": nasty}}),
                ),
            ] {
                let body = peer.request_body(method, params).to_string();
                replies.push(peer.raw_as(&body, method, name.as_deref()).await);
            }
            replies.push(peer.call("add", json!({"a": nasty, nasty: nasty})).await);
            replies.push(peer.call("boom", json!({"text": nasty})).await);
            let body = peer.request_body("x", json!({})).to_string();
            let method = Value::from(nasty).to_string();
            if !kind.is_http() || !kind.is_modern() {
                let reply = peer.raw(&body.replace("\"x\"", &method)).await;
                replies.push(reply);
            }
            replies.push(peer.raw(&format!("{{\"jsonrpc\":\"2.0\",{method}:")).await);
            for reply in &replies {
                // What a client may show to a person.
                clean(
                    reply.message["error"]["message"]
                        .as_str()
                        .unwrap_or_default(),
                );
                clean(
                    reply.message["result"]["content"][0]["text"]
                        .as_str()
                        .unwrap_or_default(),
                );
            }
            for line in log.lines() {
                clean(&line);
                heard += 1;
            }
        }
        peer.still_answers().await;
    }
    assert!(heard > 0, "this log hears nothing");
}

/// A header's value for a name that is no plain text.
fn encoded(text: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::from("=?base64?");
    for three in text.as_bytes().chunks(3) {
        let bits = three
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - three.len()));
        for place in 0..4 {
            out.push(match place <= three.len() {
                true => char::from(ALPHABET[(bits >> (18 - 6 * place)) as usize & 63]),
                false => '=',
            });
        }
    }
    out + "?="
}

#[tokio::test]
async fn row_19_log_injection_by_cancelling_and_by_headers() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let served = serve(server()).await;
    let client = Legacy::open_as(&served, "2025-11-25", all_capabilities(), None).await;
    for nasty in NASTY {
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": {"requestId": nasty, "reason": nasty}});
        client.send(cancel).await;
        client
            .send(json!({"jsonrpc": "2.0", "method": nasty}))
            .await;
        client
            .send(json!({"jsonrpc": "2.0", "id": nasty, "error": {"code": 1, "message": nasty}}))
            .await;
        let info = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": nasty, "capabilities": {}, "clientInfo": {"name": nasty, "version": nasty}}});
        assert_eq!(served.ask(&Post::new(info.to_string())).await.status, 200);
        for line in log.lines() {
            clean(&line);
        }
    }
    for header in [
        "mcp-method",
        "mcp-name",
        "mcp-protocol-version",
        "mcp-session-id",
        "last-event-id",
        "user-agent",
        "origin",
        "host",
    ] {
        for value in ["\u{1b}[31m", "\u{9b}31m", "a\tb", "%0d%0a"] {
            let modern = Modern::new(&served)
                .post(1, "tools/list", json!({}))
                .set(header, value);
            let mut wire = served.wire().await;
            wire.send(&modern.bytes(served.addr)).await;
            if let Some(answer) = wire.try_answer().await {
                clean(answer.text());
            }
        }
    }
    for line in log.lines() {
        clean(&line);
    }
}

#[tokio::test]
async fn row_19_log_injection_no_secrets() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let boom = Tool::new("boom").handler(|_: Said, ctx: Context| async move {
        ctx.info("to the client").await;
        Err::<String, _>(wharf::Error::new("out of order"))
    });
    let served = serve(Server::new("Test").tool(add).tool(boom).http(tokens())).await;
    let client = Legacy::open_as(&served, "2025-11-25", json!({}), Some("ada")).await;
    client.call("boom", json!({"text": "hunter2"})).await;
    client.call("add", json!({"a": "hunter2"})).await;
    client.delete().await;
    client.ask("tools/list", json!({})).await;
    for line in log.lines() {
        for secret in ["Bearer", "hunter2", client.session.as_str()] {
            assert!(!line.contains(secret), "{line}");
        }
    }
}

#[tokio::test]
async fn row_19_names_of_tools_are_checked_at_the_start() {
    for name in NASTY {
        let tool = Tool::new(name).handler(|_: NoArguments, _: Context| async { "x" });
        let refused = Server::new("Test")
            .tool(tool)
            .bind("127.0.0.1:0")
            .await
            .map(drop)
            .unwrap_err();
        assert!(refused.is_invalid_definition());
        clean(&refused.to_string());
    }
}

#[tokio::test]
async fn row_19_a_line_is_one_message() {
    // What handlers send cannot end a line, and so cannot forge a message on a pipe.
    let say = Tool::new("say").handler(|Said { text }: Said, ctx: Context| async move {
        ctx.error(&text).await;
        ctx.progress_message(1.0, None, &text).await;
        text
    });
    let mut line = Line::unix(
        Server::new(NASTY[1])
            .tool(add)
            .tool(say)
            .limits(Limits::default()),
    );
    line.initialize("2025-11-25", json!({})).await;
    for nasty in NASTY {
        // Reading checks that each line is one JSON text.
        let params =
            json!({"name": "say", "arguments": {"text": nasty}, "_meta": {"progressToken": nasty}});
        let answer = line.ask("tools/call", params).await;
        assert_eq!(answer["result"]["content"][0]["text"], nasty);
        let before = std::mem::take(&mut line.before);
        assert_eq!(before.len(), 2);
        assert_eq!(before[0]["params"]["data"], nasty);
        assert_eq!(before[1]["params"]["message"], nasty);
        assert_eq!(before[1]["params"]["progressToken"], nasty);
    }
}
