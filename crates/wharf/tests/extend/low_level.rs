//! Handlers of whole methods, over both transports in both eras.

use std::sync::{Arc, Mutex};

use wharf::low_level::{
    CallTool, CallToolParams, Complete, GetPrompt, GetPromptParams, ListParams, ListPrompts,
    ListResourceTemplates, ListResources, ListTools, ReadResource, SetLevel, SetLevelParams,
    Subscribe, Unsubscribe, UriParams,
};
use wharf::middleware::{Next, ToolCall, from_fn};
use wharf::protocol::completion::{CompleteParams, CompleteResult, Completion};
use wharf::protocol::content::ContentBlock;
use wharf::protocol::prompts::{GetPromptResult, ListPromptsResult, Prompt, PromptMessage};
use wharf::protocol::resources::{
    ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult, Resource,
    ResourceContents, ResourceTemplate, TextResourceContents,
};
use wharf::protocol::tools::{CallToolResult, ListToolsResult, Tool};
use wharf::{Changed, Context, Error, Result, Server};

use crate::wire::tools::{Person, add};
use crate::wire::{Kind, Modern, Peer, json, serve, soon, text};

fn tool(name: &str) -> Tool {
    Tool {
        name: name.into(),
        input_schema: json!({"type": "object"}),
        ..Tool::default()
    }
}

async fn list_tools(params: ListParams, _: Context) -> Result<ListToolsResult> {
    let names: &[&str] = match params.cursor.as_deref() {
        None => &["one", "two"],
        Some("more") => &["three"],
        Some(_) => return Err(Error::invalid_params("no such page")),
    };
    Ok(ListToolsResult {
        tools: names.iter().map(|name| tool(name)).collect(),
        next_cursor: params.cursor.is_none().then(|| "more".into()),
        meta: None,
    })
}

async fn call_tool(call: CallToolParams, ctx: Context) -> Result<CallToolResult> {
    match call.name.as_str() {
        "greet" => {
            let person: Person = ctx.elicit("Who are you?").await?;
            Ok(CallToolResult::text(format!("Hello, {}!", person.name)))
        }
        "say" => Ok(CallToolResult::text(call.arguments.get())),
        "read" => {
            let read = ctx.read_resource("db://7").await?;
            Ok(CallToolResult::text(format!(
                "{} contents",
                read.contents.len()
            )))
        }
        "fail" => Err(Error::new("it failed")),
        other => Err(Error::protocol(-32602, format!("no tool {other:?}"))),
    }
}

fn server() -> Server {
    Server::new("Test")
        .tool(add)
        .handle(ListTools, list_tools)
        .handle(CallTool, call_tool)
        .handle(ListResources, |_: ListParams, _: Context| async {
            Ok::<_, Error>(ListResourcesResult {
                resources: vec![Resource::new("db://1", "one")],
                ..ListResourcesResult::default()
            })
        })
        .handle(ListResourceTemplates, |_: ListParams, _: Context| async {
            Ok::<_, Error>(ListResourceTemplatesResult {
                resource_templates: vec![ResourceTemplate {
                    uri_template: "db://{id}".into(),
                    name: "row".into(),
                    ..ResourceTemplate::default()
                }],
                ..ListResourceTemplatesResult::default()
            })
        })
        .handle(ReadResource, |params: UriParams, _: Context| async move {
            if !params.uri.starts_with("db://") {
                return Err(Error::not_found(params.uri));
            }
            Ok(ReadResourceResult {
                contents: vec![ResourceContents::Text(TextResourceContents {
                    uri: params.uri,
                    mime_type: None,
                    text: "a row".into(),
                    meta: None,
                })],
                meta: None,
            })
        })
        .handle(ListPrompts, |_: ListParams, _: Context| async {
            Ok::<_, Error>(ListPromptsResult {
                prompts: vec![Prompt {
                    name: "ask".into(),
                    ..Prompt::default()
                }],
                ..ListPromptsResult::default()
            })
        })
        .handle(
            GetPrompt,
            |params: GetPromptParams, _: Context| async move {
                let about = params.arguments.get("about").unwrap_or("nothing");
                let content = ContentBlock::text(format!("{}: {about}", params.name));
                Ok::<_, Error>(GetPromptResult {
                    messages: vec![PromptMessage {
                        role: wharf::protocol::content::Role::User,
                        content,
                    }],
                    ..GetPromptResult::default()
                })
            },
        )
        .handle(Complete, |params: CompleteParams, _: Context| async move {
            Ok::<_, Error>(CompleteResult {
                completion: Completion {
                    values: vec![format!("{}!", params.argument.value)],
                    total: None,
                    has_more: None,
                },
                meta: None,
            })
        })
}

