//! Tools that answer at once.

use schemars::JsonSchema;
use serde::Serialize;
use wharf::protocol::content::ContentBlock;
use wharf::protocol::tools::CallToolResult;
use wharf::{Error, Result, tool};

use crate::expression::evaluate;

/// Answer what was said.
#[tool(read_only)]
pub(crate) fn echo(
    /// What to say
    message: String,
) -> String {
    message
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Sum {
    result: i64,
}

/// Add two whole numbers.
#[tool(read_only, output_schema = Sum)]
pub(crate) fn add(
    /// The first number
    a: i64,
    /// The second number
    b: i64,
) -> Result<CallToolResult> {
    let result = a
        .checked_add(b)
        .ok_or_else(|| Error::new("the sum is too large"))?;
    // The text is for people, so not the JSON of the structured result.
    Ok(CallToolResult {
        content: vec![ContentBlock::text(result.to_string())],
        structured_content: Some(serde_json::value::to_raw_value(&Sum { result })?),
        ..CallToolResult::default()
    })
}

/// Calculate with numbers, + - * / and brackets.
#[tool(read_only)]
pub(crate) fn calculate(
    /// Such as `2 * (3 + 4)`
    expression: String,
) -> Result<String> {
    evaluate(&expression)
        .map(|value| value.to_string())
        .map_err(Error::new)
}

/// Fail.
#[tool]
pub(crate) fn fail() -> Result<(), &'static str> {
    Err("this tool always fails")
}
