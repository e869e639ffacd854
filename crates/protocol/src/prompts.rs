//! Prompts: messages a person may start from (spec 2026-07-28, server/prompts).

use serde::Deserialize;

use crate::{
    content::{ContentBlock, Icon, Role},
    meta::Meta,
};

/// A prompt as `prompts/list` describes it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prompt {
    /// The name it is got by.
    pub name: String,
    /// The name for people, since 2025-06-18.
    pub title: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The arguments it takes.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub arguments: Vec<PromptArgument>,
    /// Its icons, since 2025-11-25.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub icons: Vec<Icon>,
    /// Additional information, since 2025-06-18.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}

impl Prompt {
    /// One with a name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }
}

/// An argument of a prompt. Its value is always a string.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PromptArgument {
    /// The name, for programs.
    pub name: String,
    /// The name, for people, since 2025-06-18.
    pub title: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it must be given. Absent means false.
    pub required: Option<bool>,
}

/// One message of a prompt.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PromptMessage {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: ContentBlock,
}

/// The answer to `prompts/list`: one page of prompts.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListPromptsResult {
    /// The prompts.
    pub prompts: Vec<Prompt>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<String>,
    /// Additional information.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}

/// The answer to `prompts/get`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GetPromptResult {
    /// What the prompt is for.
    pub description: Option<String>,
    /// The messages, in order.
    pub messages: Vec<PromptMessage>,
    /// Additional information.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}
