//! An extension as a client meets it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wharf_protocol::projection::{CacheHint, CacheScope};
use wharf_protocol::revision::Revision;

use super::{Extension, ExtensionMethod};
use crate::{Context, Error, InProcess, Server};

const ID: &str = "com.example/echo";

#[derive(Deserialize)]
struct Echo {
    text: String,
}

#[derive(Serialize)]
struct Echoed {
    text: String,
    client: Option<u32>,
}

#[derive(Deserialize)]
struct Settings {
    level: u32,
}

async fn echo(params: Echo, ctx: Context) -> Result<Echoed, Error> {
    if params.text.is_empty() {
        return Err(Error::invalid_params("nothing to say"));
    }
    let settings: Option<Settings> = ctx.client_extension(ID);
    Ok(Echoed {
        text: params.text,
        client: settings.map(|settings| settings.level),
    })
}

async fn served(extension: Extension) -> InProcess {
    let server = Server::new("test").extension(extension);
    server.in_process().await.expect("a server")
}

#[tokio::test]
async fn it_is_declared_and_answers_in_every_revision() {
    for revision in Revision::ALL {
        let extension = Extension::new(ID)
            .setting("loud", true)
            .method("echo/say", echo);
        let client = served(extension)
            .await
            .with_extension(ID, json!({"level": 3}));
        let client = client.open(revision).await.expect("a session");
        let said = client.request("echo/say", json!({"text": "hi"})).await;
        let said = said.expect("a result");
        assert_eq!((&said["text"], &said["client"]), (&json!("hi"), &json!(3)));
        let modern = revision.is_modern();
        assert_eq!(said.get("resultType").is_some(), modern, "{said}");
        assert_eq!(said["_meta"].is_object(), modern, "{said}");
        if modern {
            let about = client.request("server/discover", json!({})).await;
            let declared = about.expect("a result")["capabilities"]["extensions"].clone();
            assert_eq!(declared, json!({ID: {"loud": true}}));
        }
        let error = client.request("echo/say", json!({"text": ""})).await;
        assert_eq!(error.expect_err("refused").code, -32602);
        let error = client.request("echo/say", json!({"text": 1})).await;
        let error = error.expect_err("refused");
        assert!(error.message.contains("params.text"), "{error:?}");
        let error = client.request("echo/shout", json!({})).await;
        assert_eq!(error.expect_err("unknown").code, -32601);
    }
}

#[tokio::test]
async fn initialize_declares_it_too() {
    let client = served(Extension::new(ID)).await;
    let opened = client
        .send(
            json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
                "protocolVersion": "2025-11-25", "capabilities": {},
                "clientInfo": {"name": "t", "version": "0"}}})
            .to_string(),
        )
        .await;
    let opened: Value = serde_json::from_slice(&opened.expect("an answer")).expect("JSON");
    let declared = &opened["result"]["capabilities"]["extensions"];
    assert_eq!(declared, &json!({ID: {}}));
}

#[tokio::test]
async fn a_required_extension_must_be_declared() {
    let extension = || Extension::new(ID).method("echo/say", echo).required();
    for revision in [Revision::V2025_11_25, Revision::LATEST] {
        let without = served(extension()).await.open(revision).await;
        let without = without.expect("a session");
        let error = without.request("echo/say", json!({"text": "hi"})).await;
        let error = error.expect_err("refused");
        if revision.is_modern() {
            assert_eq!(error.code, -32021);
            let data = error.data.expect("what is missing");
            assert_eq!(data["requiredCapabilities"]["extensions"], json!({ID: {}}));
        } else {
            assert_eq!(error.code, -32601);
        }
        let with = served(extension()).await.with_extension(ID, json!({}));
        let with = with.open(revision).await.expect("a session");
        let said = with.request("echo/say", json!({"text": "hi"})).await;
        assert_eq!(said.expect("a result")["client"], Value::Null);
    }
}

#[tokio::test]
async fn results_that_are_no_objects_are_errors_and_hints_are_written() {
    let list = |value: Value| {
        move |_: serde_json::Map<String, Value>, _: Context| {
            let value = value.clone();
            async move { Ok::<_, Error>(value) }
        }
    };
    let hint = CacheHint {
        ttl_ms: 7,
        scope: CacheScope::Public,
    };
    let extension = Extension::new(ID)
        .method("bad/list", list(json!([1])))
        .with(
            ExtensionMethod::new(
                "good/list",
                list(json!({"resultType": "x", "_meta": {"a": 1}})),
            )
            .cached(hint),
        );
    let client = served(extension).await;
    let error = client
        .request("bad/list", json!({}))
        .await
        .expect_err("no object");
    assert_eq!(error.code, -32603);
    let good = client
        .request("good/list", json!({}))
        .await
        .expect("a result");
    assert_eq!(
        (&good["ttlMs"], &good["cacheScope"]),
        (&json!(7), &json!("public"))
    );
    assert_eq!(
        (&good["resultType"], &good["_meta"]["a"]),
        (&json!("complete"), &json!(1))
    );
    assert_eq!(
        good["_meta"]["io.modelcontextprotocol/serverInfo"]["name"],
        "test"
    );
}

/// A handler of an extension asks as a tool does, and an answer to one question is none to
/// another.
#[tokio::test]
async fn its_methods_may_ask() {
    #[derive(Deserialize, schemars::JsonSchema)]
    struct Sure {
        sure: bool,
    }
    let ask = |params: Echo, ctx: Context| async move {
        let Sure { sure } = ctx.elicit::<Sure>(params.text).await?;
        Ok::<_, Error>(json!({ "sure": sure }))
    };
    for revision in [Revision::V2025_11_25, Revision::LATEST] {
        let client = served(Extension::new(ID).method("echo/ask", ask)).await;
        let client = client.answering(|_| json!({"action": "accept", "content": {"sure": true}}));
        let client = client.open(revision).await.expect("a session");
        let answer = client.request("echo/ask", json!({"text": "Sure?"})).await;
        assert_eq!(answer.expect("a result")["sure"], true);
    }
    let client = served(Extension::new(ID).method("echo/ask", ask)).await;
    let request = |params: Value| {
        let mut params = params;
        params["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}});
        let message =
            json!({"jsonrpc": "2.0", "id": 1, "method": "echo/ask", "params": params}).to_string();
        let client = &client;
        async move {
            let reply = client.send(message).await.expect("an answer");
            serde_json::from_slice::<Value>(&reply).expect("JSON")
        }
    };
    let asked = request(json!({"text": "Sure?"})).await;
    let state = &asked["result"]["requestState"];
    let key = asked["result"]["inputRequests"].as_object().expect("asks");
    let key = key.keys().next().expect("an ask");
    let answers = json!({key.as_str(): {"action": "accept", "content": {"sure": true}}});
    let other = json!({"text": "Else?", "inputResponses": answers, "requestState": state});
    assert_eq!(request(other).await["error"]["code"], -32602);
    let same = json!({"text": "Sure?", "inputResponses": answers, "requestState": state});
    assert_eq!(request(same).await["result"]["sure"], true);
}
