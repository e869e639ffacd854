//! Rows 5, 10, 23 and 27: callers with tokens, and how often they may call.

use wharf::http::{HttpOptions, RateLimit, Tokens};
use wharf::{Metrics, Server};

use crate::wire::socket::{self, Socket};
use crate::wire::tools::adder;
use crate::wire::{Legacy, Modern, Post, Served, Sse, Value, json, serve, serve_at, sse, text};

const ADA: &str = "f2c5b1d09a7e4c3388d1e6075b94aa10";
const BEN: &str = "Yk3-vT0_sdQ9xLr2WmZa7A";

fn tokens() -> Tokens {
    let tokens = Tokens::new();
    tokens.set([("ada", ADA), ("ben", BEN)]).unwrap();
    tokens
}

fn options(tokens: &Tokens) -> HttpOptions {
    HttpOptions {
        authenticate: Some(tokens.authenticate()),
        ..HttpOptions::default()
    }
}

fn at(method: &'static str, target: &str) -> Post {
    let mut post = Post::bare(method).header("accept", "text/event-stream");
    post.target = target.into();
    post
}

fn sum(served: &Served) -> Post {
    let params = json!({"name": "add", "arguments": {"a": 1, "b": 2}});
    Modern::new(served).post(1, "tools/call", params)
}

#[tokio::test]
async fn row_10_every_way_in_wants_a_token() {
    let served = serve(adder().http(options(&tokens()))).await;
    let ways = [
        sum(&served),
        Post::new("{"),
        at("GET", "/mcp"),
        at("DELETE", "/mcp"),
        sse::get(),
        sse::post("/messages?sessionId=00000000000000000000000000000000", "{}"),
        socket::handshake(),
    ];
    for way in &ways {
        let target = format!("{} {}", way.method, way.target);
        let answer = served.ask(way).await;
        assert_eq!(answer.status, 401, "{target}");
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer"),
            "{target}"
        );
        for wrong in [&ADA[1..], "x", "", &ADA.to_uppercase()] {
            let answer = served.ask(&way.clone().bearer(Some(wrong))).await;
            assert_eq!(answer.status, 401, "{target}");
            let challenge = answer.header("www-authenticate");
            assert_eq!(
                challenge,
                Some(r#"Bearer error="invalid_token""#),
                "{target}"
            );
            assert!(
                wrong.len() < 8 || !answer.text().contains(wrong),
                "{answer:?}"
            );
        }
        // Nor is it taken from anywhere else than its header.
        let mut query = way.clone();
        let separator = if query.target.contains('?') { '&' } else { '?' };
        query.target = format!("{}{separator}token={ADA}&access_token={ADA}", query.target);
        assert_eq!(served.ask(&query).await.status, 401, "{target}");
        let status = served
            .ask(&way.clone().header("authorization", format!("Basic {ADA}")))
            .await;
        assert_eq!(status.status, 401, "{target}");
    }
    let three = served.ask(&sum(&served).bearer(Some(ADA))).await;
    assert_eq!(text(&three.result()), "3");
    let mut stream = Sse::open_as(&served, Some(ADA)).await;
    stream.initialize("2024-11-05", json!({})).await;
    let handshake = socket::handshake().bearer(Some(BEN));
    let mut socket = Socket::open_as(&served, &handshake).await.unwrap();
    socket.initialize("2025-11-25", json!({})).await;
}

#[tokio::test]
async fn row_05_sessions_belong_to_the_name_of_a_token() {
    let known = tokens();
    let served = serve(adder().http(options(&known))).await;
    let ada = Legacy::open_as(&served, "2025-11-25", json!({}), Some(ADA)).await;
    let ben = ada.as_caller(&served, Some(BEN));
    assert_eq!(ben.ask("tools/list", json!({})).await.status, 404);
    assert_eq!(ada.ask("tools/list", json!({})).await.status, 200);
    // A new token of the same name opens the same doors; the old one none.
    const NEW: &str = "0123456789abcdef0123456789abcdef";
    known.set([("ada", NEW), ("ben", BEN)]).unwrap();
    assert_eq!(ada.ask("tools/list", json!({})).await.status, 401);
    let again = ada.as_caller(&served, Some(NEW));
    assert_eq!(again.ask("tools/list", json!({})).await.status, 200);
}

#[tokio::test]
async fn row_27_with_tokens_others_may_reach_the_server() {
    let refused = adder().bind("0.0.0.0:0").await.unwrap_err().to_string();
    assert!(refused.contains("refused to listen"), "{refused}");
    let served = serve_at(adder().http(options(&tokens())), "0.0.0.0:0").await;
    let mut here = served;
    here.addr.set_ip([127, 0, 0, 1].into());
    assert_eq!(here.ask(&sum(&here)).await.status, 401);
    assert_eq!(here.ask(&sum(&here).bearer(Some(ADA))).await.status, 200);
}

