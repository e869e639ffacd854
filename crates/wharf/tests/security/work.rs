//! Rows 7 and 8: small inputs that stand for very much work, and schemas that want to be fetched.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpListener;
use wharf::{Context, Resource, Server, Tool};

use crate::wire::tools::{add, adder};
use crate::wire::{Kind, Peer, Value, json, text};

#[tokio::test]
async fn row_07_redos_in_uri_templates() {
    let template = |uri: &str| {
        Resource::template(
            uri,
            |values: HashMap<String, Value>, _: Context| async move {
                format!("{} values", values.len())
            },
        )
    };
    for kind in [Kind::ModernHttp, Kind::LegacyLine] {
        let server = adder()
            .resource(template("a://x{/a*}{/b*}"))
            .resource(template("b://x{?q*}"))
            .resource(template("c://{a}{b}{c}{d}{e}{f}{g}!"))
            .resource(template("d://{+a}/{+b}/{+c}/{+d}!"))
            .resource(template("e://{a}.{b}.{c}.{d}.{e}"));
        let mut peer = Peer::open(kind, server).await;
        for length in [100, 8_000, 1_000_000] {
            for (start, unit) in [
                ("a://x", "/a"),
                ("a://x/", "/"),
                ("a://x", "/%2f"),
                ("b://x?", "q=a&"),
                ("b://x?", "&"),
                ("c://", "a"),
                ("d://", "/"),
                ("d://", "a/"),
                ("e://", "."),
                ("e://", "%"),
            ] {
                let uri = format!("{start}{}", unit.repeat(length / unit.len()));
                // Over HTTP the name would have to be in a header, where there is no room for it.
                if kind.is_http() && uri.len() > 8_000 {
                    continue;
                }
                let reply = peer.request("resources/read", json!({"uri": uri})).await;
                if uri.len() > 100_000 {
                    assert_eq!(reply.code(), -32002, "{start}{unit}");
                    // The answer does not repeat a megabyte in its message.
                    let said = reply.message["error"]["message"].as_str().unwrap();
                    assert!(said.len() < 1_000, "{} bytes", said.len());
                }
            }
        }
        let reply = peer
            .request("resources/read", json!({"uri": "a://x/1/2"}))
            .await;
        assert!(
            reply.result()["contents"][0]["text"].is_string(),
            "{reply:?}"
        );
        peer.still_answers().await;
    }
}

/// A listener that must see no one.
struct Canary {
    address: String,
    hits: Arc<AtomicUsize>,
}

impl Canary {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let hits = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&hits);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { address, hits }
    }

    async fn hits(&self) -> usize {
        // Shows that it would have seen somebody, and that it has seen all before.
        let before = self.hits.load(Ordering::SeqCst);
        drop(tokio::net::TcpStream::connect(&self.address).await.unwrap());
        crate::wire::until(|| self.hits.load(Ordering::SeqCst) > before).await;
        self.hits.fetch_sub(1, Ordering::SeqCst) - 1
    }
}

fn taking(schema: Value) -> Tool {
    Tool::new("take")
        .input_schema(schema)
        .raw_handler(|_: Value, _: Context| async { "taken" })
}

#[tokio::test]
async fn row_08_schemas_are_never_fetched() {
    let canary = Canary::new().await;
    let address = &canary.address;
    for schema in [
        json!({"type": "object", "$ref": format!("http://{address}/schema.json")}),
        json!({"type": "object", "properties": {"a": {"$ref": format!("http://{address}/schema.json#/$defs/a")}}}),
        json!({"type": "object", "$schema": format!("http://{address}/dialect")}),
        json!({"type": "object", "$id": format!("http://{address}/root.json"), "properties": {"a": {"$ref": "other.json"}}}),
        json!({"type": "object", "$dynamicRef": format!("http://{address}/schema.json#meta")}),
        json!({"type": "object", "allOf": [{"$ref": format!("//{address}/x")}]}),
        json!({"type": "object", "properties": {"a": {"$ref": "file:///etc/passwd"}}}),
    ] {
        let refused = Server::new("Test")
            .tool(taking(schema.clone()))
            .bind("127.0.0.1:0")
            .await;
        let refused = refused.map(drop).unwrap_err();
        assert!(refused.is_invalid_definition(), "{schema}: {refused}");
        let output = Tool::new("give")
            .output_schema(schema.clone())
            .raw_handler(|_: Value, _: Context| async { "given" });
        let refused = Server::new("Test").tool(output).bind("127.0.0.1:0").await;
        assert!(
            refused.map(drop).unwrap_err().is_invalid_definition(),
            "{schema}"
        );

        // Nor while the server runs.
        let server = adder();
        let catalog = server.catalog().clone();
        let mut peer = Peer::open(Kind::ModernHttp, server).await;
        assert!(
            catalog
                .update(|edit| edit.add_tool(taking(schema.clone())))
                .is_err()
        );
        peer.still_answers().await;
    }
    assert_eq!(canary.hits().await, 0);
}

