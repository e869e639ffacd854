//! The commands that go on until they are stopped: `watch` and `logs`.

mod support;

use serde_json::Value;
use support::served::Served;
use support::{Process, run, wharf};
use wharf::{Context, NoArguments, Resource, Server, Tool};

/// A server that changes when it is told to.
fn changing() -> Server {
    Server::new("changing")
        .resource(Resource::text("notes://today", "rain"))
        .tool(
            Tool::new("change").handler(|_: NoArguments, ctx: Context| async move {
                ctx.catalog().update(|edit| {
                    edit.add_tool(
                        Tool::new("new").handler(|_: NoArguments, _: Context| async { "new" }),
                    );
                })?;
                ctx.notify_resource_updated("notes://today");
                Ok::<_, wharf::Error>("changed")
            }),
        )
}

#[test]
fn changes_are_followed() {
    for revision in ["2025-11-25", "2026-07-28"] {
        let server = Served::start(changing());
        let watch = Process::start(wharf(&[
            "watch",
            &server.url,
            "notes://today",
            "--json",
            "-n",
            "2",
            "--revision",
            revision,
        ]));
        watch.error_with("following tools, resources");
        let (code, _, stderr) = run(wharf(&["call", &server.url, "change"]));
        assert_eq!(code, 0, "{stderr}");
        let lines: Vec<Value> = (0..2)
            .map(|_| serde_json::from_str(&watch.line()).expect("JSON"))
            .collect();
        let events: Vec<_> = lines
            .iter()
            .filter_map(|line| line["event"].as_str())
            .collect();
        assert!(
            events.contains(&"tools") && events.contains(&"resource"),
            "{revision}: {lines:?}"
        );
        assert!(
            lines.iter().all(|line| line["time"]
                .as_str()
                .is_some_and(|time| time.ends_with('Z'))),
            "{lines:?}"
        );
        assert_eq!(
            watch.end().0,
            Some(0),
            "it ends after as many as were asked for"
        );
    }
}

#[test]
fn ctrl_c_ends_it() {
    let server = Served::start(changing());
    for arguments in [
        &["watch", &server.url][..],
        &["watch", &server.url, "--revision", "2025-06-18"],
    ] {
        let watch = Process::start(wharf(arguments));
        watch.error_with("following");
        watch.signal("INT");
        let (code, stdout, stderr) = watch.end();
        assert_eq!((code, stdout.len()), (Some(130), 0), "{stderr:?}");
    }
}

#[test]
fn log_messages_are_followed() {
    let target = format!("{} serve --stdio", env!("CARGO_BIN_EXE_wharf"));
    // The starter logs only in calls of its own session, so here it is enough that it is asked.
    let logs = Process::start(wharf(&["logs", &target, "--level", "debug"]));
    logs.error_with("following messages from debug on");
    logs.signal("INT");
    assert_eq!(logs.end().0, Some(130));
    let (code, _, stderr) = run(wharf(&["logs", &target, "--level", "loud"]));
    assert_eq!(code, 1);
    assert!(stderr.contains("the levels are debug, info"), "{stderr}");
    let (code, _, stderr) = run(wharf(&[
        "logs",
        &target,
        "--revision",
        "2026-07-28",
        "--timeout",
        "5s",
    ]));
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("--log-level"), "{stderr}");
}
