//! Sampling: a server asks the client's model (spec 2026-07-28, client/sampling).

use std::borrow::Cow;
use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, Error as _, value::MapAccessDeserializer},
};
use serde_json::{Map, Value, value::RawValue};

use crate::{
    content::{AnyContent, AudioContent, ContentBlock, ImageContent, Role, TextContent},
    meta::Meta,
    tools::Tool,
};

/// What is asked by `sampling/createMessage`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateMessageParams {
    /// The conversation so far.
    pub messages: Vec<SamplingMessage>,
    /// Which model is wanted.
    pub model_preferences: Option<ModelPreferences>,
    /// The system prompt.
    pub system_prompt: Option<String>,
    /// Whose context the client should add.
    pub include_context: Option<IncludeContext>,
    /// The temperature to sample at.
    pub temperature: Option<f64>,
    /// The most tokens to sample.
    pub max_tokens: u32,
    /// Sequences at which to stop.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub stop_sequences: Vec<String>,
    /// What is passed on to the provider of the model as it is.
    pub metadata: Option<Map<String, Value>>,
    /// The tools the model may use, since 2025-11-25.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub tools: Vec<Tool>,
    /// How it may use them, since 2025-11-25.
    pub tool_choice: Option<ToolChoice>,
}

/// Whose context is added to a sampling request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IncludeContext {
    /// Nobody's.
    None,
    /// The asking server's.
    ThisServer,
    /// That of all servers the client is connected to.
    AllServers,
}

/// How a model may use tools while sampling, since 2025-11-25.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct ToolChoice {
    /// Whether it may, must or must not. Absent means [`ToolChoiceMode::Auto`].
    pub mode: Option<ToolChoiceMode>,
}

/// Whether a model may, must or must not use tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolChoiceMode {
    /// It decides.
    Auto,
    /// It must use at least one.
    Required,
    /// It must not.
    None,
}

/// Which model is wanted. Advice: the client chooses. Priorities run from 0 (does not matter) to 1
/// (matters most), and are written within that range.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelPreferences {
    /// Names to look for, best first.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub hints: Vec<ModelHint>,
    /// How much a low cost matters.
    pub cost_priority: Option<f64>,
    /// How much a fast answer matters.
    pub speed_priority: Option<f64>,
    /// How much capability matters.
    pub intelligence_priority: Option<f64>,
}

/// The name of a wanted model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ModelHint {
    /// A part of the model's name.
    pub name: Option<String>,
}

/// One message of a sampled conversation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SamplingMessage {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: OneOrMany,
    /// Additional information, since 2025-11-25.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}

impl SamplingMessage {
    /// A message with one piece of content.
    #[must_use]
    pub fn new(role: Role, content: impl Into<OneOrMany>) -> Self {
        Self {
            role,
            content: content.into(),
            meta: None,
        }
    }
}

/// The content of a message: one piece, or since 2025-11-25 a list of them. Revisions before are
/// sent one message for each piece.
#[derive(Debug, Clone, PartialEq)]
pub enum OneOrMany {
    /// One piece, written as an object.
    One(SamplingContent),
    /// Any number of pieces, written as an array.
    Many(Vec<SamplingContent>),
}

impl OneOrMany {
    /// The pieces.
    #[must_use]
    pub fn as_slice(&self) -> &[SamplingContent] {
        match self {
            Self::One(content) => std::slice::from_ref(content),
            Self::Many(contents) => contents,
        }
    }

    /// The pieces that are text, joined by line ends; empty where there is none.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        let mut texts = self.as_slice().iter().filter_map(SamplingContent::as_text);
        let first = texts.next().unwrap_or_default();
        match texts.next() {
            None => first.into(),
            Some(second) => {
                let all: Vec<_> = [first, second].into_iter().chain(texts).collect();
                all.join("\n").into()
            }
        }
    }
}

impl From<SamplingContent> for OneOrMany {
    fn from(content: SamplingContent) -> Self {
        Self::One(content)
    }
}

