//! What the server asks as a task of the client's.

use std::time::Duration;

use wharf::{Context, NoArguments, Server, Tool};

use crate::wire::tools::{Person, add};
use crate::wire::{Kind, Line, Peer, Value, all_capabilities, json, text};

const KEEP: Duration = Duration::from_secs(60);

fn server() -> Server {
    let sample = Tool::new("sample").handler(|_: NoArguments, ctx: Context| async move {
        let answer = ctx.sample("Think about it").as_task(KEEP).await?;
        Ok::<_, wharf::Error>(answer.model)
    });
    let elicit = Tool::new("elicit").handler(|_: NoArguments, ctx: Context| async move {
        let person = ctx.elicit::<Person>("Who?").as_task(KEEP).await?;
        Ok::<_, wharf::Error>(person.name)
    });
    Server::new("T").tool(add).tool(sample).tool(elicit)
}

fn able() -> Value {
    let mut all = all_capabilities();
    all["tasks"] = json!({"cancel": {}, "list": {}, "requests": {
        "sampling": {"createMessage": {}}, "elicitation": {"create": {}},
    }});
    all
}

fn task(status: &str) -> Value {
    json!({"taskId": "t-1", "status": status, "createdAt": "2026-01-01T00:00:00Z",
        "lastUpdatedAt": "2026-01-01T00:00:00Z", "ttl": 60_000, "pollInterval": 10})
}

fn accept(name: &str) -> Value {
    json!({"action": "accept", "content": {"name": name}})
}

async fn open() -> Line {
    let mut line = Line::unix(server());
    line.initialize("2025-11-25", able()).await;
    line
}

async fn call(line: &mut Line, tool: &str) -> Value {
    let call = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": tool}});
    line.send(&call).await;
    line.expect().await
}

async fn answer(line: &mut Line, ask: &Value, result: Value) {
    line.send(&json!({"jsonrpc": "2.0", "id": ask["id"], "result": result}))
        .await;
}

#[tokio::test]
async fn the_task_is_looked_at_until_it_is_done() {
    let message =
        json!({"role": "assistant", "model": "m", "content": {"type": "text", "text": "x"}});
    for (tool, result, expected) in [("sample", message, "m"), ("elicit", accept("Ada"), "Ada")] {
        let mut line = open().await;
        let ask = call(&mut line, tool).await;
        assert_eq!(ask["params"]["task"]["ttl"].as_f64(), Some(60_000.0));
        answer(&mut line, &ask, json!({"task": task("working")})).await;
        for status in ["working", "completed"] {
            let look = line.expect().await;
            assert_eq!(look["method"], "tasks/get");
            assert_eq!(look["params"], json!({"taskId": "t-1"}));
            answer(&mut line, &look, task(status)).await;
        }
        let fetch = line.expect().await;
        assert_eq!(fetch["method"], "tasks/result");
        assert_eq!(fetch["params"], json!({"taskId": "t-1"}));
        answer(&mut line, &fetch, result).await;
        assert_eq!(text(&line.answer(&json!(7)).await["result"]), expected);
    }
}

#[tokio::test]
async fn a_failed_task_is_a_failed_question() {
    let mut line = open().await;
    let ask = call(&mut line, "sample").await;
    answer(&mut line, &ask, json!({"task": task("failed")})).await;
    let fetch = line.expect().await;
    let error = json!({"code": -1, "message": "no model today"});
    line.send(&json!({"jsonrpc": "2.0", "id": fetch["id"], "error": error}))
        .await;
    let result = line.answer(&json!(7)).await;
    assert_eq!(result["result"]["isError"], true);
    assert!(text(&result["result"]).contains("no model today"));
}

#[tokio::test]
async fn a_call_that_is_cancelled_cancels_the_clients_task() {
    let mut line = open().await;
    let ask = call(&mut line, "sample").await;
    answer(&mut line, &ask, json!({"task": task("working")})).await;
    let look = line.expect().await;
    assert_eq!(look["method"], "tasks/get");
    let cancelled = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": {"requestId": 7}});
    line.send(&cancelled).await;
    loop {
        let message = line.expect().await;
        if message["method"] == "tasks/cancel" {
            assert_eq!(message["params"], json!({"taskId": "t-1"}));
            break;
        }
    }
}

#[tokio::test]
async fn who_cannot_is_asked_as_always() {
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, server()).await;
        let (reply, _) = peer
            .converse("elicit", json!({}), |ask| {
                assert_eq!(ask["params"].get("task"), None);
                accept("Ada")
            })
            .await;
        assert_eq!(text(reply.result()), "Ada", "{kind:?}");
    }
    // A client that says it can, and answers at once all the same.
    let mut line = open().await;
    let ask = call(&mut line, "elicit").await;
    answer(&mut line, &ask, accept("Alan")).await;
    assert_eq!(text(&line.answer(&json!(7)).await["result"]), "Alan");
}
