//! Tools: what a model may call (spec 2026-07-28, server/tools).

use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Value, value::RawValue};

use crate::{
    content::{ContentBlock, Icon},
    meta::Meta,
};

/// A tool as `tools/list` describes it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    /// The name it is called by.
    pub name: String,
    /// The name for people, since 2025-06-18; `annotations.title` in 2025-03-26.
    pub title: Option<String>,
    /// What it does, for the model.
    pub description: Option<String>,
    /// JSON Schema of its arguments: an object whose `type` is `object`.
    pub input_schema: Value,
    /// JSON Schema of its structured result, since 2025-06-18; of `type` `object` before
    /// 2026-07-28.
    pub output_schema: Option<Value>,
    /// Hints about what calling it does, since 2025-03-26.
    pub annotations: Option<ToolAnnotations>,
    /// Its icons, since 2025-11-25.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub icons: Vec<Icon>,
    /// How it may be executed, in 2025-11-25 only.
    pub execution: Option<ToolExecution>,
    /// Additional information, since 2025-06-18.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}

impl Tool {
    /// One with a name and the schema of its arguments.
    #[must_use]
    pub fn new(name: impl Into<String>, input_schema: Value) -> Self {
        Self {
            name: name.into(),
            input_schema,
            ..Self::default()
        }
    }
}

/// Hints about what calling a tool does. They are hints: clients do not trust them blindly.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolAnnotations {
    /// The name for people.
    pub title: Option<String>,
    /// It changes nothing. Absent means false.
    pub read_only_hint: Option<bool>,
    /// It may destroy something, where it is not read-only. Absent means true.
    pub destructive_hint: Option<bool>,
    /// Calling it again with the same arguments changes nothing more. Absent means false.
    pub idempotent_hint: Option<bool>,
    /// It reaches out to the world beyond the server. Absent means true.
    pub open_world_hint: Option<bool>,
}

/// How a tool may be executed, in 2025-11-25 only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolExecution {
    /// Whether it may or must be called as a task. Absent means forbidden.
    pub task_support: Option<TaskSupport>,
}

/// Whether a tool may or must be called as a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskSupport {
    /// It must not.
    Forbidden,
    /// It may.
    Optional,
    /// It must.
    Required,
}

/// The answer to `tools/list`: one page of tools.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListToolsResult {
    /// The tools.
    pub tools: Vec<Tool>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<String>,
    /// Additional information.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}

/// The answer to `tools/call`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallToolResult {
    /// What the tool says.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub content: Vec<ContentBlock>,
    /// The same as data, since 2025-06-18; an object before 2026-07-28. What a revision has no
    /// room for is written as a text block where `content` is empty.
    pub structured_content: Option<Box<RawValue>>,
    /// Whether the call failed. Absent means false.
    pub is_error: Option<bool>,
    /// Additional information.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}

impl CallToolResult {
    /// A result with one text block.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            content: vec![ContentBlock::text(text)],
            ..Self::default()
        }
    }

    /// A failure with one text block, which the model reads.
    #[must_use]
    pub fn error(text: impl Into<String>) -> Self {
        Self {
            is_error: Some(true),
            ..Self::text(text)
        }
    }

    /// The result as data.
    ///
    /// # Errors
    /// There is none, or it is no `T`.
    ///
    /// ```
    /// use wharf_protocol::tools::CallToolResult;
    ///
    /// let result: CallToolResult =
    ///     serde_json::from_str(r#"{"content": [], "structuredContent": {"sum": 3}}"#)?;
    /// let data: std::collections::HashMap<String, i64> = result.structured()?;
    /// assert_eq!(data["sum"], 3);
    /// # Ok::<_, serde_json::Error>(())
    /// ```
    pub fn structured<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        match &self.structured_content {
            Some(json) => serde_json::from_str(json.get()),
            None => Err(serde_json::Error::custom(
                "the result has no structured content",
            )),
        }
    }
}

impl PartialEq for CallToolResult {
    /// Structured content is compared as text: equal data written differently is not equal.
    fn eq(&self, other: &Self) -> bool {
        self.content == other.content
            && self.structured_content.as_deref().map(RawValue::get)
                == other.structured_content.as_deref().map(RawValue::get)
            && self.is_error == other.is_error
            && self.meta == other.meta
    }
}
