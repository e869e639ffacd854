//! Changes that clients are told of.

use wharf::{Context, NoArguments, Prompt, Resource, Server, Tool};

use crate::wire::tools::adder;
use crate::wire::{Kind, Legacy, Line, Modern, Peer, Stream, Value, json, serve, soon};

const ID: &str = "io.modelcontextprotocol/subscriptionId";

fn server() -> Server {
    let touch = Tool::new("touch").raw_handler(|arguments: Value, ctx: Context| async move {
        ctx.notify_resource_updated(arguments["uri"].as_str().unwrap_or_default());
    });
    adder()
        .tool(touch)
        .resource(Resource::text("memo://a", "x"))
        .resource(Resource::text("memo://b", "x"))
        .prompt(Prompt::new("p").handler(|_: NoArguments, _: Context| async { "x" }))
}

fn tool(name: &str) -> Tool {
    Tool::new(name).handler(|_: NoArguments, _: Context| async { "x" })
}

#[tokio::test]
async fn a_listen_is_acknowledged_and_marks_everything() {
    let server = server();
    let catalog = server.catalog().clone();
    let served = serve(server).await;
    let client = Modern::new(&served);
    for id in [
        json!(5),
        json!("a\"b"),
        json!(9_223_372_036_854_775_808_u64),
    ] {
        let filter = json!({"toolsListChanged": true, "resourceSubscriptions": ["memo://a"]});
        let post = client.post(
            id.clone(),
            "subscriptions/listen",
            json!({"notifications": filter}),
        );
        let mut stream = served.stream(&post).await;
        let ack = stream.expect().await;
        assert_eq!(ack["method"], "notifications/subscriptions/acknowledged");
        assert_eq!(ack["params"]["_meta"][ID], id);
        assert_eq!(ack["params"]["notifications"]["toolsListChanged"], true);
        assert_eq!(
            ack["params"]["notifications"]["resourceSubscriptions"],
            json!(["memo://a"])
        );

        // Only what was asked for comes, and all of it says for whom.
        client
            .call("touch", json!({"uri": "memo://b"}))
            .await
            .result();
        catalog
            .update(|edit| {
                edit.remove_prompt("p");
            })
            .unwrap();
        client
            .call("touch", json!({"uri": "memo://a"}))
            .await
            .result();
        let updated = stream.expect().await;
        assert_eq!(updated["method"], "notifications/resources/updated");
        assert_eq!(
            updated["params"],
            json!({"_meta": {ID: id}, "uri": "memo://a"})
        );
        catalog
            .update(|edit| edit.add_tool(tool(&format!("new{id}").replace(['"', '\\'], ""))))
            .unwrap();
        let changed = stream.expect().await;
        assert_eq!(changed["method"], "notifications/tools/list_changed");
        assert_eq!(changed["params"], json!({"_meta": {ID: id}}));
        assert_eq!(changed.get("id"), None);
        catalog
            .update(|edit| {
                edit.add_prompt(
                    Prompt::new("p").handler(|_: NoArguments, _: Context| async { "x" }),
                )
            })
            .unwrap();
    }
}

#[tokio::test]
async fn what_is_not_offered_is_not_acknowledged() {
    let served = serve(adder()).await;
    let filter = json!({"toolsListChanged": true, "promptsListChanged": true,
        "resourcesListChanged": true, "resourceSubscriptions": ["memo://a"]});
    let mut stream = Modern::new(&served)
        .stream("subscriptions/listen", json!({"notifications": filter}))
        .await;
    let granted = &stream.expect().await["params"]["notifications"];
    assert_eq!(granted["toolsListChanged"], true);
    for not in ["promptsListChanged", "resourcesListChanged"] {
        assert!(
            granted.get(not).is_none_or(|value| value == false),
            "{granted}"
        );
    }
    assert!(
        granted
            .get("resourceSubscriptions")
            .is_none_or(|uris| uris == &json!([])),
        "{granted}"
    );
}

#[tokio::test]
async fn listens_with_the_wrong_parameters() {
    for kind in [Kind::ModernLine, Kind::ModernHttp] {
        let mut peer = Peer::open(kind, server()).await;
        for params in [
            json!({}),
            json!({"notifications": 7}),
            json!({"notifications": {"toolsListChanged": "yes"}}),
            json!({"notifications": {"resourceSubscriptions": [1]}}),
        ] {
            let reply = peer.request("subscriptions/listen", params.clone()).await;
            assert_eq!(reply.code(), -32602, "{kind:?} {params}");
        }
        peer.still_answers().await;
    }
}

