//! The key is at the provider and nowhere else.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;
use wharf_ready::packs::llm::{Llm, Options, Provider as Kind};

use crate::provider::Provider;
use crate::{KEY, ask, openai};

/// Everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_key_is_in_no_log_and_no_error() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .init();
    let mut provider = Provider::start().await;
    let mut seen = Vec::new();
    for kind in [
        Kind::OpenAi,
        Kind::Anthropic,
        Kind::Gemini,
        Kind::Ollama,
        Kind::Groq,
        Kind::OpenRouter,
    ] {
        for stream in [true, false] {
            let options = Options {
                provider: kind,
                stream,
                retries: 1,
                ..openai(&provider)
            };
            let llm = Llm::new(&options).expect("a model");
            seen.push(format!("{options:?} {llm:?} {llm}"));
            // A provider that says the key back wherever it can.
            for _ in 0..2 {
                let answer = ask(&options, json!({}));
                for _ in 0..2 {
                    let asked = provider.asked().await;
                    assert!(
                        asked.head.contains(KEY),
                        "{kind}: the provider gets no key: {}",
                        asked.head
                    );
                    assert!(
                        !asked
                            .head
                            .lines()
                            .next()
                            .is_some_and(|line| line.contains(KEY))
                    );
                    let head = format!(
                        "503 Busy {KEY}\r\nretry-after: 0\r\nx-echo: {KEY}\r\ncontent-type: application/json"
                    );
                    asked
                        .answer(&head, &format!("{{\"error\": {{\"message\": \"{KEY}\"}}}}"))
                        .await;
                }
                seen.push(format!(
                    "{:?}",
                    answer.await.expect("a task").expect_err("refused")
                ));
                let answer = ask(&options, json!({}));
                let mut asked = provider.asked().await;
                asked
                    .begin(if stream {
                        "text/event-stream"
                    } else {
                        "application/json"
                    })
                    .await;
                asked.write(format!("event: {KEY}\ndata: {KEY}\n\nevent: error\ndata: {{\"error\": {{\"message\": \"{KEY}\"}}}}\n\n")).await;
                drop(asked);
                let error = answer.await.expect("a task").expect_err("nonsense");
                seen.push(error);
            }
        }
    }
    let logged = log.0.lock().expect("no panic").clone();
    let logged = String::from_utf8_lossy(&logged).into_owned();
    assert!(
        logged.contains("asking the provider again"),
        "nothing is logged"
    );
    for text in seen.iter().chain([&logged]) {
        let at = text.find(KEY);
        let around = at.map(|at| text[..at + KEY.len()].lines().last().unwrap_or_default());
        assert_eq!(around, None);
    }
}
