//! Everything has an end: time, size, places.

use serde_json::json;
use wharf_ready::packs::llm::{Llm, Options, Provider as Kind};

use crate::provider::Provider;
use crate::{ask, openai, question};

#[tokio::test]
async fn time_is_up() {
    let mut provider = Provider::start().await;
    let options = Options {
        timeout: 1,
        ..openai(&provider)
    };
    let late = "openai:gpt-test: no answer within 1 s";
    // Never an answer; one that begins and stops; one that drips without an end.
    let answer = ask(&options, json!({}));
    let mut asked = provider.asked().await;
    assert_eq!(answer.await.expect("a task").expect_err("late"), late);
    asked.closed().await;

    let answer = ask(&options, json!({}));
    let mut asked = provider.asked().await;
    asked.begin("text/event-stream").await;
    asked.says("One").await;
    assert_eq!(answer.await.expect("a task").expect_err("late"), late);
    asked.closed().await;

    let answer = ask(&options, json!({}));
    let mut asked = provider.asked().await;
    asked.begin("text/event-stream").await;
    while asked.write(": ping\n\n").await {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(answer.await.expect("a task").expect_err("late"), late);

    let answer = ask(&options, json!({}));
    let mut asked = provider.asked().await;
    asked
        .write("HTTP/1.1 500 Oops\r\n\r\n{\"error\": \"never ends")
        .await;
    assert_eq!(answer.await.expect("a task").expect_err("late"), late);
}

#[tokio::test]
async fn answers_are_not_read_without_an_end() {
    let mut provider = Provider::start().await;
    let options = Options {
        max_bytes: 4 << 20,
        ..openai(&provider)
    };
    let much = "a".repeat(256 << 10);
    // Many events, one line, one event of many lines, and the same as an error.
    let event = format!(
        "data: {}\n\n",
        json!({"choices": [{"delta": {"content": much}}]})
    );
    for (head, piece, expected) in [
        (
            "200 OK\r\ncontent-type: text/event-stream",
            event.as_str(),
            "its answer is larger than 4194304 bytes",
        ),
        (
            "200 OK\r\ncontent-type: text/event-stream",
            &much,
            "a piece of its answer is longer than 1048576 bytes",
        ),
        (
            "200 OK\r\ncontent-type: text/event-stream",
            &format!("data: {much}\n"),
            "a piece of its answer is longer than 1048576 bytes",
        ),
        (
            "200 OK",
            &much,
            "a piece of its answer is longer than 1048576 bytes",
        ),
        ("400 Bad", &much, "status 400: the provider refused"),
    ] {
        let answer = ask(&options, json!({}));
        let mut asked = provider.asked().await;
        asked.write(format!("HTTP/1.1 {head}\r\n\r\n")).await;
        let mut sent = 0;
        while asked.write(piece).await {
            sent += piece.len();
            assert!(sent < 64 << 20, "it reads on: {head}");
        }
        let error = answer.await.expect("a task").expect_err(expected);
        assert_eq!(error, format!("openai:gpt-test: {expected}"));
    }
    let whole = Options {
        stream: false,
        ..options
    };
    let answer = ask(&whole, json!({}));
    let mut asked = provider.asked().await;
    asked
        .write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n\"")
        .await;
    while asked.write(&much).await {}
    let error = answer.await.expect("a task").expect_err("too large");
    assert_eq!(
        error,
        "openai:gpt-test: its answer is larger than 4194304 bytes"
    );
}

#[tokio::test]
async fn only_so_many_at_a_time() {
    let mut provider = Provider::start().await;
    let options = Options {
        concurrency: 1,
        timeout: 30,
        ..openai(&provider)
    };
    let llm = Llm::new(&options).expect("a model");
    let ask = |llm: &Llm| {
        let llm = llm.clone();
        tokio::spawn(async move { llm.create(question(json!({}))).await })
    };
    let (first, second) = (ask(&llm), ask(&llm));
    let mut asked = provider.asked().await;
    asked.begin("text/event-stream").await;
    asked.says("One").await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(provider.is_quiet(), "both at a time");
    asked.ends("stop").await;
    let mut asked = provider.asked().await;
    asked.begin("text/event-stream").await;
    asked.ends("stop").await;
    first.await.expect("a task").expect("an answer");
    assert_eq!(second.await.expect("a task").expect("an answer").text(), "");
}

#[test]
fn options_that_do_not_fit() {
    let good = Options {
        provider: Kind::OpenAi,
        model: Some("m".into()),
        base_url: Some("http://127.0.0.1:1/v1".into()),
        ..Options::default()
    };
    Llm::new(&good).expect("a server of one's own needs no key");
    for (options, expected) in [
        (
            Options {
                model: None,
                ..good.clone()
            },
            "needs a `model`",
        ),
        (
            Options {
                base_url: None,
                ..good.clone()
            },
            "OPENAI_API_KEY",
        ),
        (
            Options {
                base_url: Some("http://a.example".into()),
                ..good.clone()
            },
            "`base_url`",
        ),
        (
            Options {
                timeout: 0,
                ..good.clone()
            },
            "`timeout`",
        ),
        (
            Options {
                max_tokens: 0,
                ..good.clone()
            },
            "`max_tokens`",
        ),
        (
            Options {
                concurrency: 0,
                ..good.clone()
            },
            "`concurrency`",
        ),
        (
            Options {
                retries: 11,
                ..good.clone()
            },
            "`retries`",
        ),
        (
            Options {
                max_bytes: 1,
                ..good.clone()
            },
            "`max_bytes`",
        ),
        (
            Options {
                temperature: Some(f64::NAN),
                ..good.clone()
            },
            "`temperature`",
        ),
        (
            Options {
                max_temperature: Some(3.0),
                ..good.clone()
            },
            "`max_temperature`",
        ),
        (
            Options {
                provider: Kind::Echo,
                ..good.clone()
            },
            "`base_url` means nothing",
        ),
    ] {
        let error = Llm::with_variables(&options, |_| None).expect_err(expected);
        assert!(
            error.is_invalid() && error.to_string().contains(expected),
            "{error}"
        );
    }
}
