//! `wharf run` and `wharf new`.
#![cfg(unix)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use support::{Folder, Process, run, wharf};

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = wharf(arguments);
    command.current_dir(folder);
    command
}

fn ok(folder: &Path, arguments: &[&str]) -> String {
    let (code, stdout, stderr) = run(command(folder, arguments));
    assert_eq!(code, 0, "{arguments:?}: {stderr}");
    stdout
}

#[test]
fn seed_b10_run_commands() {
    let folder = Folder::new("run-command");
    let wharf = env!("CARGO_BIN_EXE_wharf");
    let nested = format!("{wharf} run '{wharf} serve --stdio'");
    assert!(ok(&folder.0, &["tools", &nested]).contains("calculate"));
    // Words of the command, its exit code, its standard streams.
    let (code, stdout, stderr) = run(command(
        &folder.0,
        &["run", "sh", "-c", "echo out; echo err >&2; exit 7"],
    ));
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (7, "out\n", "err\n")
    );
    let (code, stdout, _) = run(command(
        &folder.0,
        &["run", "sh -c 'echo \"$0 $1\"' a", "--b"],
    ));
    assert_eq!((code, stdout.as_str()), (0, "a --b\n"));
    // A signal is for the server itself.
    let mut started = command(
        &folder.0,
        &[
            "run",
            "sh",
            "-c",
            "trap 'echo told; exit 3' TERM; echo up; while :; do sleep 0.05; done",
        ],
    );
    started.stdin(std::process::Stdio::null());
    let process = Process::start(started);
    assert_eq!(process.line(), "up");
    process.signal("TERM");
    assert_eq!(process.line(), "told");
    assert_eq!(process.end().0, Some(3));
}

#[test]
fn seed_b10_run_files_and_directories() {
    let folder = Folder::new("run-files");
    folder.file("one/wharf.toml", "[[files]]\npath = \".\"\n");
    folder.file("one/hello.txt", "hello\n");
    folder.file("two/notes.toml", "[[notes]]\npath = \":memory:\"\n");
    let wharf = env!("CARGO_BIN_EXE_wharf");
    for (what, tool) in [
        ("one", "read"),
        ("one/wharf.toml", "read"),
        ("two/notes.toml", "create_note"),
    ] {
        let tools = ok(&folder.0, &["tools", &format!("{wharf} run {what}")]);
        assert!(tools.contains(tool), "{what}: {tools}");
    }
    // What an installed entry says works from anywhere.
    folder.file("home/.keep", "");
    for (what, name, tool) in [
        ("one", "one", "read"),
        ("two/notes.toml", "notes", "create_note"),
        ("files:one", "files", "read"),
    ] {
        let mut install = command(&folder.0, &["install", what, "--host", "cursor"]);
        install.env("HOME", folder.0.join("home"));
        let (code, _, stderr) = run(install);
        assert_eq!(code, 0, "{stderr}");
        let mut tools = command(Path::new("/"), &["tools", &format!("cursor/{name}")]);
        tools.env("HOME", folder.0.join("home"));
        let (code, stdout, stderr) = run(tools);
        assert!(
            code == 0 && stdout.contains(tool),
            "{what}: {stdout}{stderr}"
        );
    }
    let mut broken = command(
        &folder.0,
        &["install", "files:one?wriet=true", "--host", "cursor"],
    );
    broken.env("HOME", folder.0.join("home"));
    let (code, _, stderr) = run(broken);
    assert!(code == 1 && stderr.contains("wriet"), "{stderr}");
}

