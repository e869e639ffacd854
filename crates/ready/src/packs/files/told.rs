//! [`Told`]: a result as text for a model, and as structured content for a program.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use wharf::protocol::content::ContentBlock;
use wharf::protocol::tools::CallToolResult;
use wharf::{IntoToolResult, Json};

/// A result twice: as text that is short and has nothing invisible in it, and as it is.
#[derive(Debug)]
pub(super) struct Told<T> {
    pub(super) text: String,
    pub(super) value: T,
}

impl<T: Serialize + JsonSchema> IntoToolResult for Told<T> {
    fn output_schema() -> Option<Value> {
        Json::<T>::output_schema()
    }

    fn into_tool_result(self) -> wharf::Result<CallToolResult> {
        let mut result = Json(self.value).into_tool_result()?;
        result.content = vec![ContentBlock::text(self.text)];
        Ok(result)
    }
}
