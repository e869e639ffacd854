//! What belongs to one caller is unknown to every other (sessions, streams and tasks).

use serde_json::{Value, json};

use super::client::{Session, address, message, send};
use crate::support::{Folder, Http, wharf};

#[test]
fn seed_a_dialect_is_bound_to_its_caller() {
    let folder = Folder::new("seed-a-security");
    let tokens = folder.file(
        "tokens",
        "ada token-of-ada-0123456789abcdef\neve token-of-eve-0123456789abcdef\n",
    );
    let mut command = wharf(&["serve", "--auth-token-file"]);
    command.arg(tokens);
    let server = Http::start_with(command);
    let to = address(&server.url);
    let ada = ("Authorization", "Bearer token-of-ada-0123456789abcdef");
    let eve = ("Authorization", "Bearer token-of-eve-0123456789abcdef");
    let session = Session::open(&server.url, &[ada], json!({}));
    let arguments = json!({ "from": 1000, "interval_ms": 60_000 });
    session.ask(
        "tools/call",
        json!({ "toolName": "countdown", "arguments": arguments, "taskId": "mine" }),
    );
    let unknown = "0123456789abcdef0123456789abcdef";
    let accept = ("Accept", "text/event-stream");
    let request = message(1, "tasks/get", json!({ "taskId": "mine" })).to_string();

    // By the query: what is foreign is answered as what is unknown, and as nothing at all.
    let by_query = |method: &str, id: &str, body: Option<&str>| {
        let target = format!("/mcp?sessionId={id}");
        let response = send(to, method, &target, &[eve, accept], body);
        (response.status, response.text())
    };
    for (method, body) in [
        ("GET", None),
        ("DELETE", None),
        ("POST", Some(request.as_str())),
    ] {
        // Only a POST says what it takes.
        let foreign = by_query(method, &session.id, body);
        assert_eq!(foreign, by_query(method, unknown, body), "{method}");
        assert!((400..500).contains(&foreign.0), "{method}: {foreign:?}");
    }
    // By the header: 404 for both.
    for (method, body) in [
        ("GET", None),
        ("DELETE", None),
        ("POST", Some(request.as_str())),
    ] {
        let by_header = |id: &str| {
            let headers = [eve, ("Mcp-Session-Id", id)];
            let response = send(to, method, "/mcp", &headers, body);
            (response.status, response.text())
        };
        let foreign = by_header(&session.id);
        assert_eq!(foreign, by_header(unknown), "{method}");
        assert_eq!(foreign.0, 404, "{method}");
    }
    // Without a token nobody is anybody.
    let target = format!("/mcp?sessionId={}", session.id);
    assert_eq!(send(to, "GET", &target, &[accept], None).status, 401);

    // Tasks of another session are unknown, of the same caller too.
    let error = |session: &Session, method: &str, id: &str| {
        let (_, mut answer) = session.listen(method, json!({ "taskId": id }));
        answer["error"].take()
    };
    for other in [
        Session::open(&server.url, &[ada], json!({})),
        Session::open(&server.url, &[eve], json!({})),
    ] {
        for method in ["tasks/get", "tasks/cancel", "tasks/result"] {
            let foreign = error(&other, method, "mine");
            assert_eq!(foreign, error(&other, method, "never"), "{method}");
            assert_eq!(foreign["code"], -32602);
        }
        assert_eq!(other.ask("tasks/list", json!({}))["tasks"], json!([]));
        // The id is free there.
        let call = json!({ "toolName": "echo", "arguments": { "message": "m" }, "taskId": "mine" });
        assert_eq!(other.ask("tools/call", call)["taskId"], "mine");
    }
    // All of it has changed nothing for whom it belongs to.
    let task: Value = session.ask("tasks/get", json!({ "taskId": "mine" }));
    assert_eq!(task["status"], "working");
    let response = send(to, "GET", &target, &[ada, accept], None);
    assert_eq!(response.status, 200);
}

#[test]
fn seed_a_dialect_tasks_end_with_their_session() {
    let server = Http::start(&["serve"]);
    let session = Session::described(&server.url);
    let mut stream = session.stream();
    let arguments = json!({ "from": 1000, "interval_ms": 20 });
    session.ask(
        "tools/call",
        json!({ "toolName": "countdown", "arguments": arguments, "taskId": "mine" }),
    );
    stream.notice("notifications/message");
    let ended = send(session.to, "DELETE", "/mcp", &session.headers(), None);
    assert_eq!(ended.status, 204);
    // The stream ends, and with it everything that was said.
    assert!(stream.by_ref().count() < 1000);
    let (_, response) = session.post("tasks/get", json!({ "taskId": "mine" }));
    assert_eq!(response.status, 404);
}
