//! SECURITY row 11: path escapes. Each attack is a test.

use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::support::{Scratch, Served, names};

const SECRET: &str = "outside secret";

/// A directory with secrets around it.
fn scratch() -> Scratch {
    let scratch = Scratch::with(&[("in.txt", "inside"), ("dir/deep.txt", "inside")]);
    std::fs::create_dir_all(scratch.outside("served_evil")).expect("a directory");
    for path in ["secret.txt", "served_evil/secret.txt"] {
        std::fs::write(scratch.outside(path), SECRET).expect("a file");
    }
    scratch
}

/// That none of the paths gives anything from outside, or changes anything there.
async fn refused(scratch: &Scratch, paths: &[&str]) {
    let served = Served::new(&scratch.writable()).await;
    for path in paths {
        for (tool, arguments) in [
            ("read", json!({"path": path})),
            ("read", json!({"path": path, "from": 1})),
            ("list", json!({"path": path})),
            ("search", json!({"path": path, "text": "secret"})),
            (
                "write",
                json!({"path": path, "text": "evil", "overwrite": true, "parents": true}),
            ),
            (
                "edit",
                json!({"path": path, "edits": [{"old": "outside", "new": "evil"}]}),
            ),
            (
                "move",
                json!({"from": "in.txt", "to": path, "overwrite": true}),
            ),
        ] {
            let result = served.call(tool, arguments.clone()).await;
            let told = format!("{result:?}");
            assert_eq!(result.is_error, Some(true), "{tool} {arguments}: {told}");
            assert!(!told.contains(SECRET), "{tool} {arguments}: {told}");
        }
        // The result of a read is never the secret, whatever the URI looks like.
        for uri in [
            scratch.uri(path),
            format!("file://{path}"),
            format!("{}{path}", scratch.uri("")),
        ] {
            let read = served.read(&uri).await;
            assert!(read.is_err(), "{uri}: {read:?}");
        }
    }
    assert_eq!(scratch.text("in.txt"), "inside");
    for path in ["secret.txt", "served_evil/secret.txt"] {
        let text = std::fs::read_to_string(scratch.outside(path)).expect("still there");
        assert_eq!(text, SECRET, "{path}");
    }
    assert_eq!(
        names(&scratch.outside("")),
        ["secret.txt", "served", "served_evil"]
    );
}

