//! A task is its caller's: to all others it does not exist.

use wharf::Principal;

use crate::wire::tools::{Watch, tokens};
use crate::wire::{Legacy, Modern, json, serve};
use crate::{able, server};

#[tokio::test]
async fn row_05_a_foreign_task_is_an_unknown_task() {
    let _: Option<Principal> = None;
    let watch = Watch::new();
    let served = serve(server(&watch).http(tokens())).await;
    let ada = Modern::new(&served).able(able()).token("ada");
    let eve = Modern::new(&served).able(able()).token("eve");
    let id = ada.call("wait", json!({})).await.result()["taskId"].clone();
    let unknown = eve
        .ask("tasks/get", json!({"taskId": "0".repeat(32)}))
        .await
        .message();
    for method in ["tasks/get", "tasks/cancel", "tasks/update"] {
        let params = json!({"taskId": id, "inputResponses": {}});
        let foreign = eve.ask(method, params).await.message();
        assert_eq!(foreign["error"], unknown["error"], "{method}");
    }
    let session = Legacy::open_as(&served, "2025-11-25", json!({}), Some("eve")).await;
    for method in ["tasks/get", "tasks/cancel", "tasks/result"] {
        let foreign = session.ask(method, json!({"taskId": id})).await.message();
        assert_eq!(foreign["error"], unknown["error"], "{method}");
    }
    let listed = session.ask("tasks/list", json!({})).await;
    assert_eq!(listed.result()["tasks"], json!([]));
    let filter = json!({"notifications": {"taskIds": [id]}});
    let mut stream = eve.stream("subscriptions/listen", filter).await;
    let ack = stream.expect().await;
    assert_eq!(ack["params"]["notifications"].get("taskIds"), None);
    assert!(!watch.was_dropped());

    // The same person in another era.
    let session = Legacy::open_as(&served, "2025-11-25", json!({}), Some("ada")).await;
    let listed = session.ask("tasks/list", json!({})).await;
    assert_eq!(listed.result()["tasks"][0]["taskId"], id);
}

#[tokio::test]
async fn row_05_sessions_without_principals_have_their_own_tasks() {
    let served = serve(server(&Watch::new())).await;
    let one = Legacy::open(&served).await;
    let other = Legacy::open(&served).await;
    let params = json!({"name": "wait", "arguments": {}, "task": {}});
    let created = one.ask("tools/call", params).await;
    let id = json!({"taskId": created.result()["task"]["taskId"]});
    assert_eq!(
        one.ask("tasks/get", id.clone()).await.result()["status"],
        "working"
    );
    let foreign = other.ask("tasks/get", id).await.message();
    assert_eq!(foreign["error"]["code"], -32602);
    let listed = other.ask("tasks/list", json!({})).await;
    assert_eq!(listed.result()["tasks"], json!([]));
}
