//! The one place from which models are reached.

use std::time::Duration;

use serde_json::Value;

use super::Request;
use crate::escape;
use crate::hosts::{Secret, shown_url};

/// The longest that a model may think.
const PATIENCE: Duration = Duration::from_secs(300);
/// The largest answer that is read.
const MAX_ANSWER: usize = 16 << 20;

/// Posts a request and reads the answer.
///
/// # Errors
/// What the provider says is wrong, or why it cannot be reached; without keys.
pub(super) async fn post(request: Request) -> Result<Value, String> {
    let at = shown_url(&request.url);
    let fail = |error: &reqwest::Error| {
        let why = if error.is_timeout() {
            "it took too long"
        } else {
            "it cannot be reached"
        };
        format!("{at}: {why}")
    };
    // Set already where the server itself is called over TLS; the first one stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        // A key is for the host it was given for.
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| fail(&error))?;
    let mut builder = client
        .post(&request.url)
        .header("content-type", "application/json");
    for (name, Secret(value)) in request.headers {
        builder = builder.header(name, value);
    }
    let mut answer = builder
        .body(request.body.to_string())
        .send()
        .await
        .map_err(|error| fail(&error))?;
    let status = answer.status();
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| fail(&error))? {
        if bytes.len() + chunk.len() > MAX_ANSWER {
            return Err(format!(
                "{at}: its answer is larger than {} MiB",
                MAX_ANSWER >> 20
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    let body: Option<Value> = serde_json::from_slice(&bytes).ok();
    if !status.is_success() {
        // OpenAI and Anthropic have an object there, Ollama a text.
        let error = body.as_ref().map(|body| &body["error"]);
        let words = error.and_then(|error| error["message"].as_str().or(error.as_str()));
        let words: String = words
            .unwrap_or("no reason given")
            .chars()
            .take(300)
            .collect();
        return Err(format!("{at}: {status}: {}", escape::line(&words)));
    }
    body.ok_or_else(|| format!("{at}: its answer is not JSON"))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use serde_json::json;

    use super::*;

    /// Answers one request over a real socket, and gives what was asked.
    fn once(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!(
            "http://{}/x?key=s3cret",
            listener.local_addr().expect("an address")
        );
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut asked = Vec::new();
            let mut buffer = [0; 4096];
            while !asked.ends_with(b"}") {
                let count = stream.read(&mut buffer).expect("bytes");
                asked.extend_from_slice(&buffer[..count]);
            }
            stream.write_all(answer.as_bytes()).expect("sent");
            String::from_utf8(asked).expect("UTF-8")
        });
        (url, thread)
    }

    async fn ask(answer: &'static str) -> (Result<Value, String>, String) {
        let (url, asked) = once(answer);
        let headers = vec![("x-api-key", Secret("k3y".into()))];
        let result = post(Request {
            url,
            headers,
            body: json!({"a": 1}),
        })
        .await;
        (result, asked.join().expect("a request"))
    }

    #[tokio::test]
    async fn a_key_is_sent_and_not_shown() {
        let (result, asked) = ask("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{\"b\": 2}").await;
        assert_eq!(result, Ok(json!({"b": 2})));
        assert!(
            asked.contains("x-api-key: k3y") && asked.ends_with("{\"a\":1}"),
            "{asked}"
        );
        for (answer, expected) in [
            (
                "HTTP/1.1 401 No\r\ncontent-length: 35\r\n\r\n{\"error\": {\"message\": \"bad\\u001b\"}}",
                "401",
            ),
            (
                "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
                "302",
            ),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno", "not JSON"),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\nno",
                "cannot be reached",
            ),
        ] {
            let error = ask(answer).await.0.expect_err(answer);
            assert!(error.contains(expected), "{error}");
            assert!(
                !error.contains("s3cret") && !error.contains("k3y") && !error.contains('\u{1b}'),
                "{error}"
            );
        }
    }
}
