//! Layers around calls, over both transports in both eras.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use wharf::middleware::{Next, PromptCall, ReadCall, RequestCall, ToolCall, from_fn};
use wharf::protocol::content::ContentBlock;
use wharf::protocol::tools::CallToolResult;
use wharf::{Context, Error, Json, Limits, NoArguments, Prompt, Resource, Server, Tool};

use crate::wire::tools::{Watch, add, echo, greet};
use crate::wire::{Kind, MS, Peer, json, soon, text, until};

/// What happened, in order.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn note(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// A layer that says when a call passes in each direction.
    fn around(&self, server: Server, who: &'static str) -> Server {
        let diary = self.clone();
        server.layer_tools(from_fn(move |call: ToolCall, next: Next<ToolCall>| {
            let diary = diary.clone();
            async move {
                diary.note(format!("{who} before {}", call.name()));
                let result = next.run(call).await;
                let how = match &result {
                    Ok(result) if result.is_error == Some(true) => "failed",
                    Ok(_) => "done",
                    Err(_) => "error",
                };
                diary.note(format!("{who} after: {how}"));
                result
            }
        }))
    }
}

#[tokio::test]
async fn the_first_layer_is_the_outermost() {
    for kind in Kind::ALL {
        let diary = Diary::default();
        let server = diary.around(Server::new("Test").tool(add), "one");
        let server = diary.around(server, "two");
        let mut peer = Peer::open(kind, server).await;
        let reply = peer.call("add", json!({"a": 1, "b": 2})).await;
        assert_eq!(text(reply.result()), "3");
        let all = [
            "one before add",
            "two before add",
            "two after: done",
            "one after: done",
        ];
        assert_eq!(diary.take(), all, "{kind:?}");
        // Arguments that do not fit are a result, as they are for the client.
        let reply = peer.call("add", json!({"a": 1})).await;
        assert_eq!(reply.result()["isError"], true);
        assert_eq!(diary.take()[2], "two after: failed");
        // What does not exist is not called.
        assert_eq!(peer.call("sub", json!({})).await.code(), -32602);
        assert_eq!(diary.take(), [""; 0]);
    }
}

#[tokio::test]
async fn a_layer_may_change_refuse_and_answer() {
    for kind in Kind::ALL {
        let server = Server::new("Test")
            .tool(add)
            .tool(echo)
            .layer_tools(from_fn(
                |mut call: ToolCall, next: Next<ToolCall>| async move {
                    #[derive(serde::Deserialize)]
                    struct Numbers {
                        a: i64,
                    }
                    let read_only = call
                        .definition()
                        .and_then(|tool| tool.annotations.as_ref())
                        .and_then(|hints| hints.read_only_hint);
                    assert_eq!(read_only, Some(true));
                    match call.read_arguments::<Numbers>() {
                        Ok(Numbers { a: 0 }) => return Ok(CallToolResult::text("nothing to add")),
                        Ok(Numbers { a: 13 }) => return Err(Error::new("not with thirteen")),
                        Ok(Numbers { a: 14 }) => return Err(Error::protocol(-32050, "go away")),
                        Ok(Numbers { a: 15 }) => call.set_arguments("no object")?,
                        Ok(Numbers { a }) => call.set_arguments(&json!({"a": a * 10, "b": 1}))?,
                        Err(_) => {}
                    }
                    next.run(call).await
                },
            ));
        let mut peer = Peer::open(kind, server).await;
        for (a, said) in [(2, "21"), (0, "nothing to add"), (13, "not with thirteen")] {
            let reply = peer.call("add", json!({"a": a, "b": 2})).await;
            assert_eq!(text(reply.result()), said, "{kind:?}");
            assert_eq!(reply.result()["isError"] == true, a == 13, "{kind:?}");
        }
        assert_eq!(
            peer.call("add", json!({"a": 14, "b": 2})).await.code(),
            -32050
        );
        let reply = peer.call("add", json!({"a": 15, "b": 2})).await;
        assert_eq!(reply.result()["isError"], true, "what is set is validated");
        let reply = peer.call("echo", json!({"text": "as it was"})).await;
        assert_eq!(text(reply.result()), "as it was");
    }
}

