//! Watching, with the system's own events.

use std::time::{Duration, Instant};

use serde_json::json;
use wharf::protocol::revision::Revision;

use super::support::{Scratch, Served};

/// How long a notice may take at most.
const LIMIT: Duration = Duration::from_secs(30);

async fn watched(scratch: &Scratch) -> Served {
    let mut options = scratch.writable();
    options.watch = true;
    Served::new(&options)
        .await
        .session(Revision::V2025_11_25, None)
        .await
}

async fn subscribe(served: &Served, uri: &str) {
    let subscribed = served
        .client
        .request("resources/subscribe", json!({ "uri": uri }))
        .await;
    subscribed.expect("subscribed");
}

/// Does something, again and again, until a notice of it comes.
async fn until(served: &Served, method: &str, uri: Option<&str>, mut again: impl FnMut(u32)) {
    let began = Instant::now();
    for round in 0.. {
        again(round);
        let wait = Instant::now();
        while wait.elapsed() < Duration::from_millis(400) {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let heard = served.client.notifications();
            let found = heard.iter().any(|notice| {
                notice["method"] == method && uri.is_none_or(|uri| notice["params"]["uri"] == uri)
            });
            if found {
                return;
            }
        }
        assert!(began.elapsed() < LIMIT, "{method} {uri:?} did not come");
    }
}

const UPDATED: &str = "notifications/resources/updated";
const LIST: &str = "notifications/resources/list_changed";

#[tokio::test]
async fn changes_are_told() {
    let scratch = Scratch::with(&[
        ("a.md", "0"),
        ("sub/b.md", "0"),
        (".gitignore", "ignored\n"),
        ("ignored/x", ""),
    ]);
    let served = watched(&scratch).await;
    let (a, b) = (scratch.uri("a.md"), scratch.uri("sub/b.md"));
    for uri in [&a, &b] {
        subscribe(&served, uri).await;
    }
    until(&served, UPDATED, Some(&a), |round| {
        scratch.put("a.md", format!("{round}"))
    })
    .await;
    until(&served, UPDATED, Some(&b), |round| {
        scratch.put("sub/b.md", format!("{round}"))
    })
    .await;
    until(&served, LIST, None, |round| {
        scratch.put(&format!("new{round}.md"), "")
    })
    .await;
    until(&served, LIST, None, |round| {
        let _ = std::fs::remove_file(scratch.at(&format!("new{round}.md")));
        let _ = std::fs::rename(scratch.at("sub/b.md"), scratch.at("sub/c.md"));
    })
    .await;
    // A directory that comes is watched, with those in it.
    let deep = scratch.uri("made/deep/d.md");
    subscribe(&served, &deep).await;
    until(&served, LIST, None, |_| scratch.put("made/deep/d.md", "")).await;
    until(&served, UPDATED, Some(&deep), |round| {
        scratch.put("made/deep/d.md", format!("{round}"))
    })
    .await;
    // Written by another program beside and renamed, as editors do.
    until(&served, UPDATED, Some(&a), |round| {
        scratch.put(".a.md.swp", format!("{round}"));
        std::fs::rename(scratch.at(".a.md.swp"), scratch.at("a.md")).expect("renamed");
    })
    .await;
    // Through the pack's own tools.
    served
        .ok(
            "edit",
            json!({"path": "a.md", "edits": [{"old": scratch.text("a.md"), "new": "edited"}]}),
        )
        .await;
    until(&served, UPDATED, Some(&a), |_| {}).await;
}

#[tokio::test]
async fn what_is_left_out_is_not_told() {
    let scratch = Scratch::with(&[
        ("a.md", "0"),
        (".gitignore", "ignored\n"),
        ("ignored/x", ""),
        (".hidden", ""),
    ]);
    let served = watched(&scratch).await;
    subscribe(&served, &scratch.uri("a.md")).await;
    until(&served, UPDATED, None, |round| {
        scratch.put("a.md", format!("{round}"))
    })
    .await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    served.client.notifications();
    for n in 0..5 {
        scratch.put("ignored/x", format!("{n}"));
        scratch.put(&format!("ignored/{n}"), "");
        scratch.put(".hidden", format!("{n}"));
        scratch.put(&format!(".hidden{n}"), "");
        served.ok("read", json!({"path": "a.md"})).await;
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    let heard = served.client.notifications();
    assert!(heard.is_empty(), "{heard:?}");
    // Until the rules change.
    until(&served, LIST, None, |round| {
        scratch.put(".gitignore", format!("# {round}\n"))
    })
    .await;
    let uri = scratch.uri("ignored/x");
    subscribe(&served, &uri).await;
    until(&served, UPDATED, Some(&uri), |round| {
        scratch.put("ignored/x", format!("now {round}"))
    })
    .await;
}

#[tokio::test]
async fn a_directory_that_is_removed_and_made_again_is_watched_again() {
    let scratch = Scratch::with(&[("a.md", "0")]);
    let served = watched(&scratch).await;
    let uri = scratch.uri("a.md");
    subscribe(&served, &uri).await;
    until(&served, UPDATED, Some(&uri), |round| {
        scratch.put("a.md", format!("{round}"))
    })
    .await;
    std::fs::remove_dir_all(scratch.at("")).expect("removed");
    until(&served, LIST, None, |_| {}).await;
    until(&served, UPDATED, Some(&uri), |round| {
        scratch.put("a.md", format!("again {round}"))
    })
    .await;
}

#[tokio::test]
async fn a_flood_is_told_within_bounds() {
    let scratch = Scratch::with(&[("a.md", "0"), ("flood/x", "")]);
    let served = watched(&scratch).await;
    let uri = scratch.uri("a.md");
    subscribe(&served, &uri).await;
    until(&served, UPDATED, Some(&uri), |round| {
        scratch.put("a.md", format!("{round}"))
    })
    .await;
    served.client.notifications();
    for n in 0..15_000 {
        std::fs::write(scratch.at(&format!("flood/{n}")), "").expect("a file");
    }
    until(&served, LIST, None, |_| {}).await;
    until(&served, UPDATED, Some(&uri), |round| {
        scratch.put("a.md", format!("after {round}"))
    })
    .await;
}
