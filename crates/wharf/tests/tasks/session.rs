//! Tasks of 2025-11-25.

use wharf::http::HttpOptions;

use crate::wire::tools::Watch;
use crate::wire::{Kind, Legacy, Line, Peer, Value, all_capabilities, json, serve, soon, text};
use crate::{begin, server, turns};

#[tokio::test]
async fn tools_and_server_say_what_they_can() {
    let mut line = Line::unix(server(&Watch::new()));
    let opened = line.initialize("2025-11-25", all_capabilities()).await;
    let expected = json!({"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}});
    assert_eq!(opened["capabilities"]["tasks"], expected);
    assert_eq!(opened["capabilities"].get("extensions"), None);
    let listed = line.ask("tools/list", json!({})).await;
    let support = |name: &str| {
        let tools = listed["result"]["tools"].as_array().unwrap();
        let tool = tools.iter().find(|tool| tool["name"] == name).unwrap();
        tool.get("execution").cloned()
    };
    assert_eq!(support("add"), None);
    assert_eq!(support("wait"), Some(json!({"taskSupport": "optional"})));
    assert_eq!(support("only"), Some(json!({"taskSupport": "required"})));
}

#[tokio::test]
async fn the_wish_must_fit_the_tool() {
    for kind in [Kind::LegacyLine, Kind::LegacyHttp] {
        let mut peer = Peer::open(kind, server(&Watch::new())).await;
        let call = |name: &str, task: Value| json!({"name": name, "arguments": {}, "task": task});
        let reply = peer.request("tools/call", call("add", json!({}))).await;
        assert_eq!(reply.code(), -32601);
        let reply = peer.call("only", json!({})).await;
        assert_eq!(reply.code(), -32601);
        for wrong in [json!(7), json!([]), json!({"ttl": "long"})] {
            let reply = peer
                .request("tools/call", call("only", wrong.clone()))
                .await;
            assert_eq!(reply.code(), -32602, "{wrong}");
        }
        for (asked, given) in [
            (json!({}), 21_600_000),
            (json!({"ttl": 1e300}), 86_400_000),
            (json!({"ttl": -1}), 21_600_000),
            (json!({"ttl": 90_000}), 90_000),
        ] {
            let reply = peer.request("tools/call", call("only", asked)).await;
            assert_eq!(reply.result()["task"]["ttl"], given);
        }
        // Without the wish it is a call as any other.
        let reply = peer.call("fails", json!({})).await;
        assert_eq!(reply.result()["isError"], true);
        peer.still_answers().await;
    }
}

#[tokio::test]
async fn the_result_is_waited_for_and_the_status_told() {
    let watch = Watch::new();
    let mut line = Line::unix(server(&watch));
    line.initialize("2025-11-25", all_capabilities()).await;
    let params = json!({"name": "wait", "arguments": {}, "task": {}});
    let created = line.ask("tools/call", params).await;
    let id = created["result"]["task"]["taskId"].clone();
    let ask =
        json!({"jsonrpc": "2.0", "id": 77, "method": "tasks/result", "params": {"taskId": id}});
    line.send(&ask).await;
    // The connection goes on meanwhile.
    let sum = line
        .ask(
            "tools/call",
            json!({"name": "add", "arguments": {"a": 1, "b": 2}}),
        )
        .await;
    assert_eq!(text(&sum["result"]), "3");
    watch.go();
    let result = line.answer(&json!(77)).await;
    assert_eq!(text(&result["result"]), "done");
    let mut told = std::mem::take(&mut line.before);
    if told.is_empty() {
        told.push(line.expect().await);
    }
    assert_eq!(told[0]["method"], "notifications/tasks/status");
    assert_eq!(told[0]["params"]["taskId"], id);
    assert_eq!(told[0]["params"]["status"], "completed");
    assert_eq!(told[0]["params"].get("result"), None);
}

#[tokio::test]
async fn the_status_is_told_on_the_sessions_stream() {
    let watch = Watch::new();
    let served = serve(server(&watch)).await;
    let client = Legacy::open(&served).await;
    let mut stream = client.listen().await;
    let params = json!({"name": "wait", "arguments": {}, "task": {}});
    let created = client.ask("tools/call", params).await;
    watch.go();
    let told = stream.expect().await;
    assert_eq!(told["method"], "notifications/tasks/status");
    assert_eq!(told["params"]["taskId"], created.result()["task"]["taskId"]);
    assert_eq!(told["params"]["status"], "completed");
}

#[tokio::test]
async fn lists_have_pages() {
    let limits = wharf::Limits {
        page_items: 2,
        ..wharf::Limits::default()
    };
    for kind in [Kind::LegacyLine, Kind::LegacyHttp] {
        let mut peer = Peer::open(kind, server(&Watch::new()).limits(limits.clone())).await;
        let mut made = Vec::new();
        for _ in 0..5 {
            made.push(begin(&mut peer, "only").await["taskId"].clone());
        }
        let mut listed = Vec::new();
        let mut params = json!({});
        loop {
            let reply = peer.request("tasks/list", params.clone()).await;
            let page = reply.result()["tasks"].as_array().unwrap().clone();
            assert!(page.len() <= 2);
            listed.extend(page.iter().map(|task| task["taskId"].clone()));
            match reply.result().get("nextCursor") {
                Some(cursor) => params["cursor"] = cursor.clone(),
                None => break,
            }
        }
        assert_eq!(listed, made);
        let reply = peer
            .request("tasks/list", json!({"cursor": "nonsense"}))
            .await;
        assert_eq!(reply.code(), -32602);
    }
}

#[tokio::test]
async fn older_sessions_call_the_same_tools_and_see_no_tasks() {
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18"] {
        let mut line = Line::unix(server(&Watch::new()));
        let opened = line.initialize(revision, all_capabilities()).await;
        assert_eq!(opened["capabilities"].get("tasks"), None);
        let listed = line.ask("tools/list", json!({})).await;
        assert!(!listed.to_string().contains("taskSupport"));
        let params = json!({"name": "only", "arguments": {}, "task": {"ttl": 5}});
        let reply = line.ask("tools/call", params).await;
        assert_eq!(text(&reply["result"]), "only", "{reply}");
        for method in ["tasks/get", "tasks/list", "tasks/result", "tasks/cancel"] {
            let reply = line.ask(method, json!({"taskId": "x"})).await;
            assert_eq!(reply["error"]["code"], -32601);
        }
    }
}

#[tokio::test]
async fn a_task_outlives_the_session_that_asked_for_it() {
    let watch = Watch::new();
    let server = server(&watch).http(HttpOptions {
        ..crate::wire::tools::tokens()
    });
    let served = serve(server).await;
    let open = || Legacy::open_as(&served, "2025-11-25", json!({}), Some("ada"));
    let first = open().await;
    let params = json!({"name": "wait", "arguments": {}, "task": {}});
    let created = first.ask("tools/call", params).await;
    let id = json!({"taskId": created.result()["task"]["taskId"]});
    soon(first.delete()).await;
    let second = open().await;
    watch.go();
    let result = second.ask("tasks/result", id).await;
    assert_eq!(text(&result.result()), "done");
}

#[tokio::test]
async fn giving_up_the_wait_does_not_end_the_task() {
    let watch = Watch::new();
    let mut peer = Peer::open(Kind::LegacyLine, server(&watch)).await;
    let task = begin(&mut peer, "wait").await;
    let wait = json!({"jsonrpc": "2.0", "id": 9, "method": "tasks/result",
        "params": {"taskId": task["taskId"]}});
    peer.line().send(&wait).await;
    let cancelled = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": {"requestId": 9}});
    peer.line().send(&cancelled).await;
    peer.still_answers().await;
    assert!(!watch.was_dropped());
    watch.go();
    turns(&mut peer, &task["taskId"], "completed").await;
}
