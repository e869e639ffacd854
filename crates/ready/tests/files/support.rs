//! A directory that is gone after the test, and a server with the pack in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use wharf::protocol::revision::Revision;
use wharf::protocol::tools::CallToolResult;
use wharf::{Group, InProcess, Items, Limits, Server};
use wharf_ready::packs::files::{self, Options};
use wharf_ready::{Running, Surroundings};

/// A directory of its own; the one that is served is `served` in it.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("wharf-files-{}-{count}", std::process::id());
        let path = std::env::temp_dir()
            .canonicalize()
            .expect("a directory")
            .join(name);
        std::fs::create_dir_all(path.join("served")).expect("a directory");
        Self(path)
    }

    pub fn with(files: &[(&str, &str)]) -> Self {
        let scratch = Self::new();
        for (path, text) in files {
            scratch.put(path, text);
        }
        scratch
    }

    /// A path beside the directory that is served.
    pub fn outside(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.0.join("served").join(path)
    }

    pub fn put(&self, path: &str, contents: impl AsRef<[u8]>) {
        let path = self.at(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, contents).expect("a file");
    }

    pub fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.at(path)).expect("a file")
    }

    pub fn options(&self) -> Options {
        Options {
            watch: false,
            ..Options::new(self.at(""))
        }
    }

    pub fn writable(&self) -> Options {
        Options {
            write: true,
            ..self.options()
        }
    }

    pub fn uri(&self, path: &str) -> String {
        format!(
            "file://{}/{path}",
            self.at("").to_str().expect("UTF-8").trim_end_matches('/')
        )
    }

    pub async fn serve(&self) -> Served {
        Served::new(&self.options()).await
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A server with the pack, and its client.
pub struct Served {
    pub client: InProcess,
    _running: Vec<Running>,
}

struct Offered(Items);

impl Group for Offered {
    fn items(self: Arc<Self>) -> Items {
        Arc::into_inner(self).expect("not shared").0
    }
}

impl Served {
    pub async fn new(options: &Options) -> Self {
        let server = Server::new("files").limits(Limits {
            page_items: 100,
            ..Limits::default()
        });
        let at = Surroundings {
            catalog: server.catalog().clone(),
            base: "/nowhere".into(),
        };
        let pack = files::open(options, &at).await.expect("an open pack");
        let client = server
            .items(Offered(pack.items))
            .in_process()
            .await
            .expect("a server");
        Self {
            client,
            _running: pack.running,
        }
    }

    /// With a session, and a client that agrees to everything or to nothing.
    pub async fn session(self, revision: Revision, agrees: Option<bool>) -> Self {
        let client = match agrees {
            None => self.client,
            Some(agrees) => self.client.answering(move |_| match agrees {
                true => json!({"action": "accept", "content": {}}),
                false => json!({"action": "decline"}),
            }),
        };
        let client = client.open(revision).await.expect("a session");
        Self { client, ..self }
    }

    pub async fn call(&self, tool: &str, arguments: Value) -> CallToolResult {
        self.client.call(tool, arguments).await.expect("a result")
    }

    /// The texts of a good result.
    pub async fn ok(&self, tool: &str, arguments: Value) -> Vec<String> {
        let result = self.call(tool, arguments.clone()).await;
        assert_ne!(
            result.is_error,
            Some(true),
            "{tool} {arguments}: {result:?}"
        );
        texts(&result)
    }

    /// The structured content of a good result.
    pub async fn value(&self, tool: &str, arguments: Value) -> Value {
        let result = self.call(tool, arguments.clone()).await;
        assert_ne!(
            result.is_error,
            Some(true),
            "{tool} {arguments}: {result:?}"
        );
        let content = result.structured_content.expect("structured content");
        serde_json::from_str(content.get()).expect("JSON")
    }

    /// Why a call failed.
    pub async fn fails(&self, tool: &str, arguments: Value) -> String {
        let result = self.call(tool, arguments.clone()).await;
        assert_eq!(
            result.is_error,
            Some(true),
            "{tool} {arguments}: {result:?}"
        );
        texts(&result).concat()
    }

    /// A resource as JSON, or the code of the error.
    pub async fn read(&self, uri: &str) -> Result<Value, i32> {
        let read = self
            .client
            .request("resources/read", json!({ "uri": uri }))
            .await;
        read.map(|mut read| read["contents"][0].take())
            .map_err(|error| error.code)
    }

    /// All URIs of the list, and how many pages it has.
    pub async fn listed(&self) -> (Vec<String>, usize) {
        let (mut uris, mut pages, mut cursor) = (Vec::new(), 0, Value::Null);
        loop {
            let params = match &cursor {
                Value::Null => json!({}),
                cursor => json!({ "cursor": cursor }),
            };
            let page = self
                .client
                .request("resources/list", params)
                .await
                .expect("a page");
            let resources = page["resources"].as_array().expect("resources");
            uris.extend(
                resources
                    .iter()
                    .map(|one| one["uri"].as_str().expect("a URI").to_owned()),
            );
            pages += 1;
            cursor = page["nextCursor"].clone();
            if cursor.is_null() {
                return (uris, pages);
            }
            assert!(pages < 10_000, "it does not end");
        }
    }
}

pub fn texts(result: &CallToolResult) -> Vec<String> {
    let texts = result.content.iter().filter_map(|block| block.as_text());
    texts.map(str::to_owned).collect()
}

/// The names in a directory, hidden ones too.
pub fn names(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path).expect("a directory");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}
