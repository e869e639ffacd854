//! Completion: suggestions for an argument while it is typed
//! (spec 2026-07-28, server/utilities/completion).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::meta::Meta;

/// What an argument belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type")]
pub enum CompletionReference {
    /// A prompt.
    #[serde(rename = "ref/prompt")]
    Prompt {
        /// Its name.
        name: String,
        /// Its name for people, since 2025-06-18.
        title: Option<String>,
    },
    /// A resource template.
    #[serde(rename = "ref/resource")]
    Resource {
        /// Its URI or URI template.
        uri: String,
    },
}

/// What is asked by `completion/complete`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CompleteParams {
    /// What the argument belongs to.
    #[serde(rename = "ref")]
    pub reference: CompletionReference,
    /// The argument that is being typed.
    pub argument: CompletionArgument,
    /// What is known already, since 2025-06-18.
    pub context: Option<CompletionContext>,
}

/// An argument that is being typed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CompletionArgument {
    /// Its name.
    pub name: String,
    /// What has been typed of its value.
    pub value: String,
}

/// What is known while an argument is typed, since 2025-06-18.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct CompletionContext {
    /// The arguments that are complete already.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub arguments: BTreeMap<String, String>,
}

/// The most values that one answer may carry.
pub const MAX_COMPLETION_VALUES: usize = 100;

/// Suggestions for an argument.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Completion {
    /// The suggested values, best first. Only the first [`MAX_COMPLETION_VALUES`] are written;
    /// `hasMore` is true when there were more.
    pub values: Vec<String>,
    /// How many there are in all, where that is known.
    pub total: Option<u64>,
    /// Whether there are more than these.
    pub has_more: Option<bool>,
}

/// The answer to `completion/complete`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct CompleteResult {
    /// The suggestions.
    pub completion: Completion,
    /// Additional information.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}
