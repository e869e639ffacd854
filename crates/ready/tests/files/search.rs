//! The tool `search`.

use std::time::Duration;

use serde_json::{Value, json};

use super::support::{Scratch, Served};

fn lines(found: &Value) -> Vec<(String, u64, String, bool)> {
    let files = found["files"].as_array().expect("files");
    let lines = files.iter().flat_map(|file| {
        let path = file["path"].as_str().unwrap_or_default().to_owned();
        let lines = file["lines"].as_array().cloned().unwrap_or_default();
        lines.into_iter().map(move |line| {
            let text = line["text"].as_str().unwrap_or_default().to_owned();
            (
                path.clone(),
                line["line"].as_u64().unwrap_or_default(),
                text,
                line["matches"] == true,
            )
        })
    });
    lines.collect()
}

#[tokio::test]
async fn names_and_contents_are_found() {
    let scratch = Scratch::with(&[
        ("a.md", "one\nneedle (1)\nthree\nfour\nNEEDLE 2\n"),
        ("src/main.rs", "fn needle() {}\r\n"),
        ("src/Draft.rs", ""),
    ]);
    scratch.put("bin", b"needle\0needle");
    let served = scratch.serve().await;
    let line = |path: &str, line: u64, text: &str| (path.to_owned(), line, text.to_owned(), true);
    let found = served.value("search", json!({"text": "needle"})).await;
    assert_eq!(
        lines(&found),
        [
            line("a.md", 2, "needle (1)"),
            line("src/main.rs", 1, "fn needle() {}")
        ]
    );
    assert_eq!(
        (&found["searched"], &found["skipped"], &found["cut"]),
        (&json!(3), &json!(1), &Value::Null)
    );
    assert_eq!(
        served
            .ok(
                "search",
                json!({"text": "needle", "context": 1, "name": "*.md"})
            )
            .await,
        ["a.md\n  1- one\n  2: needle (1)\n  3- three\n[1 matches in 1 of 1 files]\n"]
    );
    for (arguments, count) in [
        (json!({"text": "needle", "ignore_case": true}), 3),
        (json!({"text": "(1)", "literal": true}), 1),
        (json!({"text": "n[e]{2}dle \\d", "ignore_case": true}), 1),
        (json!({"text": "needle", "path": "src"}), 1),
        (json!({"text": "needle", "name": "src/**/*.rs"}), 1),
        (json!({"text": "nowhere"}), 0),
        (json!({"name": "draft"}), 0),
        (json!({"name": "draft", "ignore_case": true}), 1),
        (json!({"name": "*.rs"}), 2),
    ] {
        let found = served.value("search", arguments.clone()).await;
        assert_eq!(found["matches"], count, "{arguments}: {found}");
    }
    for (arguments, why) in [
        (json!({}), "give `text`, `name` or both"),
        (json!({"text": "(a"}), "no regular expression"),
        (json!({"text": ""}), "1 to 10,000"),
        (json!({"text": "(a{1000}){1000}"}), "no regular expression"),
        (json!({"text": "a", "path": "gone"}), "no such file"),
    ] {
        let told = served.fails("search", arguments.clone()).await;
        assert!(told.contains(why), "{arguments}: {told}");
    }
}

#[tokio::test]
async fn what_limits_cut_off_is_said() {
    let many: String = (0..500).map(|n| format!("needle {n}\n")).collect();
    let scratch = Scratch::with(&[
        ("a.txt", &many),
        ("b.txt", &many),
        ("long.txt", &("needle ".repeat(1000))),
    ]);
    let served = scratch.serve().await;
    let found = served.value("search", json!({"text": "needle"})).await;
    assert_eq!(found["matches"], 100);
    assert!(
        found["cut"]
            .as_str()
            .is_some_and(|cut| cut.contains("100 matches are shown")),
        "{}",
        found["cut"]
    );
    let text = served
        .ok("search", json!({"text": "needle", "limit": 1}))
        .await
        .concat();
    assert!(
        text.ends_with(
            "[cut: 1 matches are shown, and there may be more: narrow it down, or give a `limit`]\n"
        ),
        "{text}"
    );
    let found = served
        .value("search", json!({"text": "needle", "name": "long.txt"}))
        .await;
    let line = found["files"][0]["lines"][0]["text"]
        .as_str()
        .expect("a line");
    assert!(line.len() <= 503 && line.ends_with('…'), "{line}");
    let lines = "needle ".repeat(70) + "\n";
    scratch.put("wide.txt", lines.repeat(900));
    let found = served
        .value(
            "search",
            json!({"text": "needle", "name": "wide.txt", "limit": 1000}),
        )
        .await;
    assert!(
        found["matches"].as_u64().is_some_and(|count| count < 600),
        "{}",
        found["matches"]
    );
    assert!(
        found["cut"]
            .as_str()
            .is_some_and(|cut| cut.contains("as long as it may be")),
        "{}",
        found["cut"]
    );
}

#[tokio::test]
async fn a_search_ends_with_its_time_or_when_nobody_waits() {
    let scratch = Scratch::new();
    // No match, in more than can be searched within the time by an unoptimised program.
    scratch.put(
        "base.txt",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\n".repeat(200_000),
    );
    for n in 0..60 {
        std::fs::copy(scratch.at("base.txt"), scratch.at(&format!("{n}.txt"))).expect("a copy");
    }
    let mut options = scratch.options();
    options.max_seconds = 1;
    let served = Served::new(&options).await;
    let arguments = json!({"text": "(a|aa|aaa)+[cd](x|y)?\\b", "ignore_case": true});
    let began = std::time::Instant::now();
    let found = served.value("search", arguments.clone()).await;
    assert!(began.elapsed() < Duration::from_secs(30));
    if found["searched"] != 61 {
        assert!(
            found["cut"]
                .as_str()
                .is_some_and(|cut| cut.contains("the time of 1 s is over")),
            "{found}"
        );
    }
    // Dropped calls end their walks: the next ones do not wait for more than those four.
    for _ in 0..12 {
        let call = served.call("search", arguments.clone());
        let _ = tokio::time::timeout(Duration::from_millis(5), call).await;
    }
    let call = served.ok("list", json!({}));
    tokio::time::timeout(Duration::from_secs(30), call)
        .await
        .expect("there is room for others");
}
