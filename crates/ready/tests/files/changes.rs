//! The tools that change files.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use wharf::protocol::revision::Revision;
use wharf_ready::packs::files::Deletion;

use super::support::{Scratch, Served, names};

#[tokio::test]
async fn without_write_there_are_no_such_tools() {
    let scratch = Scratch::new();
    let tools = async |served: &Served| -> Vec<(String, Value)> {
        let listed = served
            .client
            .request("tools/list", json!({}))
            .await
            .expect("a list");
        let tools = listed["tools"].as_array().expect("tools").iter();
        tools
            .map(|tool| {
                (
                    tool["name"].as_str().expect("a name").to_owned(),
                    tool.clone(),
                )
            })
            .collect()
    };
    let mut options = scratch.options();
    let names = |tools: &[(String, Value)]| {
        tools
            .iter()
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(&tools(&Served::new(&options).await).await),
        ["read", "list", "search"]
    );
    options.write = true;
    let all = tools(&Served::new(&options).await).await;
    assert_eq!(
        names(&all),
        ["read", "list", "search", "write", "edit", "move", "delete"]
    );
    for (name, tool) in &all {
        let reads = ["read", "list", "search"].contains(&name.as_str());
        let hints = &tool["annotations"];
        assert_eq!(hints["readOnlyHint"], reads, "{tool}");
        assert_eq!(hints["openWorldHint"], false, "{tool}");
        assert_eq!(hints["destructiveHint"] == true, !reads, "{tool}");
        assert!(
            tool["title"].is_string() && tool["description"].is_string(),
            "{tool}"
        );
        assert_eq!(tool["outputSchema"].is_object(), name != "read", "{tool}");
        for (argument, schema) in tool["inputSchema"]["properties"]
            .as_object()
            .expect("arguments")
        {
            assert!(schema["description"].is_string(), "{argument} of {tool}");
        }
    }
    options.delete = Deletion::Never;
    let without = tools(&Served::new(&options).await).await;
    assert!(!names(&without).contains(&"delete".to_owned()));
}

#[tokio::test]
async fn files_are_written_and_never_replaced_by_surprise() {
    let scratch = Scratch::with(&[("old.sh", "old"), ("dir/x", "")]);
    std::fs::set_permissions(scratch.at("old.sh"), std::fs::Permissions::from_mode(0o751))
        .expect("set");
    let served = Served::new(&scratch.writable()).await;
    let written = served
        .value("write", json!({"path": "new.txt", "text": "Grüße"}))
        .await;
    assert_eq!(
        written,
        json!({"path": "new.txt", "uri": scratch.uri("new.txt"), "size": 7, "created": true})
    );
    assert_eq!(scratch.text("new.txt"), "Grüße");
    let why = served
        .fails("write", json!({"path": "old.sh", "text": "new"}))
        .await;
    assert!(
        why.contains("`old.sh` is there already: give `overwrite`"),
        "{why}"
    );
    assert_eq!(scratch.text("old.sh"), "old");
    let written = served
        .value(
            "write",
            json!({"path": "old.sh", "text": "new", "overwrite": true}),
        )
        .await;
    assert_eq!(written["created"], false);
    assert_eq!(scratch.text("old.sh"), "new");
    let mode = std::fs::metadata(scratch.at("old.sh"))
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o751, "permissions are kept");
    served
        .ok(
            "write",
            json!({"path": "a/b/c.bin", "base64": "/wD+", "parents": true}),
        )
        .await;
    assert_eq!(
        std::fs::read(scratch.at("a/b/c.bin")).expect("there"),
        b"\xff\0\xfe"
    );
    for (arguments, why) in [
        (json!({"path": "q/new.txt", "text": ""}), "no such file"),
        (
            json!({"path": "dir", "text": "", "overwrite": true}),
            "no regular file",
        ),
        (json!({"path": "", "text": ""}), "the directory itself"),
        (json!({"path": "x"}), "give one of"),
        (
            json!({"path": "x", "text": "", "base64": ""}),
            "give one of",
        ),
        (json!({"path": "x", "base64": "!"}), "cannot be read"),
        (
            json!({"path": "x", "text": "x".repeat(1 << 20) + "x"}),
            "more than one call may write (1.0 MiB)",
        ),
        (
            json!({"path": ".env", "text": ""}),
            "hidden files are not served",
        ),
        (json!({"path": ".wharf-tmp-1", "text": ""}), "not served"),
        (
            json!({"path": "old.sh/x", "text": "", "parents": true}),
            "not a directory",
        ),
    ] {
        let told = served.fails("write", arguments.clone()).await;
        assert!(told.contains(why), "{why}: {told}");
    }
    assert_eq!(
        names(&scratch.at("")),
        ["a", "dir", "new.txt", "old.sh"],
        "nothing is left behind"
    );
}

