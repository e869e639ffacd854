//! Row 5: sessions that are not bound to the user.

use std::collections::HashSet;

use wharf::{Context, NoArguments, Server, Tool};

use crate::wire::tools::{Person, Watch, adder, steps, tokens, wait};
use crate::wire::{Answer, Legacy, Post, all_capabilities, json, serve, text, until};

/// Everything that can be sent with a session.
fn requests(client: &Legacy<'_>) -> Vec<Post> {
    let delete = client.with_headers(Post::bare("DELETE"));
    vec![
        client.request("tools/list", json!({})),
        client.tool(9, "add", json!({"a": 1, "b": 2})),
        client.post(json!({"jsonrpc": "2.0", "method": "notifications/initialized"})),
        client.post(json!({"jsonrpc": "2.0", "id": "x", "result": {}})),
        client.get(None),
        client.get(Some("1-0")),
        delete,
    ]
}

fn same(a: &Answer, b: &Answer) -> bool {
    let headers = |answer: &Answer| -> Vec<(String, String)> {
        let kept = answer.headers.iter().filter(|(name, _)| name != "date");
        kept.cloned().collect()
    };
    (a.status, headers(a), &a.body) == (b.status, headers(b), &b.body)
}

#[tokio::test]
async fn row_05_session_binding_a_stolen_id_is_an_unknown_one() {
    let served = serve(adder().http(tokens())).await;
    let ada = Legacy::open_as(&served, "2025-11-25", json!({}), Some("ada")).await;
    for request in requests(&ada) {
        let stolen = served.ask(&request.clone().bearer(Some("eve"))).await;
        assert_eq!(stolen.status, 404, "{request:?}", request = request.method);
        let unknown = request
            .clone()
            .set("mcp-session-id", "0123456789abcdef0123456789abcdef");
        let unknown = served.ask(&unknown.bearer(Some("eve"))).await;
        assert!(same(&stolen, &unknown), "{stolen:?}\n{unknown:?}");
        for token in [None, Some("old"), Some("")] {
            let refused = served.ask(&request.clone().bearer(token)).await;
            assert_eq!(refused.status, 401, "{token:?}");
            assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
        }
    }
    // Nothing of this has ended or changed the session.
    assert_eq!(
        text(&ada.call("add", json!({"a": 1, "b": 2})).await.result()),
        "3"
    );
    assert_eq!(ada.delete().await.status, 204);
}

#[tokio::test]
async fn row_05_session_binding_calls_of_others_cannot_be_cancelled_or_answered() {
    let watch = Watch::new();
    let ask = Tool::new("ask").handler(|_: NoArguments, ctx: Context| async move {
        let person: Person = ctx.elicit("Who are you?").await?;
        Ok::<_, wharf::Error>(person.name)
    });
    let served = serve(adder().tool(wait(&watch)).tool(ask).http(tokens())).await;
    let ada = Legacy::open_as(&served, "2025-11-25", all_capabilities(), Some("ada")).await;
    let as_eve = |post: Post| post.bearer(Some("eve"));

    let call = ada.tool(1, "wait", json!({}));
    let (answer, ()) = tokio::join!(served.ask(&call), async {
        until(|| watch.has_started()).await;
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});
        assert_eq!(served.ask(&as_eve(ada.post(cancel))).await.status, 404);
        watch.go();
    });
    assert_eq!(text(&answer.result()), "done");

    let mut stream = served.stream(&ada.tool(2, "ask", json!({}))).await;
    let asked = stream.expect().await;
    let forged = json!({"jsonrpc": "2.0", "id": asked["id"],
        "result": {"action": "accept", "content": {"name": "Eve"}}});
    assert_eq!(served.ask(&as_eve(ada.post(forged))).await.status, 404);
    let honest = json!({"action": "accept", "content": {"name": "Ada"}});
    assert_eq!(ada.answer(&asked, honest).await.status, 202);
    assert_eq!(text(&stream.expect().await["result"]), "Ada");
}

#[tokio::test]
async fn row_05_session_binding_events_of_other_sessions_and_streams() {
    let watch = Watch::new();
    let served = serve(adder().tool(steps(&watch)).http(tokens())).await;
    let ada = Legacy::open_as(&served, "2025-11-25", json!({}), Some("ada")).await;
    let mut stream = served
        .stream(&ada.tool("secret", "steps", json!({"count": 2})))
        .await;
    let first = stream.event().await.unwrap().id.unwrap();
    stream.expect().await;

    // In another session the id of an event names nothing, or something of that session's own.
    for token in ["eve", "ada"] {
        let other = Legacy::open_as(&served, "2025-11-25", json!({}), Some(token)).await;
        let refused = served.ask(&other.get(Some(&first))).await;
        assert_eq!(refused.status, 404, "{token}");
        assert!(!refused.text().contains("secret"));
        assert_eq!(
            text(&other.call("add", json!({"a": 1, "b": 2})).await.result()),
            "3"
        );
    }
    for wrong in [
        "",
        "1",
        "-",
        "1-",
        "-1",
        "2-0",
        "0-0",
        "1-9",
        "01-0",
        "1-00",
        "+1-0",
        "1-0 ",
        "1-0-0",
        "1-18446744073709551615",
        "1-18446744073709551616",
        "4294967295-0",
        "99999999999-0",
        "1-9223372036854775807",
        "\u{e9}",
    ] {
        if wrong == "1-0 " {
            // White space around a header's value is no part of it.
            continue;
        }
        let refused = served.ask(&ada.get(Some(wrong))).await;
        assert_eq!(refused.status, 404, "{wrong}");
    }
    watch.go();
    let rest = stream.rest().await;
    let last = rest.last().unwrap().json().unwrap();
    assert_eq!(
        (&last["id"], text(&last["result"])),
        (&json!("secret"), "done")
    );
}

#[tokio::test]
async fn row_05_session_binding_ids_are_random() {
    let served = serve(Server::new("Test")).await;
    let mut ids = HashSet::new();
    for _ in 0..50 {
        let client = Legacy::open(&served).await;
        assert_eq!(client.session.len(), 32, "128 bits");
        assert!(client.session.bytes().all(|byte| byte.is_ascii_hexdigit()));
        // Neither half repeats, nor counts up.
        for half in [&client.session[..16], &client.session[16..]] {
            assert!(ids.insert(half.to_owned()));
        }
        assert!(ids.insert(client.session[..8].to_owned()));
    }
}

#[tokio::test]
async fn row_05_session_binding_who_is_nobody_gets_no_session() {
    let served = serve(adder().http(tokens())).await;
    let body = crate::wire::legacy::initialize("2025-11-25", json!({})).to_string();
    for token in [None, Some("old"), Some("Ada")] {
        let refused = served.ask(&Post::new(&body).bearer(token)).await;
        assert_eq!(refused.status, 401);
        assert_eq!(refused.header("mcp-session-id"), None);
    }
    let modern = crate::wire::Modern::new(&served);
    let params = json!({"name": "add", "arguments": {"a": 1, "b": 2}});
    assert_eq!(modern.ask("tools/call", params.clone()).await.status, 401);
    assert_eq!(
        modern.token("ada").ask("tools/call", params).await.status,
        200
    );
}
