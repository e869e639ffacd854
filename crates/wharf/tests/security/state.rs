//! Row 6: what 2026-07-28 clients carry between rounds, forged or replayed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::Deserialize;
use wharf::{Context, KeyRing, Limits, Prompt, Server, Tool};

use crate::wire::tools::{Person, tokens};
use crate::wire::{Answer, Modern, Value, all_capabilities, json, serve, text};

#[derive(Deserialize, schemars::JsonSchema)]
struct Order {
    item: String,
}

#[derive(Default)]
struct Counts {
    runs: AtomicUsize,
    steps: AtomicUsize,
    onces: AtomicUsize,
    failed: AtomicUsize,
}

impl Counts {
    /// Runs of the handler, of its `step` and of its `once`.
    fn now(&self) -> (usize, usize, usize) {
        let of = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        (of(&self.runs), of(&self.steps), of(&self.onces))
    }
}

/// Two tools that do the same: look, ask, pay.
fn server(counts: &Arc<Counts>) -> Server {
    let tool = |name: &str| {
        let counts = Arc::clone(counts);
        Tool::new(name).handler(move |order: Order, ctx: Context| {
            let counts = Arc::clone(&counts);
            async move {
                let add = |count: &AtomicUsize| count.fetch_add(1, Ordering::SeqCst) + 1;
                add(&counts.runs);
                let looked = ctx
                    .step("look", async { Ok::<_, wharf::Error>(add(&counts.steps)) })
                    .await?;
                let person: Person = ctx.elicit(format!("Who buys {}?", order.item)).await?;
                let paid = ctx
                    .once("pay", async { Ok::<_, wharf::Error>(add(&counts.onces)) })
                    .await?;
                Ok::<_, wharf::Error>(format!("{} {} {looked} {paid}", person.name, order.item))
            }
        })
    };
    let prompt = Prompt::new("buy").handler(|_: Order, ctx: Context| async move {
        let person: Person = ctx.elicit("Who?").await?;
        Ok::<_, wharf::Error>(person.name)
    });
    Server::new("Test")
        .tool(tool("buy"))
        .tool(tool("sell"))
        .prompt(prompt)
}

fn client(served: &crate::wire::Served) -> Modern<'_> {
    Modern::new(served).able(all_capabilities()).token("ada")
}

async fn begin(client: &Modern<'_>) -> String {
    let answer = client.call("buy", json!({"item": "tea"})).await;
    let result = answer.result();
    assert_eq!(result["resultType"], "input_required", "{result}");
    result["requestState"].as_str().unwrap().to_owned()
}

fn retry(tool: &str, item: &str, state: &str) -> Value {
    let answer = json!({"action": "accept", "content": {"name": "Ada"}});
    json!({"name": tool, "arguments": {"item": item}, "requestState": state,
        "inputResponses": {"elicitation-1": answer}})
}

async fn finish(client: &Modern<'_>, state: &str) -> Answer {
    client.ask("tools/call", retry("buy", "tea", state)).await
}

/// Every refusal reads the same: it teaches nothing.
#[track_caller]
fn refused(answer: &Answer, what: &str) {
    assert_eq!(answer.error(), (400, -32602), "{what}");
    let error = &answer.json()["error"];
    assert_eq!(
        error["message"], "requestState is not valid for this request",
        "{what}"
    );
    assert_eq!(error.get("data"), None, "{what}");
}

#[tokio::test]
async fn row_06_request_state_forged() {
    let counts = Arc::new(Counts::default());
    let served = serve(server(&counts).http(tokens())).await;
    let client = client(&served);
    let state = begin(&client).await;
    for at in 0..state.len() {
        let mut other = state.clone().into_bytes();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        refused(
            &finish(&client, std::str::from_utf8(&other).unwrap()).await,
            "a letter changed",
        );
    }
    for cut in [0, 1, state.len() / 2, state.len() - 1] {
        refused(&finish(&client, &state[..cut]).await, "cut");
        refused(&finish(&client, &state[cut + 1..]).await, "begun later");
    }
    for more in ["A", "=", " ", "\n", "\0"] {
        refused(&finish(&client, &format!("{state}{more}")).await, "longer");
    }
    for other in ["{}", "null", "é", &"A".repeat(1 << 20)] {
        refused(&finish(&client, other).await, "something else");
    }
    // The handler was not run for any of these.
    assert_eq!(counts.now(), (1, 1, 0));
    assert_eq!(text(&finish(&client, &state).await.result()), "Ada tea 1 1");
    assert_eq!(counts.now(), (2, 1, 1));
}

#[tokio::test]
async fn row_06_request_state_presented_for_something_else() {
    let counts = Arc::new(Counts::default());
    let served = serve(server(&counts).http(tokens())).await;
    let client = client(&served);
    let state = begin(&client).await;
    let ask = |params: Value| client.ask("tools/call", params);
    refused(&ask(retry("sell", "tea", &state)).await, "another tool");
    refused(&ask(retry("buy", "gold", &state)).await, "other arguments");
    let mut more = retry("buy", "tea", &state);
    more["arguments"]["more"] = json!(1);
    refused(&ask(more).await, "more arguments");
    let eve = client.clone().token("eve");
    refused(&finish(&eve, &state).await, "another principal");
    let prompt = client.ask("prompts/get", retry("buy", "tea", &state)).await;
    refused(&prompt, "another method");
    assert_eq!(counts.now(), (1, 1, 0));

    // The order of members and the white space do not matter.
    let mut body = client
        .body(1, "tools/call", retry("buy", "tea", &state))
        .to_string();
    body = body.replace("{\"item\":\"tea\"}", "{ \"item\" : \"t\\u0065a\" }");
    let mut post = client.post(1, "tools/call", retry("buy", "tea", &state));
    post.body = body.into();
    assert_eq!(text(&served.ask(&post).await.result()), "Ada tea 1 1");
}