#[tokio::test]
async fn row_08_arguments_that_look_like_schemas_are_not_followed() {
    let canary = Canary::new().await;
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let mut peer = Peer::open(
        Kind::ModernHttp,
        Server::new("Test").tool(add).tool(taking(schema)),
    )
    .await;
    let url = format!("http://{}/x", canary.address);
    for arguments in [
        json!({"$ref": url}),
        json!({"$schema": url, "$id": url, "a": "x"}),
        json!({"a": {"$ref": url}}),
    ] {
        peer.call("take", arguments).await;
    }
    peer.still_answers().await;
    assert_eq!(canary.hits().await, 0);
}

#[tokio::test]
async fn row_08_schema_bombs_are_refused_at_the_start() {
    let mut deep = json!({"type": "object"});
    for _ in 0..500 {
        deep = json!({"type": "object", "allOf": [deep]});
    }
    let mut doubling = serde_json::Map::new();
    doubling.insert("d0".into(), json!({"type": "object"}));
    for level in 1..40 {
        let below = json!({"$ref": format!("#/$defs/d{}", level - 1)});
        doubling.insert(
            format!("d{level}"),
            json!({"allOf": [below.clone(), below]}),
        );
    }
    let doubling = json!({"type": "object", "$defs": doubling, "$ref": "#/$defs/d39"});
    let wide: Value = (0..100_000)
        .map(|n| (format!("k{n}"), json!({"type": "integer"})))
        .collect();
    for (what, schema) in [
        ("deep", deep),
        ("doubling", doubling),
        ("wide", json!({"type": "object", "properties": wide})),
        (
            "look-ahead",
            json!({"type": "object", "properties": {"a": {"pattern": "(?=a)b"}}}),
        ),
        (
            "a huge pattern",
            json!({"type": "object", "properties": {"a": {"pattern": "((a{1000}){1000}){1000}"}}}),
        ),
    ] {
        let refused = Server::new("Test")
            .tool(taking(schema))
            .bind("127.0.0.1:0")
            .await;
        let refused = refused.map(drop).expect_err(what);
        assert!(refused.is_invalid_definition(), "{what}: {refused}");
    }
}

#[tokio::test]
async fn row_08_patterns_are_matched_in_linear_time() {
    let schema = json!({
        "type": "object",
        "properties": {
            "a": {"type": "string", "pattern": "^(a+)+$"},
            "b": {"type": "string", "pattern": "^(a|aa)*c$"},
            "tree": {"$ref": "#/$defs/tree"},
        },
        "$defs": {"tree": {"type": "object", "properties": {"next": {"$ref": "#/$defs/tree"}}}},
    });
    for kind in [Kind::ModernHttp, Kind::LegacyLine] {
        let mut peer = Peer::open(kind, adder().tool(taking(schema.clone()))).await;
        for member in ["a", "b"] {
            let arguments = json!({member: format!("{}!", "a".repeat(50_000))});
            let reply = peer.call("take", arguments).await;
            assert_eq!(reply.result()["isError"], true);
            assert!(text(reply.result()).len() < 2_000);
        }
        let mut tree = json!({});
        for _ in 0..50 {
            tree = json!({"next": tree});
        }
        assert_eq!(
            text(peer.call("take", json!({"tree": tree})).await.result()),
            "taken"
        );
        peer.still_answers().await;
    }
}

#[tokio::test]
async fn row_08_references_to_themselves_do_not_run_on_and_on() {
    for schema in [
        json!({"type": "object", "$ref": "#"}),
        json!({"type": "object", "allOf": [{"$ref": "#"}]}),
        json!({"type": "object", "anyOf": [{"not": {"$ref": "#"}}]}),
        json!({"type": "object", "if": {"$ref": "#"}, "then": {}}),
        json!({"type": "object", "dependentSchemas": {"a": {"$ref": "#"}}}),
        json!({"type": "object", "$ref": "#/$defs/a",
            "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"oneOf": [{"$ref": "#/$defs/a"}]}}}),
    ] {
        // Refused at the start, or without effect: either ends.
        let server = adder().tool(taking(schema.clone()));
        if server.bind("127.0.0.1:0").await.is_err() {
            continue;
        }
        let mut peer = Peer::open(Kind::ModernHttp, adder().tool(taking(schema))).await;
        peer.call("take", json!({"a": 1})).await;
        peer.still_answers().await;
    }
}