/// Whoever reads while it is written sees all of the old file or all of the new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_never_see_half_a_file() {
    let scratch = Scratch::with(&[("a.txt", &"0".repeat(100_000))]);
    let ends = Arc::new(AtomicBool::new(false));
    let reader = std::thread::spawn({
        let (ends, path) = (Arc::clone(&ends), scratch.at("a.txt"));
        move || {
            let mut seen = std::collections::BTreeSet::new();
            while !ends.load(Ordering::Relaxed) {
                let text = std::fs::read_to_string(&path).expect("always there");
                assert_eq!(text.len(), 100_000);
                let first = &text[..1];
                assert!(text.trim_start_matches(first).is_empty(), "a mix");
                seen.insert(first.to_owned());
            }
            seen.len()
        }
    });
    let served = Served::new(&scratch.writable()).await;
    for n in 0..60 {
        let (old, new) = ((n % 10).to_string(), ((n + 1) % 10).to_string());
        match n % 2 {
            0 => {
                served
                    .ok(
                        "write",
                        json!({"path": "a.txt", "text": new.repeat(100_000), "overwrite": true}),
                    )
                    .await
            }
            _ => {
                served
                    .ok(
                        "edit",
                        json!({"path": "a.txt", "edits": [{"old": old, "new": new, "all": true}]}),
                    )
                    .await
            }
        };
    }
    ends.store(true, Ordering::Relaxed);
    assert!(reader.join().expect("no panic") > 1);
    assert_eq!(names(&scratch.at("")), ["a.txt"]);
}

/// In a process of its own, run by the tests below: replaces a file again and again, and says each
/// time whether that worked.
#[tokio::test]
#[ignore = "is run by other tests"]
async fn writer() {
    let Some(dir) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let options = wharf_ready::packs::files::Options {
        write: true,
        watch: false,
        ..wharf_ready::packs::files::Options::new(dir)
    };
    let served = Served::new(&options).await;
    for n in 0..1000 {
        let text = (n % 10).to_string().repeat(300_000);
        let written = served
            .call(
                "write",
                json!({"path": "a.txt", "text": text, "overwrite": true}),
            )
            .await;
        eprintln!("{:?} {:?}", written.is_error, written.content);
    }
}

const DIRECTORY: &str = "WHARF_TEST_DIRECTORY";

fn writer_command(scratch: &Scratch, before: &str) -> std::process::Command {
    let test = std::env::current_exe().expect("this program");
    let mut command = std::process::Command::new("bash");
    command
        .arg("-c")
        .arg(format!(
            "{before}exec \"$0\" --exact changes::writer --ignored --nocapture"
        ))
        .arg(test)
        .env(DIRECTORY, scratch.at(""))
        .stdout(std::process::Stdio::null());
    command
}

/// Whenever the process is killed, the file is the old one or the new one.
#[tokio::test]
async fn a_write_that_is_killed_leaves_a_whole_file() {
    let scratch = Scratch::with(&[("a.txt", &"x".repeat(300_000))]);
    let mut different = std::collections::BTreeSet::new();
    for round in 0..12 {
        let mut writer = writer_command(&scratch, "")
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("a process");
        // It has begun to write.
        let mut said = BufReader::new(writer.stderr.take().expect("its errors"));
        let mut line = String::new();
        said.read_line(&mut line).expect("a line");
        std::thread::sleep(Duration::from_micros(round * 700));
        writer.kill().expect("killed");
        writer.wait().expect("gone");
        let text = scratch.text("a.txt");
        let first = &text[..1];
        assert_eq!(text.len(), 300_000);
        assert!(text.trim_start_matches(first).is_empty(), "a mix");
        different.insert(first.to_owned());
    }
    assert!(
        !different.contains("x"),
        "it was killed after it had begun to write"
    );
    // What a killed process leaves beside is not served.
    let served = scratch.serve().await;
    assert_eq!(served.listed().await.0, [scratch.uri("a.txt")]);
}

