//! Ollama, on this machine or where `OLLAMA_HOST` says.

use serde_json::{Value, json};
use wharf_protocol::{CreateMessageParams, CreateMessageResult};

use super::{Piece, Provider, Request, pieces, role, said};

pub(super) struct Ollama {
    pub(super) url: String,
}

impl Provider for Ollama {
    fn request(&self, model: &str, params: &CreateMessageParams) -> Result<Request, String> {
        let system = params
            .system_prompt
            .as_ref()
            .map(|prompt| json!({"role": "system", "content": prompt}));
        let mut messages: Vec<Value> = system.into_iter().collect();
        for message in &params.messages {
            let (mut texts, mut images) = (Vec::new(), Vec::new());
            for piece in pieces(message)? {
                match piece {
                    Piece::Text(text) => texts.push(text),
                    Piece::Image(data, _) => images.push(data),
                }
            }
            let mut said = json!({"role": role(message.role), "content": texts.join("\n")});
            if !images.is_empty() {
                said["images"] = images.into();
            }
            messages.push(said);
        }
        let mut options = json!({"num_predict": params.max_tokens});
        if let Some(temperature) = params.temperature {
            options["temperature"] = temperature.into();
        }
        if !params.stop_sequences.is_empty() {
            options["stop"] = params.stop_sequences.clone().into();
        }
        Ok(Request {
            url: format!("{}/api/chat", self.url),
            headers: Vec::new(),
            body: json!({"model": model, "messages": messages, "stream": false, "options": options}),
        })
    }

    fn result(&self, answer: &Value) -> Result<CreateMessageResult, String> {
        let text = answer["message"]["content"]
            .as_str()
            .ok_or("the model said nothing")?;
        let reason = if answer["done_reason"] == "length" {
            "maxTokens"
        } else {
            "endTurn"
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
        let here = Ollama {
            url: "http://127.0.0.1:11434".into(),
        };
        let request = here
            .request("m", &super::super::tests::params())
            .expect("a request");
        assert_eq!(
            request.body,
            json!({
                "model": "m", "stream": false,
                "options": {"num_predict": 64, "temperature": 0.5, "stop": ["END"]},
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": "What is this?", "images": ["AAAA"]},
                    {"role": "assistant", "content": "A hill."},
                ],
            })
        );
        let answer = json!({"model": "m", "message": {"role": "assistant", "content": "Yes"}, "done_reason": "stop"});
        assert_eq!(here.result(&answer).expect("a result").text(), "Yes");
    }
}
