//! One handler that asks, in every era and over every transport.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wharf::{Context, NoArguments, Prompt, Resource, Server, Tool};

use crate::wire::tools::{Person, adder, greet};
use crate::wire::{Kind, Modern, Peer, Value, all_capabilities, json, serve, text};

fn accept(content: Value) -> Value {
    json!({"action": "accept", "content": content})
}

/// What is asked, in either form.
fn said(ask: &Value) -> &str {
    ask["params"]["message"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn greet_is_the_same_everywhere() {
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, adder().tool(greet)).await;
        let (reply, rounds) = peer
            .converse("greet", json!({}), |ask| {
                assert_eq!(ask["method"], "elicitation/create");
                assert_eq!(said(ask), "What is your name?");
                let form = &ask["params"]["requestedSchema"];
                assert_eq!(form["properties"]["name"]["type"], "string");
                assert_eq!(
                    form["properties"]["name"]["description"],
                    "What to call you"
                );
                assert_eq!(form["required"], json!(["name"]));
                accept(json!({"name": "Ada"}))
            })
            .await;
        assert_eq!(text(reply.result()), "Hello, Ada!", "{kind:?}");
        assert_eq!(rounds.len(), 1);
        peer.still_answers().await;
    }
}

#[tokio::test]
async fn refusing_is_no_failure_of_the_protocol() {
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, adder().tool(greet)).await;
        for (action, word) in [("decline", "declined"), ("cancel", "cancelled")] {
            let (reply, _) = peer
                .converse("greet", json!({}), |_| json!({"action": action}))
                .await;
            assert_eq!(reply.result()["isError"], true, "{kind:?} {action}");
            assert!(text(reply.result()).contains(word), "{reply:?}");
        }
        let (reply, _) = peer
            .converse("greet", json!({}), |_| accept(json!({"name": 7})))
            .await;
        assert_eq!(reply.result()["isError"], true, "{kind:?}");
        assert!(text(reply.result()).contains("name"), "{reply:?}");
        peer.still_answers().await;
    }
}

#[tokio::test]
async fn answers_that_are_none() {
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, adder().tool(greet)).await;
        for nonsense in [
            json!({}),
            json!({"action": "maybe"}),
            json!({"action": "accept", "content": 7}),
        ] {
            let (reply, _) = peer
                .converse("greet", json!({}), |_| nonsense.clone())
                .await;
            let refused = reply.message.get("error").is_some() || reply.result()["isError"] == true;
            assert!(refused, "{kind:?} {nonsense}: {reply:?}");
            peer.still_answers().await;
        }
    }
}

#[tokio::test]
async fn two_asks_at_once() {
    let tool = || {
        Tool::new("two").handler(|_: NoArguments, ctx: Context| async move {
            let (one, other) = tokio::join!(
                ctx.elicit::<Person>("The first?"),
                ctx.elicit::<Person>("The second?"),
            );
            Ok::<_, wharf::Error>(format!("{} and {}", one?.name, other?.name))
        })
    };
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, adder().tool(tool())).await;
        let (reply, rounds) = peer
            .converse("two", json!({}), |ask| {
                accept(json!({"name": if said(ask) == "The first?" { "Ada" } else { "Alan" }}))
            })
            .await;
        assert_eq!(text(reply.result()), "Ada and Alan", "{kind:?}");
        let asked: usize = rounds.iter().map(Vec::len).sum();
        assert_eq!(asked, 2, "{kind:?}");
        assert_eq!(
            rounds.len(),
            if kind.is_modern() { 1 } else { 2 },
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn answers_in_another_order_than_the_asks() {
    let tool = Tool::new("two").handler(|_: NoArguments, ctx: Context| async move {
        let (one, other) = tokio::join!(
            ctx.elicit::<Person>("The first?"),
            ctx.elicit::<Person>("The second?"),
        );
        Ok::<_, wharf::Error>(format!("{} and {}", one?.name, other?.name))
    });
    let mut line = crate::wire::Line::unix(adder().tool(tool));
    line.initialize("2025-11-25", all_capabilities()).await;
    line.send(
        &json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "two"}}),
    )
    .await;
    let (first, second) = (line.expect().await, line.expect().await);
    assert_eq!((said(&first), said(&second)), ("The first?", "The second?"));
    for (ask, name) in [(&second, "Alan"), (&first, "Ada")] {
        let result = accept(json!({"name": name}));
        line.send(&json!({"jsonrpc": "2.0", "id": ask["id"], "result": result}))
            .await;
    }
    assert_eq!(
        text(&line.answer(&json!(1)).await["result"]),
        "Ada and Alan"
    );
}