/// What fails in between, as on a full disk, leaves the old file, and nothing beside it.
#[tokio::test]
async fn a_write_that_fails_leaves_the_old_file() {
    let scratch = Scratch::with(&[("a.txt", "old")]);
    // No file may grow beyond 64 KiB.
    let done = writer_command(&scratch, "trap '' XFSZ; ulimit -f 64; ").output();
    let said = done.expect("a process").stderr;
    let said = String::from_utf8_lossy(&said);
    assert!(
        said.contains("Some(true)") && !said.contains("None ["),
        "{said}"
    );
    assert_eq!(scratch.text("a.txt"), "old");
    assert_eq!(names(&scratch.at("")), ["a.txt"]);
}

#[tokio::test]
async fn edits_are_exact_and_all_or_none() {
    let text = "one\ntwo\ntwo\nthree\n";
    let scratch = Scratch::with(&[
        ("a.txt", text),
        ("crlf.txt", "a\r\nb\r\nc\r\n"),
        ("src/x.rs", "let a = 1;\n"),
    ]);
    scratch.put("bin", b"\xff");
    let served = Served::new(&scratch.writable()).await;
    let dry = json!({"path": "a.txt", "edits": [{"old": "one\n", "new": "1\n"}], "dry_run": true});
    let told = served.ok("edit", dry.clone()).await.concat();
    assert_eq!(
        told,
        "--- a/a.txt\n+++ b/a.txt\n@@ -1,4 +1,4 @@\n-one\n+1\n two\n two\n three\n[dry run: nothing was written]"
    );
    assert_eq!(served.value("edit", dry).await["written"], false);
    assert_eq!(scratch.text("a.txt"), text);
    for (edits, why) in [
        (
            json!([{"old": "two", "new": "2"}]),
            "`old` is there 2 times (lines 2, 3)",
        ),
        (
            json!([{"old": "four", "new": "4"}]),
            "edit 1 of 1: `old` is not in the file",
        ),
        (
            json!([{"old": "one", "new": "1"}, {"old": "one", "new": "x"}]),
            "edit 2 of 2",
        ),
        (json!([{"old": "", "new": "x"}]), "`old` is empty"),
        (
            json!([{"old": "two", "new": "x".repeat(900_000), "all": true}]),
            "larger than one call may write",
        ),
        (json!([]), "edits"),
    ] {
        let told = served
            .fails("edit", json!({"path": "a.txt", "edits": edits}))
            .await;
        assert!(told.contains(why), "{why}: {told}");
        assert_eq!(scratch.text("a.txt"), text);
    }
    let edits = json!([{"old": "two", "new": "2", "all": true}, {"old": "one\n2", "new": "1\n2"}]);
    let edited = served
        .value("edit", json!({"path": "a.txt", "edits": edits}))
        .await;
    assert_eq!(
        (&edited["replaced"], &edited["written"]),
        (&json!(3), &json!(true))
    );
    assert_eq!(scratch.text("a.txt"), "1\n2\n2\nthree\n");
    served
        .ok(
            "edit",
            json!({"path": "crlf.txt", "edits": [{"old": "a\nb", "new": "x\ny"}]}),
        )
        .await;
    assert_eq!(scratch.text("crlf.txt"), "x\r\ny\r\nc\r\n");
    assert!(
        served
            .fails(
                "edit",
                json!({"path": "bin", "edits": [{"old": "a", "new": "b"}]})
            )
            .await
            .contains("no text")
    );
    let same = json!({"path": "src/x.rs", "edits": [{"old": "a", "new": "a"}]});
    assert_eq!(served.ok("edit", same).await, ["[nothing changed]"]);
}

