//! Rows 1, 19, 23, 24 and 27: what is written down about requests, and who can read the numbers.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use wharf::http::{MetricsOptions, MetricsServer, Tokens};
use wharf::{AuditLog, Context, Metrics, NoArguments, Resource, Server, Tool};

use crate::wire::tools::{Watch, add, adder, wait};
use crate::wire::{
    Legacy, Line, Modern, Post, Served, Socket, Sse, Value, json, serve, soon, until,
};

const ADA: &str = "f2c5b1d09a7e4c3388d1e6075b94aa10";
const TITLE: &str = "\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}";
const LINE: &str = "x\r\n{\"level\":\"ERROR\",\"message\":\"forged\"}";
const PLANTED: &str = "planted-7f3a";

struct Log {
    log: AuditLog,
    path: PathBuf,
}

impl Log {
    fn new(test: &str) -> Self {
        let name = format!("wharf-audit-{}-{test}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let log = AuditLog::to_file(&path).unwrap();
        Self { log, path }
    }

    fn text(&self) -> String {
        assert!(self.log.flush(Duration::from_secs(20)));
        std::fs::read_to_string(&self.path).unwrap()
    }

    fn lines(&self) -> Vec<Value> {
        let text = self.text();
        let lines = text
            .lines()
            .map(|line| serde_json::from_str(line).expect(line));
        lines.collect()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn fail() -> Tool {
    Tool::new("fail")
        .handler(|_: NoArguments, _: Context| async { Err::<String, _>(wharf::Error::new("no")) })
}

#[tokio::test]
async fn who_did_what_and_what_came_of_it() {
    let log = Log::new("who");
    let tokens = Tokens::new();
    tokens.set([("ada", ADA)]).unwrap();
    let http = wharf::http::HttpOptions {
        authenticate: Some(tokens.authenticate()),
        ..Default::default()
    };
    let secret = Resource::text("db://host/t", PLANTED);
    let server = adder().tool(fail()).resource(secret).http(http);
    let served = serve(server.observe(log.log.clone())).await;
    let ada = Legacy::open_as(&served, "2025-11-25", json!({}), Some(ADA)).await;
    ada.call("add", json!({"a": 1, "b": 2})).await;
    ada.call("fail", json!({PLANTED: PLANTED})).await;
    ada.call("none", json!({PLANTED: PLANTED})).await;
    let uri = format!("db://{PLANTED}:{PLANTED}@host/t?key={PLANTED}");
    ada.ask("resources/read", json!({"uri": uri})).await;
    ada.ask("resources/read", json!({"uri": "db://host/t"}))
        .await;
    let modern = Modern::new(&served).token("f2c5b1d09a7e4c3388d1e6075b94aa10");
    modern.call("add", json!({"a": 1, "b": 2})).await;
    served.ask(&Post::new("{}").bearer(Some(&ADA[1..]))).await;

    let lines = log.lines();
    let shown: Vec<_> = lines
        .iter()
        .map(|line| {
            let member = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
            let all = [
                "event",
                "method",
                "target",
                "outcome",
                "revision",
                "transport",
                "client",
            ];
            all.map(member).join(" ")
        })
        .collect();
    let expected = [
        "request initialize - ok 2025-11-25 http test",
        "request tools/call add ok 2025-11-25 http test",
        "request tools/call fail tool_error 2025-11-25 http test",
        "request tools/call none error 2025-11-25 http test",
        "request resources/read db://host/t?… error 2025-11-25 http test",
        "request resources/read db://host/t ok 2025-11-25 http test",
        "request tools/call add ok 2026-07-28 http test",
        "refused - - - - - -",
    ];
    assert_eq!(shown, expected);
    for line in &lines[..7] {
        assert_eq!(line["principal"]["subject"], "ada");
        assert!(
            line["ms"].as_f64().unwrap() >= 0.0 && line["time"].is_string(),
            "{line}"
        );
    }
    assert_eq!(lines[3]["code"], -32602);
    let session = lines[0]["session"].as_str().unwrap();
    assert_eq!(session.len(), 16);
    assert!(
        lines[..6].iter().all(|line| line["session"] == session),
        "{lines:?}"
    );
    assert!(lines[6].get("session").is_none());
    assert_eq!(
        (&lines[7]["reason"], &lines[7]["peer"]),
        (&json!("unauthorized"), &json!("127.0.0.1"))
    );
    let text = log.text();
    for secret in [PLANTED, &ADA[1..], &ada.session, &ada.session[..12]] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[tokio::test]
async fn each_transport_is_called_by_its_name() {
    let log = Log::new("transports");
    let served = serve(adder().observe(log.log.clone())).await;
    let mut sse = Sse::open(&served).await;
    sse.initialize("2024-11-05", json!({})).await;
    let mut socket = Socket::open(&served).await;
    socket.initialize("2025-06-18", json!({})).await;
    let mut line = Line::duplex(adder().observe(log.log.clone()), 4096);
    line.initialize("2025-11-25", json!({})).await;
    let here = adder().observe(log.log.clone()).in_process().await.unwrap();
    here.call("add", json!({"a": 1, "b": 2})).await.unwrap();
    let lines = log.lines();
    let transports: Vec<_> = lines
        .iter()
        .map(|line| line["transport"].as_str().unwrap())
        .collect();
    assert_eq!(
        transports,
        ["sse", "websocket", "stdio", "in_process"],
        "{lines:?}"
    );
}

#[tokio::test]
async fn row_19_names_cannot_write_lines_of_the_audit_log() {
    let log = Log::new("injection");
    let served = serve(adder().observe(log.log.clone())).await;
    let long = "n".repeat(100_000);
    let mut expected = 0;
    for name in [TITLE, LINE, &long] {
        let client = json!({"name": name, "version": "1"});
        let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}});
        let opened = served.ask(&Post::new(initialize.to_string())).await;
        let session = opened.header("mcp-session-id").unwrap().to_owned();
        for message in [
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name}}),
            json!({"jsonrpc": "2.0", "id": 2, "method": name}),
            json!({"jsonrpc": "2.0", "id": 3, "method": "resources/read", "params": {"uri": format!("a://{name}")}}),
        ] {
            let post = Post::new(message.to_string()).header("mcp-session-id", session.clone());
            served.ask(&post).await;
        }
        expected += 4;
    }
    let text = log.text();
    assert!(text.contains("owned") && text.contains("forged"), "{text}");
    let evil = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}');
    assert!(!text.contains(evil), "{text:?}");
    let lines = log.lines();
    assert_eq!(lines.len(), expected);
    assert!(
        lines.iter().all(|line| line["event"] == "request"),
        "{text}"
    );
    assert!(text.lines().all(|line| line.len() < 4096), "a line is long");
}

