//! A server whose file changes while it runs.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use support::{Folder, Http, initialize, request, wharf};
use wharf_client::Client;
use wharf_ready::config::{Config, Site};

fn one(prefix: &str) -> String {
    format!("[[starter]]\nprefix = '{prefix}'\n")
}

/// Waits until the tool is there.
fn serves(http: &Http, session: &str, tool: &str) {
    let headers = [("mcp-session-id", session)];
    let tools = http.ask(&headers, &request(1, "tools/list", json!({})));
    assert!(
        tools.body.contains(&format!("\"{tool}\"")),
        "{tool}: {}",
        tools.body
    );
}

#[test]
fn changes_of_the_file_are_taken_in_every_way_they_come() {
    let folder = Folder::new("reload");
    let file = folder.file("wharf.toml", &one("a"));
    let mut command = wharf(&["serve", "-c"]);
    command.arg(&file);
    let http = Http::start_with(command);
    let opened = http.ask(&[], &initialize());
    let session = opened.header("mcp-session-id").expect("a session");
    serves(&http, &session, "a.add");
    let write = |text: &str| std::fs::write(&file, text).expect("written");

    write(&one("b"));
    http.process.error_with("opened starter:; closed starter:");
    serves(&http, &session, "b.add");

    write("[[starter]]\nprefx = 'c'\n");
    http.process
        .error_with("there is no key `prefx` in [starter]");
    http.process.error_with("did you mean `prefix`?");
    http.process
        .error_with("has 1 problem: what was served before goes on");
    serves(&http, &session, "b.add");

    // As editors save.
    let beside = folder.file(".wharf.toml.swp", &one("c"));
    std::fs::rename(beside, &file).expect("renamed");
    http.process.error_with("opened starter:");
    serves(&http, &session, "c.add");

    std::fs::remove_file(&file).expect("removed");
    http.process.error_with("there is no such file");
    serves(&http, &session, "c.add");

    write(&format!("name = 'other'\n{}", one("d")));
    http.process.error_with("name: only after a restart");
    serves(&http, &session, "d.add");

    http.process.signal("HUP");
    http.process.error_with("read again, nothing is different");
    serves(&http, &session, "d.add");
}

/// What this process has open.
fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, |files| files.count())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_reloads_while_64_clients_call() {
    let texts = [
        "[[starter]]\nprefix = 'stays'\n[llm]\n".to_owned(),
        // Opened again with the same names, more beside it, and another order.
        "[notes]\npath = ':memory:'\n[llm]\nprefix = 'more'\n[[starter]]\nprefix = 'stays'\nread_only = true\n".to_owned(),
        "deny = ['stays.echo']\n[[starter]]\nprefix = 'stays'\n".to_owned(),
    ];
    let config =
        |text: &str| Config::of_text("wharf.toml", text, "/".as_ref(), &|_| None).expect("right");
    let server = config(&texts[0]).server();
    let catalog = server.catalog().clone();
    let mut site = Site::open(config(&texts[0]), &catalog).await.expect("open");
    let bound = server.bind("127.0.0.1:0").await.expect("bound");
    let url = bound.url().expect("a URL");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(bound.serve_until(async { drop(stopped.await) }));

    let (done, calls) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let mut clients = Vec::new();
    for number in 0..64_i64 {
        let client = Client::connect(&url).await.expect("connected");
        let (done, calls) = (Arc::clone(&done), Arc::clone(&calls));
        clients.push(tokio::spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let answer = client.call("stays.add", json!({"a": number, "b": 1})).await;
                let answer = answer.unwrap_or_else(|error| panic!("a call failed: {error}"));
                let sum = answer
                    .structured_content
                    .map(|content| content.get().to_owned());
                assert_eq!(sum, Some(format!("{{\"result\":{}}}", number + 1)));
                calls.fetch_add(1, Ordering::Relaxed);
                // A small machine has to do the reloads too.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }));
    }
    let metrics = tokio::runtime::Handle::current().metrics();
    let mut before = None;
    for round in 0..1_000_usize {
        let reloaded = site.reload(config(&texts[round % texts.len()])).await;
        reloaded.unwrap_or_else(|problems| panic!("round {round}: {problems}"));
        if round == 98 {
            before = Some((open_files(), metrics.num_alive_tasks()));
        }
        tokio::task::yield_now().await;
    }
    site.reload(config(&texts[98 % texts.len()]))
        .await
        .expect("right");
    // What was closed has a moment to go.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (files, tasks) = before.expect("seen");
    assert!(
        open_files() <= files + 8,
        "{files} files open, then {}",
        open_files()
    );
    let alive = metrics.num_alive_tasks();
    assert!(alive <= tasks + 8, "{tasks} tasks, then {alive}");
    done.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.expect("no call failed");
    }
    assert!(calls.load(Ordering::Relaxed) > 1_000, "{calls:?} calls");
    drop(stop);
    // Streams that are open may hold it up.
    let _ = tokio::time::timeout(Duration::from_secs(20), serving).await;
}