fn rated(server: Server, rate: RateLimit, tokens: Option<&Tokens>) -> Server {
    server.http(HttpOptions {
        rate: Some(rate),
        authenticate: tokens.map(Tokens::authenticate),
        ..HttpOptions::default()
    })
}

/// So slow that nothing comes back while a test runs.
const FIVE: RateLimit = RateLimit {
    per_second: 1,
    burst: 5,
    in_all_per_second: None,
};
/// What may come back while a test is held up.
const SPARE: usize = 40;

#[tokio::test]
async fn row_23_one_who_calls_too_often_is_told_to_wait() {
    let metrics = Metrics::new();
    let server = rated(adder().observe(metrics.clone()), FIVE, Some(&tokens()));
    let served = serve(server).await;
    let ada = sum(&served).bearer(Some(ADA));
    let mut refused = None;
    for count in 0..5 + SPARE {
        let answer = served.ask(&ada).await;
        if answer.status == 429 {
            refused = Some((count, answer));
            break;
        }
        assert_eq!(answer.status, 200);
    }
    let (count, refused) = refused.expect("a limit");
    assert!(count >= 5, "{count}");
    assert_eq!(refused.header("retry-after"), Some("1"));
    let error = &refused.json()["error"];
    assert_eq!(
        (&error["code"], &error["data"]),
        (&json!(-32603), &json!({"retryAfter": 1}))
    );
    // Others are not held up by it, whose address is the same.
    assert_eq!(
        served.ask(&sum(&served).bearer(Some(BEN))).await.status,
        200
    );
    let text = metrics.render();
    assert!(
        text.contains(r#"wharf_refused_total{reason="rate"} 1"#),
        "{text}"
    );
    assert!(
        text.contains(r#"wharf_refused_total{reason="too_many"} 0"#),
        "{text}"
    );
}

#[tokio::test]
async fn row_23_tokens_cannot_be_tried_out_without_end() {
    let served = serve(rated(adder(), FIVE, Some(&tokens()))).await;
    let mut statuses = Vec::new();
    for number in 0..5 + SPARE {
        let guess = format!("{number:032x}");
        statuses.push(served.ask(&sum(&served).bearer(Some(&guess))).await.status);
    }
    assert!(
        statuses[..5].iter().all(|&status| status == 401),
        "{statuses:?}"
    );
    assert!(statuses.contains(&429), "{statuses:?}");
    // Who has a token is counted by it.
    assert_eq!(
        served.ask(&sum(&served).bearer(Some(ADA))).await.status,
        200
    );
}

fn refusals(answers: &[Value]) -> usize {
    let early = |answer: &&Value| answer["error"]["data"]["retryAfter"].is_u64();
    answers.iter().filter(early).count()
}

#[tokio::test]
async fn row_23_messages_of_a_websocket_are_counted() {
    let served = serve(rated(adder(), FIVE, None)).await;
    let mut socket = Socket::open(&served).await;
    let mut answers = Vec::new();
    for _ in 0..5 + SPARE {
        answers.push(socket.ask("ping", json!({})).await);
    }
    assert!(refusals(&answers) > 0, "{answers:?}");
    assert!(
        answers.iter().any(|answer| answer.get("result").is_some()),
        "{answers:?}"
    );
}

#[tokio::test]
async fn row_23_a_batch_is_as_many_as_are_in_it() {
    let served = serve(rated(adder(), FIVE, None)).await;
    let client = Legacy::open_as(&served, "2025-03-26", json!({}), None).await;
    let pings = (0..5 + SPARE).map(|id| json!({"jsonrpc": "2.0", "id": id, "method": "ping"}));
    let answer = client.send(Value::from_iter(pings)).await;
    let answers = answer.json();
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 5 + SPARE);
    assert!(refusals(answers) > 0, "{answers:?}");
    // Over HTTP+SSE too, whose posts are counted by themselves.
    let served = serve(rated(adder(), FIVE, None)).await;
    let mut stream = Sse::open(&served).await;
    stream.initialize("2025-03-26", json!({})).await;
    let pings = (0..5 + SPARE).map(|id| json!({"jsonrpc": "2.0", "id": id, "method": "ping"}));
    stream.send(&Value::from_iter(pings)).await;
    let answers = stream.stream.expect().await;
    assert!(refusals(answers.as_array().unwrap()) > 0, "{answers}");
}

#[tokio::test]
async fn row_23_all_together_have_a_limit_too() {
    let rate = RateLimit {
        per_second: 1_000_000,
        burst: 1_000_000,
        in_all_per_second: Some(1),
    };
    let served = serve(rated(adder(), rate, Some(&tokens()))).await;
    let mut statuses = Vec::new();
    for number in 0..SPARE {
        let token = if number % 2 == 0 { ADA } else { BEN };
        statuses.push(served.ask(&sum(&served).bearer(Some(token))).await.status);
    }
    assert!(
        statuses.contains(&200) && statuses.contains(&429),
        "{statuses:?}"
    );
}