#[tokio::test]
async fn every_method_is_the_handlers() {
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, server()).await;
        let reply = peer.request("tools/list", json!({})).await;
        let result = reply.result();
        assert_eq!(
            result["tools"].as_array().map(Vec::len),
            Some(2),
            "the catalog is replaced"
        );
        assert_eq!(result["nextCursor"], "more");
        // Written as the revision has it, though the handler knows of none.
        for member in ["ttlMs", "cacheScope", "resultType", "_meta"] {
            assert_eq!(
                result.get(member).is_some(),
                kind.is_modern(),
                "{kind:?} {member}"
            );
        }
        let reply = peer.request("tools/list", json!({"cursor": "more"})).await;
        assert_eq!(reply.result()["tools"][0]["name"], "three");
        let reply = peer.request("tools/list", json!({"cursor": "else"})).await;
        assert_eq!(reply.code(), -32602);
        let reply = peer.request("tools/list", json!({"cursor": 1})).await;
        assert_eq!(reply.code(), -32602);

        let reply = peer.call("say", json!({"x": [1, 2]})).await;
        assert_eq!(text(reply.result()), r#"{"x":[1,2]}"#);
        assert_eq!(
            text(peer.call("fail", json!({})).await.result()),
            "it failed"
        );
        assert_eq!(
            peer.call("add", json!({"a": 1, "b": 2})).await.code(),
            -32602
        );
        assert_eq!(
            text(peer.call("read", json!({})).await.result()),
            "1 contents"
        );
        let name = |_: &_| json!({"action": "accept", "content": {"name": "Ada"}});
        let (reply, rounds) = peer.converse("greet", json!({}), name).await;
        assert_eq!((text(reply.result()), rounds.len()), ("Hello, Ada!", 1));

        let reply = peer.request("resources/list", json!({})).await;
        assert_eq!(reply.result()["resources"][0]["uri"], "db://1");
        let reply = peer.request("resources/templates/list", json!({})).await;
        assert_eq!(reply.result()["resourceTemplates"][0]["name"], "row");
        let reply = peer
            .request("resources/read", json!({"uri": "db://42"}))
            .await;
        assert_eq!(reply.result()["contents"][0]["text"], "a row");
        let reply = peer
            .request("resources/read", json!({"uri": "x://42"}))
            .await;
        assert_eq!(reply.code(), if kind.is_modern() { -32602 } else { -32002 });

        let reply = peer.request("prompts/list", json!({})).await;
        assert_eq!(reply.result()["prompts"][0]["name"], "ask");
        let params = json!({"name": "ask", "arguments": {"about": "tea"}});
        let reply = peer.request("prompts/get", params).await;
        assert_eq!(reply.result()["messages"][0]["content"]["text"], "ask: tea");
        let reply = peer
            .request("prompts/get", json!({"name": "a", "arguments": {"n": 1}}))
            .await;
        assert_eq!(reply.code(), -32602);
        let params = json!({"ref": {"type": "ref/prompt", "name": "any"},
            "argument": {"name": "x", "value": "abc"}});
        let reply = peer.request("completion/complete", params).await;
        assert_eq!(reply.result()["completion"]["values"], json!(["abc!"]));
    }
}

#[tokio::test]
async fn capabilities_follow_from_what_is_handled() {
    let list = |_: ListParams, _: Context| async { Ok::<_, Error>(ListToolsResult::default()) };
    let served = serve(Server::new("Test").handle(ListTools, list)).await;
    let about = Modern::new(&served).ask("server/discover", json!({})).await;
    let capabilities = about.result()["capabilities"].clone();
    assert!(capabilities["tools"].is_object(), "{capabilities}");
    for other in ["resources", "prompts", "completions"] {
        assert_eq!(capabilities.get(other), None, "{capabilities}");
    }
    let served = serve(server()).await;
    let about = Modern::new(&served).ask("server/discover", json!({})).await;
    let capabilities = about.result()["capabilities"].clone();
    for all in ["tools", "resources", "prompts", "completions"] {
        assert!(capabilities[all].is_object(), "{capabilities}");
    }
}

/// What has no handler stays with the catalog.
#[tokio::test]
async fn the_catalog_keeps_the_rest() {
    for kind in Kind::ALL {
        let read = |params: UriParams, _: Context| async move {
            Err::<ReadResourceResult, _>(Error::not_found(params.uri))
        };
        let server = Server::new("Test").tool(add).handle(ReadResource, read);
        let mut peer = Peer::open(kind, server).await;
        peer.still_answers().await;
        let reply = peer.request("tools/list", json!({})).await;
        assert_eq!(reply.result()["tools"][0]["name"], "add");
        let reply = peer.request("resources/list", json!({})).await;
        assert_eq!(reply.result()["resources"], json!([]));
    }
}

