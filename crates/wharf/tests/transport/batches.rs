//! Several messages in one array, which 2025-03-26 has and no other revision.

use wharf::protocol::Revision;
use wharf::{Context, Error, Limits, NoArguments, Tool};

use crate::wire::tools::{Watch, adder, greet, steps, wait};
use crate::wire::{
    Answer, Legacy, Line, Modern, Post, Served, Value, all_capabilities, json, serve, soon, text,
    until,
};

const REVISION: &str = "2025-03-26";

async fn open(served: &Served) -> Legacy<'_> {
    Legacy::open_as(served, REVISION, all_capabilities(), None).await
}

fn add(id: impl Into<Value>, a: i64) -> Value {
    request(
        id,
        "tools/call",
        json!({"name": "add", "arguments": {"a": a, "b": 0}}),
    )
}

fn request(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params})
}

fn cancel(id: Value) -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}})
}

/// What each answer says: `id` and its text, or the code of its error.
fn outcomes(answers: &Value) -> Vec<(Value, String)> {
    let answers = answers
        .as_array()
        .unwrap_or_else(|| panic!("no array: {answers}"));
    let outcome = |answer: &Value| match answer.get("error") {
        Some(error) => error["code"].to_string(),
        None => text(&answer["result"]).to_owned(),
    };
    let mut outcomes: Vec<_> = answers
        .iter()
        .map(|answer| (answer["id"].clone(), outcome(answer)))
        .collect();
    outcomes.sort_by_key(|(id, _)| id.to_string());
    outcomes
}

fn expected(of: &[(Value, &str)]) -> Vec<(Value, String)> {
    of.iter()
        .map(|(id, text)| (id.clone(), (*text).to_owned()))
        .collect()
}

/// Four requests of which the last is none of ours, a notification, and what is no message.
fn mixed() -> Value {
    json!([
        add(1, 1),
        cancel(json!("none")),
        add("two", 2),
        7,
        request(3, "no/method", json!({}))
    ])
}

fn mixed_outcomes() -> Vec<(Value, String)> {
    expected(&[
        (json!("two"), "2"),
        (json!(1), "1"),
        (json!(3), "-32601"),
        (Value::Null, "-32600"),
    ])
}

