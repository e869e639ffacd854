//! OpenAI's chat completions, which many other servers speak too (`OPENAI_BASE_URL`).

use serde_json::{Value, json};
use wharf_protocol::{CreateMessageParams, CreateMessageResult};

use super::{Piece, Provider, Request, pieces, role, said};
use crate::hosts::Secret;

pub(super) const BASE: &str = "https://api.openai.com/v1";

pub(super) struct OpenAi {
    pub(super) url: String,
    pub(super) key: Option<Secret>,
}

impl Provider for OpenAi {
    fn request(&self, model: &str, params: &CreateMessageParams) -> Result<Request, String> {
        let system = params
            .system_prompt
            .as_ref()
            .map(|prompt| json!({"role": "system", "content": prompt}));
        let mut messages: Vec<Value> = system.into_iter().collect();
        for message in &params.messages {
            let parts = pieces(message)?.into_iter().map(|piece| match piece {
                Piece::Text(text) => json!({"type": "text", "text": text}),
                Piece::Image(data, mime) => {
                    json!({"type": "image_url", "image_url": {"url": format!("data:{mime};base64,{data}")}})
                }
            });
            let parts: Vec<_> = parts.collect();
            let content = match parts.as_slice() {
                // What every server of this kind understands.
                [one] if one["type"] == "text" => one["text"].clone(),
                _ => Value::Array(parts),
            };
            messages.push(json!({"role": role(message.role), "content": content}));
        }
        // The newer name is known to the original only.
        let limit = if self.url == BASE {
            "max_completion_tokens"
        } else {
            "max_tokens"
        };
        let mut body = json!({"model": model, "messages": messages});
        body[limit] = params.max_tokens.into();
        if let Some(temperature) = params.temperature {
            body["temperature"] = temperature.into();
        }
        if !params.stop_sequences.is_empty() {
            body["stop"] = params.stop_sequences.clone().into();
        }
        let key = self
            .key
            .as_ref()
            .map(|Secret(key)| ("authorization", Secret(format!("Bearer {key}"))));
        Ok(Request {
            url: format!("{}/chat/completions", self.url),
            headers: key.into_iter().collect(),
            body,
        })
    }

    fn result(&self, answer: &Value) -> Result<CreateMessageResult, String> {
        let choice = &answer["choices"][0];
        let text = choice["message"]["content"]
            .as_str()
            .ok_or("the model said nothing")?;
        let reason = match choice["finish_reason"].as_str() {
            Some("length") => "maxTokens",
            Some("stop") | None => "endTurn",
            Some(other) => other,
        };
        Ok(said(
            text.to_owned(),
            answer["model"].as_str().unwrap_or("unknown"),
            reason,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_and_what_comes_back() {
        let here = OpenAi {
            url: "http://127.0.0.1:1/v1".into(),
            key: None,
        };
        let request = here
            .request("m", &super::super::tests::params())
            .expect("a request");
        assert_eq!(request.url, "http://127.0.0.1:1/v1/chat/completions");
        assert!(request.headers.is_empty());
        assert_eq!(
            request.body,
            json!({
                "model": "m",
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": [
                        {"type": "text", "text": "What is this?"},
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                    ]},
                    {"role": "assistant", "content": "A hill."},
                ],
                "max_tokens": 64, "temperature": 0.5, "stop": ["END"],
            })
        );
        let answer = json!({"model": "m-1", "choices": [{"finish_reason": "length", "message": {"role": "assistant", "content": "Yes"}}]});
        let result = here.result(&answer).expect("a result");
        assert_eq!((&*result.text(), result.model.as_str()), ("Yes", "m-1"));
        assert_eq!(result.stop_reason.as_deref(), Some("maxTokens"));
        here.result(&json!({"choices": []})).expect_err("nothing");
    }
}