#[test]
fn packages_of_others() {
    let folder = Folder::new("run-packages");
    // A stand-in for programs that a test machine may not have: it says how it was started.
    let script = "#!/bin/sh\necho \"$(basename \"$0\") $*\"\n";
    for tool in ["node", "uv", "cargo"] {
        let path = folder.file(&format!("bin/{tool}"), script);
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    folder.file(
        "js/package.json",
        r#"{"name": "@x/s", "bin": {"s": "dist/s.js"}}"#,
    );
    folder.file("js/dist/s.js", "");
    folder.file("unbuilt/package.json", r#"{"bin": "dist/s.js"}"#);
    folder.file(
        "many/package.json",
        r#"{"bin": {"a": "a.js", "b": "b.js"}}"#,
    );
    folder.file(
        "py/pyproject.toml",
        "[project]\nname = \"p\"\n[project.scripts]\nserve-p = \"p:main\"\n",
    );
    folder.file("rust/Cargo.toml", "[package]\nname = \"r\"\n");
    folder.file("space/Cargo.toml", "[workspace]\n");
    folder.file("empty/readme", "");
    folder.file("server.py", "");
    let at = |path: &str| folder.0.join(path).display().to_string();
    let started = |what: &[&str]| {
        let mut command = command(&folder.0, &[&["run"], what].concat());
        command.env("PATH", format!("{}:/usr/bin:/bin", at("bin")));
        run(command)
    };
    for (what, expected) in [
        (&["js"][..], format!("node {}", at("js/dist/s.js"))),
        (
            &["py", "--x"],
            format!("uv run --quiet --directory {} serve-p --x", at("py")),
        ),
        (
            &["rust", "--http"],
            format!(
                "cargo run --quiet --release --manifest-path {} -- --http",
                at("rust/Cargo.toml")
            ),
        ),
        (
            &["rust/Cargo.toml"],
            format!(
                "cargo run --quiet --release --manifest-path {} --",
                at("rust/Cargo.toml")
            ),
        ),
    ] {
        let (code, stdout, stderr) = started(what);
        assert_eq!(
            (code, stdout.trim_end()),
            (0, expected.as_str()),
            "{what:?}: {stderr}"
        );
    }
    for (what, reason) in [
        ("unbuilt", "is not there; build the package first"),
        (
            "many",
            "nothing in many says how to start it; a `wharf.toml`",
        ),
        ("empty", "nothing in empty says how to start it"),
        ("space", "a workspace without a package"),
        ("server.py", "try `wharf run 'python3 server.py'`"),
        ("no-such-thing", "no file, directory or program"),
        ("missing.toml", "`wharf init` writes"),
    ] {
        let (code, stdout, stderr) = started(&[what]);
        assert_eq!((code, stdout.as_str()), (1, ""), "{what}");
        assert!(stderr.contains(reason), "{what}: {stderr}");
    }
}

fn repository() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the repository")
}

/// It builds without a warning, passes its own tests, and answers. The compiled dependencies stay
/// in the target directory, so that only the first time takes long.
#[test]
fn a_new_project_works() {
    let folder = Folder::new("new");
    let root = repository();
    let path = root.display().to_string();
    let said = ok(&folder.0, &["new", "weather-server", "--wharf-path", &path]);
    assert!(
        said.contains("cargo test") && said.contains("wharf install ."),
        "{said}"
    );
    let project = folder.0.join("weather-server");
    assert!(project.join(".git").is_dir());
    let readme = std::fs::read_to_string(project.join("README.md")).expect("text");
    assert!(
        readme.starts_with("# Weather server\n") && !readme.contains("{{"),
        "{readme}"
    );
    // The same versions as here, so that nothing has to be fetched.
    std::fs::copy(root.join("Cargo.lock"), project.join("Cargo.lock")).expect("copied");
    let target = Path::new(env!("CARGO_BIN_EXE_wharf"));
    let target = target
        .ancestors()
        .nth(2)
        .expect("a directory")
        .join("new-project");
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO"));
        command
            .args(arguments)
            .current_dir(&project)
            .env("CARGO_TARGET_DIR", &target)
            .env("CARGO_NET_OFFLINE", "true")
            .env("CARGO_PROFILE_DEV_DEBUG", "false")
            .env("RUSTFLAGS", "-D warnings");
        run(command)
    };
    let (code, stdout, stderr) = cargo(&["test", "--quiet"]);
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stdout.contains("4 passed"), "{stdout}");
    let (code, _, stderr) = cargo(&["build"]);
    assert_eq!(code, 0, "{stderr}");
    let program = target.join("debug/weather-server").display().to_string();
    let sum = ok(
        &folder.0,
        &["call", &program, "add", "a=20", "b=22", "--json"],
    );
    let sum: Value = serde_json::from_str(&sum).expect("JSON");
    assert_eq!(sum["content"][0]["text"], "42");
    let text = ok(&folder.0, &["read", &program, "greeting://Ada"]);
    assert_eq!(text, "Hello, Ada!\n");
}

#[test]
fn new_projects_do_not_overwrite() {
    let folder = Folder::new("new-refused");
    folder.file("full/file", "mine");
    std::fs::create_dir_all(folder.0.join("empty")).expect("a directory");
    folder.file("space/Cargo.toml", "[workspace]\n");
    folder.file("file", "mine");
    for (name, reason) in [
        ("full", "has something in it"),
        ("file", "cannot be used"),
        ("2fast", "begin with a letter"),
        ("fn", "a word of Rust"),
        ("..", "does not end with a name"),
    ] {
        let (code, _, stderr) = run(command(&folder.0, &["new", name]));
        assert!(code == 1 && stderr.contains(reason), "{name}: {stderr}");
    }
    let (code, _, stderr) = run(command(&folder.0, &["new", "x", "--wharf-path", "space"]));
    assert!(
        code == 1 && stderr.contains("not the crate `wharf`"),
        "{stderr}"
    );
    assert!(!folder.0.join("x").exists());
    let made: Value = serde_json::from_str(&ok(&folder.0, &["new", "empty", "--no-git", "--json"]))
        .expect("JSON");
    assert_eq!(
        (&made["name"], &made["git"]),
        (&json!("empty"), &json!(false))
    );
    let manifest = std::fs::read_to_string(folder.0.join("empty/Cargo.toml")).expect("text");
    assert!(
        manifest.contains(concat!("wharf = \"", env!("CARGO_PKG_VERSION"), "\"")),
        "{manifest}"
    );
    ok(&folder.0, &["new", "space/inner"]);
    let manifest = std::fs::read_to_string(folder.0.join("space/inner/Cargo.toml")).expect("text");
    assert!(manifest.ends_with("[workspace]\n"), "{manifest}");
}
