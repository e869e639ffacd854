//! The tool `list`, and what is left out of everything.

use std::os::unix::ffi::OsStrExt as _;

use serde_json::{Value, json};

use super::support::{Scratch, Served};

fn paths(listed: &Value) -> Vec<&str> {
    let entries = listed["entries"].as_array().expect("entries");
    entries
        .iter()
        .filter_map(|entry| entry["path"].as_str())
        .collect()
}

#[tokio::test]
async fn a_list_is_sorted_and_says_how_to_go_on() {
    let scratch = Scratch::with(&[
        ("b.txt", "12"),
        ("a/x.md", ""),
        ("a/sub/y.md", "y"),
        ("c.md", ""),
    ]);
    std::os::unix::fs::symlink("b.txt", scratch.at("link")).expect("a link");
    let served = scratch.serve().await;
    let listed = served.value("list", json!({})).await;
    assert_eq!(paths(&listed), ["a", "b.txt", "c.md", "link"]);
    let kinds: Vec<_> = listed["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| &entry["kind"])
        .collect();
    assert_eq!(kinds, ["directory", "file", "file", "link"]);
    assert_eq!(listed["entries"][1]["size"], 2);
    assert!(
        listed["entries"][1]["modified"]
            .as_str()
            .is_some_and(|time| time.ends_with('Z'))
    );
    assert_eq!(
        served.ok("list", json!({})).await,
        ["a/\nb.txt (2 bytes)\nc.md (0 bytes)\nlink (link)\n"]
    );
    let all = [
        "a",
        "a/sub",
        "a/sub/y.md",
        "a/x.md",
        "b.txt",
        "c.md",
        "link",
    ];
    assert_eq!(paths(&served.value("list", json!({"depth": 9})).await), all);
    assert_eq!(
        paths(&served.value("list", json!({"path": "a"})).await),
        ["a/sub", "a/x.md"]
    );
    assert_eq!(
        paths(&served.value("list", json!({"glob": "*.md"})).await),
        ["a/sub/y.md", "a/x.md", "c.md"]
    );
    assert_eq!(
        paths(&served.value("list", json!({"glob": "a/*.md"})).await),
        ["a/x.md"]
    );
    assert_eq!(
        paths(
            &served
                .value("list", json!({"glob": "*.md", "depth": 1}))
                .await
        ),
        ["c.md"]
    );
    for limit in 1..7 {
        let (mut found, mut arguments) = (Vec::new(), json!({"depth": 9, "limit": limit}));
        loop {
            let listed = served.value("list", arguments.clone()).await;
            found.extend(paths(&listed).into_iter().map(str::to_owned));
            if listed["next"].is_null() {
                assert!(listed["cut"].is_null(), "{listed}");
                break;
            }
            assert!(
                listed["cut"]
                    .as_str()
                    .is_some_and(|cut| cut.contains("go on with `after`")),
                "{listed}"
            );
            arguments["after"] = listed["next"].clone();
        }
        assert_eq!(found, all, "by {limit}");
    }
    assert_eq!(
        served.ok("list", json!({"glob": "*.none"})).await,
        ["[nothing here]\n"]
    );
    assert!(
        served
            .fails("list", json!({"path": "b.txt"}))
            .await
            .contains("not a directory")
    );
    assert!(
        served
            .fails("list", json!({"glob": "a{b"}))
            .await
            .contains("glob is wrong")
    );
}

#[tokio::test]
async fn ignore_files_are_obeyed_everywhere() {
    let scratch = Scratch::with(&[
        (".gitignore", "/build/\n*.log\n!keep.log\n"),
        (".ignore", "private.txt\n"),
        ("build/out.txt", "word"),
        ("a.log", "word"),
        ("keep.log", "word"),
        ("private.txt", "word"),
        ("src/.gitignore", "gen.txt\n/only/here.txt\n"),
        ("src/gen.txt", "word"),
        ("src/only/here.txt", "word"),
        ("src/build/in.txt", "word"),
        ("gen.txt", "word"),
        (".hidden/x.txt", "word"),
        (".git/config", "word"),
        ("node_modules/.gitignore", "*\n"),
        ("node_modules/m/index.js", "word"),
    ]);
    let there = ["gen.txt", "keep.log", "src/build/in.txt"];
    let served = Served::new(&scratch.writable()).await;
    let found = served.value("search", json!({"text": "word"})).await;
    let found: Vec<&str> = found["files"]
        .as_array()
        .expect("files")
        .iter()
        .filter_map(|file| file["path"].as_str())
        .collect();
    assert_eq!(found, there);
    let (uris, _) = served.listed().await;
    assert_eq!(uris, there.map(|path| scratch.uri(path)));
    for path in [
        "build/out.txt",
        "a.log",
        "private.txt",
        "src/gen.txt",
        "src/only/here.txt",
        ".hidden/x.txt",
        ".git/config",
        "node_modules/m/index.js",
        ".gitignore",
        "new.log",
        "build/gone.txt",
    ] {
        let why = served.fails("read", json!({"path": path})).await;
        assert!(
            why.contains("leaves it out") || why.contains("hidden"),
            "{path}: {why}"
        );
        served
            .fails(
                "write",
                json!({"path": path, "text": "x", "overwrite": true, "parents": true}),
            )
            .await;
        assert_eq!(served.read(&scratch.uri(path)).await, Err(-32602), "{path}");
    }
    // What holds something that is left out does not move to where it would be seen.
    let why = served
        .fails("move", json!({"from": "src", "to": "moved"}))
        .await;
    assert!(why.contains("not served"), "{why}");

    let mut options = scratch.writable();
    (options.hidden, options.ignore) = (true, false);
    let open = Served::new(&options).await;
    assert_eq!(
        open.ok("read", json!({"path": "build/out.txt"})).await,
        ["word"]
    );
    assert_eq!(
        open.ok("read", json!({"path": ".git/config"})).await,
        ["word"]
    );
    options.ignore = true;
    let open = Served::new(&options).await;
    assert_eq!(
        open.ok("read", json!({"path": ".hidden/x.txt"})).await,
        ["word"]
    );
    open.fails("read", json!({"path": ".git/config"})).await;
    // What says what is served is not changed by those to whom it says so.
    let why = open
        .fails(
            "write",
            json!({"path": ".gitignore", "text": "", "overwrite": true}),
        )
        .await;
    assert!(why.contains("says what is served"), "{why}");
    open.fails("move", json!({"from": "keep.log", "to": "src/.ignore"}))
        .await;
}

#[tokio::test]
async fn only_what_is_included_and_not_excluded_is_there() {
    let scratch = Scratch::with(&[
        ("a.md", ""),
        ("b.txt", ""),
        ("drafts/c.md", ""),
        ("docs/d.md", ""),
        ("docs/e.key.md", ""),
    ]);
    let mut options = scratch.writable();
    options.include = vec!["*.md".into()];
    options.exclude = vec!["drafts".into(), "**/*.key.*".into()];
    let served = Served::new(&options).await;
    let listed = served.value("list", json!({"depth": 9})).await;
    assert_eq!(paths(&listed), ["a.md", "docs", "docs/d.md"]);
    for path in ["b.txt", "drafts/c.md", "docs/e.key.md"] {
        served.fails("read", json!({"path": path})).await;
    }
    served
        .fails("write", json!({"path": "new.txt", "text": ""}))
        .await;
    served
        .fails("write", json!({"path": "drafts/new.md", "text": ""}))
        .await;
    served
        .ok(
            "write",
            json!({"path": "new/dir/new.md", "text": "", "parents": true}),
        )
        .await;
}

#[tokio::test]
async fn strange_names_are_escaped_in_text_and_exact_in_data() {
    let scratch = Scratch::new();
    let bidi = "in\u{202e}fdp.exe\u{1b}[31m";
    scratch.put(bidi, "word");
    let latin = std::ffi::OsStr::from_bytes(b"caf\xe9.txt");
    std::fs::write(scratch.at("").join(latin), "word").expect("a file");
    let served = scratch.serve().await;
    for (tool, arguments) in [
        ("list", json!({})),
        ("search", json!({"text": "word"})),
        ("search", json!({"name": "*"})),
    ] {
        let text = served.ok(tool, arguments.clone()).await.concat();
        assert!(
            text.contains("caf\\xE9.txt") && text.contains("in\\u{202e}fdp.exe\\u{1b}[31m"),
            "{text}"
        );
        let value = served.value(tool, arguments).await;
        let entries = if tool == "list" {
            &value["entries"]
        } else {
            &value["files"]
        };
        assert_eq!(
            (&entries[0]["path"], &entries[0]["escaped"]),
            (&json!("caf\\xE9.txt"), &json!(true))
        );
        assert_eq!(
            (&entries[1]["path"], &entries[1]["escaped"]),
            (&json!(bidi), &Value::Null)
        );
    }
    assert_eq!(served.ok("read", json!({"path": bidi})).await, ["word"]);
    let why = served
        .fails("read", json!({"path": format!("{bidi}x")}))
        .await;
    assert!(!why.contains(['\u{202e}', '\u{1b}']), "{why}");
    let (uris, _) = served.listed().await;
    assert_eq!(uris, [scratch.uri("in%E2%80%AEfdp.exe%1B%5B31m")]);
    assert_eq!(
        served.read(&uris[0]).await.expect("contents")["text"],
        "word"
    );
}