#[tokio::test]
async fn rounds_pass_the_layers_and_questions_are_asked_once() {
    for kind in Kind::ALL {
        let diary = Diary::default();
        let server = diary.around(Server::new("Test").tool(greet), "it");
        let mut peer = Peer::open(kind, server).await;
        let name = |_: &_| json!({"action": "accept", "content": {"name": "Ada"}});
        let (reply, rounds) = peer.converse("greet", json!({}), name).await;
        assert_eq!(text(reply.result()), "Hello, Ada!");
        assert_eq!(rounds.len(), 1);
        let all: &[_] = match kind.is_modern() {
            // The first round was dropped where it asked.
            true => &["it before greet", "it before greet", "it after: done"],
            false => &["it before greet", "it after: done"],
        };
        assert_eq!(diary.take(), all, "{kind:?}");
    }
}

#[tokio::test]
async fn a_layer_may_ask() {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct Sure {
        sure: bool,
    }
    for kind in Kind::ALL {
        let server = Server::new("Test").tool(add).layer_tools(from_fn(
            |call: ToolCall, next: Next<ToolCall>| async move {
                match call.context().elicit::<Sure>("Sure?").await? {
                    Sure { sure: true } => next.run(call).await,
                    Sure { sure: false } => Err(Error::new("then not")),
                }
            },
        ));
        let mut peer = Peer::open(kind, server).await;
        for (sure, said) in [(true, "3"), (false, "then not")] {
            let answer = |_: &_| json!({"action": "accept", "content": {"sure": sure}});
            let (reply, _) = peer.converse("add", json!({"a": 1, "b": 2}), answer).await;
            assert_eq!(text(reply.result()), said, "{kind:?}");
        }
    }
}

#[tokio::test]
async fn panics_and_time_are_guarded() {
    let limits = Limits {
        call_timeout: 50 * MS,
        ..Limits::default()
    };
    for kind in Kind::ALL {
        let server = Server::new("Test")
            .tool(add)
            .tool(echo)
            .limits(limits.clone());
        let server =
            server.layer_tools(from_fn(|call: ToolCall, next: Next<ToolCall>| async move {
                if call.name() == "echo" {
                    std::future::pending::<()>().await;
                }
                assert!(!call.arguments().get().contains("13"), "unlucky");
                next.run(call).await
            }));
        let mut peer = Peer::open(kind, server).await;
        let reply = peer.call("add", json!({"a": 13, "b": 2})).await;
        assert!(
            text(reply.result()).starts_with("internal error"),
            "{reply:?}"
        );
        let reply = peer.call("echo", json!({"text": "x"})).await;
        assert!(text(reply.result()).contains("did not finish"), "{reply:?}");
        peer.still_answers().await;
    }
}

#[tokio::test]
async fn a_cancelled_call_drops_its_layers() {
    let (watch, inner) = (Watch::new(), Watch::new());
    let (watches, handler) = (Arc::clone(&watch), Arc::clone(&inner));
    let tool = Tool::new("wait").handler(move |_: NoArguments, _: Context| {
        let handler = Arc::clone(&handler);
        async move { handler.wait().await }
    });
    let server = Server::new("Test").tool(tool).layer_tools(from_fn(
        move |call: ToolCall, next: Next<ToolCall>| {
            let watch = Arc::clone(&watches);
            async move { tokio::join!(watch.wait(), next.run(call)).1 }
        },
    ));
    let mut peer = Peer::open(Kind::LegacyLine, server).await;
    let body = peer.request_body("tools/call", json!({"name": "wait"}));
    peer.line().send(&body).await;
    until(|| inner.has_started()).await;
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": {"requestId": body["id"]}});
    peer.line().send(&cancel).await;
    until(|| inner.was_dropped() && watch.was_dropped()).await;
}

