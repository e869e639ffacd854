//! A server in the same process, asked as a client asks.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wharf::protocol::error::ErrorObject;
use wharf::protocol::prompts::{GetPromptResult, Prompt};
use wharf::protocol::resources::{Resource, ResourceContents, ResourceTemplate};
use wharf::protocol::tools::{CallToolResult, Tool};
use wharf::{InProcess, Server};

/// A server and its client.
pub(crate) struct Served(InProcess);

impl Served {
    pub(crate) async fn new(server: Server) -> Self {
        Self(server.in_process().await.expect("a valid server"))
    }

    pub(crate) async fn tool(&self, name: &str) -> Tool {
        self.listed("tools", name).await
    }

    pub(crate) async fn prompt(&self, name: &str) -> Prompt {
        self.listed("prompts", name).await
    }

    pub(crate) async fn resource(&self, name: &str) -> Resource {
        self.listed("resources", name).await
    }

    pub(crate) async fn template(&self, name: &str) -> ResourceTemplate {
        let result = self.0.request("resources/templates/list", json!({})).await;
        find(&result.expect("a list")["resourceTemplates"], name)
    }

    pub(crate) async fn tools(&self) -> Vec<String> {
        let result = self
            .0
            .request("tools/list", json!({}))
            .await
            .expect("a list");
        let tools = result["tools"].as_array().expect("an array");
        tools
            .iter()
            .filter_map(|tool| tool["name"].as_str())
            .map(str::to_owned)
            .collect()
    }

    async fn listed<T: DeserializeOwned>(&self, what: &str, name: &str) -> T {
        let result = self.0.request(&format!("{what}/list"), json!({})).await;
        find(&result.expect("a list")[what], name)
    }

    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> CallToolResult {
        self.0.call(tool, arguments).await.expect("a tool result")
    }

    pub(crate) async fn read(&self, uri: &str) -> Result<String, ErrorObject> {
        match self.0.read(uri).await?.contents.as_slice() {
            [ResourceContents::Text(contents)] => Ok(contents.text.clone()),
            other => panic!("one text was expected: {other:?}"),
        }
    }

    pub(crate) async fn get(
        &self,
        prompt: &str,
        arguments: Value,
    ) -> Result<GetPromptResult, ErrorObject> {
        self.0.prompt(prompt, arguments).await
    }

    pub(crate) async fn complete_prompt(
        &self,
        prompt: &str,
        argument: &str,
        value: &str,
    ) -> Vec<String> {
        self.complete(
            json!({"type": "ref/prompt", "name": prompt}),
            argument,
            value,
        )
        .await
    }

    pub(crate) async fn complete_resource(
        &self,
        uri: &str,
        variable: &str,
        value: &str,
    ) -> Vec<String> {
        self.complete(json!({"type": "ref/resource", "uri": uri}), variable, value)
            .await
    }

    async fn complete(&self, reference: Value, name: &str, value: &str) -> Vec<String> {
        let params = json!({"ref": reference, "argument": {"name": name, "value": value}});
        let result = self
            .0
            .request("completion/complete", params)
            .await
            .expect("completions");
        serde_json::from_value(result["completion"]["values"].clone()).expect("a list of text")
    }
}

fn find<T: DeserializeOwned>(list: &Value, name: &str) -> T {
    let found = list
        .as_array()
        .expect("an array")
        .iter()
        .find(|item| item["name"] == name);
    serde_json::from_value(found.expect("the item is listed").clone()).expect("a definition")
}

/// The text of a result's only content.
pub(crate) fn text(result: &CallToolResult) -> &str {
    match result.content.as_slice() {
        [content] => content.as_text().expect("text"),
        other => panic!("one content was expected: {other:?}"),
    }
}
