//! How does a server bring a catalog of its own, such as a table in a database?
//!
//! `cargo run -p wharf-examples --bin low_level`

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use wharf::low_level::{
    CallTool, CallToolParams, ListParams, ListResources, ListTools, ReadResource, UriParams,
};
use wharf::protocol::resources::{
    ListResourcesResult, ReadResourceResult, Resource, ResourceContents, TextResourceContents,
};
use wharf::protocol::tools::{CallToolResult, ListToolsResult, Tool};
use wharf::{Context, Error, Result, Server};

/// What stands for the database: questions and their answers.
struct Table(BTreeMap<String, String>);

const PAGE: usize = 2;

impl Table {
    fn tools(&self, params: &ListParams) -> ListToolsResult {
        let after = params.cursor.clone().unwrap_or_default();
        let mut rest = self.0.keys().filter(|name| **name > after).peekable();
        let tools: Vec<_> = rest
            .by_ref()
            .take(PAGE)
            .map(|name| Tool {
                name: name.clone(),
                description: Some(format!("Ask about the {name}.")),
                input_schema: json!({"type": "object"}),
                ..Tool::default()
            })
            .collect();
        let last = tools.last().map(|tool| tool.name.clone());
        ListToolsResult {
            next_cursor: rest.peek().and(last),
            tools,
            meta: None,
        }
    }

    fn answer(&self, name: &str) -> Result<&str> {
        let answer = self.0.get(name).map(String::as_str);
        answer.ok_or_else(|| Error::protocol(-32602, format!("unknown tool {name:?}")))
    }

    fn row(&self, uri: String) -> Result<ReadResourceResult> {
        let name = uri.strip_prefix("row://").unwrap_or_default();
        let Some(text) = self.0.get(name).cloned() else {
            return Err(Error::not_found(uri));
        };
        let contents = TextResourceContents {
            uri,
            mime_type: Some("text/plain".into()),
            text,
            meta: None,
        };
        Ok(ReadResourceResult {
            contents: vec![ResourceContents::Text(contents)],
            meta: None,
        })
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let rows = [
        ("capital", "Oslo"),
        ("river", "Glomma"),
        ("summit", "Galdhøpiggen"),
    ];
    let rows = rows.map(|(name, answer)| (name.to_owned(), answer.to_owned()));
    let table = Arc::new(Table(rows.into()));
    let [list, call, rows, read] = std::array::from_fn(|_| Arc::clone(&table));
    Server::new("Low level")
        .handle(ListTools, move |params: ListParams, _: Context| {
            let page = list.tools(&params);
            async { Ok::<_, Error>(page) }
        })
        .handle(CallTool, move |params: CallToolParams, ctx: Context| {
            let table = Arc::clone(&call);
            async move {
                ctx.info(format!("asked about the {}", params.name)).await;
                table.answer(&params.name).map(CallToolResult::text)
            }
        })
        .handle(ListResources, move |_: ListParams, _: Context| {
            let resources = rows.0.keys();
            let resources = resources.map(|name| Resource::new(format!("row://{name}"), name));
            let resources = resources.collect();
            async move {
                Ok::<_, Error>(ListResourcesResult {
                    resources,
                    ..ListResourcesResult::default()
                })
            }
        })
        .handle(ReadResource, move |params: UriParams, _: Context| {
            let row = read.row(params.uri);
            async { row }
        })
        .run()
        .await
}