impl From<Vec<SamplingContent>> for OneOrMany {
    fn from(contents: Vec<SamplingContent>) -> Self {
        Self::Many(contents)
    }
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Content;
        impl<'de> de::Visitor<'de> for Content {
            type Value = OneOrMany;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a content object or an array of them")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<OneOrMany, A::Error> {
                SamplingContent::deserialize(MapAccessDeserializer::new(map)).map(OneOrMany::One)
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMany, A::Error> {
                let mut contents = Vec::new();
                while let Some(content) = seq.next_element()? {
                    contents.push(content);
                }
                Ok(OneOrMany::Many(contents))
            }
        }
        deserializer.deserialize_any(Content)
    }
}

/// One piece of content of a sampled message.
///
/// Results of tools and prompts have [`ContentBlock`] instead.
#[derive(Debug, Clone, PartialEq)]
pub enum SamplingContent {
    /// Text.
    Text(TextContent),
    /// An image.
    Image(ImageContent),
    /// Audio, since 2025-03-26; a text note before.
    Audio(AudioContent),
    /// The model wants a tool called, since 2025-11-25; a text note before.
    ToolUse(ToolUseContent),
    /// What a tool answered, since 2025-11-25; a text note before.
    ToolResult(ToolResultContent),
}

impl SamplingContent {
    /// Text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(TextContent::new(text))
    }

    /// The text, if it is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(content) => Some(&content.text),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for SamplingContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = AnyContent::deserialize(deserializer)?;
        fields.sampling().map_err(D::Error::custom)
    }
}

/// A call of a tool that the model wants.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToolUseContent {
    /// The name of this call, which its result repeats.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments.
    pub input: Map<String, Value>,
    /// Additional information.
    pub meta: Option<Meta>,
}

/// What a tool answered to the model.
#[derive(Debug, Clone, Default)]
pub struct ToolResultContent {
    /// The call this answers.
    pub tool_use_id: String,
    /// What the tool says.
    pub content: Vec<ContentBlock>,
    /// The same as data; an object before 2026-07-28.
    pub structured_content: Option<Box<RawValue>>,
    /// Whether the call failed. Absent means false.
    pub is_error: Option<bool>,
    /// Additional information.
    pub meta: Option<Meta>,
}

impl PartialEq for ToolResultContent {
    /// Structured content is compared as text: equal data written differently is not equal.
    fn eq(&self, other: &Self) -> bool {
        self.tool_use_id == other.tool_use_id
            && self.content == other.content
            && self.structured_content.as_deref().map(RawValue::get)
                == other.structured_content.as_deref().map(RawValue::get)
            && self.is_error == other.is_error
            && self.meta == other.meta
    }
}

/// The client's answer to `sampling/createMessage`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateMessageResult {
    /// Who speaks: the assistant.
    pub role: Role,
    /// What is said.
    pub content: OneOrMany,
    /// The name of the model that said it.
    pub model: String,
    /// Why it stopped: `endTurn`, `stopSequence`, `maxTokens`, `toolUse`, or what the provider
    /// says.
    pub stop_reason: Option<String>,
    /// Additional information.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}

impl CreateMessageResult {
    /// What the model said in words: its pieces of text joined by line ends, empty where there is
    /// none.
    ///
    /// ```
    /// use wharf_protocol::sampling::CreateMessageResult;
    ///
    /// let answer: CreateMessageResult = serde_json::from_str(
    ///     r#"{"role": "assistant", "model": "m", "content": {"type": "text", "text": "Paris"}}"#,
    /// )?;
    /// assert_eq!(answer.text(), "Paris");
    /// # Ok::<_, serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        self.content.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_that_of_all_pieces() {
        let text = SamplingContent::text;
        let call = SamplingContent::ToolUse(ToolUseContent::default());
        for (content, expected) in [
            (OneOrMany::One(text("a")), "a"),
            (OneOrMany::One(call.clone()), ""),
            (OneOrMany::Many(vec![]), ""),
            (
                OneOrMany::Many(vec![call, text("a"), text(""), text("b")]),
                "a\n\nb",
            ),
        ] {
            assert_eq!(content.text(), expected, "{content:?}");
        }
    }
}
