//! What the tools answer with.

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wharf::protocol::content::ContentBlock;
use wharf::protocol::resources::Resource;
use wharf::protocol::tools::CallToolResult;
use wharf::{IntoToolResult, Result};

/// The id of a note, as a text or, from models that prefer them, as a number.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Id {
    Text(String),
    Number(u64),
}

impl Id {
    /// The id as it stands in a URI. A whole URI is taken for the id in it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.trim().trim_start_matches("note:///").to_owned(),
            Self::Number(number) => number.to_string(),
        }
    }
}

impl JsonSchema for Id {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

/// A note, as tools tell of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct About {
    /// The id, for the other tools
    pub(super) id: String,
    /// The URI that it can be read by
    pub(super) uri: String,
    /// The title
    pub(super) title: String,
    /// When it was changed last, in UTC (RFC 3339)
    pub(super) modified: String,
}

/// A structured answer that a person can read as well, with links to notes.
#[derive(Debug)]
pub(super) struct Answer<T> {
    pub(super) value: T,
    pub(super) text: String,
    pub(super) links: Vec<Resource>,
}

impl<T: Serialize + JsonSchema> IntoToolResult for Answer<T> {
    fn output_schema() -> Option<Value> {
        wharf::Json::<T>::output_schema()
    }

    fn into_tool_result(self) -> Result<CallToolResult> {
        let mut content = vec![ContentBlock::text(self.text)];
        content.extend(self.links.into_iter().map(ContentBlock::resource_link));
        Ok(CallToolResult {
            content,
            structured_content: Some(serde_json::value::to_raw_value(&self.value)?),
            ..CallToolResult::default()
        })
    }
}
