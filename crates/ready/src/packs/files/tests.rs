//! That directories are not read more often than they must be: by counting.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wharf::protocol::revision::Revision;
use wharf::{Group, InProcess, Limits, Server};

use super::*;

struct Scratch(PathBuf);

impl Scratch {
    /// A directory with so many files, which has settled.
    fn new(name: &str, files: usize) -> Self {
        let path = std::env::temp_dir().join(format!("wharf-reads-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory");
        let scratch = Self(path);
        (0..files).for_each(|n| scratch.put(&format!("f{n:05}")));
        std::thread::sleep(Duration::from_millis(150));
        scratch
    }

    fn put(&self, name: &str) {
        std::fs::write(self.0.join(name), "x").expect("a file");
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Offered(Items);

impl Group for Offered {
    fn items(self: Arc<Self>) -> Items {
        Arc::into_inner(self).expect("not shared").0
    }
}

async fn serve(scratch: &Scratch, watch: bool) -> (Arc<Files>, InProcess, Vec<Running>) {
    let limits = Limits {
        page_items: 50,
        ..Limits::default()
    };
    let server = Server::new("files").limits(limits);
    let catalog = server.catalog().clone();
    let at = Surroundings {
        catalog,
        base: "/".into(),
    };
    let options = Options {
        watch,
        ..Options::new(&scratch.0)
    };
    let files = Arc::new(Files::open(&options, &at).expect("open"));
    let pack = offer(Arc::clone(&files), &options, &at);
    let client = server
        .items(Offered(pack.items))
        .in_process()
        .await
        .expect("a server");
    (files, client, pack.running)
}

async fn pages(client: &InProcess) -> usize {
    let (mut pages, mut params) = (0, json!({}));
    loop {
        let mut page = client
            .request("resources/list", params)
            .await
            .expect("a page");
        pages += 1;
        match page["nextCursor"].take() {
            Value::Null => return pages,
            cursor => params = json!({ "cursor": cursor }),
        }
    }
}

#[tokio::test]
async fn a_directory_is_read_once_for_all_pages_and_again_when_it_changed() {
    let scratch = Scratch::new("pages", 1000);
    let (files, client, _running) = serve(&scratch, false).await;
    assert_eq!(pages(&client).await, 20);
    assert_eq!(files.dirs.reads(), 1);
    assert_eq!(pages(&client).await, 20);
    assert_eq!(files.dirs.reads(), 1, "a second list reads nothing");
    std::fs::write(scratch.0.join("f00001"), "longer").expect("a file");
    assert_eq!(pages(&client).await, 20);
    assert_eq!(files.dirs.reads(), 1, "contents are no change of the names");
    scratch.put("new");
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(pages(&client).await, 21);
    assert_eq!(files.dirs.reads(), 2);
}

/// A change within the tick of the clock in which the directory was read is not missed.
#[tokio::test]
async fn a_directory_that_changes_while_it_is_listed_is_seen() {
    let scratch = Scratch::new("racing", 0);
    let (_, client, _running) = serve(&scratch, false).await;
    for n in 1..=300 {
        scratch.put(&format!("f{n}"));
        let mut list = client
            .request("resources/list", json!({}))
            .await
            .expect("a page");
        let mut seen = list["resources"].as_array().expect("resources").len();
        while let Value::String(cursor) = list["nextCursor"].take() {
            list = client
                .request("resources/list", json!({ "cursor": cursor }))
                .await
                .expect("a page");
            seen += list["resources"].as_array().expect("resources").len();
        }
        assert_eq!(seen, n);
    }
}

#[tokio::test]
async fn a_change_is_told_without_reading_a_directory() {
    const UPDATED: &str = "notifications/resources/updated";
    let scratch = Scratch::new("changes", 1000);
    let (files, client, _running) = serve(&scratch, true).await;
    let client = client.open(Revision::V2025_11_25).await.expect("a session");
    let path = scratch.0.canonicalize().expect("a path");
    let uri = format!("file://{}/f00001", path.display());
    client
        .request("resources/subscribe", json!({ "uri": uri }))
        .await
        .expect("subscribed");
    let told = async |method: &str| {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(2) {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if client
                .notifications()
                .iter()
                .any(|heard| heard["method"] == method)
            {
                return true;
            }
        }
        false
    };
    let mut begun = false;
    for _ in 0..15 {
        scratch.put("f00001");
        begun = told(UPDATED).await;
        if begun {
            break;
        }
    }
    assert!(begun, "the watch has begun");
    let before = files.dirs.reads();
    for n in 0..10 {
        scratch.put("f00001");
        assert!(told(UPDATED).await);
        scratch.put(&format!("new{n}"));
        assert!(told("notifications/resources/list_changed").await);
        std::fs::remove_file(scratch.0.join(format!("new{n}"))).expect("removed");
        assert!(told("notifications/resources/list_changed").await);
    }
    assert_eq!(files.dirs.reads(), before);
}

#[tokio::test]
async fn what_is_wrong_with_the_options_is_said() {
    let scratch = Scratch::new("options", 0);
    let at = Surroundings {
        catalog: Default::default(),
        base: scratch.0.clone(),
    };
    let why = async |options: Options| open(&options, &at).await.expect_err("refused");
    let error = why(Options::new("gone")).await;
    assert!(
        error.is_unavailable() && error.to_string().contains("gone"),
        "{error}"
    );
    scratch.put("file");
    assert!(why(Options::new("file")).await.is_unavailable());
    let globs = Options {
        exclude: vec!["a{b".into()],
        ..Options::new("")
    };
    let error = why(globs).await;
    assert!(
        error.is_invalid() && error.to_string().contains("`exclude`: the glob `a{b`"),
        "{error}"
    );
    let uri = Options {
        uri: Some("docs".into()),
        ..Options::new("")
    };
    let error = why(uri).await;
    assert!(
        error.is_invalid() && error.to_string().contains("`uri`"),
        "{error}"
    );

    let read: Options = serde_json::from_value(json!({"path": "x"})).expect("options");
    assert_eq!(read, Options::new("x"));
    let read = serde_json::from_value::<Options>(json!({"path": "x", "writes": true}));
    assert!(read.expect_err("refused").to_string().contains("writes"));
    let schema = schemars::schema_for!(Options);
    for (name, property) in schema.as_object().expect("an object")["properties"]
        .as_object()
        .expect("properties")
    {
        assert!(property["description"].is_string(), "{name}");
    }
}
