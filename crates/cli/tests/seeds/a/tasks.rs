//! Tasks whose ids the client chooses.

use serde_json::{Value, json};

use super::client::{Events, Session};
use crate::support::Http;

const STATUS: &str = "notifications/tasks/status";

fn countdown(from: u32, interval_ms: u32, task: &str) -> Value {
    json!({
        "toolName": "countdown", "taskId": task,
        "arguments": { "from": from, "interval_ms": interval_ms },
    })
}

/// The statuses of a task, up to its end.
fn statuses(stream: &mut Events, task: &str) -> Vec<String> {
    let mut statuses = Vec::new();
    loop {
        let told = stream.notice(STATUS);
        if told["params"]["taskId"] != task {
            continue;
        }
        let status = told["params"]["status"].as_str().expect("a status");
        statuses.push(status.to_owned());
        if status != "working" {
            return statuses;
        }
    }
}

#[test]
fn seed_a_dialect_tools_call_as_a_task() {
    let server = Http::start(&["serve"]);
    let session = Session::described(&server.url);
    let mut stream = session.stream_by_query();
    let begun = session.ask("tools/call", countdown(3, 100, "count"));
    assert_eq!(begun["taskId"], "count");
    assert_eq!(begun["status"], "working", "it answers at once");
    // The status is told before anything that the task says.
    assert_eq!(stream.message()["params"]["status"], "working");
    assert_eq!(statuses(&mut stream, "count"), ["completed"]);
    let task = session.ask("tasks/get", json!({ "taskId": "count" }));
    assert_eq!(task["status"], "completed");
    assert_eq!(task["result"]["result"], "liftoff");
    assert_eq!(task["result"]["content"][0]["text"], "liftoff");

    // The id is in use for as long as the task is kept.
    assert_eq!(
        session.refused("tools/call", countdown(1, 0, "count")),
        -32602
    );
    // A call that is refused is no task, and its id is free.
    let unknown = json!({ "toolName": "nothing", "taskId": "free" });
    assert_eq!(session.refused("tools/call", unknown), -32602);
    session.ask("tools/call", countdown(1, 0, "free"));
    assert_eq!(statuses(&mut stream, "free"), ["working", "completed"]);
    // A tool that fails is a task that fails.
    let fails = json!({
        "toolName": "calculate", "taskId": "fails", "arguments": { "expression": "1 / 0" },
    });
    session.ask("tools/call", fails);
    assert_eq!(statuses(&mut stream, "fails"), ["working", "failed"]);
}

#[test]
fn seed_a_dialect_a_task_goes_on_without_a_connection() {
    let server = Http::start(&["serve"]);
    let session = Session::described(&server.url);
    // Nobody listens, and every request has a connection of its own.
    session.ask("tools/call", countdown(2, 50, "alone"));
    let done = session.ask("tasks/result", json!({ "taskId": "alone" }));
    assert_eq!(done["result"], "liftoff");
    // What was said of it meanwhile is there for the first who listens.
    let mut stream = session.stream();
    assert_eq!(statuses(&mut stream, "alone"), ["working", "completed"]);
}

#[test]
fn seed_a_dialect_a_task_says_how_far_it_is() {
    let server = Http::start(&["serve"]);
    let session = Session::described(&server.url);
    let mut stream = session.stream();
    let mut call = countdown(3, 10, "far");
    call["_meta"] = json!({ "progressToken": "mine" });
    session.ask("tools/call", call);
    let told = stream.notice("notifications/progress");
    assert_eq!(told["params"]["progressToken"], "mine");
    assert_eq!(told["params"]["progress"], 1);
}

#[test]
fn seed_a_dialect_tasks_list() {
    let server = Http::start(&["serve"]);
    let session = Session::described(&server.url);
    assert_eq!(session.ask("tasks/list", json!({})), json!({ "tasks": [] }));
    let mut stream = session.stream();
    session.ask("tools/call", countdown(1, 0, "quick"));
    statuses(&mut stream, "quick");
    session.ask("tools/call", countdown(1000, 60_000, "slow"));
    // One of the server's own, by the official spelling.
    let official = json!({
        "name": "countdown", "task": {}, "arguments": { "from": 1000, "interval_ms": 60_000 },
    });
    let official = session.ask("tools/call", official)["task"]["taskId"].take();
    let ids = |params: Value| {
        let listed = session.ask("tasks/list", params);
        let tasks = listed["tasks"].as_array().expect("a list").clone();
        let ids = tasks.into_iter().map(|mut task| task["taskId"].take());
        ids.collect::<Vec<Value>>()
    };
    let (quick, slow) = (json!("quick"), json!("slow"));
    let all = [quick.clone(), slow.clone(), official.clone()];
    assert_eq!(ids(json!({})), all);
    assert_eq!(ids(json!({ "filter": {} })), all);
    let status = |status: &str| json!({ "filter": { "status": status } });
    assert_eq!(ids(status("completed")), [quick]);
    assert_eq!(ids(status("working")), [slow, official.clone()]);
    assert!(ids(status("failed")).is_empty());
    for wrong in [
        json!({ "filter": { "status": "unheard of" } }),
        json!({ "filter": { "status": 1 } }),
        json!({ "filter": "working" }),
    ] {
        assert_eq!(session.refused("tasks/list", wrong), -32602);
    }
    let task = session.ask("tasks/cancel", json!({ "taskId": official }));
    assert_eq!(
        (&task["cancelled"], &task["status"]),
        (&json!(true), &json!("cancelled"))
    );
}

#[test]
fn seed_a_dialect_tasks_get() {
    let server = Http::start(&["serve"]);
    let session = Session::described(&server.url);
    session.ask("tools/call", countdown(1000, 60_000, "slow"));
    let task = session.ask("tasks/get", json!({ "taskId": "slow" }));
    for member in ["createdAt", "lastUpdatedAt"] {
        assert!(task[member].is_string(), "{member}");
    }
    for member in ["ttl", "pollInterval"] {
        assert!(task[member].is_u64(), "{member}");
    }
    assert_eq!(task["status"], "working");
    assert!(task.get("result").is_none() && task.get("error").is_none());
    for wrong in [
        json!({}),
        json!({ "taskId": 1 }),
        json!({ "taskId": "unknown" }),
    ] {
        for method in ["tasks/get", "tasks/cancel", "tasks/result"] {
            assert_eq!(
                session.refused(method, wrong.clone()),
                -32602,
                "{method} {wrong}"
            );
        }
    }
}

#[test]
fn seed_a_dialect_tasks_cancel() {
    let server = Http::start(&["serve"]);
    let session = Session::described(&server.url);
    let mut stream = session.stream();
    session.ask("tools/call", countdown(1000, 50, "slow"));
    let cancelled = session.ask("tasks/cancel", json!({ "taskId": "slow" }));
    assert_eq!(cancelled["cancelled"], true);
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(
        statuses(&mut stream, "slow").last().expect("one"),
        "cancelled"
    );
    let task = session.ask("tasks/get", json!({ "taskId": "slow" }));
    assert_eq!(task["status"], "cancelled");
    assert!(task.get("result").is_none());
    // It is over, and says nothing more: the next message is another task's.
    assert_eq!(
        session.refused("tasks/cancel", json!({ "taskId": "slow" })),
        -32602
    );
    assert_eq!(
        session.refused("tasks/result", json!({ "taskId": "slow" })),
        -32602
    );
    std::thread::sleep(std::time::Duration::from_millis(200));
    session.ask("tools/call", countdown(1, 0, "next"));
    assert_eq!(stream.message()["params"]["taskId"], "next");
}