fn several() -> Server {
    Server::new("Test")
        .resource(Resource::text("memo://one", "1"))
        .resource(Resource::text("memo://secret", "hidden"))
        .tool(
            Tool::new("read")
                .handler(
                    |args: std::collections::BTreeMap<String, String>, ctx: Context| async move {
                        let read = ctx.read_resource(&args["uri"]).await?;
                        Ok::<_, Error>(Json(json!({"contents": read.contents.len()})))
                    },
                )
                .input_schema(json!({"type": "object"})),
        )
        .prompt(
            Prompt::new("say")
                .required("what", "What to say")
                .raw_handler(|args: wharf::PromptArguments, _: Context| async move {
                    args.get("what").unwrap_or_default().to_owned()
                }),
        )
}

#[tokio::test]
async fn reads_are_guarded_wherever_they_come_from() {
    for kind in Kind::ALL {
        let server = several().layer_reads(from_fn(
            |mut call: ReadCall, next: Next<ReadCall>| async move {
                if call.uri() == "memo://secret" {
                    return Err(Error::not_found(call.uri()));
                }
                if call.uri() == "memo://alias" {
                    call.set_uri("memo://one");
                }
                next.run(call).await
            },
        ));
        let mut peer = Peer::open(kind, server).await;
        let reply = peer
            .request("resources/read", json!({"uri": "memo://one"}))
            .await;
        assert_eq!(reply.result()["contents"][0]["text"], "1");
        let reply = peer
            .request("resources/read", json!({"uri": "memo://alias"}))
            .await;
        assert_eq!(reply.result()["contents"][0]["uri"], "memo://one");
        let reply = peer
            .request("resources/read", json!({"uri": "memo://secret"}))
            .await;
        let code = if kind.is_modern() { -32602 } else { -32002 };
        assert_eq!(reply.code(), code, "{kind:?}");
        let reply = peer.call("read", json!({"uri": "memo://secret"})).await;
        assert_eq!(reply.result()["isError"], true, "{kind:?}");
        let reply = peer.call("read", json!({"uri": "memo://one"})).await;
        assert_eq!(reply.result()["structuredContent"]["contents"], 1);
    }
}

#[tokio::test]
async fn prompts_pass_too() {
    for kind in Kind::ALL {
        let server = several().layer_prompts(from_fn(
            |mut call: PromptCall, next: Next<PromptCall>| async move {
                assert_eq!(call.definition().map(|prompt| &*prompt.name), Some("say"));
                if call.arguments().get() == "{}" {
                    call.set_arguments(&json!({"what": "hello"}))?;
                }
                let mut result = next.run(call).await?;
                result.description = Some("checked".into());
                Ok::<_, Error>(result)
            },
        ));
        let mut peer = Peer::open(kind, server).await;
        let reply = peer.request("prompts/get", json!({"name": "say"})).await;
        assert_eq!(reply.result()["messages"][0]["content"]["text"], "hello");
        assert_eq!(reply.result()["description"], "checked");
        let params = json!({"name": "say", "arguments": {"what": "bye"}});
        let reply = peer.request("prompts/get", params).await;
        assert_eq!(reply.result()["messages"][0]["content"]["text"], "bye");
    }
}

#[tokio::test]
async fn every_request_passes_with_its_outcome() {
    for kind in Kind::ALL {
        let diary = Diary::default();
        let (notes, count) = (diary.clone(), Arc::new(AtomicUsize::new(0)));
        let server = several().layer_requests(from_fn(
            move |call: RequestCall, next: Next<RequestCall>| {
                let (diary, count) = (notes.clone(), Arc::clone(&count));
                async move {
                    let what = format!("{} {}", call.method(), call.target().unwrap_or_default());
                    if call.target().as_deref() == Some("panic") {
                        panic!("as asked");
                    }
                    if what.starts_with("prompts/list") && count.fetch_add(1, Ordering::Relaxed) > 0
                    {
                        return Err(Error::protocol(-32099, "too many requests"));
                    }
                    let answer = next.run(call).await?;
                    let code = answer.error().map_or(0, |error| error.code);
                    assert_eq!(answer.bytes().is_some(), code == 0);
                    diary.note(format!("{what}: {code}"));
                    Ok(answer)
                }
            },
        ));
        let mut peer = Peer::open(kind, server).await;
        let opened = diary.take();
        assert_eq!(opened.is_empty(), kind.is_modern(), "{opened:?}");
        peer.request("resources/read", json!({"uri": "memo://one"}))
            .await
            .result();
        assert_eq!(peer.request("no/such", json!({})).await.code(), -32601);
        assert_eq!(peer.call("lost", json!({})).await.code(), -32602);
        let all = [
            "resources/read memo://one: 0",
            "no/such : -32601",
            "tools/call lost: -32602",
        ];
        assert_eq!(diary.take(), all, "{kind:?}");
        assert_eq!(peer.call("panic", json!({})).await.code(), -32603);
        peer.request("prompts/list", json!({})).await.result();
        let reply = peer.request("prompts/list", json!({})).await;
        assert_eq!(reply.code(), -32099, "{kind:?}");
    }
}

