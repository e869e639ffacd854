//! `wharf config`, `wharf init` and the packs of `wharf serve`, through real processes.

mod support;

use serde_json::{Value, json};
use support::{Folder, Http, Process, call, initialize, request, run, wharf};

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.file("docs/hello.md", "Hello");
    folder
}

fn in_folder(folder: &Folder, arguments: &[&str]) -> std::process::Command {
    let mut command = wharf(arguments);
    command.current_dir(&folder.0).env("KEY", "hunter2-secret");
    command
}

const RIGHT: &str = "name = 'mine'\n[[files]]\npath = 'docs'\nprefix = 'docs'\n[llm]\n";
const WRONG: &str = "nmae = 'mine'\n[files]\npath = 'docs'\nwrite = '${KEY}'\n";

#[test]
fn a_file_that_is_right() {
    let folder = folder("config-right");
    folder.file("wharf.toml", RIGHT);
    let (code, out, err) = run(in_folder(&folder, &["config", "check"]));
    assert_eq!(out, "wharf.toml is right: it serves files:docs, llm:\n");
    assert_eq!(
        (code, err.as_str()),
        (0, "  serve it: `wharf serve -c wharf.toml`\n")
    );
    let (code, out, err) = run(in_folder(&folder, &["config", "check", "--json"]));
    let said: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, err.as_str(), &said["ok"]), (0, "", &json!(true)));
    assert_eq!(said["serves"]["packs"], json!(["files:docs", "llm:"]));
}

#[test]
fn a_file_that_is_wrong() {
    let folder = folder("config-wrong");
    folder.file("wharf.toml", WRONG);
    let expected = "\
error: wharf.toml:1:1: there is no key `nmae` in the file
  1 | nmae = 'mine'
    | ^^^^
    = did you mean `name`?
error: wharf.toml:4:9: this is a text, and should be true or false
  4 | write = '${KEY}'
    |         ^^^^^^^^
";
    let (code, out, err) = run(in_folder(&folder, &["config", "check"]));
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(err, format!("{expected}wharf.toml has 2 problems\n"));
    let (code, out, err) = run(in_folder(&folder, &["serve", "-c", "wharf.toml"]));
    assert_eq!((code, out.as_str(), err.as_str()), (1, "", expected));
    let (code, out, err) = run(in_folder(&folder, &["config", "check", "--json"]));
    let said: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, err.as_str(), &said["ok"]), (1, "", &json!(false)));
    assert_eq!(said["problems"][1]["line"], 4);
    assert_eq!(said["problems"][0]["next"], "did you mean `name`?");
    let (code, _, err) = run(in_folder(&folder, &["config", "check", "none.toml"]));
    assert_eq!(code, 1);
    assert!(err.contains("none.toml: there is no such file"), "{err}");
}

#[test]
fn the_schema_is_json() {
    let (code, out, _) = run(wharf(&["config", "schema"]));
    let schema: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &schema["title"]), (0, &json!("wharf.toml")));
    assert!(schema["properties"]["files"]["anyOf"].is_array(), "{out}");
}

#[test]
fn packs_of_arguments_are_served() {
    let folder = folder("config-packs");
    let arguments = [
        "serve",
        "files:docs?prefix=docs",
        "starter:",
        "--deny",
        "echo,docs.list",
    ];
    let http = Http::start_with(in_folder(&folder, &arguments));
    http.process.error_with("Serving files:docs, starter:");
    let session = http.ask(&[], &initialize());
    assert_eq!(session.json()["result"]["serverInfo"]["name"], "wharf");
    let id = session.header("mcp-session-id").expect("a session");
    let headers = [("mcp-session-id", id.as_str())];
    let tools = http.ask(&headers, &request(1, "tools/list", json!({})));
    for (name, there) in [
        ("docs.read", true),
        ("add", true),
        ("echo", false),
        ("docs.list", false),
    ] {
        assert_eq!(
            tools.body.contains(&format!("\"{name}\"")),
            there,
            "{name}: {}",
            tools.body
        );
    }
    let read = http.ask(&headers, &call(2, "docs.read", json!({"path": "hello.md"})));
    assert!(read.body.contains("Hello"), "{}", read.body);
    let denied = http.ask(&headers, &call(3, "echo", json!({"message": "x"})));
    assert_eq!(denied.json()["error"]["code"], -32602, "{}", denied.body);
}

#[test]
fn arguments_that_are_wrong_say_why() {
    let folder = folder("config-arguments");
    let (code, out, err) = run(in_folder(
        &folder,
        &["serve", "docs", "llm:openai/x?key=sk-12345678"],
    ));
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.contains("to serve that directory: `files:docs`"),
        "{err}"
    );
    assert!(
        err.contains("`key` is a secret") && !err.contains("sk-12345678"),
        "{err}"
    );
}