#[tokio::test]
async fn row_06_request_state_of_another_server() {
    let counts = Arc::new(Counts::default());
    let secret = |text: &str| KeyRing::from_secret(text.as_bytes()).unwrap();
    let (one, other) = (
        "one secret, 32 bytes long at least",
        "another one of 32 bytes at least...",
    );
    let here = serve(server(&counts).keys(secret(one)).http(tokens())).await;
    let there = serve(server(&counts).keys(secret(other)).http(tokens())).await;
    let same = serve(server(&counts).keys(secret(one)).http(tokens())).await;
    let random = serve(server(&counts).http(tokens())).await;
    let state = begin(&client(&here)).await;
    refused(&finish(&client(&there), &state).await, "another key");
    refused(&finish(&client(&random), &state).await, "a random key");
    assert_eq!(
        finish(&client(&same), &state).await.status,
        200,
        "another node"
    );
}

#[tokio::test]
async fn row_06_request_state_that_is_expired() {
    let counts = Arc::new(Counts::default());
    let limits = Limits {
        state_lifetime: Duration::ZERO,
        ..Limits::default()
    };
    let served = serve(server(&counts).limits(limits).http(tokens())).await;
    let client = client(&served);
    let state = begin(&client).await;
    refused(&finish(&client, &state).await, "expired");
    assert_eq!(counts.now(), (1, 1, 0));
}

#[tokio::test]
async fn row_06_request_state_replayed() {
    let counts = Arc::new(Counts::default());
    let served = serve(server(&counts).http(tokens())).await;
    let client = client(&served);
    let state = begin(&client).await;
    for round in 1..=4 {
        // What was done before the state was sealed is known from it, and what came after it is
        // guarded by the server.
        assert_eq!(text(&finish(&client, &state).await.result()), "Ada tea 1 1");
        assert_eq!(counts.now(), (1 + round, 1, 1));
    }
    // All at once, too.
    let state = begin(&client).await;
    let retry = client.post(1, "tools/call", retry("buy", "tea", &state));
    let (one, two, three) =
        tokio::join!(served.ask(&retry), served.ask(&retry), served.ask(&retry));
    for answer in [one, two, three] {
        assert_eq!(answer.status, 200);
    }
    assert_eq!(counts.now().2, 2);
    // A new call is a new exchange.
    assert_eq!(
        text(&finish(&client, &begin(&client).await).await.result()),
        "Ada tea 3 3"
    );
}

#[tokio::test]
async fn row_06_request_state_a_failed_step_may_be_done_again() {
    let counts = Arc::new(Counts::default());
    let tool = {
        let counts = Arc::clone(&counts);
        Tool::new("buy").handler(move |_: Order, ctx: Context| {
            let counts = Arc::clone(&counts);
            async move {
                let _: Person = ctx.elicit("Who?").await?;
                ctx.once("pay", async {
                    counts.onces.fetch_add(1, Ordering::SeqCst);
                    match counts.failed.fetch_add(1, Ordering::SeqCst) {
                        0 => Err("no money"),
                        _ => Ok("paid".to_owned()),
                    }
                })
                .await
            }
        })
    };
    let served = serve(Server::new("Test").tool(tool).http(tokens())).await;
    let client = client(&served);
    let state = begin(&client).await;
    let failed = finish(&client, &state).await.result();
    assert_eq!(
        (&failed["isError"], text(&failed)),
        (&json!(true), "no money")
    );
    for _ in 0..2 {
        assert_eq!(text(&finish(&client, &state).await.result()), "paid");
    }
    assert_eq!(counts.now().2, 2);
}

#[tokio::test]
async fn row_06_request_state_too_many_rounds() {
    let tool = Tool::new("buy").handler(|_: Order, ctx: Context| async move {
        for round in 0.. {
            let _: Person = ctx.elicit("Again?").key(format!("round {round}")).await?;
        }
        Ok::<_, wharf::Error>("never")
    });
    let limits = Limits {
        rounds: 3,
        ..Limits::default()
    };
    let served = serve(Server::new("Test").tool(tool).limits(limits).http(tokens())).await;
    let client = client(&served);
    let mut state = begin(&client).await;
    let mut rounds = 1;
    let last = loop {
        let mut params = retry("buy", "tea", &state);
        let answer = json!({"action": "accept", "content": {"name": "Ada"}});
        params["inputResponses"] = json!({format!("round {}", rounds - 1): answer});
        let answer = client.ask("tools/call", params).await;
        if answer.status != 200 {
            break answer;
        }
        state = answer.result()["requestState"].as_str().unwrap().to_owned();
        rounds += 1;
        assert!(rounds < 10, "it goes on and on");
    };
    assert_eq!(last.error().1, -32602);
    assert_eq!(rounds, 4, "three rounds were answered");
}

#[tokio::test]
async fn row_06_request_state_larger_than_allowed() {
    let tool = Tool::new("buy").handler(|_: Order, ctx: Context| async move {
        let secret = ctx
            .step("big", async { Ok::<_, wharf::Error>("x".repeat(100_000)) })
            .await?;
        let person: Person = ctx.elicit("Who?").await?;
        Ok::<_, wharf::Error>(person.name + &secret)
    });
    let served = serve(Server::new("Test").tool(tool).http(tokens())).await;
    let client = client(&served);
    let answer = client.call("buy", json!({"item": "tea"})).await;
    assert_eq!(answer.error().1, -32603);
    assert!(!answer.text().contains("xxx"));
}
