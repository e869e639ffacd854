//! Calls that become tasks, in both forms and over every kind of connection.

#![allow(clippy::unwrap_used, reason = "a helper that fails must fail the test")]

#[path = "../wire/mod.rs"]
mod wire;

mod asks;
mod client;
mod extension;
mod limits;
mod owners;
mod session;

use std::sync::Arc;

use wharf::{Context, NoArguments, Server, Tool, tool};
use wire::tools::{Person, Watch, add};
use wire::{Kind, Peer, Value, json, soon};

/// All that a client can declare, with tasks.
fn able() -> Value {
    let mut all = wire::all_capabilities();
    all["extensions"] = json!({"io.modelcontextprotocol/tasks": {}});
    all
}

/// A tool that waits until it is let go, and says `done`.
fn wait(watch: &Arc<Watch>) -> Tool {
    wire::tools::wait(watch).task()
}

fn fails() -> Tool {
    Tool::new("fails")
        .task()
        .handler(|_: NoArguments, _: Context| async { Err::<String, _>("it went wrong") })
}

fn breaks() -> Tool {
    Tool::new("breaks")
        .task()
        .handler(|_: NoArguments, _: Context| async {
            Err::<String, _>(wharf::Error::protocol(-32050, "it broke"))
        })
}

fn panics() -> Tool {
    Tool::new("panics")
        .task()
        .handler(|_: NoArguments, _: Context| async {
            let text = "a secret".to_owned();
            assert!(text.is_empty(), "{text}");
            text
        })
}

fn only() -> Tool {
    Tool::new("only")
        .task_required()
        .handler(|_: NoArguments, _: Context| async { "only" })
}

fn server(watch: &Arc<Watch>) -> Server {
    Server::new("Tasks")
        .tool(add)
        .tool(wait(watch))
        .tool(fails())
        .tool(breaks())
        .tool(panics())
        .tool(only())
        .tool(meet)
        .tool(count)
}

/// Asks two people for their names.
#[tool(task)]
async fn meet(ctx: &Context) -> wharf::Result<String> {
    let (one, other) = tokio::try_join!(
        async { ctx.elicit::<Person>("The first?").key("one").await },
        async { ctx.elicit::<Person>("The second?").key("other").await },
    )?;
    Ok(format!("{} and {}", one.name, other.name))
}

/// Tells of its progress, and waits for a word in between.
#[tool(task)]
async fn count(ctx: &Context) -> wharf::Result<String> {
    ctx.progress_message(1.0, 2.0, "half of it").await;
    let person: Person = ctx.elicit("Go on?").await?;
    ctx.warning("nearly there").await;
    ctx.progress_message(2.0, 2.0, "all of it").await;
    Ok(person.name)
}

fn accept(name: &str) -> Value {
    json!({"action": "accept", "content": {"name": name}})
}

/// Calls a tool as a task, and gives the task.
async fn begin(peer: &mut Peer, tool: &str) -> Value {
    let mut params = json!({"name": tool, "arguments": {}});
    if !peer.kind.is_modern() {
        params["task"] = json!({"ttl": 60_000});
    }
    let reply = peer.request("tools/call", params).await;
    let result = reply.result();
    if peer.kind.is_modern() {
        assert_eq!(result["resultType"], "task", "{reply:?}");
        result.clone()
    } else {
        result["task"].clone()
    }
}

async fn get(peer: &mut Peer, id: &Value) -> Value {
    let reply = peer.request("tasks/get", json!({"taskId": id})).await;
    reply.result().clone()
}

/// Looks until the task has this status.
async fn turns(peer: &mut Peer, id: &Value, status: &str) -> Value {
    soon(async {
        loop {
            let task = get(peer, id).await;
            if task["status"] == status {
                return task;
            }
            assert_ne!(task["status"], "cancelled", "{task}");
            tokio::time::sleep(wire::MS * 5).await;
        }
    })
    .await
}

/// The result of a finished task.
async fn outcome(peer: &mut Peer, id: &Value) -> Value {
    if peer.kind.is_modern() {
        return get(peer, id).await["result"].clone();
    }
    let reply = peer.request("tasks/result", json!({"taskId": id})).await;
    let mut result = reply.result().clone();
    let related = &result["_meta"]["io.modelcontextprotocol/related-task"];
    assert_eq!(*related, json!({"taskId": id}));
    result.as_object_mut().unwrap().remove("_meta");
    result
}