#[tokio::test]
async fn one_of_two_answers_leaves_the_other_open() {
    let tool = Tool::new("two").handler(|_: NoArguments, ctx: Context| async move {
        let (one, other) = tokio::join!(
            ctx.elicit::<Person>("The first?").key("one"),
            ctx.elicit::<Person>("The second?").key("two"),
        );
        Ok::<_, wharf::Error>(format!("{} and {}", one?.name, other?.name))
    });
    let served = serve(adder().tool(tool)).await;
    let client = Modern::new(&served).able(all_capabilities());
    let first = client.call("two", json!({})).await.result();
    let asked = first["inputRequests"].as_object().unwrap();
    assert_eq!(asked.keys().collect::<Vec<_>>(), ["one", "two"]);
    let retry = |state: &Value, responses: Value| {
        let params = json!({"name": "two", "arguments": {}, "requestState": state, "inputResponses": responses});
        let client = client.clone();
        async move { client.ask("tools/call", params).await.result() }
    };
    let second = retry(
        &first["requestState"],
        json!({"two": accept(json!({"name": "Alan"}))}),
    )
    .await;
    let asked = second["inputRequests"].as_object().unwrap();
    assert_eq!(
        asked.keys().collect::<Vec<_>>(),
        ["one"],
        "the answer is remembered"
    );
    let last = retry(
        &second["requestState"],
        json!({"one": accept(json!({"name": "Ada"}))}),
    )
    .await;
    assert_eq!(text(&last), "Ada and Alan");
}

#[tokio::test]
async fn three_rounds_in_a_row() {
    let counts: Arc<[AtomicUsize; 2]> = Arc::default();
    for kind in Kind::ALL {
        let inner = Arc::clone(&counts);
        let tool = Tool::new("three").handler(move |_: NoArguments, ctx: Context| {
            let counts = Arc::clone(&inner);
            async move {
                let mut names = Vec::new();
                for round in ["one", "two", "three"] {
                    let step = ctx
                        .step(round, async {
                            Ok::<_, wharf::Error>(counts[0].fetch_add(1, Ordering::SeqCst))
                        })
                        .await?;
                    let person: Person = ctx.elicit(format!("{round} after {step}")).await?;
                    ctx.once(round, async {
                        Ok::<_, wharf::Error>(counts[1].fetch_add(1, Ordering::SeqCst))
                    })
                    .await?;
                    names.push(person.name);
                }
                Ok::<_, wharf::Error>(names.join(" "))
            }
        });
        let mut peer = Peer::open(kind, adder().tool(tool)).await;
        counts
            .iter()
            .for_each(|count| count.store(0, Ordering::SeqCst));
        let (reply, rounds) = peer
            .converse("three", json!({}), |ask| {
                let name = said(ask).split(' ').next().unwrap();
                accept(json!({"name": name}))
            })
            .await;
        assert_eq!(text(reply.result()), "one two three", "{kind:?}");
        let asked: Vec<_> = rounds.iter().map(|round| said(&round[0])).collect();
        assert_eq!(
            asked,
            ["one after 0", "two after 1", "three after 2"],
            "{kind:?}"
        );
        assert_eq!(
            counts[0].load(Ordering::SeqCst),
            3,
            "{kind:?}: steps are done once"
        );
        assert_eq!(counts[1].load(Ordering::SeqCst), 3, "{kind:?}");
    }
}