#[tokio::test]
async fn layers_are_around_handlers_too() {
    let layer = from_fn(|mut call: ToolCall, next: Next<ToolCall>| async move {
        assert!(call.definition().is_none());
        call.set_arguments(&json!({"set": true}))?;
        next.run(call).await
    });
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, server().layer_tools(layer.clone())).await;
        let reply = peer.call("say", json!({"x": 1})).await;
        assert_eq!(text(reply.result()), r#"{"set":true}"#, "{kind:?}");
    }
}

#[derive(Clone, Default)]
struct Wishes(Arc<Mutex<Vec<String>>>);

impl Wishes {
    fn server(&self) -> Server {
        let [subscribed, unsubscribed, levels] = [self.clone(), self.clone(), self.clone()];
        server()
            .handle(Subscribe, move |params: UriParams, _: Context| {
                subscribed
                    .0
                    .lock()
                    .unwrap()
                    .push(format!("+{}", params.uri));
                std::future::ready(match params.uri.starts_with("db://") {
                    true => Ok(()),
                    false => Err(Error::not_found(params.uri)),
                })
            })
            .handle(Unsubscribe, move |params: UriParams, _: Context| {
                unsubscribed
                    .0
                    .lock()
                    .unwrap()
                    .push(format!("-{}", params.uri));
                std::future::ready(Ok::<_, Error>(()))
            })
            .handle(SetLevel, move |params: SetLevelParams, _: Context| {
                levels.0.lock().unwrap().push(params.level.as_str().into());
                std::future::ready(Ok::<_, Error>(()))
            })
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[tokio::test]
async fn sessions_subscribe_and_choose_levels_through_handlers() {
    for kind in [Kind::LegacyLine, Kind::LegacyHttp] {
        let wishes = Wishes::default();
        let mut peer = Peer::open(kind, wishes.server()).await;
        let uri = json!({"uri": "db://9"});
        assert_eq!(
            peer.request("resources/subscribe", uri.clone())
                .await
                .result(),
            &json!({})
        );
        peer.request("resources/unsubscribe", uri).await.result();
        let other = peer
            .request("resources/subscribe", json!({"uri": "x://9"}))
            .await;
        assert_eq!(other.code(), -32002);
        peer.request("logging/setLevel", json!({"level": "error"}))
            .await
            .result();
        let wrong = peer
            .request("logging/setLevel", json!({"level": "loud"}))
            .await;
        assert_eq!(wrong.code(), -32602);
        assert_eq!(
            wishes.take(),
            ["+db://9", "-db://9", "+x://9", "error"],
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn updates_and_changes_are_told_in_either_era() {
    let wishes = Wishes::default();
    let server = wishes.server();
    let catalog = server.catalog().clone();
    let changed = Changed {
        tools: true,
        ..Changed::default()
    };
    let mut peer = Peer::open(Kind::LegacyLine, server).await;
    peer.request("resources/subscribe", json!({"uri": "db://9"}))
        .await
        .result();
    catalog.notify_resource_updated("db://9");
    catalog.notify_resource_updated("db://8");
    let told = soon(peer.line().expect()).await;
    assert_eq!(told["method"], "notifications/resources/updated");
    assert_eq!(told["params"]["uri"], "db://9");
    catalog.notify_changed(changed);
    let told = soon(peer.line().expect()).await;
    assert_eq!(told["method"], "notifications/tools/list_changed");
    wishes.take();

    let server = wishes.server();
    let catalog = server.catalog().clone();
    let mut peer = Peer::open(Kind::ModernLine, server).await;
    let listen = peer.request_body(
        "subscriptions/listen",
        json!({"notifications": {"toolsListChanged": true,
            "resourceSubscriptions": ["db://1", "x://2", "db://3"]}}),
    );
    peer.line().send(&listen).await;
    let acknowledged = soon(peer.line().expect()).await;
    assert_eq!(
        acknowledged["params"]["notifications"]["resourceSubscriptions"],
        json!(["db://1", "db://3"]),
        "only what the handler agrees to"
    );
    assert_eq!(wishes.take(), ["+db://1", "+x://2", "+db://3"]);
    catalog.notify_resource_updated("db://3");
    let told = soon(peer.line().expect()).await;
    assert_eq!(told["params"]["uri"], "db://3");
}