#[tokio::test]
async fn row_11_dot_dot() {
    let scratch = scratch();
    refused(
        &scratch,
        &[
            "../secret.txt",
            "dir/../../secret.txt",
            "dir/..//../secret.txt",
            "./../secret.txt",
            "..",
            "../served_evil/secret.txt",
        ],
    )
    .await;
    let served = scratch.serve().await;
    for uri in [
        "%2e%2e/secret.txt",
        "dir/%2E%2E/%2e%2e/secret.txt",
        "..%2fsecret.txt",
        "dir%2f..%2f..%2fsecret.txt",
    ] {
        let uri = scratch.uri(uri);
        assert!(served.read(&uri).await.is_err(), "{uri}");
        served.fails("read", json!({"path": uri})).await;
    }
    // Encoded twice it is a name, and there is no such file.
    assert!(
        served
            .read(&scratch.uri("%252e%252e/secret.txt"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn row_11_absolute_path() {
    let scratch = scratch();
    let secret = scratch.outside("secret.txt");
    let secret = secret.to_str().expect("UTF-8");
    refused(
        &scratch,
        &[secret, "/etc/passwd", "//etc/passwd", &format!("/{secret}")],
    )
    .await;
}

#[tokio::test]
async fn row_11_prefix_of_the_name() {
    let scratch = scratch();
    let evil = scratch.outside("served_evil/secret.txt");
    refused(&scratch, &[evil.to_str().expect("UTF-8")]).await;
    let served = scratch.serve().await;
    let uri = format!("file://{}", evil.display());
    assert!(served.read(&uri).await.is_err());
    served.fails("read", json!({"path": uri})).await;
}

#[tokio::test]
async fn row_11_symlink_out() {
    let scratch = scratch();
    for (to, link) in [
        ("../secret.txt", "relative"),
        ("..", "up"),
        ("dir/../../secret.txt", "winding"),
        ("gone", "dangling"),
    ] {
        symlink(to, scratch.at(link)).expect("a link");
    }
    symlink(scratch.outside("secret.txt"), scratch.at("absolute")).expect("a link");
    symlink(scratch.outside(""), scratch.at("root")).expect("a link");
    symlink("root", scratch.at("twice")).expect("a link");
    symlink("loop", scratch.at("loop")).expect("a link");
    let served = scratch.serve().await;
    for path in [
        "relative",
        "absolute",
        "winding",
        "up/secret.txt",
        "root/secret.txt",
        "twice/secret.txt",
        "loop",
        "dangling",
    ] {
        served.fails("read", json!({"path": path})).await;
        assert!(served.read(&scratch.uri(path)).await.is_err(), "{path}");
    }
    refused(
        &scratch,
        &[
            "up/secret.txt",
            "root/secret.txt",
            "twice/secret.txt",
            "up/new.txt",
        ],
    )
    .await;
    // Through a link that leads outside nothing is written; the link alone may be replaced by a move.
    let served = Served::new(&scratch.writable()).await;
    for path in ["relative", "absolute", "dangling"] {
        served
            .fails(
                "write",
                json!({"path": path, "text": "evil", "overwrite": true}),
            )
            .await;
    }
    // Walks do not follow them.
    let found = served.value("search", json!({"text": "secret"})).await;
    assert_eq!(found["matches"], 0, "{found}");
    let (uris, _) = served.listed().await;
    assert_eq!(uris, [scratch.uri("dir/deep.txt"), scratch.uri("in.txt")]);
    let listed = served.value("list", json!({"depth": 10})).await;
    let outside = listed["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .any(|entry| {
            entry["path"]
                .as_str()
                .is_some_and(|path| path.contains("secret"))
        });
    assert!(!outside, "{listed}");
}

#[tokio::test]
async fn row_11_symlink_inside_is_followed_but_not_to_what_is_left_out() {
    let scratch = scratch();
    scratch.put(".env", "KEY=hidden");
    scratch.put(".gitignore", "ignored.txt\n");
    scratch.put("ignored.txt", "ignored");
    for (to, link) in [
        ("dir", "way"),
        ("in.txt", "same"),
        (".env", "env"),
        ("ignored.txt", "seen"),
    ] {
        symlink(to, scratch.at(link)).expect("a link");
    }
    let served = scratch.serve().await;
    assert_eq!(
        served.ok("read", json!({"path": "way/deep.txt"})).await,
        ["inside"]
    );
    assert_eq!(served.ok("read", json!({"path": "same"})).await, ["inside"]);
    for path in ["env", "seen", ".env", "ignored.txt"] {
        served.fails("read", json!({"path": path})).await;
        assert!(served.read(&scratch.uri(path)).await.is_err(), "{path}");
    }
}

/// While one thread exchanges a directory for a link to the outside and back as fast as it can,
/// nothing from outside is ever read or written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_11_symlink_swap() {
    let scratch = scratch();
    std::fs::create_dir_all(scratch.outside("other")).expect("a directory");
    std::fs::write(scratch.outside("other/deep.txt"), SECRET).expect("a file");
    symlink(scratch.outside("other"), scratch.outside("link")).expect("a link");
    let ends = Arc::new(AtomicBool::new(false));
    let swapper = std::thread::spawn({
        let ends = Arc::clone(&ends);
        let (dir, aside, link) = (
            scratch.at("dir"),
            scratch.outside("aside"),
            scratch.outside("link"),
        );
        move || {
            let mut swaps = 0u64;
            while !ends.load(Ordering::Relaxed) {
                std::fs::rename(&dir, &aside).expect("moved away");
                std::fs::rename(&link, &dir).expect("the link in its place");
                std::fs::rename(&dir, &link).expect("and away");
                std::fs::rename(&aside, &dir).expect("and back");
                swaps += 1;
            }
            swaps
        }
    });
    let served = Served::new(&scratch.writable()).await;
    let (mut inside, mut tries) = (0, 0);
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(1500) {
        for (tool, arguments) in [
            ("read", json!({"path": "dir/deep.txt"})),
            ("search", json!({"text": "inside|outside"})),
            ("list", json!({"depth": 5})),
            (
                "write",
                json!({"path": "dir/new.txt", "text": "new", "overwrite": true}),
            ),
            (
                "edit",
                json!({"path": "dir/deep.txt", "edits": [{"old": "inside", "new": "inside"}]}),
            ),
        ] {
            let told = format!("{:?}", served.call(tool, arguments).await);
            assert!(!told.contains(SECRET), "{tool}: {told}");
            inside += u32::from(tool == "read" && told.contains("inside"));
            tries += 1;
        }
        let read = served.read(&scratch.uri("dir/deep.txt")).await;
        assert!(!format!("{read:?}").contains(SECRET), "{read:?}");
    }
    ends.store(true, Ordering::Relaxed);
    let swaps = swapper.join().expect("no panic");
    assert!(
        inside > 0 && swaps > 100,
        "{inside} of {tries} read, {swaps} swaps"
    );
    assert_eq!(names(&scratch.outside("other")), ["deep.txt"]);
    let other = std::fs::read_to_string(scratch.outside("other/deep.txt")).expect("there");
    assert_eq!(other, SECRET);
}

#[tokio::test]
async fn row_11_hard_link() {
    let scratch = scratch();
    std::fs::hard_link(scratch.outside("secret.txt"), scratch.at("linked.txt")).expect("a link");
    refused(&scratch, &["linked.txt"]).await;
    let served = scratch.serve().await;
    let found = served.value("search", json!({"text": "secret"})).await;
    assert_eq!(
        (&found["matches"], &found["skipped"]),
        (&json!(0), &json!(1)),
        "{found}"
    );
    let (uris, _) = served.listed().await;
    assert!(!uris.contains(&scratch.uri("linked.txt")), "{uris:?}");
    // Whoever knows where their files' other names are may allow it.
    let mut options = scratch.options();
    options.hard_links = true;
    let served = Served::new(&options).await;
    assert_eq!(
        served.ok("read", json!({"path": "linked.txt"})).await,
        [SECRET]
    );
}

#[tokio::test]
async fn row_11_nul_and_strange_names() {
    let scratch = scratch();
    refused(
        &scratch,
        &[
            "in.txt\0",
            "in.txt\0.png",
            "dir\0/deep.txt",
            &"x".repeat(300),
            &"x/".repeat(3000),
        ],
    )
    .await;
    let served = scratch.serve().await;
    assert!(served.read(&scratch.uri("in.txt%00")).await.is_err());
}

#[tokio::test]
async fn row_11_proc_self_root() {
    let scratch = scratch();
    refused(
        &scratch,
        &["/proc/self/root/etc/passwd", "/proc/self/cwd", "/dev/fd/0"],
    )
    .await;
    #[cfg(target_os = "linux")]
    {
        symlink("/proc/self/root", scratch.at("magic")).expect("a link");
        symlink("/proc/self/fd", scratch.at("handles")).expect("a link");
        let served = scratch.serve().await;
        for path in ["magic/etc/passwd", "handles/0", "magic", "handles"] {
            served.fails("read", json!({"path": path})).await;
            served.fails("list", json!({"path": path})).await;
        }
        // And where such a directory is served, its links lead nowhere.
        let served = Served::new(&wharf_ready::packs::files::Options {
            watch: false,
            ..wharf_ready::packs::files::Options::new("/proc/self")
        })
        .await;
        for path in ["root/etc/passwd", "cwd", "exe", "fd/0"] {
            served.fails("read", json!({"path": path})).await;
        }
    }
}

#[tokio::test]
async fn row_11_leading_dash() {
    let scratch = scratch();
    for name in ["-rf", "--help", "-", "~", "$(id)", "a;b", "*"] {
        scratch.put(name, name);
        let served = Served::new(&scratch.writable()).await;
        assert_eq!(served.ok("read", json!({"path": name})).await, [name]);
        served
            .ok(
                "edit",
                json!({"path": name, "edits": [{"old": name, "new": "changed"}]}),
            )
            .await;
        assert_eq!(scratch.text(name), "changed");
        served
            .fails("read", json!({"path": format!("{name}/x")}))
            .await;
    }
}

/// What is no regular file is not read, and nobody waits for it.
#[tokio::test]
async fn row_11_pipes_sockets_and_devices_do_not_hang() {
    let scratch = scratch();
    let pipe = std::process::Command::new("mkfifo")
        .arg(scratch.at("pipe"))
        .status();
    assert!(pipe.expect("mkfifo").success());
    let _socket = std::os::unix::net::UnixListener::bind(scratch.at("socket")).expect("a socket");
    symlink("/dev/zero", scratch.at("zero")).expect("a link");
    let served = Served::new(&scratch.writable()).await;
    let all = async {
        for path in ["pipe", "socket", "zero"] {
            served.fails("read", json!({"path": path})).await;
            served
                .fails("read", json!({"path": path, "offset": 0}))
                .await;
            served
                .fails(
                    "edit",
                    json!({"path": path, "edits": [{"old": "a", "new": "b"}]}),
                )
                .await;
            served
                .fails(
                    "write",
                    json!({"path": path, "text": "x", "overwrite": true}),
                )
                .await;
            assert!(served.read(&scratch.uri(path)).await.is_err(), "{path}");
        }
        let found = served.value("search", json!({"text": "inside"})).await;
        assert_eq!(found["matches"], 2, "{found}");
        let (uris, _) = served.listed().await;
        assert_eq!(uris.len(), 2, "{uris:?}");
        // A device where one is served.
        let dev = Served::new(&wharf_ready::packs::files::Options {
            watch: false,
            ..wharf_ready::packs::files::Options::new("/dev")
        })
        .await;
        for path in ["zero", "tty", "random"] {
            dev.fails("read", json!({"path": path})).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all)
        .await
        .expect("nothing hangs");
}
