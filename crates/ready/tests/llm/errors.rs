//! What a provider does wrong is said clearly, without secrets and without its bytes.

use serde_json::json;
use wharf::protocol::Revision;
use wharf_ready::packs::llm::{Options, Provider as Kind};

use crate::provider::{Asked, Provider};
use crate::{KEY, ask, asking, client, openai, served};

/// Asks, lets the provider answer, and gives the error.
async fn error(
    options: &Options,
    provider: &mut Provider,
    answer: impl AsyncFnOnce(Asked),
) -> String {
    let asking = ask(options, json!({}));
    answer(provider.asked().await).await;
    let error = asking.await.expect("a task").expect_err("an error");
    assert!(
        !error.contains(KEY) && !error.contains('\u{1b}') && !error.contains('\n'),
        "{error}"
    );
    error
}

#[tokio::test]
async fn statuses() {
    let mut provider = Provider::start().await;
    let options = Options {
        retries: 0,
        ..openai(&provider)
    };
    let words = format!("wrong {KEY} here\n\u{1b}[2Jgone");
    for (status, expected) in [
        ("400 Bad Request", "status 400: the provider refused"),
        (
            "401 Unauthorized",
            "status 401: the key is missing or not accepted",
        ),
        ("403 Forbidden", "status 403: the key does not allow this"),
        (
            "404 Not Found",
            "status 404: there is no such model or address",
        ),
        ("413 Too Large", "status 413: the request is too large"),
        ("429 Too Many", "status 429: too many requests"),
        ("500 Oops", "status 500: the provider failed"),
        ("529 Overloaded", "status 529: the provider is overloaded"),
        (
            "302 Found\r\nlocation: http://127.0.0.1:1/",
            "status 302: it redirects, and a key is for one address only",
        ),
    ] {
        let body = json!({"error": {"message": words, "type": "x"}});
        let error = error(&options, &mut provider, async |asked| {
            asked.json(status, body).await
        })
        .await;
        assert_eq!(
            error,
            format!("openai:gpt-test: {expected} (wrong … here\\n\\u{{1b}}[2Jgone)")
        );
    }
}

#[tokio::test]
async fn errors_reach_the_client_of_the_server() {
    let mut provider = Provider::start().await;
    let url = served(&openai(&provider)).await;
    for revision in [Revision::V2024_11_05, Revision::LATEST] {
        let client = client(&url, revision).await;
        let call = client.request::<serde_json::Value>("sampling/createMessage", asking());
        let call = tokio::spawn(call.into_future());
        let refused = provider.asked().await;
        refused
            .json("401 Unauthorized", json!({"error": {"message": KEY}}))
            .await;
        let error = call.await.expect("a task").expect_err("an error");
        let error = error.as_rpc().expect("an answer");
        assert_eq!(error.code, -32603);
        assert_eq!(
            error.message,
            "openai:gpt-test: status 401: the key is missing or not accepted (…)"
        );
        // As a tool it is a result that says so.
        let call = tokio::spawn(client.call("ask_llm", json!({"prompt": "x"})).into_future());
        provider
            .asked()
            .await
            .json("404 Not Found", json!({"error": "no model"}))
            .await;
        let result = call.await.expect("a task").expect("a result");
        assert_eq!(result.is_error, Some(true));
        assert!(
            result.content[0]
                .as_text()
                .is_some_and(|text| text.contains("status 404"))
        );
    }
}

#[tokio::test]
async fn who_is_busy_is_asked_again() {
    let mut provider = Provider::start().await;
    let answer = ask(&openai(&provider), json!({}));
    let busy = |asked: Asked, after: &'static str| async move {
        let head = format!("429 Too Many\r\nretry-after{after}\r\ncontent-type: application/json");
        asked.answer(&head, "{}").await;
    };
    busy(provider.asked().await, ": 0").await;
    busy(provider.asked().await, "-ms: 10").await;
    let mut asked = provider.asked().await;
    assert_eq!(
        asked.header("authorization"),
        Some(format!("Bearer {KEY}").as_str())
    );
    asked.begin("text/event-stream").await;
    asked.says("At last").await;
    asked.ends("stop").await;
    assert_eq!(
        answer.await.expect("a task").expect("an answer").text(),
        "At last"
    );

    // Few times only, and not beyond the time there is.
    let answer = ask(&openai(&provider), json!({}));
    for _ in 0..3 {
        busy(provider.asked().await, ": 0").await;
    }
    let error = answer.await.expect("a task").expect_err("busy");
    assert!(
        error.contains("status 429: too many requests, ask again in 0 s"),
        "{error}"
    );
    let answer = ask(&openai(&provider), json!({}));
    busy(provider.asked().await, ": 3600").await;
    let error = answer.await.expect("a task").expect_err("busy");
    assert!(error.contains("ask again in 3600 s"), "{error}");
    assert!(provider.is_quiet());
}

