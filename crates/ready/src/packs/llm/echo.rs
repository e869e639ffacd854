//! The simulator: a model that says back the last thing the user said.

use std::collections::VecDeque;

use wharf::protocol::content::Role;
use wharf::protocol::sampling::{CreateMessageParams, SamplingContent, SamplingMessage};

/// The name of the model.
pub(super) const MODEL: &str = "echo";

/// An answer that is known from the beginning.
#[derive(Debug)]
pub(super) struct Echo {
    pieces: VecDeque<String>,
    pub(super) stop_reason: &'static str,
}

impl Echo {
    /// The answer to this. A word with the space behind it counts as one token.
    pub(super) fn new(params: &CreateMessageParams) -> Self {
        let last = params
            .messages
            .iter()
            .rfind(|message| message.role == Role::User);
        let mut text = last.map(words).unwrap_or_default();
        let stops = params.stop_sequences.iter();
        let stop = stops
            .filter(|sequence| !sequence.is_empty())
            .filter_map(|sequence| text.find(sequence.as_str()))
            .min();
        if let Some(stop) = stop {
            text.truncate(stop);
        }
        let mut pieces: VecDeque<_> = text
            .split_inclusive(char::is_whitespace)
            .map(str::to_owned)
            .collect();
        let most = usize::try_from(params.max_tokens).unwrap_or(usize::MAX);
        let stop_reason = if pieces.len() > most {
            pieces.truncate(most);
            "maxTokens"
        } else if stop.is_some() {
            "stopSequence"
        } else {
            "endTurn"
        };
        Self {
            pieces,
            stop_reason,
        }
    }

    /// The next piece.
    pub(super) fn piece(&mut self) -> Option<String> {
        self.pieces.pop_front()
    }
}

/// A message in words; what is no text is named.
fn words(message: &SamplingMessage) -> String {
    let piece = |content: &SamplingContent| match content {
        SamplingContent::Text(text) => text.text.clone(),
        SamplingContent::Image(image) => format!("[image: {}]", image.mime_type),
        SamplingContent::Audio(audio) => format!("[audio: {}]", audio.mime_type),
        SamplingContent::ToolUse(call) => format!("[call of {}]", call.name),
        SamplingContent::ToolResult(result) => {
            let texts: Vec<_> = result
                .content
                .iter()
                .filter_map(|block| block.as_text())
                .collect();
            texts.join("\n")
        }
    };
    let pieces: Vec<_> = message.content.as_slice().iter().map(piece).collect();
    pieces.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(members: serde_json::Value) -> (Vec<String>, &'static str) {
        let mut params = json!({
            "maxTokens": 100,
            "messages": [
                {"role": "user", "content": {"type": "text", "text": "First"}},
                {"role": "user", "content": [
                    {"type": "text", "text": "Say  this\nagain"},
                    {"type": "image", "data": "AAAA", "mimeType": "image/png"},
                ]},
                {"role": "assistant", "content": {"type": "text", "text": "No."}},
            ],
        });
        for (name, value) in members.as_object().expect("an object") {
            params[name] = value.clone();
        }
        let mut echo = Echo::new(&serde_json::from_value(params).expect("params"));
        let pieces = std::iter::from_fn(|| echo.piece()).collect();
        (pieces, echo.stop_reason)
    }

    #[test]
    fn it_says_back_what_the_user_said_last() {
        let (pieces, reason) = answer(json!({}));
        assert_eq!(pieces.concat(), "Say  this\nagain\n[image: image/png]");
        assert_eq!((pieces[0].as_str(), reason), ("Say ", "endTurn"));
        assert_eq!(answer(json!({"messages": []})), (vec![], "endTurn"));
    }

    #[test]
    fn it_stops_where_it_is_told_to() {
        let (pieces, reason) = answer(json!({"stopSequences": ["image", "again", ""]}));
        assert_eq!(
            (pieces.concat().as_str(), reason),
            ("Say  this\n", "stopSequence")
        );
        let (pieces, reason) = answer(json!({"maxTokens": 1, "stopSequences": ["again"]}));
        assert_eq!((pieces.concat().as_str(), reason), ("Say ", "maxTokens"));
    }
}