#[cfg(unix)]
#[tokio::test]
async fn row_27_the_audit_log_is_its_owners_and_can_be_moved_away() {
    use std::os::unix::fs::PermissionsExt as _;
    let log = Log::new("mode");
    let mode = std::fs::metadata(&log.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let served = serve(adder().observe(log.log.clone())).await;
    let modern = Modern::new(&served);
    modern.call("add", json!({"a": 1, "b": 2})).await;
    assert_eq!(log.lines().len(), 1);
    let moved = log.path.with_extension("1");
    std::fs::rename(&log.path, &moved).unwrap();
    log.log.reopen();
    modern.call("add", json!({"a": 1, "b": 2})).await;
    assert_eq!(log.lines().len(), 1, "in the new file");
    assert_eq!(std::fs::read_to_string(&moved).unwrap().lines().count(), 1);
    std::fs::remove_file(&moved).unwrap();
    // What was there before stays.
    let again = AuditLog::to_file(&log.path).unwrap();
    drop(again);
    assert_eq!(log.lines().len(), 1);
}

#[tokio::test]
async fn a_call_that_was_cancelled_is_written_down() {
    let log = Log::new("cancelled");
    let metrics = Metrics::new();
    let watch = Watch::new();
    let server = adder().tool(wait(&watch)).observe(log.log.clone());
    let served = serve(server.observe(metrics.clone())).await;
    let ada = Legacy::open(&served).await;
    let call = ada.tool(1, "wait", json!({}));
    let (answer, ()) = tokio::join!(served.ask(&call), async {
        until(|| watch.has_started()).await;
        let params = json!({"requestId": 1});
        let cancel =
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params});
        assert_eq!(ada.send(cancel).await.status, 202);
    });
    assert_eq!(answer.status, 202);
    let lines = log.lines();
    assert_eq!(
        (&lines[1]["target"], &lines[1]["outcome"]),
        (&json!("wait"), &json!("dropped"))
    );
    let counted = r#"wharf_tool_calls_total{tool="wait",outcome="dropped"} 1"#;
    assert!(metrics.render().contains(counted), "{}", metrics.render());
}