#[tokio::test]
async fn a_listen_on_a_line() {
    let server = server();
    let catalog = server.catalog().clone();
    let mut line = Line::unix(server);
    let listen = |id: &str, filter: Value| {
        json!({"jsonrpc": "2.0", "id": id, "method": "subscriptions/listen",
            "params": {"notifications": filter, "_meta": crate::wire::meta(json!({}))}})
    };
    line.send(&listen("one", json!({"toolsListChanged": true})))
        .await;
    line.send(&listen(
        "two",
        json!({"toolsListChanged": true, "promptsListChanged": true}),
    ))
    .await;
    for _ in 0..2 {
        assert_eq!(
            line.expect().await["method"],
            "notifications/subscriptions/acknowledged"
        );
    }
    catalog.update(|edit| edit.add_tool(tool("new"))).unwrap();
    let mut ids = [line.expect().await, line.expect().await].map(|notice| {
        assert_eq!(notice["method"], "notifications/tools/list_changed");
        notice["params"]["_meta"][ID].as_str().unwrap().to_owned()
    });
    ids.sort();
    assert_eq!(ids, ["one", "two"]);
    // Cancelling one ends it, without an answer; the other goes on.
    line.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "two"}}))
        .await;
    let mark = line.ask_modern("tools/list", json!({}), json!({})).await;
    assert!(mark.get("result").is_some());
    catalog
        .update(|edit| {
            edit.remove_prompt("p");
            edit.remove_tool("new");
        })
        .unwrap();
    let notice = line.expect().await;
    assert_eq!(notice["params"]["_meta"][ID], "one");
    // At the end of the input the other gets its result.
    line.hang_up().await;
    let result = line.expect().await;
    assert_eq!(result["id"], "one");
    assert_eq!(result["result"]["_meta"][ID], "one");
    assert_eq!(line.message().await, None);
    line.ended().await;
}

async fn next(stream: &mut Stream) -> (String, Value) {
    let notice = stream.expect().await;
    (
        notice["method"].as_str().unwrap().to_owned(),
        notice["params"].clone(),
    )
}

#[tokio::test]
async fn subscriptions_of_a_session() {
    let server = server();
    let catalog = server.catalog().clone();
    let served = serve(server).await;
    let (client, other) = (Legacy::open(&served).await, Legacy::open(&served).await);
    let (mut stream, mut others) = (client.listen().await, other.listen().await);
    let uri = |uri: &str| json!({"uri": uri});
    assert_eq!(
        client
            .ask("resources/subscribe", uri("memo://a"))
            .await
            .result(),
        json!({})
    );
    client.call("touch", uri("memo://b")).await.result();
    client.call("touch", uri("memo://a")).await.result();
    let updated = (
        "notifications/resources/updated".to_owned(),
        uri("memo://a"),
    );
    assert_eq!(next(&mut stream).await, updated);
    assert_eq!(
        client
            .ask("resources/unsubscribe", uri("memo://a"))
            .await
            .result(),
        json!({})
    );
    client.call("touch", uri("memo://a")).await.result();
    catalog.update(|edit| edit.add_tool(tool("new"))).unwrap();
    // Every session hears of the lists, and only of the resources that it subscribed to.
    for stream in [&mut stream, &mut others] {
        assert_eq!(next(stream).await.0, "notifications/tools/list_changed");
    }
    let unknown = client.ask("resources/subscribe", uri("memo://lost")).await;
    assert_eq!(unknown.error().1, -32002);
    assert_eq!(
        client
            .ask("resources/unsubscribe", uri("memo://lost"))
            .await
            .result(),
        json!({})
    );
}

#[tokio::test]
async fn notices_before_the_stream_is_open_are_not_lost() {
    let served = serve(server()).await;
    let client = Legacy::open(&served).await;
    client
        .ask("resources/subscribe", json!({"uri": "memo://a"}))
        .await
        .result();
    for _ in 0..10 {
        client
            .call("touch", json!({"uri": "memo://a"}))
            .await
            .result();
    }
    let mut stream = client.listen().await;
    let updated = (
        "notifications/resources/updated".to_owned(),
        json!({"uri": "memo://a"}),
    );
    assert_eq!(next(&mut stream).await, updated);
    let more = tokio::time::timeout(crate::wire::MS * 50, stream.message()).await;
    assert!(more.is_err(), "ten changes are one notice");
}

#[tokio::test]
async fn notices_on_a_line() {
    let server = server();
    let catalog = server.catalog().clone();
    let mut line = Line::unix(server);
    line.initialize("2025-06-18", json!({})).await;
    line.ask("resources/subscribe", json!({"uri": "memo://a"}))
        .await;
    let call = json!({"name": "touch", "arguments": {"uri": "memo://a"}});
    line.ask("tools/call", call).await;
    soon(async {
        while line.before.is_empty() {
            let message = line.expect().await;
            line.before.push(message);
        }
    })
    .await;
    assert_eq!(line.before[0]["method"], "notifications/resources/updated");
    catalog.update(|edit| edit.add_tool(tool("new"))).unwrap();
    let changed = line.expect().await;
    assert_eq!(
        changed,
        json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed", "params": {}})
    );
}