#[tokio::test]
async fn answers_that_are_none() {
    let mut provider = Provider::start().await;
    let options = openai(&provider);
    let stream = |data: &'static str| {
        async move |mut asked: Asked| {
            asked.begin("text/event-stream").await;
            asked.says("One ").await;
            asked.write(data).await;
        }
    };
    let why = |error: String| error.replace("openai:gpt-test: ", "");
    let broken = "its answer broke off in the middle";
    for (data, expected) in [
        ("", broken),
        (
            "data: {\"choices\": [{\"del",
            "its answer cannot be read (it is not the expected JSON)",
        ),
        (
            "data: nonsense\n\n",
            "its answer cannot be read (it is not the expected JSON)",
        ),
        ("data: [1, 2]\n\n", broken),
        (
            "data: \u{0}\n\n",
            "its answer cannot be read (it is not the expected JSON)",
        ),
        (
            "data: {\"error\": {\"message\": \"sk-s3cret-0123456789 \\u001b is\\nout\"}}\n\n",
            "it stopped in the middle of its answer (… \\u{1b} is\\nout)",
        ),
        // A place so far away that a list with all before it would not fit into memory.
        (
            "data: {\"choices\": [{\"delta\": {\"tool_calls\": [{\"index\": 4294967295, \"function\": {\"name\": \"a\", \"arguments\": \"\"}}]}}]}\n\n",
            broken,
        ),
    ] {
        let error = error(&options, &mut provider, stream(data)).await;
        assert_eq!(why(error), expected, "{data}");
    }
    let page = async |asked: Asked| {
        asked
            .answer("200 OK\r\ncontent-type: text/html", "<html>sign in</html>")
            .await;
    };
    let error_of_page = error(&options, &mut provider, page).await;
    assert!(
        error_of_page.contains("a page of HTML; is the address right?"),
        "{error_of_page}"
    );
    let cut = async |mut asked: Asked| {
        asked.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 1000\r\n\r\n").await;
        asked.says("One").await;
    };
    assert_eq!(why(error(&options, &mut provider, cut).await), broken);
    let no_http = async |mut asked: Asked| drop(asked.write("220 mail ready\r\n").await);
    let no_http = error(&options, &mut provider, no_http).await;
    assert!(
        no_http.contains("it cannot be reached (invalid HTTP"),
        "{no_http}"
    );
    let arguments = async |mut asked: Asked| {
        asked.begin("text/event-stream").await;
        let call =
            json!({"index": 0, "id": "c", "function": {"name": "a\u{1b}", "arguments": "[1"}});
        asked
            .event(json!({"choices": [{"delta": {"tool_calls": [call]}}]}))
            .await;
        asked.ends("tool_calls").await;
    };
    let arguments = error(&options, &mut provider, arguments).await;
    assert!(
        arguments.contains("the arguments for `a\\u{1b}` are no JSON object"),
        "{arguments}"
    );
}

#[tokio::test]
async fn an_answer_without_an_end_is_none() {
    let mut provider = Provider::start().await;
    let options = Options {
        provider: Kind::Ollama,
        base_url: Some(provider.url.clone()),
        ..openai(&provider)
    };
    let error = error(&options, &mut provider, async |mut asked| {
        // Ollama behind a gate that wants a key.
        assert_eq!(
            asked.header("authorization"),
            Some(format!("Bearer {KEY}").as_str())
        );
        asked.begin("application/x-ndjson").await;
        asked
            .write("{\"message\": {\"content\": \"A \"}, \"done\": false}\n")
            .await;
    });
    assert_eq!(
        error.await,
        "ollama:gpt-test: its answer broke off in the middle"
    );
}

#[tokio::test]
async fn nobody_there() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = nobody.local_addr().expect("an address");
    drop(nobody);
    let provider = Provider::start().await;
    let options = Options {
        base_url: Some(format!("http://{address}/v1?secret=s3cret")),
        ..openai(&provider)
    };
    let error = ask(&options, json!({}))
        .await
        .expect("a task")
        .expect_err("nobody");
    assert!(
        error.starts_with("openai:gpt-test: it cannot be reached ("),
        "{error}"
    );
    assert!(
        error.to_lowercase().contains("refused") && !error.contains("s3cret"),
        "{error}"
    );
}