/// The numbers of a server, at an address of their own.
struct Numbers {
    served: Served,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<wharf::Result<()>>,
}

async fn numbers(metrics: &Metrics) -> Numbers {
    let options = MetricsOptions {
        address: "127.0.0.1:0".into(),
        ..MetricsOptions::default()
    };
    let server = MetricsServer::bind(metrics, options).await.unwrap();
    let served = Served::elsewhere(server.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(server.serve_until(async {
        let _ = stopped.await;
    }));
    Numbers { served, stop, task }
}

fn get(target: &str) -> Post {
    let mut get = Post::bare("GET");
    get.target = target.into();
    get
}

#[tokio::test]
async fn numbers_of_what_happens() {
    let metrics = Metrics::new();
    let watch = Watch::new();
    let tool = wait(&watch);
    let served = serve(adder().tool(fail()).tool(tool).observe(metrics.clone())).await;
    let numbers = numbers(&metrics).await;
    let ada = Legacy::open(&served).await;
    for _ in 0..3 {
        ada.call("add", json!({"a": 1, "b": 2})).await;
    }
    ada.call("fail", json!({})).await;
    for number in 0..20 {
        ada.call(&format!("none-{number}"), json!({})).await;
        ada.ask(&format!("method-{number}"), json!({})).await;
    }
    served
        .ask(&Post::new("{}").header("origin", "http://evil.com"))
        .await;
    metrics.reloaded(true);
    metrics.reloaded(false);
    let _stream = ada.listen().await;

    let answer = numbers.served.ask(&get("/metrics")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let text = answer.text();
    for line in [
        r#"wharf_requests_total{method="initialize",outcome="ok"} 1"#,
        r#"wharf_requests_total{method="tools/call",outcome="ok"} 3"#,
        r#"wharf_requests_total{method="tools/call",outcome="tool_error"} 1"#,
        r#"wharf_requests_total{method="tools/call",outcome="error"} 20"#,
        r#"wharf_requests_total{method="other",outcome="error"} 20"#,
        r#"wharf_request_duration_seconds_bucket{method="tools/call",le="+Inf"} 24"#,
        r#"wharf_request_duration_seconds_count{method="tools/call"} 24"#,
        r#"wharf_tool_calls_total{tool="add",outcome="ok"} 3"#,
        r#"wharf_tool_calls_total{tool="fail",outcome="tool_error"} 1"#,
        r#"wharf_tool_calls_total{tool="other",outcome="error"} 20"#,
        r#"wharf_errors_total{code="-32602"} 20"#,
        r#"wharf_errors_total{code="-32601"} 20"#,
        r#"wharf_refused_total{reason="origin"} 1"#,
        r#"wharf_reloads_total{outcome="ok"} 1"#,
        r#"wharf_reloads_total{outcome="failed"} 1"#,
        "wharf_sessions 1",
        "wharf_streams 1",
        "wharf_tasks 0",
        "wharf_connections 1",
    ] {
        assert!(text.lines().any(|known| known == line), "{line}\n{text}");
    }
    assert!(
        !text.contains("none-") && !text.contains("method-"),
        "{text}"
    );
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(
            name.starts_with("wharf_") && value.parse::<f64>().is_ok(),
            "{line}"
        );
    }
    let _ = numbers.stop.send(());
    soon(numbers.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn row_01_dns_rebinding_the_metrics_know_their_hosts() {
    let metrics = Metrics::new();
    let numbers = numbers(&metrics).await;
    let served = &numbers.served;
    for host in [
        "evil.com",
        "localhost.evil.com",
        "127.0.0.1.nip.io",
        "localhost.",
        "",
    ] {
        assert_eq!(
            served
                .ask(&get("/metrics").header("host", host))
                .await
                .status,
            421,
            "{host}"
        );
    }
    for origin in ["http://evil.com", "null"] {
        let answer = served.ask(&get("/metrics").header("origin", origin)).await;
        assert_eq!(answer.status, 403, "{origin}");
        assert!(!answer.text().contains("wharf_requests"), "{answer:?}");
    }
    let site = get("/metrics").header("sec-fetch-site", "cross-site");
    assert_eq!(served.ask(&site).await.status, 403);
    for (method, target, status) in [
        ("GET", "/", 404),
        ("GET", "/metrics/", 404),
        ("POST", "/metrics", 405),
        ("GET", "/metrics", 200),
    ] {
        let mut post = Post::bare(method);
        post.target = target.into();
        assert_eq!(served.ask(&post).await.status, status, "{method} {target}");
    }
}

#[tokio::test]
async fn row_27_metrics_are_not_shown_to_everybody() {
    let metrics = Metrics::new();
    let mut options = MetricsOptions {
        address: "0.0.0.0:0".into(),
        ..MetricsOptions::default()
    };
    let refused = MetricsServer::bind(&metrics, options.clone())
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("allow_public"), "{refused}");
    options.allow_public = true;
    MetricsServer::bind(&metrics, options).await.unwrap();
}

#[tokio::test]
async fn row_24_slow_readers_of_metrics_do_not_take_all_places() {
    let metrics = Metrics::new();
    let numbers = numbers(&metrics).await;
    // All places, by connections that say nothing more.
    let mut wires = Vec::new();
    for _ in 0..16 {
        let mut wire = numbers.served.wire().await;
        wire.send(b"GET /metrics HTTP/1.1\r\nho").await;
        wires.push(wire);
    }
    assert_eq!(numbers.served.ask(&get("/metrics")).await.status, 200);
}

#[tokio::test]
async fn an_observer_of_ones_own() {
    use wharf::observe::{Answered, Observer, Outcome};
    #[derive(Clone, Default)]
    struct Seen(Arc<std::sync::Mutex<Vec<(String, Outcome)>>>);
    impl Observer for Seen {
        fn answered(&self, request: &Answered<'_>) {
            let tool = request.tool().unwrap_or_default().into_owned();
            self.0.lock().unwrap().push((tool, request.outcome()));
        }
    }
    let seen = Seen::default();
    let server = Server::new("Test").tool(add).observe(seen.clone());
    let served = serve(server).await;
    let modern = Modern::new(&served);
    modern.call("add", json!({"a": 1, "b": 2})).await;
    modern.call("add", json!({"a": "x"})).await;
    modern.call("none", json!({})).await;
    let seen = seen.0.lock().unwrap().clone();
    let expected = [
        ("add", Outcome::Result),
        ("add", Outcome::ToolError),
        ("", Outcome::Error(-32602)),
    ];
    assert_eq!(
        seen,
        expected.map(|(tool, outcome)| (tool.to_owned(), outcome))
    );
}
