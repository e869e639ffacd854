//! Tasks that go on after a restart.

use crate::process::{Home, Process};
use crate::wire::{Legacy, Modern, Value, all_capabilities, json, soon, text};

fn able() -> Value {
    let mut all = all_capabilities();
    all["extensions"] = json!({"io.modelcontextprotocol/tasks": {}});
    all
}

fn client(process: &Process) -> Modern<'_> {
    Modern::new(&process.served).able(able())
}

fn accept(name: &str) -> Value {
    json!({"action": "accept", "content": {"name": name}})
}

async fn get(process: &Process, id: &Value) -> Value {
    let params = json!({"taskId": id});
    client(process).ask("tasks/get", params).await.result()
}

/// Waits until the task asks under this key.
async fn asks(process: &Process, id: &Value, key: &str) -> Value {
    soon(async {
        loop {
            let task = get(process, id).await;
            if task["inputRequests"].get(key).is_some() {
                return task;
            }
        }
    })
    .await
}

async fn update(process: &Process, id: &Value, key: &str, name: &str) {
    let params = json!({"taskId": id, "inputResponses": {key: accept(name)}});
    client(process).ask("tasks/update", params).await.result();
}

#[tokio::test]
async fn questions_and_answers_go_on_in_the_next_process() {
    let home = Home::new();
    let first = home.start(false);
    let created = client(&first).call("meet", json!({})).await.result();
    let id = created["taskId"].clone();
    asks(&first, &id, "elicitation-1").await;
    first.kill();

    // What was asked is still open, and can be answered.
    let second = home.start(false);
    let task = asks(&second, &id, "elicitation-1").await;
    assert_eq!(task["createdAt"], created["createdAt"]);
    update(&second, &id, "elicitation-1", "Ada").await;
    asks(&second, &id, "elicitation-2").await;
    assert_eq!(home.payments(), 1);
    second.kill();

    // What was answered is not asked again, and the step between is not done again.
    let third = home.start(false);
    let task = asks(&third, &id, "elicitation-2").await;
    assert_eq!(task["inputRequests"].as_object().unwrap().len(), 1);
    update(&third, &id, "elicitation-2", "Alan").await;
    let done = soon(async {
        loop {
            let task = get(&third, &id).await;
            if task["status"] == "completed" {
                return task;
            }
        }
    })
    .await;
    assert_eq!(text(&done["result"]), "Ada and Alan");
    assert_eq!(home.payments(), 1);
    third.kill();

    // And the result stays.
    let fourth = home.start(false);
    assert_eq!(get(&fourth, &id).await, done);
}

#[tokio::test]
async fn the_tasks_of_a_session_are_found_in_the_next_process() {
    let home = Home::new();
    let first = home.start(false);
    let open = Legacy::open_as(&first.served, "2025-11-25", all_capabilities(), None).await;
    let params = json!({"name": "meet", "arguments": {}, "task": {}});
    let created = open.ask("tools/call", params.clone()).await.result();
    let cancelled = open.ask("tools/call", params).await.result();
    let id = json!({"taskId": cancelled["task"]["taskId"]});
    assert_eq!(
        open.ask("tasks/cancel", id).await.result()["status"],
        "cancelled"
    );
    first.kill();

    let second = home.start(false);
    let session = open.at(&second.served);
    let listed = session.ask("tasks/list", json!({})).await.result();
    let listed = listed["tasks"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[1]["status"], "cancelled");
    let id = created["task"]["taskId"].clone();
    assert_eq!(listed[0]["taskId"], id);
    let wait = session.request("tasks/result", json!({"taskId": id}));
    let mut stream = second.served.stream(&wait).await;
    let result = loop {
        let message = stream.expect().await;
        if message["method"] == "elicitation/create" {
            assert_eq!(session.answer(&message, accept("Ada")).await.status, 202);
        } else if message.get("result").is_some() {
            break message;
        }
    };
    assert_eq!(text(&result["result"]), "Ada and Ada");
    // Nobody else sees them, in this process either.
    let other = Legacy::open(&second.served).await;
    let listed = other.ask("tasks/list", json!({})).await.result();
    assert_eq!(listed["tasks"], json!([]));
}
