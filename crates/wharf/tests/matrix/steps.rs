//! What is said to the server: every method of the revision, with what it can bring about.

use wharf::protocol::Revision;
use wharf::protocol::method::Method;

use crate::client::{Client, Transport, initialize};
use crate::wire::{Value, json, text};

/// Everything, in the order of a connection.
pub async fn all(client: &mut Client) {
    open(client).await;
    lists(client).await;
    contents(client).await;
    errors(client).await;
    work(client).await;
    asks(client).await;
    notices(client).await;
    cancellation(client).await;
    tasks(client).await;
    batches(client).await;
}

async fn open(client: &mut Client) {
    if client.revision.is_modern() {
        let found = client.ask("server/discover", json!({})).await;
        assert!(
            found["supportedVersions"]
                .as_array()
                .is_some_and(|all| !all.is_empty())
        );
        return;
    }
    let params = initialize(client);
    let opened = client.ask("initialize", params).await;
    assert_eq!(opened["protocolVersion"], client.revision.as_str());
    client.notify("notifications/initialized", json!({})).await;
    client.listen().await;
    client.ask("ping", json!({})).await;
    client
        .notify("notifications/roots/list_changed", json!({}))
        .await;
    // Nothing becomes of it, but it may be sent.
    let progress = json!({"progressToken": "none", "progress": 1});
    client.notify("notifications/progress", progress).await;
}

/// All pages of a list.
async fn pages(client: &mut Client, method: &str, member: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut params = json!({});
    loop {
        let page = client.ask(method, params).await;
        all.extend(page[member].as_array().unwrap().iter().cloned());
        match page.get("nextCursor") {
            Some(cursor) => params = json!({"cursor": cursor}),
            None => return all,
        }
    }
}

async fn lists(client: &mut Client) {
    for (method, member, least) in [
        ("tools/list", "tools", 16),
        ("resources/list", "resources", 4),
        ("resources/templates/list", "resourceTemplates", 4),
        ("prompts/list", "prompts", 4),
    ] {
        let all = pages(client, method, member).await;
        assert!(all.len() >= least, "{method}: {}", all.len());
        let code = client.refused(method, json!({"cursor": "nonsense"})).await;
        assert_eq!(code, -32602);
    }
    for (reference, argument) in [
        (json!({"type": "ref/prompt", "name": "review"}), "language"),
        (
            json!({"type": "ref/resource", "uri": "user://{name}"}),
            "name",
        ),
    ] {
        let params = json!({"ref": reference, "argument": {"name": argument, "value": "a"}});
        let found = client.ask("completion/complete", params).await;
        assert!(found["completion"]["values"].is_array());
    }
}

