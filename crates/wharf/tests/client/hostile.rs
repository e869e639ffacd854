//! Servers that do not do what they say.

use serde_json::{Value, json};
use wharf::client::{Builder, Target};
use wharf::low_level::{CallTool, CallToolParams, ListParams, ListTools};
use wharf::protocol::tools::{CallToolResult, ListToolsResult, Tool};
use wharf::{Client, Context, Error, Server};

/// A server with one tool of this schema, which gives these results whatever it declares.
async fn client(schema: Value, result: Value) -> Client {
    let server = Server::new("Hostile")
        .handle(ListTools, move |_: ListParams, _: Context| {
            let tool = Tool {
                output_schema: Some(schema.clone()),
                ..Tool::new("t", json!({"type": "object"}))
            };
            let page = ListToolsResult {
                tools: vec![tool],
                ..ListToolsResult::default()
            };
            async { Ok::<_, Error>(page) }
        })
        .handle(CallTool, move |_: CallToolParams, _: Context| {
            let result = serde_json::from_value::<CallToolResult>(result.clone());
            async { Ok::<_, Error>(result.expect("a result")) }
        });
    Builder::default()
        .open(Target::server(server))
        .await
        .expect("a connection")
}

#[tokio::test]
async fn a_result_that_does_not_fit_its_schema_is_an_error() {
    let schema =
        json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    for (result, fits) in [
        (json!({"content": [], "structuredContent": {"n": 1}}), true),
        (
            json!({"content": [], "structuredContent": {"n": "1"}}),
            false,
        ),
        (json!({"content": [], "structuredContent": {}}), false),
        (
            json!({"content": [{"type": "text", "text": "x"}], "isError": true}),
            true,
        ),
    ] {
        let client = client(schema.clone(), result.clone()).await;
        let called = client.call("t", json!({})).await;
        assert_eq!(called.is_ok(), fits, "{result}: {called:?}");
        if let Err(error) = called {
            assert!(
                error.is_output_invalid() && error.to_string().contains('n'),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn row_08_a_schema_is_not_followed_to_other_places_and_does_not_take_for_ever() {
    let canary = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = canary.local_addr().expect("an address");
    let deep = (0..500).fold(
        json!({}),
        |schema, _| json!({"allOf": [schema, {"type": "object"}]}),
    );
    for schema in [
        json!({"type": "object", "$ref": format!("http://{address}/schema.json")}),
        json!({"type": "object", "properties": {"a": {"$ref": format!("http://{address}/x")}}}),
        json!({"type": "object", "allOf": [deep]}),
    ] {
        let client = client(
            schema,
            json!({"content": [], "structuredContent": {"a": "x"}}),
        )
        .await;
        let called = tokio::time::timeout(
            std::time::Duration::from_secs(20),
            client.call("t", json!({})).into_future(),
        );
        let error = called
            .await
            .expect("in time")
            .expect_err("an unusable schema");
        // One nests deeper than messages may, so already its list cannot be read.
        assert!(error.is_output_invalid() || error.is_protocol(), "{error}");
    }
    let hit = tokio::time::timeout(std::time::Duration::from_millis(100), canary.accept()).await;
    assert!(hit.is_err(), "nobody asked for the other document");
}