#[tokio::test]
async fn requests_are_answered_with_one_array() {
    let served = serve(adder()).await;
    let client = open(&served).await;
    let answer = client.send(mixed()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(outcomes(&answer.json()), mixed_outcomes());
    assert!(
        answer
            .json()
            .as_array()
            .unwrap()
            .iter()
            .all(|answer| answer["jsonrpc"] == "2.0")
    );

    let mut line = Line::unix(adder());
    line.initialize(REVISION, json!({})).await;
    line.send(&mixed()).await;
    assert_eq!(outcomes(&line.expect().await), mixed_outcomes());

    let test = adder().in_process().await.unwrap();
    let test = test.open(Revision::V2025_03_26).await.unwrap();
    let answers = test.send(mixed().to_string()).await.unwrap();
    assert_eq!(
        outcomes(&serde_json::from_slice(&answers).unwrap()),
        mixed_outcomes()
    );
}

#[tokio::test]
async fn calls_that_wait_are_answered_with_the_others() {
    let watch = Watch::new();
    let served = serve(adder().tool(wait(&watch))).await;
    let client = open(&served).await;
    let waiting = request("w", "tools/call", json!({"name": "wait"}));
    let batch = json!([waiting, add("a", 1)]);
    let post = client.post(batch.clone());
    let (answer, ()) = tokio::join!(served.ask(&post), async {
        until(|| watch.has_started()).await;
        watch.go();
    });
    let both = expected(&[(json!("a"), "1"), (json!("w"), "done")]);
    assert_eq!(outcomes(&answer.json()), both);

    let watch = Watch::new();
    let mut line = Line::unix(adder().tool(wait(&watch)));
    line.initialize(REVISION, json!({})).await;
    line.send(&batch).await;
    until(|| watch.has_started()).await;
    // A message of its own is not held up.
    assert_eq!(
        text(&line.ask("tools/call", add(9, 9)["params"].clone()).await["result"]),
        "9"
    );
    watch.go();
    assert_eq!(outcomes(&line.expect().await), both);
}

#[tokio::test]
async fn a_call_that_streams_makes_each_answer_a_message() {
    let watch = Watch::new();
    let served = serve(adder().tool(steps(&watch))).await;
    let client = open(&served).await;
    let steps = json!({"name": "steps", "arguments": {"count": 1}, "_meta": {"progressToken": 1}});
    let batch = json!([request(2, "tools/call", steps), add(1, 1)]);
    let mut stream = served.stream(&client.post(batch)).await;
    assert_eq!(stream.expect().await["method"], "notifications/progress");
    // What is ready does not wait for the others.
    assert_eq!(stream.expect().await["id"], 1);
    watch.go();
    assert_eq!(stream.expect().await["method"], "notifications/progress");
    assert_eq!(text(&stream.expect().await["result"]), "done");
    assert_eq!(stream.message().await, None);
    assert!(!stream.was_cut());
}

#[tokio::test]
async fn a_slow_batch_becomes_a_stream_that_can_be_resumed() {
    let watch = Watch::new();
    let limits = Limits {
        stream_after: std::time::Duration::ZERO,
        ..Limits::default()
    };
    let served = serve(adder().tool(wait(&watch)).limits(limits)).await;
    let client = open(&served).await;
    let batch = json!([request(2, "tools/call", json!({"name": "wait"})), add(1, 1)]);
    let mut stream = served.stream(&client.post(batch)).await;
    let first = stream.event().await.unwrap();
    assert_eq!(first.json().unwrap()["id"], 1);
    drop(stream);
    watch.go();
    let mut stream = client.resume(&first.id.unwrap()).await;
    assert_eq!(text(&stream.expect().await["result"]), "done");
    assert_eq!(stream.message().await, None);
}

#[tokio::test]
async fn who_reads_only_json_or_only_streams_gets_that() {
    let served = serve(adder()).await;
    let client = open(&served).await;
    let post = client.post(json!([add(1, 1), add(2, 2)]));
    let json = served
        .ask(&post.clone().set("accept", "application/json"))
        .await;
    assert_eq!(json.json().as_array().unwrap().len(), 2);
    let events = served.ask(&post.set("accept", "text/event-stream")).await;
    assert!(events.is_stream());
    let ids: Vec<_> = events
        .messages()
        .iter()
        .map(|answer| answer["id"].clone())
        .collect();
    assert_eq!(ids, [1, 2]);
}

#[tokio::test]
async fn messages_that_need_no_answer_get_none() {
    let served = serve(adder().tool(greet)).await;
    let client = open(&served).await;
    let answer = client
        .send(json!([cancel(json!(1)), cancel(json!(2))]))
        .await;
    assert_eq!((answer.status, answer.body.len()), (202, 0));
    let nobody = json!([{"jsonrpc": "2.0", "id": "x", "result": {}}]);
    assert_eq!(client.send(nobody).await.error(), (400, -32600));

    let mut line = Line::unix(adder());
    line.initialize(REVISION, json!({})).await;
    line.send(&json!([cancel(json!(1))])).await;
    assert_eq!(
        text(&line.ask("tools/call", add(1, 1)["params"].clone()).await["result"]),
        "1"
    );
    assert!(line.before.is_empty(), "{:?}", line.before);
}

#[tokio::test]
async fn asks_are_answered_in_batches() {
    let served = serve(adder().tool(sampler())).await;
    let client = open(&served).await;
    let call = |id: i64| request(id, "tools/call", json!({"name": "sample"}));
    let mut stream = served.stream(&client.post(json!([call(1), call(2)]))).await;
    let asks = [stream.expect().await, stream.expect().await];
    let answer = |ask: &Value| {
        json!({"jsonrpc": "2.0", "id": ask["id"], "result": {
            "role": "assistant", "model": "m", "content": {"type": "text", "text": "yes"}}})
    };
    let answers: Vec<_> = asks.iter().map(answer).collect();
    assert_eq!(client.send(json!(answers)).await.status, 202);
    for _ in 0..2 {
        assert_eq!(text(&stream.expect().await["result"]), "yes");
    }
    assert_eq!(stream.message().await, None);
}

fn sampler() -> Tool {
    Tool::new("sample").handler(|_: NoArguments, ctx: Context| async move {
        let answer = ctx.sample("Is it so?").await?;
        Ok::<_, Error>(answer.text().into_owned())
    })
}

#[tokio::test]
async fn a_call_of_a_batch_can_be_cancelled_alone() {
    let watch = Watch::new();
    let other = Watch::new();
    let held = std::sync::Arc::clone(&other);
    let second = Tool::new("other").handler(move |_: NoArguments, _: Context| {
        let other = std::sync::Arc::clone(&held);
        async move {
            other.wait().await;
            "done"
        }
    });
    let served = serve(adder().tool(wait(&watch)).tool(second)).await;
    let client = open(&served).await;
    let call = |id: i64, name: &str| request(id, "tools/call", json!({"name": name}));
    let post = client.post(json!([call(1, "wait"), call(2, "other")]));
    let (answer, ()) = tokio::join!(served.ask(&post), async {
        until(|| watch.has_started() && other.has_started()).await;
        assert_eq!(client.send(cancel(json!(1))).await.status, 202);
        until(|| watch.was_dropped()).await;
        other.go();
    });
    let answers = answer.messages();
    let answers = if answers[0].is_array() {
        answers[0].clone()
    } else {
        json!(answers)
    };
    assert_eq!(outcomes(&answers), expected(&[(json!(2), "done")]));
    // All of it: then there is nothing to say.
    let watched = watch.started();
    let post = client.post(json!([call(3, "wait")]));
    let (answer, ()) = tokio::join!(served.ask(&post), async {
        until(|| watch.started() > watched).await;
        assert_eq!(client.send(json!([cancel(json!(3))])).await.status, 202);
    });
    assert_eq!((answer.status, answer.body.len()), (202, 0), "{answer:?}");
}

#[tokio::test]
async fn an_id_that_runs_is_not_taken_twice() {
    let watch = Watch::new();
    let served = serve(adder().tool(wait(&watch))).await;
    let client = open(&served).await;
    let waiting = request(1, "tools/call", json!({"name": "wait"}));
    let post = client.post(json!([waiting, add(1, 1)]));
    let (answer, ()) = tokio::join!(served.ask(&post), async {
        until(|| watch.has_started()).await;
        watch.go();
    });
    let expected = expected(&[(json!(1), "done"), (Value::Null, "-32600")]);
    assert_eq!(outcomes(&answer.json()), expected);
}

#[tokio::test]
async fn a_batch_is_no_way_around_the_limits() {
    let watch = Watch::new();
    let limits = Limits {
        batch_messages: 3,
        calls_per_session: 1,
        ..Limits::default()
    };
    let served = serve(adder().tool(wait(&watch)).limits(limits.clone())).await;
    let client = open(&served).await;
    let many = json!([add(1, 1), add(2, 2), add(3, 3), add(4, 4)]);
    assert_eq!(client.send(many.clone()).await.error(), (400, -32600));
    let wait_for = |id: i64| request(id, "tools/call", json!({"name": "wait"}));
    let post = client.post(json!([wait_for(1), wait_for(2)]));
    let (answer, ()) = tokio::join!(served.ask(&post), async {
        until(|| watch.has_started()).await;
        watch.go();
    });
    let one = expected(&[(json!(1), "done"), (json!(2), "-32603")]);
    assert_eq!(outcomes(&answer.json()), one);
    assert_eq!(watch.started(), 1);

    let mut line = Line::unix(adder().limits(limits));
    line.initialize(REVISION, json!({})).await;
    line.send(&many).await;
    assert_eq!(line.expect().await["error"]["code"], -32600);
}

#[tokio::test]
async fn a_broken_array_is_one_error() {
    let served = serve(adder()).await;
    let client = open(&served).await;
    let mut line = Line::unix(adder());
    line.initialize(REVISION, json!({})).await;
    for (body, code) in [
        ("[]", -32600),
        (" [ ] ", -32600),
        ("[1", -32700),
        ("[1,]", -32700),
    ] {
        let answer = served.ask(&client.with_headers(Post::new(body))).await;
        assert_eq!(answer.error(), (400, code), "{body}");
        line.send_line(body).await;
        let refusal = line.expect().await;
        assert_eq!(
            (&refusal["error"]["code"], refusal.get("id")),
            (&json!(code), None)
        );
    }
    let nested = served.ask(&client.post(json!([[add(1, 1)]]))).await;
    assert_eq!(
        outcomes(&nested.json()),
        expected(&[(Value::Null, "-32600")])
    );
}

#[tokio::test]
async fn initialize_comes_alone() {
    let initialize = crate::wire::legacy::initialize(REVISION, json!({}));
    let served = serve(adder()).await;
    let alone = Post::new(json!([initialize]).to_string());
    assert_eq!(served.ask(&alone).await.error(), (400, -32600));
    let client = open(&served).await;
    let answer = client.send(json!([initialize, add(1, 1)])).await;
    assert_eq!(answer.header("mcp-session-id"), None);
    let expected = expected(&[(json!(0), "-32600"), (json!(1), "1")]);
    assert_eq!(outcomes(&answer.json()), expected);

    let mut line = Line::unix(adder());
    line.send(&json!([initialize])).await;
    assert_eq!(line.expect().await["error"]["code"], -32600);
    // That opened nothing.
    let reply = line.ask("tools/list", json!({})).await;
    assert_eq!(reply["error"]["code"], -32602);
}

#[tokio::test]
async fn other_revisions_have_no_batches() {
    let served = serve(adder()).await;
    let batch = json!([add(1, 1)]);
    for revision in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        let client = Legacy::open_as(&served, revision, json!({}), None).await;
        assert_eq!(
            client.send(batch.clone()).await.error(),
            (400, -32600),
            "{revision}"
        );
        let mut line = Line::unix(adder());
        line.initialize(revision, json!({})).await;
        line.send(&batch).await;
        let refusal = line.expect().await;
        assert_eq!(refusal["error"]["code"], -32600, "{revision} {refusal}");
    }
    let modern = Modern::new(&served);
    let body = modern.body(1, "tools/list", json!({}));
    let mut post = modern.post(1, "tools/list", json!({}));
    post.body = json!([body]).to_string().into_bytes();
    assert_eq!(served.ask(&post).await.error(), (400, -32600));
}

#[tokio::test]
async fn a_batch_of_a_lost_connection_goes_on() {
    let watch = Watch::new();
    let served = serve(adder().tool(wait(&watch))).await;
    let client = open(&served).await;
    let mut wire = served.wire().await;
    let waiting = request(1, "tools/call", json!({"name": "wait"}));
    wire.send(&client.post(json!([waiting])).bytes(served.addr))
        .await;
    until(|| watch.has_started()).await;
    drop(wire);
    let ping: Answer = soon(client.ask("ping", json!({}))).await;
    assert_eq!(ping.status, 200);
    watch.go();
    until(|| watch.has_finished()).await;
    assert!(!watch.was_dropped());
}
