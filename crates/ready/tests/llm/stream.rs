//! Pieces arrive as they come; what nobody waits for ends.

use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::sync::mpsc;
use wharf::client::Started;
use wharf::protocol::Revision;
use wharf::protocol::sampling::CreateMessageResult;
use wharf_ready::packs::llm::Options;

use crate::provider::{PATIENCE, Provider};
use crate::{REVISIONS, asking, client, openai, served};

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("in time")
}

#[tokio::test]
async fn a_piece_is_at_the_client_before_the_next_is_made() {
    for revision in REVISIONS {
        let mut provider = Provider::start().await;
        let client = client(&served(&openai(&provider)).await, revision).await;
        let (sender, mut heard) = mpsc::unbounded_channel();
        let call = client
            .request::<CreateMessageResult>("sampling/createMessage", asking())
            .on_progress(move |progress| {
                let _ = sender.send((progress.progress, progress.message));
            });
        let answer = tokio::spawn(call.into_future());
        let mut asked = provider.asked().await;
        asked.begin("text/event-stream").await;
        for (count, piece) in [(1.0, "One "), (2.0, "two "), (3.0, "three.")] {
            // The provider makes the next piece only once this one is at the client.
            asked.says(piece).await;
            let (progress, message) = soon(heard.recv()).await.expect("progress");
            assert_eq!(progress, count);
            if revision > Revision::V2024_11_05 {
                assert_eq!(message.as_deref(), Some(piece), "{revision}");
            }
        }
        assert!(!answer.is_finished());
        asked.ends("stop").await;
        let result = soon(answer).await.expect("a task").expect("an answer");
        assert_eq!(result.text(), "One two three.");
        assert_eq!(result.model, "gpt-test-1");
        assert_eq!(result.stop_reason.as_deref(), Some("endTurn"), "{revision}");
    }
}

#[tokio::test]
async fn without_progress_there_is_only_the_answer() {
    let client = client(&served(&Options::default()).await, Revision::LATEST).await;
    let result = client.request::<CreateMessageResult>("sampling/createMessage", asking());
    let result = soon(result.into_future()).await.expect("an answer");
    assert_eq!(
        (&*result.text(), result.model.as_str()),
        ("What now?", "echo")
    );
    let info = client.info().await.expect("connected");
    assert!(info.capabilities.experimental.contains_key("sampling"));
}

#[tokio::test]
async fn what_nobody_waits_for_ends_at_the_provider() {
    for revision in [Revision::V2025_03_26, Revision::LATEST] {
        let mut provider = Provider::start().await;
        let client = client(&served(&openai(&provider)).await, revision).await;
        // Before the answer begins, and in the middle of it.
        for begun in [false, true] {
            let call = client.request::<CreateMessageResult>("sampling/createMessage", asking());
            let call = tokio::spawn(call.into_future());
            let mut asked = provider.asked().await;
            if begun {
                asked.begin("text/event-stream").await;
                asked.says("One ").await;
            }
            call.abort();
            asked.closed().await;
        }
    }
}

#[tokio::test]
async fn the_tool_tells_how_it_goes() {
    let mut provider = Provider::start().await;
    let client = client(&served(&openai(&provider)).await, Revision::V2025_11_25).await;
    let tools = client.tools().all().await.expect("tools");
    let tool = tools
        .iter()
        .find(|tool| tool.name == "ask_llm")
        .expect("a tool");
    let hints = tool.annotations.as_ref().expect("hints");
    assert_eq!(
        (hints.read_only_hint, hints.open_world_hint),
        (Some(true), Some(true))
    );

    let heard = Arc::new(Mutex::new(String::new()));
    let keep = Arc::clone(&heard);
    let arguments = json!({"prompt": "Why?", "system": "Be brief.", "max_tokens": 7});
    let call = client
        .call("ask_llm", &arguments)
        .on_progress(move |progress| {
            let message = progress.message.unwrap_or_default();
            keep.lock().expect("no panic").push_str(&message);
        });
    let call = tokio::spawn(call.into_future());
    let mut asked = provider.asked().await;
    assert_eq!(asked.body["max_tokens"], 7);
    assert_eq!(
        asked.body["messages"],
        json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}])
    );
    asked.begin("text/event-stream").await;
    asked.says("Be").await;
    asked.says("cause").await;
    asked.ends("stop").await;
    let result = soon(call).await.expect("a task").expect("a result");
    assert_eq!(result.content[0].as_text(), Some("Because"));
    assert_eq!(*heard.lock().expect("no panic"), "Because");
}

#[tokio::test]
async fn the_tool_runs_as_a_task() {
    for revision in [Revision::V2025_11_25, Revision::LATEST] {
        let mut provider = Provider::start().await;
        let client = client(&served(&openai(&provider)).await, revision).await;
        let started = client
            .call_task("ask_llm", json!({"prompt": "Why?"}))
            .start();
        let Started::Task(mut task) = soon(started).await.expect("started") else {
            panic!("{revision}: no task");
        };
        let mut asked = provider.asked().await;
        asked.begin("text/event-stream").await;
        asked.says("Because").await;
        asked.ends("stop").await;
        let result = soon(task.wait()).await.expect("a result");
        assert_eq!(result.content[0].as_text(), Some("Because"), "{revision}");
    }
}