#[tokio::test]
async fn a_task_is_the_call_later() {
    for kind in Kind::ALL {
        let watch = Watch::new();
        let mut peer = Peer::open_as(kind, server(&watch), able()).await;
        let task = begin(&mut peer, "wait").await;
        assert_eq!(task["status"], "working", "{kind:?}");
        let (ttl, poll) = if kind.is_modern() {
            ("ttlMs", "pollIntervalMs")
        } else {
            assert_eq!(task["ttl"], 60_000);
            ("ttl", "pollInterval")
        };
        assert!(task[ttl].is_u64() && task[poll].is_u64(), "{task}");
        assert!(task["createdAt"].as_str().unwrap().ends_with('Z'), "{task}");
        let id = &task["taskId"];
        assert!(id.as_str().unwrap().len() >= 32, "{task}");
        wire::until(|| watch.has_started()).await;
        assert_eq!(get(&mut peer, id).await["status"], "working");
        peer.still_answers().await;
        watch.go();
        let done = turns(&mut peer, id, "completed").await;
        assert!(done["lastUpdatedAt"].as_str() >= done["createdAt"].as_str());
        let result = outcome(&mut peer, id).await;
        assert_eq!(result["content"], json!([{"type": "text", "text": "done"}]));
        // It can be looked at again.
        assert_eq!(outcome(&mut peer, id).await, result);
    }
}

#[tokio::test]
async fn failures_are_told_as_each_form_has_them() {
    for kind in Kind::ALL {
        let mut peer = Peer::open_as(kind, server(&Watch::new()), able()).await;
        for (tool, words) in [("fails", "it went wrong"), ("panics", "internal error")] {
            let task = begin(&mut peer, tool).await;
            let id = &task["taskId"];
            let end = if kind.is_modern() {
                "completed"
            } else {
                "failed"
            };
            let ended = turns(&mut peer, id, end).await;
            let message = ended["statusMessage"].as_str().unwrap();
            assert!(message.contains(words) && !message.contains("secret"));
            let result = outcome(&mut peer, id).await;
            assert_eq!(result["isError"], true, "{kind:?}");
            assert!(wire::text(&result).contains(words), "{result}");
        }
        let task = begin(&mut peer, "breaks").await;
        let id = &task["taskId"];
        let failed = turns(&mut peer, id, "failed").await;
        assert_eq!(failed["statusMessage"], "it broke");
        if kind.is_modern() {
            let error = json!({"code": -32050, "message": "it broke"});
            assert_eq!(failed["error"], error);
            assert_eq!(failed.get("result"), None);
        } else {
            let reply = peer.request("tasks/result", json!({"taskId": id})).await;
            assert_eq!(reply.code(), -32050);
        }
    }
}

#[tokio::test]
async fn a_cancelled_task_is_dropped_and_stays_cancelled() {
    for kind in Kind::ALL {
        let watch = Watch::new();
        let mut peer = Peer::open_as(kind, server(&watch), able()).await;
        let task = begin(&mut peer, "wait").await;
        let id = json!({"taskId": task["taskId"]});
        wire::until(|| watch.has_started()).await;
        let reply = peer.request("tasks/cancel", id.clone()).await;
        if kind.is_modern() {
            assert_eq!(reply.result()["resultType"], "complete");
            assert_eq!(reply.result().get("taskId"), None);
        } else {
            assert_eq!(reply.result()["status"], "cancelled");
        }
        wire::until(|| watch.was_dropped()).await;
        assert!(!watch.has_finished());
        let again = peer.request("tasks/cancel", id.clone()).await;
        if kind.is_modern() {
            assert_eq!(again.result()["resultType"], "complete");
        } else {
            assert_eq!(again.code(), -32602);
            let reply = peer.request("tasks/result", id.clone()).await;
            assert_eq!(reply.code(), -32603);
        }
        let task = get(&mut peer, &task["taskId"]).await;
        assert_eq!(task["status"], "cancelled");
    }
}

#[tokio::test]
async fn what_is_no_task_is_unknown() {
    for kind in Kind::ALL {
        let mut peer = Peer::open_as(kind, server(&Watch::new()), able()).await;
        let methods: &[&str] = if kind.is_modern() {
            &["tasks/get", "tasks/cancel", "tasks/update"]
        } else {
            &["tasks/get", "tasks/cancel", "tasks/result"]
        };
        for method in methods {
            for id in [json!("nothing"), json!("0".repeat(32))] {
                let params = json!({"taskId": id, "inputResponses": {}});
                let reply = peer.request(method, params).await;
                assert_eq!(reply.code(), -32602, "{kind:?} {method} {id}");
            }
            for params in [json!({}), json!({"taskId": 7}), json!({"taskId": null})] {
                let reply = peer.request(method, params.clone()).await;
                assert_eq!(reply.code(), -32602, "{kind:?} {method} {params}");
                let message = reply.message["error"]["message"].as_str().unwrap();
                assert!(message.contains("taskId"), "{message}");
            }
        }
    }
}

#[tokio::test]
async fn a_server_without_tasks_has_no_such_methods() {
    for kind in Kind::ALL {
        let mut peer = Peer::open_as(kind, wire::tools::adder(), able()).await;
        for method in ["tasks/get", "tasks/cancel"] {
            let reply = peer.request(method, json!({"taskId": "x"})).await;
            assert_eq!(reply.code(), -32601, "{kind:?} {method}");
        }
        // The wish is ignored, as the specification asks.
        let params = json!({"name": "add", "arguments": {"a": 1, "b": 2}, "task": {}});
        let reply = peer.request("tools/call", params).await;
        assert_eq!(wire::text(reply.result()), "3");
    }
}
