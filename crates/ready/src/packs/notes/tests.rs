use std::path::PathBuf;

use serde_json::{Value, json};
use wharf::protocol::revision::Revision;
use wharf::{CatalogHandle, InProcess, Server};

use super::*;
use crate::Surroundings;

mod limits;
mod processes;
mod search;
mod whole;

/// A directory of its own that is removed at the end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let name = format!("wharf-notes-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("data").join("notes.db")
    }

    fn options(&self) -> Options {
        Options {
            path: Some(self.file()),
            ..Options::default()
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn in_memory() -> Options {
    Options {
        path: Some(":memory:".into()),
        ..Options::default()
    }
}

/// A server with nothing but the notes.
struct Served {
    client: InProcess,
    _running: Vec<crate::Running>,
}

impl std::ops::Deref for Served {
    type Target = InProcess;

    fn deref(&self) -> &InProcess {
        &self.client
    }
}

async fn serve(options: &Options) -> Served {
    serve_with(options, |client| client).await
}

async fn serve_with(options: &Options, set: impl FnOnce(InProcess) -> InProcess) -> Served {
    let server = Server::new("notes");
    let at = Surroundings {
        catalog: server.catalog().clone(),
        base: std::env::temp_dir(),
    };
    let pack = open(options, &at).await.expect("notes");
    let items = pack.items;
    at.catalog
        .update(|edit| edit.add_items(items))
        .expect("a catalog");
    Served {
        client: set(server.in_process().await.expect("a server")),
        _running: pack.running,
    }
}

impl Served {
    async fn at(mut self, revision: Revision) -> Self {
        self.client = self.client.open(revision).await.expect("a session");
        self
    }

    async fn tool(&self, name: &str, arguments: Value) -> Value {
        let params = json!({"name": name, "arguments": arguments});
        self.request("tools/call", params).await.expect(name)
    }

    async fn fails(&self, name: &str, arguments: Value) -> String {
        let result = self.tool(name, arguments).await;
        assert_eq!(result["isError"], true, "{result}");
        text(&result).to_owned()
    }

    async fn create(&self, title: &str, content: &str) -> String {
        let made = self
            .tool("create_note", json!({"title": title, "content": content}))
            .await;
        let id = text(&made).strip_prefix("Created note ");
        let id = id.and_then(|rest| rest.split_once(':'));
        id.unwrap_or_else(|| panic!("no id: {made}")).0.to_owned()
    }

    async fn listed(&self) -> Vec<Value> {
        let (mut all, mut params) = (Vec::new(), json!({}));
        loop {
            let page = self.request("resources/list", params.clone()).await;
            let page = page.expect("a page");
            all.extend(page["resources"].as_array().expect("resources").clone());
            match page.get("nextCursor") {
                Some(cursor) => params["cursor"] = cursor.clone(),
                None => return all,
            }
        }
    }
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().expect("text")
}

fn nowhere() -> Surroundings {
    Surroundings {
        catalog: CatalogHandle::default(),
        base: std::env::temp_dir(),
    }
}