#[test]
fn without_anything_it_is_the_starter_and_says_so() {
    let folder = folder("config-starter");
    folder.file("wharf.toml", WRONG);
    let http = Http::start_with(in_folder(&folder, &["serve"]));
    http.process
        .error_with("Serving a small example of everything, with a simulated model");
    http.process.error_with("`wharf serve -c wharf.toml`");
    http.initialize();
}

#[test]
fn arguments_win_over_the_file() {
    let folder = folder("config-http");
    folder.file(
        "wharf.toml",
        &format!("{RIGHT}[http]\naddr = '127.0.0.1:1'\npath = '/here'\n"),
    );
    let http = Http::start_with(in_folder(&folder, &["serve", "-c", "wharf.toml"]));
    assert!(
        http.url.ends_with("/here") && http.port() > 1,
        "{}",
        http.url
    );
    assert_eq!(
        http.ask(&[], &initialize()).json()["result"]["serverInfo"]["name"],
        "mine"
    );
}

#[test]
fn what_init_writes_is_right() {
    let folder = folder("config-init");
    folder.file("prompts/a.md", "---\ndescription: A prompt.\n---\nHello.\n");
    folder.file(
        "skills/a/SKILL.md",
        "---\nname: a\ndescription: A skill.\n---\nDo it.\n",
    );
    folder.file("key", "hunter2-secret\n");
    for (number, flags) in [
        &["--yes"][..],
        &[
            "--files",
            "docs",
            "--notes",
            "--llm",
            "echo",
            "--name",
            "a \"name\"",
        ],
        &[
            "--files",
            "docs",
            "--files",
            "prompts",
            "--write",
            "--notes=n.db",
        ],
        &[
            "--prompts",
            "prompts",
            "--skills",
            "skills",
            "--llm",
            "ollama/qwen3",
        ],
        &["--llm", "openai/gpt-5", "--key-env", "KEY"],
        &["--llm", "anthropic/claude", "--key-file", "./key", "-y"],
    ]
    .into_iter()
    .enumerate()
    {
        let file = format!("{number}.toml");
        let arguments = [&["init", &file][..], flags].concat();
        let (code, out, err) = run(in_folder(&folder, &arguments));
        assert_eq!((code, out.as_str()), (0, ""), "{err}");
        assert!(
            err.contains(&format!("wharf serve -c {file}")) && !err.contains("error"),
            "{err}"
        );
        let (code, _, err) = run(in_folder(&folder, &["config", "check", &file]));
        assert_eq!(code, 0, "{err}");
        let text = std::fs::read_to_string(folder.0.join(&file)).expect("written");
        assert!(!text.contains("hunter2"), "{text}");
        let (code, _, err) = run(in_folder(&folder, &arguments));
        assert_eq!(code, 1);
        assert!(err.contains("is there already"), "{err}");
        assert_eq!(
            std::fs::read_to_string(folder.0.join(&file)).expect("there"),
            text
        );
    }
    assert!(!folder.0.join("n.db").exists());
}

#[test]
fn init_without_terminal_and_flags_says_what_to_do() {
    let folder = folder("config-init-none");
    for (arguments, why) in [
        (&["init"][..], "no terminal to ask in"),
        (
            &["init", "--files", "nowhere"],
            "there is no directory nowhere",
        ),
        (&["init", "--llm", "openai"], "name the model too"),
        (
            &["init", "--llm", "echo", "--key-env", "sk-123 x"],
            "does not belong here",
        ),
    ] {
        let (code, _, err) = run(in_folder(&folder, arguments));
        assert!(code == 1 && err.contains(why), "{err}");
    }
    assert!(!folder.0.join("wharf.toml").exists());
}

#[test]
fn standard_input_and_output_take_changes_too() {
    let folder = folder("config-stdio");
    let file = folder.file("wharf.toml", "[[starter]]\nprefix = 'a'\n");
    let mut process = Process::start(in_folder(
        &folder,
        &["serve", "--stdio", "-c", "wharf.toml"],
    ));
    process.send(&initialize());
    process.line();
    process.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    std::fs::write(&file, "[[starter]]\nprefix = 'b'\n").expect("written");
    process.error_with("opened starter:; closed starter:; other tools, prompts");
    let mut heard = [process.line(), process.line()];
    heard.sort();
    assert!(
        heard[0].contains("prompts/list_changed") && heard[1].contains("tools/list_changed"),
        "{heard:?}"
    );
    process.send(&call(1, "b.add", json!({"a": 1, "b": 2})));
    assert!(process.line().contains("\"result\":3"));
    assert_eq!(process.end().0, Some(0));
}