/// A layer as a type, and services with errors of their own.
#[tokio::test]
async fn any_tower_layer_fits() {
    use std::task::{Context as Poller, Poll};
    use tower_service::Service;

    type BoxError = Box<dyn std::error::Error + Send + Sync>;

    #[derive(Clone)]
    struct Impatient<S>(S);

    impl<S> Service<ToolCall> for Impatient<S>
    where
        S: Service<ToolCall, Response = CallToolResult>,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        type Response = CallToolResult;
        type Error = BoxError;
        type Future = std::pin::Pin<
            Box<dyn Future<Output = std::result::Result<CallToolResult, BoxError>> + Send>,
        >;

        fn poll_ready(&mut self, cx: &mut Poller<'_>) -> Poll<std::result::Result<(), BoxError>> {
            self.0.poll_ready(cx).map_err(Into::into)
        }

        fn call(&mut self, call: ToolCall) -> Self::Future {
            let calling = self.0.call(call);
            Box::pin(async move { calling.await.map_err(Into::into) })
        }
    }

    let fail = Tool::new("fail").handler(|_: NoArguments, _: Context| async {
        Err::<String, _>(Error::protocol(-32042, "kept"))
    });
    let layer = tower_layer::layer_fn(Impatient);
    let server = Server::new("Test").tool(add).tool(fail).layer_tools(layer);
    let mut peer = Peer::open(Kind::ModernHttp, server).await;
    assert_eq!(peer.call("fail", json!({})).await.code(), -32042);
    peer.still_answers().await;
}

/// A call that has become a task passes the layers as any other.
#[tokio::test]
async fn tasks_pass_too() {
    for kind in [Kind::ModernLine, Kind::LegacyLine] {
        let mut capabilities = crate::wire::all_capabilities();
        capabilities["extensions"] = json!({"io.modelcontextprotocol/tasks": {}});
        let tool = Tool::new("slow")
            .task()
            .handler(|_: NoArguments, _: Context| async {
                tokio::time::sleep(20 * MS).await;
                "from the tool"
            });
        let layer = from_fn(|call: ToolCall, next: Next<ToolCall>| async move {
            let mut result = next.run(call).await?;
            result.content.push(ContentBlock::text("from the layer"));
            Ok::<_, Error>(result)
        });
        let server = Server::new("Test").tool(tool).layer_tools(layer);
        let mut peer = Peer::open_as(kind, server, capabilities).await;
        let mut params = json!({"name": "slow"});
        if !kind.is_modern() {
            params["task"] = json!({});
        }
        let reply = peer.request("tools/call", params).await;
        let task = match kind.is_modern() {
            true => reply.result().clone(),
            false => reply.result()["task"].clone(),
        };
        let id = json!({"taskId": task["taskId"]});
        let done = soon(async {
            loop {
                let task = peer.request("tasks/get", id.clone()).await;
                if task.result()["status"] == "completed" {
                    return task.result().clone();
                }
                tokio::time::sleep(5 * MS).await;
            }
        })
        .await;
        let result = match kind.is_modern() {
            true => done["result"].clone(),
            false => peer.request("tasks/result", id).await.result().clone(),
        };
        assert_eq!(text(&result), "from the tool", "{kind:?}");
        assert_eq!(result["content"][1]["text"], "from the layer", "{kind:?}");
    }
}
