//! The file: several who have it open, and those who die over it.

use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use super::*;

/// A client of lines on a connection, which hears notices too.
struct Lines {
    reader: tokio::io::Lines<BufReader<tokio::io::ReadHalf<tokio::io::DuplexStream>>>,
    writer: tokio::io::WriteHalf<tokio::io::DuplexStream>,
    id: u64,
    _running: Vec<crate::Running>,
}

impl Lines {
    async fn open(options: &Options) -> Self {
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
        let (near, far) = tokio::io::duplex(1 << 20);
        let (read, write) = tokio::io::split(far);
        tokio::spawn(server.serve_connection(read, write));
        let (read, writer) = tokio::io::split(near);
        let mut this = Self {
            reader: BufReader::new(read).lines(),
            writer,
            id: 0,
            _running: pack.running,
        };
        let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "t", "version": "0"}});
        this.ask("initialize", hello).await;
        this.send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            .await;
        this
    }

    async fn send(&mut self, message: Value) {
        let line = format!("{message}\n");
        self.writer
            .write_all(line.as_bytes())
            .await
            .expect("written");
    }

    async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(Duration::from_secs(20), self.reader.next_line()).await;
        let line = line
            .expect("in time")
            .expect("a line")
            .expect("not the end");
        serde_json::from_str(&line).expect("JSON")
    }

    /// The result, and what came before it.
    async fn ask(&mut self, method: &str, params: Value) -> (Value, Vec<String>) {
        self.id += 1;
        let id = self.id;
        self.send(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
            .await;
        let mut heard = Vec::new();
        loop {
            let message = self.next().await;
            if message["id"] == id {
                return (message["result"].clone(), heard);
            }
            heard.push(notice(&message));
        }
    }

    async fn tool(&mut self, name: &str, arguments: Value) -> Vec<String> {
        let params = json!({"name": name, "arguments": arguments});
        let (result, mut heard) = self.ask("tools/call", params).await;
        assert_ne!(result["isError"], true, "{result}");
        // Notices are on their way beside the answer: one more round, and they are here.
        heard.extend(self.ask("ping", json!({})).await.1);
        tokio::time::sleep(Duration::from_millis(50)).await;
        heard.extend(self.ask("ping", json!({})).await.1);
        heard
    }

    async fn notice(&mut self) -> String {
        notice(&self.next().await)
    }
}

fn notice(message: &Value) -> String {
    let method = message["method"].as_str().unwrap_or_default();
    let method = method.trim_start_matches("notifications/");
    let uri = message["params"]["uri"].as_str().unwrap_or_default();
    format!("{method} {uri}").trim().to_owned()
}

const LIST: &str = "resources/list_changed";
const UPDATED: &str = "resources/updated note:///1";

#[tokio::test]
async fn clients_hear_of_their_own_changes_once_and_of_those_of_others() {
    let place = Place::new("hear");
    let mut one = Lines::open(&place.options()).await;
    let mut two = Lines::open(&place.options()).await;

    assert_eq!(
        one.tool("create_note", json!({"title": "a", "content": ""}))
            .await,
        [LIST]
    );
    assert_eq!(two.notice().await, LIST, "another process has seen it");
    let listed = two.ask("resources/list", json!({})).await.0;
    assert_eq!(listed["resources"][0]["uri"], "note:///1");
    two.ask("resources/subscribe", json!({"uri": "note:///1"}))
        .await;
    one.ask("resources/subscribe", json!({"uri": "note:///1"}))
        .await;

    let change = json!({"id": "1", "content": "b"});
    assert_eq!(one.tool("update_note", change.clone()).await, [UPDATED]);
    assert_eq!(two.notice().await, UPDATED);
    assert!(
        one.tool("update_note", change).await.is_empty(),
        "nothing changed"
    );
    let mut heard = one
        .tool("update_note", json!({"id": "1", "title": "c"}))
        .await;
    heard.sort();
    assert_eq!(heard, [LIST, UPDATED]);
    let mut heard = [two.notice().await, two.notice().await];
    heard.sort();
    assert_eq!(heard, [LIST, UPDATED]);
    assert_eq!(one.tool("delete_note", json!({"id": "1"})).await, [LIST]);
    assert_eq!(two.notice().await, LIST);

    // Longer than it takes to look: of its own changes nobody hears twice.
    tokio::time::sleep(watch::EVERY * 2).await;
    for client in [&mut one, &mut two] {
        assert!(client.ask("ping", json!({})).await.1.is_empty());
    }
}