#[tokio::test]
async fn files_and_directories_are_moved() {
    let scratch = Scratch::with(&[
        ("a.txt", "a"),
        ("b.txt", "b"),
        ("dir/x", "x"),
        ("dir2/y", "y"),
    ]);
    let served = Served::new(&scratch.writable()).await;
    let moved = served
        .value("move", json!({"from": "a.txt", "to": "dir/a.txt"}))
        .await;
    assert_eq!(
        moved,
        json!({"from": "a.txt", "to": "dir/a.txt", "uri": scratch.uri("dir/a.txt")})
    );
    for (arguments, why) in [
        (
            json!({"from": "b.txt", "to": "dir/a.txt"}),
            "give `overwrite`",
        ),
        (
            json!({"from": "b.txt", "to": "dir", "overwrite": true}),
            "`to` is the new path itself",
        ),
        (
            json!({"from": "dir", "to": "dir2", "overwrite": true}),
            "is a directory",
        ),
        (
            json!({"from": "dir", "to": "b.txt", "overwrite": true}),
            "already",
        ),
        (json!({"from": "dir", "to": "dir/in"}), "`dir`"),
        (json!({"from": "gone", "to": "x"}), "no such file"),
        (json!({"from": "b.txt", "to": ".b"}), "hidden"),
        (json!({"from": "", "to": "x"}), "itself"),
    ] {
        let told = served.fails("move", arguments.clone()).await;
        assert!(told.contains(why), "{arguments}: {told}");
    }
    served
        .ok(
            "move",
            json!({"from": "b.txt", "to": "dir/a.txt", "overwrite": true}),
        )
        .await;
    assert_eq!(scratch.text("dir/a.txt"), "b");
    served
        .ok("move", json!({"from": "dir", "to": "dir2/moved"}))
        .await;
    assert_eq!(scratch.text("dir2/moved/x"), "x");
    assert_eq!(names(&scratch.at("")), ["dir2"]);
}

#[tokio::test]
async fn deleting_asks_first() {
    for revision in [
        Revision::V2025_06_18,
        Revision::V2025_11_25,
        Revision::LATEST,
    ] {
        let scratch = Scratch::with(&[
            ("a.txt", "a"),
            ("b.txt", "b"),
            ("dir/sub/x", ""),
            ("full/.hidden", ""),
        ]);
        std::fs::create_dir(scratch.at("empty")).expect("a directory");
        std::os::unix::fs::symlink("b.txt", scratch.at("link")).expect("a link");
        let options = scratch.writable();

        let served = Served::new(&options)
            .await
            .session(revision, Some(false))
            .await;
        let why = served.fails("delete", json!({"path": "a.txt"})).await;
        assert!(why.contains("did not agree"), "{revision}: {why}");
        assert_eq!(scratch.text("a.txt"), "a");

        // Who cannot be asked is not asked, and nothing is deleted.
        let served = Served::new(&options).await.session(revision, None).await;
        match served.client.call("delete", json!({"path": "a.txt"})).await {
            Ok(result) => assert_eq!(result.is_error, Some(true), "{revision}"),
            Err(error) => assert!(
                error.message.contains("elicitation"),
                "{revision}: {error:?}"
            ),
        }
        assert_eq!(scratch.text("a.txt"), "a");

        let served = Served::new(&options)
            .await
            .session(revision, Some(true))
            .await;
        assert_eq!(
            served.ok("delete", json!({"path": "a.txt"})).await,
            ["deleted `a.txt`"]
        );
        assert!(!scratch.at("a.txt").exists());
        served.ok("delete", json!({"path": "empty"})).await;
        served.ok("delete", json!({"path": "link"})).await;
        assert_eq!(scratch.text("b.txt"), "b", "only the link is gone");
        let why = served.fails("delete", json!({"path": "dir"})).await;
        assert!(
            why.contains("give `recursive` to delete the 2 files and directories"),
            "{why}"
        );
        let deleted = served
            .value("delete", json!({"path": "dir", "recursive": true}))
            .await;
        assert_eq!(deleted, json!({"path": "dir", "entries": 2}));
        for (path, why) in [
            ("full", "not served"),
            ("", "itself"),
            ("gone", "no such file"),
            ("../x", "`..`"),
        ] {
            let told = served
                .fails("delete", json!({"path": path, "recursive": true}))
                .await;
            assert!(told.contains(why), "{path}: {told}");
        }

        let mut options = scratch.writable();
        options.delete = Deletion::Allow;
        let served = Served::new(&options).await.session(revision, None).await;
        served.ok("delete", json!({"path": "b.txt"})).await;
        assert_eq!(names(&scratch.at("")), ["full"]);
    }
}
