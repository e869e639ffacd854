//! Tasks of 2026-07-28: the extension.

use std::time::Duration;

use wharf::{Context, NoArguments, Server, Tool};

use crate::wire::tools::{Person, Watch, add};
use crate::wire::{Kind, Modern, Peer, all_capabilities, json, serve, soon, text};
use crate::{able, accept, begin, get, server, turns};

const MISSING: i64 = -32021;

#[tokio::test]
async fn only_who_declares_the_extension_gets_tasks() {
    for kind in [Kind::ModernLine, Kind::ModernHttp] {
        let watch = Watch::new();
        let mut peer = Peer::open_as(kind, server(&watch), all_capabilities()).await;
        let found = peer.request("server/discover", json!({})).await;
        let offered = &found.result()["capabilities"];
        assert_eq!(
            offered["extensions"],
            json!({"io.modelcontextprotocol/tasks": {}})
        );
        assert_eq!(offered.get("tasks"), None);
        let reply = peer.call("fails", json!({})).await;
        assert_eq!(reply.result()["resultType"], "complete");
        let reply = peer.call("only", json!({})).await;
        assert_eq!(reply.code(), MISSING);
        let needed = &reply.message["error"]["data"]["requiredCapabilities"];
        assert_eq!(
            *needed,
            json!({"extensions": {"io.modelcontextprotocol/tasks": {}}})
        );
        for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
            let reply = peer.request(method, json!({"taskId": "x"})).await;
            assert_eq!(reply.code(), MISSING, "{method}");
        }
        for method in ["tasks/result", "tasks/list"] {
            let reply = peer.request(method, json!({"taskId": "x"})).await;
            assert_eq!(reply.code(), -32601, "{method}");
        }
        let filter = json!({"notifications": {"taskIds": ["x"]}});
        let reply = peer.request("subscriptions/listen", filter).await;
        assert_eq!(reply.code(), MISSING);
    }
}

#[tokio::test]
async fn changes_are_told_to_who_listens() {
    let watch = Watch::new();
    let served = serve(server(&watch)).await;
    let client = Modern::new(&served).able(able());
    let call = |tool| client.call(tool, json!({}));
    let slow = call("wait").await.result()["taskId"].clone();
    let meets = call("meet").await.result()["taskId"].clone();
    let ids = json!([slow, "unknown", meets]);
    let mut stream = client
        .stream(
            "subscriptions/listen",
            json!({"notifications": {"taskIds": ids}}),
        )
        .await;
    let ack = stream.expect().await;
    assert_eq!(
        ack["params"]["notifications"],
        json!({"taskIds": [slow, meets]})
    );
    watch.go();
    let told = soon(async {
        loop {
            let told = stream.expect().await;
            if told["params"]["taskId"] == slow {
                return told;
            }
        }
    })
    .await;
    assert_eq!(told["method"], "notifications/tasks");
    assert_eq!(told["params"]["status"], "completed");
    assert_eq!(text(&told["params"]["result"]), "done");
    assert_eq!(
        told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"],
        1
    );
    let answers = json!({"one": accept("Ada"), "other": accept("Alan")});
    let params = json!({"taskId": meets, "inputResponses": answers});
    client.ask("tasks/update", params).await.result();
    soon(async {
        loop {
            let told = stream.expect().await;
            if told["params"]["status"] == "completed" {
                assert_eq!(text(&told["params"]["result"]), "Ada and Alan");
                return;
            }
        }
    })
    .await;
    // Who comes late hears how it ended.
    let mut late = client
        .stream(
            "subscriptions/listen",
            json!({"notifications": {"taskIds": [slow]}}),
        )
        .await;
    late.expect().await;
    assert_eq!(late.expect().await["params"]["status"], "completed");
}