/// Several who write at once, each with connections of its own: none is lost, and no id is double.
#[tokio::test]
async fn many_who_write_one_file_lose_nothing() {
    let place = Place::new("many");
    let opening: Vec<_> = (0..4).map(|_| serve_owned(place.options())).collect();
    let servers = futures_util::future::join_all(opening).await;
    let writing = servers.iter().enumerate().map(|(n, server)| async move {
        let mut ids = Vec::new();
        for m in 0..25 {
            ids.push(server.create(&format!("{n}-{m}"), "x").await);
        }
        ids
    });
    let ids = futures_util::future::join_all(writing).await;
    let ids: std::collections::BTreeSet<_> = ids.into_iter().flatten().collect();
    assert_eq!(ids.len(), 100);
    for server in &servers {
        assert_eq!(server.listed().await.len(), 100);
        let found = server.tool("search_notes", json!({"query": "x"})).await;
        assert_eq!(found["structuredContent"]["total"], 100);
    }
}

async fn serve_owned(options: Options) -> Served {
    serve(&options).await
}

/// What the test below starts: creates notes and says so, until it is killed.
#[tokio::test]
#[ignore = "it is started by another test"]
async fn child_that_writes() {
    let Some(path) = std::env::var_os("WHARF_TEST_NOTES") else {
        return;
    };
    let options = Options {
        path: Some(path.into()),
        ..Options::default()
    };
    let server = serve(&options).await;
    for n in 0.. {
        let id = server
            .create(&format!("Note {n}"), &"word ".repeat(100))
            .await;
        let mut out = tokio::io::stdout();
        out.write_all(format!("created {id}\n").as_bytes())
            .await
            .expect("written");
        out.flush().await.expect("flushed");
    }
}

#[tokio::test]
async fn what_was_created_outlives_a_kill() {
    let place = Place::new("kill");
    for _ in 0..3 {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--ignored", "--nocapture", "--exact"])
            .arg("packs::notes::tests::processes::child_that_writes")
            .env("WHARF_TEST_NOTES", place.file())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a child");
        let out = child.stdout.take().expect("its output");
        let mut created = Vec::new();
        for line in std::io::BufRead::lines(std::io::BufReader::new(out)) {
            let line = line.expect("a line");
            // The harness says something before the first one on the same line.
            if let Some((_, id)) = line.split_once("created ") {
                created.push(id.to_owned());
            }
            if created.len() == 20 {
                break;
            }
        }
        child.kill().expect("killed");
        child.wait().expect("gone");
        assert_eq!(created.len(), 20);
        let server = serve(&place.options()).await;
        let listed = server.listed().await;
        let uris: Vec<_> = listed
            .iter()
            .filter_map(|note| note["uri"].as_str())
            .collect();
        for id in &created {
            assert!(
                uris.contains(&format!("note:///{id}").as_str()),
                "{id} is lost"
            );
        }
        let found = server.tool("search_notes", json!({"query": "word"})).await;
        assert_eq!(found["structuredContent"]["total"], uris.len());
    }
}

#[tokio::test]
async fn a_file_of_something_else_is_left_as_it_is() {
    let place = Place::new("else");
    std::fs::create_dir_all(place.file().parent().expect("a parent")).expect("a directory");
    let error = |why: &'static str| {
        let options = place.options();
        async move {
            let error = open(&options, &nowhere()).await.expect_err(why);
            assert!(error.to_string().contains(why), "{error}");
            error
        }
    };
    let text =
        "something else, and long enough to be taken for a database of some kind ".repeat(20);
    std::fs::write(place.file(), &text).expect("a file");
    assert!(error("is no SQLite database").await.is_invalid());
    assert_eq!(std::fs::read_to_string(place.file()).expect("a file"), text);

    std::fs::remove_file(place.file()).expect("removed");
    let url = sqlx::sqlite::SqliteConnectOptions::new().filename(place.file());
    let pool = sqlx::SqlitePool::connect_with(url.create_if_missing(true)).await;
    let pool = pool.expect("a database");
    sqlx::query("CREATE TABLE other (x)")
        .execute(&pool)
        .await
        .expect("a table");
    pool.close().await;
    let before = std::fs::read(place.file()).expect("a file");
    assert!(error("a database of something else").await.is_invalid());
    assert_eq!(std::fs::read(place.file()).expect("a file"), before);

    std::fs::remove_file(place.file()).expect("removed");
    std::fs::create_dir(place.file()).expect("a directory");
    assert!(error("notes.db").await.is_unavailable());
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new("mode");
    let server = serve(&place.options()).await;
    server.create("a", "b").await;
    for file in std::fs::read_dir(place.file().parent().expect("a parent")).expect("files") {
        let file = file.expect("a file");
        let mode = file.metadata().expect("metadata").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", file.path());
    }
}
