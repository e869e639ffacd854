//! What providers are asked, and what their answers mean.

use serde_json::{Value, json};
use wharf::protocol::Revision;
use wharf::protocol::projection::at;
use wharf_ready::packs::llm::{Options, Provider as Kind};

use crate::provider::Provider;
use crate::{KEY, ask, openai, with};

/// A conversation with everything that there is.
fn everything() -> Value {
    json!({
        "systemPrompt": "Be brief.",
        "maxTokens": 64,
        "temperature": 0.5,
        "stopSequences": ["END"],
        "metadata": {"model": "another", "max_tokens": 1_000_000},
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image", "data": "AAAA", "mimeType": "image/png"},
            ]},
            {"role": "assistant", "content": [
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "c1", "name": "images.look", "input": {"at": 1}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "toolUseId": "c1", "content": [{"type": "text", "text": "A hill."}]},
            ]},
        ],
        "tools": [{"name": "images.look", "description": "Look.", "inputSchema": {"type": "object"}}],
        "toolChoice": {"mode": "required"},
    })
}

fn written(result: &wharf::protocol::sampling::CreateMessageResult) -> Value {
    serde_json::to_value(at(result, Revision::LATEST)).expect("JSON")
}

#[tokio::test]
async fn openai_and_those_who_speak_the_same() {
    let mut provider = Provider::start().await;
    let options = Options {
        system: Some("You are a ship.".into()),
        max_tokens: 50,
        max_temperature: Some(0.25),
        ..openai(&provider)
    };
    let answer = ask(&options, everything());
    let mut asked = provider.asked().await;
    assert!(
        asked.head.starts_with("POST /v1/chat/completions HTTP/1.1"),
        "{}",
        asked.head
    );
    assert_eq!(
        asked.header("authorization"),
        Some(format!("Bearer {KEY}").as_str())
    );
    assert_eq!(asked.header("wharf-exchange"), None);
    let look = json!({"id": "c1", "type": "function", "function": {"name": "images_look", "arguments": "{\"at\":1}"}});
    assert_eq!(
        asked.body["messages"],
        json!([
            {"role": "system", "content": "You are a ship.\n\nBe brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            ]},
            {"role": "assistant", "content": "I look.", "tool_calls": [look]},
            {"role": "tool", "content": "A hill.", "tool_call_id": "c1"},
        ])
    );
    assert_eq!(asked.body["tools"][0]["function"]["name"], "images_look");
    assert_eq!(
        asked.body["tools"][0]["function"]["parameters"]["type"],
        "object"
    );
    for (member, expected) in [
        ("model", json!("gpt-test")),
        ("stream", json!(true)),
        ("max_tokens", json!(50)),
        ("temperature", json!(0.25)),
        ("stop", json!(["END"])),
        ("tool_choice", json!("required")),
    ] {
        assert_eq!(asked.body[member], expected, "{member}");
    }
    asked.begin("text/event-stream").await;
    asked.says("I call. ").await;
    for piece in [
        json!({"index": 0, "id": "c2", "function": {"name": "images_look", "arguments": ""}}),
        json!({"index": 0, "function": {"arguments": "{\"at\":"}}),
        json!({"index": 0, "function": {"arguments": "2}"}}),
        json!({"index": 1, "id": "c3", "function": {"name": "images_look", "arguments": "{}"}}),
    ] {
        asked
            .event(json!({"choices": [{"delta": {"tool_calls": [piece]}}]}))
            .await;
    }
    asked.ends("tool_calls").await;
    let result = answer.await.expect("a task").expect("an answer");
    assert_eq!(
        written(&result),
        with(
            written(&result),
            json!({
                "role": "assistant", "model": "gpt-test-1", "stopReason": "toolUse",
                "content": [
                    {"type": "text", "text": "I call. "},
                    {"type": "tool_use", "id": "c2", "name": "images.look", "input": {"at": 2}},
                    {"type": "tool_use", "id": "c3", "name": "images.look", "input": {}},
                ],
            })
        )
    );
}

#[tokio::test]
async fn audio_goes_where_it_is_taken() {
    let audio = json!({"messages": [{"role": "user", "content": {"type": "audio", "data": "AAAA", "mimeType": "audio/wav"}}]});
    let mut provider = Provider::start().await;
    let answer = ask(&openai(&provider), audio.clone());
    let mut asked = provider.asked().await;
    let sent = json!([{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]);
    assert_eq!(asked.body["messages"][0]["content"], sent);
    asked.begin("text/event-stream").await;
    asked.says("A bell.").await;
    asked.ends("stop").await;
    assert_eq!(
        answer.await.expect("a task").expect("an answer").text(),
        "A bell."
    );
    let deaf = Options {
        provider: Kind::Anthropic,
        ..openai(&provider)
    };
    let error = ask(&deaf, audio)
        .await
        .expect("a task")
        .expect_err("no ears");
    assert_eq!(error, "anthropic:gpt-test: the provider takes no audio");
}

#[tokio::test]
async fn anthropic() {
    let mut provider = Provider::start().await;
    let options = Options {
        provider: Kind::Anthropic,
        model: Some("claude-test".into()),
        base_url: Some(provider.url.clone()),
        ..openai(&provider)
    };
    let answer = ask(&options, everything());
    let mut asked = provider.asked().await;
    assert!(
        asked.head.starts_with("POST /v1/messages HTTP/1.1"),
        "{}",
        asked.head
    );
    assert_eq!(asked.header("x-api-key"), Some(KEY));
    assert_eq!(asked.header("authorization"), None);
    assert_eq!(asked.body["max_tokens"], 64);
    assert_eq!(asked.body["stop_sequences"], json!(["END"]));
    assert!(asked.body["system"].to_string().contains("Be brief."));
    assert_eq!(
        asked.body["messages"][0]["content"][1]["source"],
        json!({"type": "base64", "media_type": "image/png", "data": "AAAA"})
    );
    assert_eq!(
        asked.body["messages"][2]["content"][0]["type"],
        "tool_result"
    );
    assert_eq!(asked.body["tools"][0]["name"], "images_look");
    asked.begin("text/event-stream").await;
    for (event, data) in [
        (
            "message_start",
            json!({"message": {"model": "claude-test-1", "usage": {}}}),
        ),
        (
            "content_block_start",
            json!({"index": 0, "content_block": {"type": "text", "text": ""}}),
        ),
        (
            "content_block_delta",
            json!({"index": 0, "delta": {"type": "text_delta", "text": "Hm."}}),
        ),
        ("content_block_stop", json!({"index": 0})),
        (
            "content_block_start",
            json!({"index": 1, "content_block": {"type": "tool_use", "id": "t1", "name": "images_look", "input": {}}}),
        ),
        (
            "content_block_delta",
            json!({"index": 1, "delta": {"type": "input_json_delta", "partial_json": "{\"at\": "}}),
        ),
        (
            "content_block_delta",
            json!({"index": 1, "delta": {"type": "input_json_delta", "partial_json": "3}"}}),
        ),
        ("content_block_stop", json!({"index": 1})),
        (
            "message_delta",
            json!({"delta": {"stop_reason": "tool_use"}, "usage": {}}),
        ),
        ("message_stop", json!({})),
    ] {
        let data = with(json!({"type": event}), data);
        assert!(
            asked
                .write(format!("event: {event}\ndata: {data}\n\n"))
                .await
        );
    }
    let result = answer.await.expect("a task").expect("an answer");
    assert_eq!(
        (result.model.as_str(), result.stop_reason.as_deref()),
        ("claude-test-1", Some("toolUse"))
    );
    assert_eq!(
        written(&result)["content"],
        json!([
            {"type": "text", "text": "Hm."},
            {"type": "tool_use", "id": "t1", "name": "images.look", "input": {"at": 3}},
        ])
    );
}

#[tokio::test]
async fn ollama() {
    let mut provider = Provider::start().await;
    let options = Options {
        provider: Kind::Ollama,
        model: Some("llama-test".into()),
        base_url: Some(provider.url.clone()),
        key: None,
        ..openai(&provider)
    };
    let answer = ask(&options, everything());
    let mut asked = provider.asked().await;
    assert!(
        asked.head.starts_with("POST /api/chat HTTP/1.1"),
        "{}",
        asked.head
    );
    assert_eq!(asked.header("authorization"), None);
    assert_eq!(asked.body["options"]["num_predict"], 64);
    assert_eq!(asked.body["messages"][1]["images"], json!(["AAAA"]));
    asked.begin("application/x-ndjson").await;
    for line in [
        json!({"model": "llama-test-1", "message": {"role": "assistant", "content": "A "}, "done": false}),
        json!({"model": "llama-test-1", "message": {"role": "assistant", "content": "hill"}, "done": false}),
        json!({"model": "llama-test-1", "message": {"role": "assistant", "content": ""}, "done": true, "done_reason": "length"}),
    ] {
        assert!(asked.write(format!("{line}\n")).await);
    }
    let result = answer.await.expect("a task").expect("an answer");
    assert_eq!(
        (&*result.text(), result.model.as_str()),
        ("A hill", "llama-test-1")
    );
    assert_eq!(result.stop_reason.as_deref(), Some("maxTokens"));
}

#[tokio::test]
async fn answers_that_are_not_streamed() {
    let mut provider = Provider::start().await;
    let options = Options {
        stream: false,
        ..openai(&provider)
    };
    let answer = ask(&options, json!({}));
    let asked = provider.asked().await;
    assert_eq!(asked.body["stream"], false);
    let message = json!({"role": "assistant", "content": "Whole."});
    let choice = json!({"index": 0, "finish_reason": "length", "message": message});
    asked
        .json(
            "200 OK",
            json!({"model": "gpt-test-1", "choices": [choice]}),
        )
        .await;
    let result = answer.await.expect("a task").expect("an answer");
    assert_eq!(
        (&*result.text(), result.stop_reason.as_deref()),
        ("Whole.", Some("maxTokens"))
    );
}

#[tokio::test]
async fn a_client_gets_only_models_that_it_may_have() {
    let mut provider = Provider::start().await;
    let options = Options {
        models: vec!["small-1".into(), "qwen-max".into()],
        ..openai(&provider)
    };
    for (hints, expected) in [
        (json!([]), "gpt-test"),
        (json!([{"name": "huge"}]), "gpt-test"),
        (json!([{"name": ""}, {}]), "gpt-test"),
        (json!([{"name": "huge"}, {"name": "small"}]), "small-1"),
        (
            json!([{"name": "qwen-max"}, {"name": "small-1"}]),
            "qwen-max",
        ),
    ] {
        let answer = ask(&options, json!({"modelPreferences": {"hints": hints}}));
        let mut asked = provider.asked().await;
        assert_eq!(asked.body["model"], expected, "{hints}");
        assert_eq!(asked.body.get("reasoning_effort"), None);
        asked.begin("text/event-stream").await;
        asked.says("Yes").await;
        asked.ends("stop").await;
        answer.await.expect("a task").expect("an answer");
    }
}
