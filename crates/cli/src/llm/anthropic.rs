//! Anthropic's messages.

use serde_json::{Value, json};
use wharf_protocol::{CreateMessageParams, CreateMessageResult};

use super::{Piece, Provider, Request, pieces, role, said};
use crate::hosts::Secret;

pub(super) struct Anthropic {
    pub(super) url: String,
    pub(super) key: Secret,
}

impl Provider for Anthropic {
    fn request(&self, model: &str, params: &CreateMessageParams) -> Result<Request, String> {
        let mut messages = Vec::new();
        for message in &params.messages {
            let parts = pieces(message)?.into_iter().map(|piece| match piece {
                Piece::Text(text) => json!({"type": "text", "text": text}),
                Piece::Image(data, mime) => {
                    json!({"type": "image", "source": {"type": "base64", "media_type": mime, "data": data}})
                }
            });
            messages
                .push(json!({"role": role(message.role), "content": parts.collect::<Vec<_>>()}));
        }
        let mut body =
            json!({"model": model, "max_tokens": params.max_tokens, "messages": messages});
        if let Some(prompt) = &params.system_prompt {
            body["system"] = prompt.as_str().into();
        }
        if let Some(temperature) = params.temperature {
            body["temperature"] = temperature.into();
        }
        if !params.stop_sequences.is_empty() {
            body["stop_sequences"] = params.stop_sequences.clone().into();
        }
        Ok(Request {
            url: format!("{}/v1/messages", self.url),
            headers: vec![
                ("x-api-key", self.key.clone()),
                ("anthropic-version", Secret("2023-06-01".into())),
            ],
            body,
        })
    }

    fn result(&self, answer: &Value) -> Result<CreateMessageResult, String> {
        let blocks = answer["content"]
            .as_array()
            .ok_or("the model said nothing")?;
        let texts: Vec<&str> = blocks
            .iter()
            .filter_map(|block| block["text"].as_str())
            .collect();
        let reason = match answer["stop_reason"].as_str() {
            Some("max_tokens") => "maxTokens",
            Some("stop_sequence") => "stopSequence",
            Some("end_turn") | None => "endTurn",
            Some(other) => other,
        };
        Ok(said(
            texts.concat(),
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
        let there = Anthropic {
            url: "https://api.anthropic.com".into(),
            key: Secret("k".into()),
        };
        let request = there
            .request("m", &super::super::tests::params())
            .expect("a request");
        assert_eq!(request.url, "https://api.anthropic.com/v1/messages");
        assert_eq!(request.headers[0], ("x-api-key", Secret("k".into())));
        assert_eq!(
            request.body,
            json!({
                "model": "m", "max_tokens": 64, "system": "Be brief.", "temperature": 0.5, "stop_sequences": ["END"],
                "messages": [
                    {"role": "user", "content": [
                        {"type": "text", "text": "What is this?"},
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                    ]},
                    {"role": "assistant", "content": [{"type": "text", "text": "A hill."}]},
                ],
            })
        );
        let answer = json!({"model": "m-1", "stop_reason": "stop_sequence", "content": [{"type": "text", "text": "Yes"}]});
        let result = there.result(&answer).expect("a result");
        assert_eq!(
            (&*result.text(), result.stop_reason.as_deref()),
            ("Yes", Some("stopSequence"))
        );
    }
}