fn patient(time: Duration) -> Tool {
    Tool::new("patient").task_after(time).raw_handler(
        |arguments: crate::Value, ctx: Context| async move {
            let ms = arguments["ms"].as_u64().unwrap_or_default();
            let person: Person = ctx.elicit("Who?").await?;
            ctx.step("first", async { Ok::<_, wharf::Error>(1) })
                .await?;
            tokio::time::sleep(Duration::from_millis(ms)).await;
            if ms > 0 {
                let other: Person = ctx.elicit("And who else?").await?;
                return Ok::<_, wharf::Error>(format!("{} and {}", person.name, other.name));
            }
            Ok(person.name)
        },
    )
}

#[tokio::test]
async fn a_call_that_lasts_becomes_a_task() {
    for kind in [Kind::ModernLine, Kind::ModernHttp] {
        for (ms, is_task) in [(0, false), (200, true)] {
            let time = Duration::from_millis(if is_task { 20 } else { 60_000 });
            let server = Server::new("T").tool(patient(time)).tool(add);
            let mut peer = Peer::open_as(kind, server, able()).await;
            let (reply, rounds) = peer
                .converse("patient", json!({"ms": ms}), |_| accept("Ada"))
                .await;
            assert_eq!(rounds.len(), 1, "what is asked first is asked in a round");
            if !is_task {
                assert_eq!(text(reply.result()), "Ada");
                continue;
            }
            assert_eq!(reply.result()["resultType"], "task", "{reply:?}");
            assert_eq!(reply.result().get("requestState"), None);
            let id = reply.result()["taskId"].clone();
            let asks = turns(&mut peer, &id, "input_required").await;
            let asks = asks["inputRequests"].as_object().unwrap();
            assert_eq!(asks.len(), 1);
            let (key, ask) = asks.iter().next().unwrap();
            assert_eq!(ask["params"]["message"], "And who else?");
            let params = json!({"taskId": id, "inputResponses": {key: accept("Alan")}});
            peer.request("tasks/update", params).await.result();
            let done = turns(&mut peer, &id, "completed").await;
            assert_eq!(text(&done["result"]), "Ada and Alan");
        }
    }
}

#[tokio::test]
async fn the_servers_patience_is_for_every_tool() {
    let watch = Watch::new();
    let server = Server::new("T")
        .tool(crate::wire::tools::wait(&watch))
        .tool(add)
        .task_after(Duration::from_millis(10));
    let mut peer = Peer::open_as(Kind::ModernHttp, server, able()).await;
    let task = begin(&mut peer, "wait").await;
    watch.go();
    let done = turns(&mut peer, &task["taskId"], "completed").await;
    assert_eq!(text(&done["result"]), "done");
    peer.still_answers().await;
}

#[tokio::test]
async fn a_client_that_leaves_before_there_is_a_task_cancels_the_call() {
    let watch = Watch::new();
    let tool = crate::wire::tools::wait(&watch).task_after(Duration::from_secs(60));
    let served = serve(Server::new("T").tool(tool)).await;
    let client = Modern::new(&served).able(able());
    let post = client.post(1, "tools/call", json!({"name": "wait", "arguments": {}}));
    let mut wire = served.wire().await;
    wire.send(&post.bytes(served.addr)).await;
    crate::wire::until(|| watch.has_started()).await;
    drop(wire);
    crate::wire::until(|| watch.was_dropped()).await;
}

#[tokio::test]
async fn nothing_but_the_status_is_sent() {
    let tool = Tool::new("talks")
        .task()
        .handler(|_: NoArguments, ctx: Context| async move {
            ctx.progress_message(1.0, 2.0, "half of it").await;
            ctx.error("a log line").await;
            std::future::pending::<String>().await
        });
    let mut peer = Peer::open_as(
        Kind::ModernLine,
        Server::new("T").tool(tool).tool(add),
        able(),
    )
    .await;
    let params = json!({"name": "talks", "arguments": {}, "_meta": {
        "progressToken": "p", "io.modelcontextprotocol/logLevel": "debug"}});
    let reply = peer.request("tools/call", params).await;
    let id = reply.result()["taskId"].clone();
    soon(async {
        while get(&mut peer, &id).await["statusMessage"] != "half of it" {
            assert_eq!(peer.before, Vec::<crate::Value>::new());
        }
    })
    .await;
}