async fn contents(client: &mut Client) {
    // Nothing is lost: what a revision cannot show becomes the nearest thing.
    let blocks = client.call("content").await["content"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(blocks, 6);
    let params = json!({"name": "review", "arguments": {"language": "rust"}});
    let prompt = client.ask("prompts/get", params).await;
    assert_eq!(prompt["messages"].as_array().unwrap().len(), 6);
    let object = client.call("object").await;
    assert!(text(&object).contains("21.5"));
    let array = client.call("array").await;
    let shown = array.get("structuredContent").is_some();
    assert_eq!(shown, client.revision.is_modern());
    assert!(shown || text(&array) == "[1,2]", "{array}");
    for uri in ["memo://text", "memo://blob", "memo://many", "user://ada"] {
        let read = client.ask("resources/read", json!({"uri": uri})).await;
        assert!(!read["contents"].as_array().unwrap().is_empty());
    }
}

async fn errors(client: &mut Client) {
    assert_eq!(client.call("fail").await["isError"], true);
    assert_eq!(client.call("panic").await["isError"], true);
    let unknown = json!({"name": "nobody"});
    assert_eq!(client.refused("tools/call", unknown.clone()).await, -32602);
    assert_eq!(client.refused("prompts/get", unknown).await, -32602);
    assert_eq!(
        client
            .refused("prompts/get", json!({"name": "review"}))
            .await,
        -32602
    );
    let code = client
        .refused("resources/read", json!({"uri": "memo://nothing"}))
        .await;
    assert_eq!(
        code,
        if client.revision.is_modern() {
            -32602
        } else {
            -32002
        }
    );
    assert_eq!(client.refused("no/method", json!({})).await, -32601);
    assert_eq!(client.refused("tools/call", json!({})).await, -32602);
    for (bytes, code) in [
        ("{", -32700),
        ("7", -32600),
        (r#"{"jsonrpc":"2.0","id":null}"#, -32600),
    ] {
        assert_eq!(client.raw(bytes).await["error"]["code"], code, "{bytes}");
    }
    // Methods of other revisions are no methods of this one.
    for method in Method::ALL {
        let is_request = !method.as_str().starts_with("notifications/");
        if is_request && !client.has(*method) {
            assert_eq!(
                client.refused(method.as_str(), json!({})).await,
                -32601,
                "{method:?}"
            );
        }
    }
    // What the client cannot do is not asked of it.
    if client.revision.is_modern() {
        let able = std::mem::replace(&mut client.capabilities, json!({}));
        let params = json!({"name": "sample"});
        assert_eq!(client.refused("tools/call", params).await, -32021);
        client.capabilities = able;
        let version = "io.modelcontextprotocol/protocolVersion";
        if client.transport != Transport::Http {
            let meta = json!({version: "1900-01-01"});
            let request = json!({"jsonrpc": "2.0", "id": "v", "method": "tools/list",
                "params": {"_meta": meta}});
            assert_eq!(
                client.raw(&request.to_string()).await["error"]["code"],
                -32022
            );
        }
    }
}

async fn work(client: &mut Client) {
    client.meta = json!({"progressToken": "p"});
    if client.revision.is_modern() {
        client.meta["io.modelcontextprotocol/logLevel"] = json!("debug");
    } else {
        client
            .ask("logging/setLevel", json!({"level": "debug"}))
            .await;
        let code = client
            .refused("logging/setLevel", json!({"level": "loud"}))
            .await;
        assert_eq!(code, -32602);
    }
    assert_eq!(text(&client.call("work").await), "done");
    let heard = |method| {
        client
            .heard
            .iter()
            .filter(|it| it["method"] == method)
            .count()
    };
    assert_eq!(heard("notifications/message"), 9);
    assert_eq!(heard("notifications/progress"), 3);
    client.meta = json!({});
}

async fn asks(client: &mut Client) {
    let since = |revision: Revision| client.revision >= revision;
    let (forms, newer) = (since(Revision::V2025_06_18), since(Revision::V2025_11_25));
    for (tool, can, answer) in [
        ("sample", true, "yes"),
        ("sample_with_tools", newer, "yes"),
        ("form", forms, "Ada"),
        ("page", newer, "Accept"),
        ("roots", true, "file:///tmp"),
    ] {
        let result = client.call(tool).await;
        assert_eq!(result["isError"] == true, !can, "{tool}: {result}");
        if can {
            assert_eq!(text(&result), answer, "{tool}");
        } else {
            // Nothing was asked.
            assert!(client.heard.is_empty(), "{tool}: {:?}", client.heard);
        }
    }
    if !client.revision.is_modern() {
        client.answers = false;
        let result = client.call("impatient").await;
        assert_eq!(text(&result), "taken back");
        assert!(
            client
                .heard
                .iter()
                .any(|it| it["method"] == "notifications/cancelled")
        );
        client.answers = true;
    }
}

async fn notices(client: &mut Client) {
    let lists =
        ["tools", "resources", "prompts"].map(|it| format!("notifications/{it}/list_changed"));
    let updated = "notifications/resources/updated";
    if !client.revision.is_modern() {
        let text = json!({"uri": "memo://text"});
        client.ask("resources/subscribe", text.clone()).await;
        client.call("change").await;
        for list in &lists {
            client.wait_for(list, None).await;
        }
        client.call("touch").await;
        let notice = client.wait_for(updated, None).await;
        assert_eq!(notice["params"]["uri"], "memo://text");
        client.ask("resources/unsubscribe", text).await;
        let unknown = json!({"uri": "memo://nothing"});
        assert_eq!(client.refused("resources/subscribe", unknown).await, -32002);
        return;
    }
    let wanted = json!({"notifications": {"toolsListChanged": true, "resourcesListChanged": true,
        "promptsListChanged": true, "resourceSubscriptions": ["memo://text"]}});
    let (id, mut stream) = client.start("subscriptions/listen", wanted).await;
    let acknowledged = "notifications/subscriptions/acknowledged";
    let ack = client.wait_for(acknowledged, stream.as_deref_mut()).await;
    let subscription = "io.modelcontextprotocol/subscriptionId";
    assert_eq!(ack["params"]["_meta"][subscription], id);
    client.call("change").await;
    for list in &lists {
        client.wait_for(list, stream.as_deref_mut()).await;
    }
    client.call("touch").await;
    let notice = client.wait_for(updated, stream.as_deref_mut()).await;
    assert_eq!(notice["params"]["_meta"][subscription], id);
    // Over a line it stays open: its answer comes with the end.
}

async fn cancellation(client: &mut Client) {
    client.meta = json!({"progressToken": "w"});
    let params = json!({"name": "wait", "arguments": {}});
    let (id, mut stream) = client.start("tools/call", params).await;
    client.meta = json!({});
    client.heard.clear();
    client
        .wait_for("notifications/progress", stream.as_deref_mut())
        .await;
    if client.revision.is_modern() && client.transport == Transport::Http {
        return; // the end of the stream is the word
    }
    client
        .notify(
            "notifications/cancelled",
            json!({"requestId": id, "reason": "enough"}),
        )
        .await;
    if let Some(stream) = &mut stream {
        assert_eq!(stream.message().await, None);
    }
    // There is no answer, and whatever comes next is another's.
    client.ask("tools/list", json!({})).await;
}

/// Calls the tool `task` as one; gives its id.
async fn begin(client: &mut Client) -> Value {
    let mut params = json!({"name": "task", "arguments": {}});
    if !client.revision.is_modern() {
        params["task"] = json!({"ttl": 60_000});
    }
    let result = client.ask("tools/call", params).await;
    let task = result.get("task").unwrap_or(&result);
    assert!(task["taskId"].is_string(), "{result}");
    task["taskId"].clone()
}

async fn tasks(client: &mut Client) {
    if !client.has(Method::TasksGet) {
        // A wish that the revision does not know is ignored.
        let params = json!({"name": "task", "arguments": {}, "task": {"ttl": 60_000}});
        assert_eq!(text(&client.ask("tools/call", params).await), "yes");
        return;
    }
    let id = begin(client).await;
    if !client.revision.is_modern() {
        client.wait_for("notifications/tasks/status", None).await;
    }
    let named = json!({"taskId": id});
    let unknown = json!({"taskId": "nobody", "inputResponses": {}});
    assert_eq!(client.refused("tasks/get", unknown.clone()).await, -32602);
    assert_eq!(
        client.refused("tasks/cancel", unknown.clone()).await,
        -32602
    );
    if client.revision.is_modern() {
        assert_eq!(client.refused("tasks/update", unknown).await, -32602);
        let waiting = turns(client, &id, "input_required").await;
        let (_, mut stream) = client
            .start(
                "subscriptions/listen",
                json!({"notifications": {"taskIds": [id]}}),
            )
            .await;
        let acknowledged = "notifications/subscriptions/acknowledged";
        client.heard.clear();
        client.wait_for(acknowledged, stream.as_deref_mut()).await;
        let asks = waiting["inputRequests"].as_object().unwrap();
        let mut update = named.clone();
        for (key, ask) in asks {
            update["inputResponses"][key] = crate::answers::answer(ask);
        }
        client.ask("tasks/update", update).await;
        client
            .wait_for("notifications/tasks", stream.as_deref_mut())
            .await;
        let done = turns(client, &id, "completed").await;
        assert_eq!(text(&done["result"]), "yes");
    } else {
        turns(client, &id, "input_required").await;
        assert!(!pages(client, "tasks/list", "tasks").await.is_empty());
        assert_eq!(client.refused("tasks/result", unknown).await, -32602);
        assert_eq!(text(&client.ask("tasks/result", named).await), "yes");
        turns(client, &id, "completed").await;
    }
    let id = begin(client).await;
    turns(client, &id, "input_required").await;
    client.ask("tasks/cancel", json!({"taskId": id})).await;
    turns(client, &id, "cancelled").await;
}

/// Looks until a task has this status.
async fn turns(client: &mut Client, id: &Value, status: &str) -> Value {
    loop {
        let task = client.ask("tasks/get", json!({"taskId": id})).await;
        if task["status"] == status {
            return task;
        }
        let ended = ["completed", "failed", "cancelled"]
            .iter()
            .any(|end| task["status"] == *end);
        assert!(!ended, "{task}");
        tokio::time::sleep(5 * crate::wire::MS).await;
    }
}

async fn batches(client: &mut Client) {
    let list = |id: i64| json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"});
    let read = json!({"jsonrpc": "2.0", "id": 9002, "method": "resources/read",
        "params": {"uri": "memo://text"}});
    let batch =
        json!([list(9001), read, {"jsonrpc": "2.0", "method": "notifications/initialized"}]);
    if client.revision != Revision::V2025_03_26 {
        assert_eq!(
            client.raw(&batch.to_string()).await["error"]["code"],
            -32600
        );
        return;
    }
    let methods = [(9001, "tools/list"), (9002, "resources/read")];
    assert_eq!(client.batch(batch, &methods).await.len(), 2);
    let code = client.raw("[]").await["error"]["code"].clone();
    assert_eq!(code, -32600);
}
