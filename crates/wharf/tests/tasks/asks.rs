//! What a task asks its client.

use crate::wire::tools::Watch;
use crate::wire::{Kind, Legacy, Line, Peer, all_capabilities, json, serve, soon, text};
use crate::{able, accept, begin, get, server, turns};

const RELATED: &str = "io.modelcontextprotocol/related-task";

#[tokio::test]
async fn answers_may_come_one_by_one() {
    for kind in [Kind::ModernLine, Kind::ModernHttp] {
        let mut peer = Peer::open_as(kind, server(&Watch::new()), able()).await;
        let task = begin(&mut peer, "meet").await;
        let id = task["taskId"].clone();
        soon(async {
            loop {
                let task = get(&mut peer, &id).await;
                let open = task["inputRequests"].as_object();
                if open.is_some_and(|open| open.len() == 2) {
                    let ask = &task["inputRequests"]["one"];
                    assert_eq!(ask["method"], "elicitation/create");
                    assert_eq!(ask["params"]["message"], "The first?");
                    return;
                }
            }
        })
        .await;
        let mut update = async |responses| {
            let params = json!({"taskId": id, "inputResponses": responses});
            let reply = peer.request("tasks/update", params).await;
            assert_eq!(reply.result()["resultType"], "complete", "{reply:?}");
            get(&mut peer, &id).await
        };
        // What was not asked is ignored, and what was answered stays answered.
        let task = update(json!({"nobody": accept("Eve"), "one": accept("Ada")})).await;
        assert_eq!(task["status"], "input_required");
        let open: Vec<_> = task["inputRequests"].as_object().unwrap().keys().collect();
        assert_eq!(open, ["other"]);
        update(json!({"one": accept("Eve")})).await;
        update(json!({"other": accept("Alan")})).await;
        let done = turns(&mut peer, &id, "completed").await;
        assert_eq!(text(&done["result"]), "Ada and Alan");
        assert_eq!(done.get("inputRequests"), None);
    }
}

#[tokio::test]
async fn answers_that_are_none_are_refused() {
    let mut peer = Peer::open_as(Kind::ModernHttp, server(&Watch::new()), able()).await;
    let task = begin(&mut peer, "meet").await;
    let id = &task["taskId"];
    turns(&mut peer, id, "input_required").await;
    for responses in [json!(7), json!([]), json!({"one": 7}), json!(null)] {
        let params = json!({"taskId": id, "inputResponses": responses});
        let reply = peer.request("tasks/update", params).await;
        assert_eq!(reply.code(), -32602, "{responses}");
    }
    // A person's refusal, and an answer that does not fit, end the call as they would any other.
    let params = json!({"taskId": id, "inputResponses": {"one": {"action": "decline"}}});
    peer.request("tasks/update", params).await.result();
    let done = turns(&mut peer, id, "completed").await;
    assert_eq!(done["result"]["isError"], true);
    assert!(text(&done["result"]).contains("declined"));
}

#[tokio::test]
async fn a_session_is_asked_while_it_waits_for_the_result() {
    let mut line = Line::unix(server(&Watch::new()));
    line.initialize("2025-11-25", all_capabilities()).await;
    let params = json!({"name": "meet", "arguments": {}, "task": {}});
    let created = line.ask("tools/call", params).await;
    let id = created["result"]["task"]["taskId"].clone();
    soon(async {
        while line.ask("tasks/get", json!({"taskId": id})).await["result"]["status"]
            != "input_required"
        {}
    })
    .await;
    let wait =
        json!({"jsonrpc": "2.0", "id": 7, "method": "tasks/result", "params": {"taskId": id}});
    line.send(&wait).await;
    let mut answered = 0;
    let result = loop {
        let message = line.expect().await;
        if message["method"] == "elicitation/create" {
            assert_eq!(message["params"]["_meta"][RELATED], json!({"taskId": id}));
            let first = message["params"]["message"] == "The first?";
            let name = if first { "Ada" } else { "Alan" };
            line.send(&json!({"jsonrpc": "2.0", "id": message["id"], "result": accept(name)}))
                .await;
            answered += 1;
        } else if message["id"] == 7 {
            break message;
        }
    };
    assert_eq!(answered, 2);
    assert_eq!(text(&result["result"]), "Ada and Alan");
}

#[tokio::test]
async fn an_ask_goes_on_the_stream_of_the_wait_and_can_be_asked_again() {
    let served = serve(server(&Watch::new())).await;
    let client = Legacy::open_as(&served, "2025-11-25", all_capabilities(), None).await;
    let params = json!({"name": "count", "arguments": {}, "task": {},
        "_meta": {"progressToken": "p"}});
    let created = client.ask("tools/call", params).await;
    let id = created.result()["task"]["taskId"].clone();
    let wait = client.request("tasks/result", json!({"taskId": id}));
    let mut first = served.stream(&wait).await;
    let ask = first.expect().await;
    assert_eq!(ask["method"], "elicitation/create", "{ask}");
    // The client loses the wait, and waits again.
    drop(first);
    let wait = client.request("tasks/result", json!({"taskId": id}));
    let mut second = served.stream(&wait).await;
    let again = second.expect().await;
    assert_eq!(again["params"]["message"], "Go on?", "{again}");
    assert_ne!(again["id"], ask["id"]);
    assert_eq!(client.answer(&again, accept("Ada")).await.status, 202);
    let mut seen = Vec::new();
    let result = soon(async {
        loop {
            let message = second.expect().await;
            if message.get("result").is_some() {
                return message;
            }
            if message["method"] != "notifications/cancelled" {
                assert_eq!(message["params"]["_meta"][RELATED], json!({"taskId": id}));
            }
            seen.push(message["method"].as_str().unwrap().to_owned());
        }
    })
    .await;
    assert_eq!(text(&result["result"]), "Ada");
    assert!(
        seen.iter().any(|method| method == "notifications/progress"),
        "{seen:?}"
    );
    assert!(
        seen.iter().any(|method| method == "notifications/message"),
        "{seen:?}"
    );
}