#[tokio::test]
async fn every_kind_of_ask() {
    let tool = || {
        Tool::new("all").handler(|_: NoArguments, ctx: Context| async move {
            let roots = ctx.roots().await?;
            let model = ctx.sample("Say hello").await?;
            let page = ctx
                .elicit_url("Sign in", "https://example.com/login")
                .await?;
            Ok::<_, wharf::Error>(format!(
                "{} {} {:?}",
                roots[0].uri, model.model, page.action
            ))
        })
    };
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, adder().tool(tool())).await;
        let (reply, rounds) = peer
            .converse("all", json!({}), |ask| match ask["method"].as_str().unwrap() {
                "roots/list" => json!({"roots": [{"uri": "file:///home"}]}),
                "sampling/createMessage" => {
                    assert_eq!(ask["params"]["maxTokens"], 1024);
                    json!({"role": "assistant", "model": "m", "content": {"type": "text", "text": "hello"}})
                }
                "elicitation/create" => {
                    assert_eq!(ask["params"]["mode"], "url");
                    assert_eq!(ask["params"]["url"], "https://example.com/login");
                    json!({"action": "accept"})
                }
                other => panic!("{other}"),
            })
            .await;
        assert_eq!(text(reply.result()), "file:///home m Accept", "{kind:?}");
        assert_eq!(rounds.len(), 3);
    }
}

#[tokio::test]
async fn resources_and_prompts_can_ask_too() {
    let server = || {
        adder()
            .resource(Resource::function("memo://me", |ctx: Context| async move {
                let person: Person = ctx.elicit("Who?").await?;
                Ok::<_, wharf::Error>(person.name)
            }))
            .prompt(
                Prompt::new("hello").handler(|_: NoArguments, ctx: Context| async move {
                    let person: Person = ctx.elicit("Who?").await?;
                    Ok::<_, wharf::Error>(person.name)
                }),
            )
    };
    let served = serve(server()).await;
    let client = Modern::new(&served).able(all_capabilities());
    for (method, params) in [
        ("resources/read", json!({"uri": "memo://me"})),
        ("prompts/get", json!({"name": "hello"})),
    ] {
        let first = client.ask(method, params.clone()).await.result();
        assert_eq!(first["resultType"], "input_required", "{method}");
        let mut retry = params;
        retry["requestState"] = first["requestState"].clone();
        retry["inputResponses"] = json!({"elicitation-1": accept(json!({"name": "Ada"}))});
        let last = client.ask(method, retry).await.result();
        assert_eq!(last["resultType"], "complete");
        assert!(last.to_string().contains("\"Ada\""), "{last}");
        if method == "resources/read" {
            assert_eq!(last["ttlMs"], 0, "not for the next one");
        }
    }
}

#[tokio::test]
async fn older_revisions_are_asked_in_their_own_words() {
    for revision in ["2025-06-18", "2025-11-25"] {
        let mut line = crate::wire::Line::unix(Server::new("Test").tool(greet));
        line.initialize(revision, json!({"elicitation": {}})).await;
        line.send(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "greet"}}))
            .await;
        let asked = line.expect().await;
        let mode = (revision == "2025-11-25").then(|| json!("form"));
        assert!(
            asked["params"]
                .get("mode")
                .is_none_or(|told| Some(told) == mode.as_ref())
        );
        line.send(
            &json!({"jsonrpc": "2.0", "id": asked["id"], "result": accept(json!({"name": "Ada"}))}),
        )
        .await;
        assert_eq!(text(&line.answer(&json!(1)).await["result"]), "Hello, Ada!");
    }
    // Those that know no such question are not asked it.
    for revision in ["2024-11-05", "2025-03-26"] {
        let mut line = crate::wire::Line::unix(Server::new("Test").tool(greet));
        line.initialize(revision, json!({})).await;
        let reply = line.ask("tools/call", json!({"name": "greet"})).await;
        assert_eq!(reply["result"]["isError"], true, "{revision}");
    }
}
