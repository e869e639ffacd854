//! Lists and calls.

use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use wharf::Client;
use wharf::client::Result;

use crate::context::Context;

/// Calls every tool that the server lists: as the suite says, or else with the numbers that its
/// calculator wants.
pub(crate) async fn tools(client: &Client, context: &Context) -> Result<()> {
    for tool in client.tools().all().await? {
        let mut calls = context.tool_calls.iter();
        match calls.find(|call| call.name == tool.name) {
            Some(call) => client.call(&tool.name, &call.arguments).await?,
            None => client.call(&tool.name, json!({ "a": 2, "b": 3 })).await?,
        };
    }
    Ok(())
}

/// Uses everything that the server lists.
pub(crate) async fn everything(client: &Client) -> Result<()> {
    for tool in client.tools().all().await? {
        client.call(&tool.name, json!({})).await?;
    }
    for resource in client.resources().all().await? {
        client.read(&resource.uri).await?;
    }
    for prompt in client.prompts().all().await? {
        client.prompt(&prompt.name, json!({})).await?;
    }
    Ok(())
}

/// Calls that ask in between, with another one beside them.
pub(crate) async fn rounds(client: &Client) -> Result<()> {
    tokio::try_join!(
        client.call("test_mrtr_echo_state", json!({})).into_future(),
        client.call("test_mrtr_no_state", json!({})).into_future(),
        client.call("test_mrtr_unrelated", json!({})).into_future(),
    )?;
    client.call("test_mrtr_no_result_type", json!({})).await?;
    Ok(())
}

/// Sends a tool's schema back as it came, byte for byte.
pub(crate) async fn echo_schema(client: &Client) -> Result<()> {
    #[derive(Deserialize, Serialize)]
    struct Schema<'a> {
        #[serde(borrow, rename(deserialize = "inputSchema"))]
        schema: &'a RawValue,
    }
    for tool in client.tools().all().await? {
        if tool.name == "json_schema_2020_12_tool"
            && let Ok(arguments @ Schema { .. }) = serde_json::from_str(tool.raw().get())
        {
            client.call("json_schema_echo", arguments).await?;
        }
    }
    Ok(())
}
