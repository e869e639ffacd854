//! `wharf sample`, `wharf chat` and `--llm`: against a server with a model, and with a model of
//! one's own, over real HTTP.

mod support;

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use support::provider::Provider;
use support::served::Served;
#[cfg(unix)]
use support::terminal::Terminal;
use support::{run, wharf};
use wharf::{Context, Sample, Server, Tool};
use wharf_ready::packs::llm::{Llm, Options};
use wharf_ready::{Secret, packs};

/// A key that must not be seen.
const KEY: &str = "sk-s3cret-0123456789";

/// A server with tools, and with a model if there are options for one; how often `write` was
/// called.
fn server(options: Option<&Options>) -> (Served, Arc<AtomicUsize>) {
    let written = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&written);
    let write = Tool::new("notes.write")
        .description("Write a note.")
        .raw_handler(move |arguments: Value, _: Context| {
            count.fetch_add(1, Ordering::SeqCst);
            async move {
                format!(
                    "written: {}",
                    arguments["text"].as_str().unwrap_or_default()
                )
            }
        });
    let read = Tool::new("read")
        .read_only()
        .raw_handler(|_: Value, _: Context| async move { "the note\u{1b}[2J says 42" });
    let model = Tool::new("model").raw_handler(|_: Value, ctx: Context| async move {
        let answer = ctx
            .sample(Sample::user("Capital of France?").max_tokens(20))
            .await?;
        Ok::<_, wharf::AskError>(format!("it said {}", answer.text()))
    });
    let mut server = Server::new("models").tool(write).tool(read).tool(model);
    if let Some(options) = options {
        let pack = Pack(packs::llm::items(Llm::new(options).expect("a model")));
        server = server.items(pack);
    }
    (Served::start(server), written)
}

struct Pack(wharf::Items);

impl wharf::Group for Pack {
    fn items(self: Arc<Self>) -> wharf::Items {
        let model = self.0.model.clone();
        wharf::Items {
            model,
            ..wharf::Items::default()
        }
    }
}

fn openai(provider: &Provider) -> Options {
    Options {
        provider: packs::llm::Provider::OpenAi,
        model: Some("gpt-test".into()),
        base_url: Some(provider.url.clone()),
        key: Some(Secret::new(KEY)),
        ..Options::default()
    }
}

/// The binary with a model of its own.
fn own(provider: &Provider, arguments: &[&str]) -> Command {
    let mut command = wharf(arguments);
    command
        .args(["--llm", "openai:gpt-test"])
        .env("OPENAI_BASE_URL", &provider.url)
        .env("OPENAI_API_KEY", KEY);
    command
}

/// Runs a command with lines on its standard input.
fn with_lines(mut command: Command, lines: &str) -> std::thread::JoinHandle<(i32, String, String)> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a process");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(lines.as_bytes())
        .expect("written");
    std::thread::spawn(move || {
        let output = child.wait_with_output().expect("an end");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let code = output.status.code().expect("no signal");
        (code, text(output.stdout), text(output.stderr))
    })
}

#[test]
fn a_server_s_model_is_asked() {
    let (server, _) = server(Some(&Options::default()));
    let (code, stdout, stderr) = run(wharf(&["sample", &server.url, "What now?"]));
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (0, "What now?\n", "")
    );
    let more = ["--max-tokens", "1", "--stream"];
    let (_, stdout, _) = run(wharf(
        &[&["sample", &server.url, "One two"][..], &more].concat(),
    ));
    assert_eq!(stdout, "One \n");
    let (_, stdout, _) = with_lines(wharf(&["sample", &server.url]), "From a\npipe")
        .join()
        .expect("a process");
    assert_eq!(stdout, "From a\npipe\n");
    for revision in ["2024-11-05", "2025-06-18", "2026-07-28"] {
        let arguments = ["sample", &server.url, "x", "--json", "--revision", revision];
        let (_, stdout, stderr) = run(wharf(&arguments));
        let json: Value = serde_json::from_str(&stdout).expect(&stderr);
        assert_eq!(
            json["content"],
            json!({"type": "text", "text": "x"}),
            "{revision}"
        );
        assert_eq!(
            (&json["model"], &json["stopReason"]),
            (&json!("echo"), &json!("endTurn"))
        );
    }
}

#[test]
fn a_server_without_a_model_says_what_to_do() {
    let (server, _) = server(None);
    for command in ["sample", "chat"] {
        let (code, stdout, stderr) = run(wharf(
            [command, &server.url, "x"][..if command == "chat" { 2 } else { 3 }].as_ref(),
        ));
        assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
        assert!(
            stderr.starts_with("error: the server has no model")
                && stderr.contains("--llm PROVIDER:MODEL"),
            "{stderr}"
        );
    }
}

#[test]
fn what_is_wished_reaches_the_provider() {
    let provider = Provider::start();
    let (server, _) = server(Some(&openai(&provider)));
    let arguments = [
        "sample",
        &server.url,
        "Why?",
        "--system",
        "Be brief.",
        "--max-tokens",
        "7",
        "--temperature",
        "0.5",
    ];
    let asking = with_lines(wharf(&arguments), "");
    let asked = provider.asked();
    assert_eq!(
        asked.body["messages"],
        json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}])
    );
    assert_eq!(
        (&asked.body["max_tokens"], &asked.body["temperature"]),
        (&json!(7), &json!(0.5))
    );
    // What would move the cursor is shown as text.
    asked.answers("Because\u{1b}[2J.");
    let (code, stdout, _) = asking.join().expect("a process");
    assert_eq!((code, stdout.as_str()), (0, "Because\\u{1b}[2J.\n"));

    let asking = with_lines(wharf(&arguments), "");
    provider.asked().refuses("401 Unauthorized", KEY);
    let (code, stdout, stderr) = asking.join().expect("a process");
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(
        stderr.contains("openai:gpt-test: status 401") && !stderr.contains(KEY),
        "{stderr}"
    );
}

#[cfg(unix)]
#[test]
fn pieces_are_on_the_screen_when_they_come() {
    let provider = Provider::start();
    let (server, _) = server(Some(&openai(&provider)));
    let mut terminal = Terminal::start(wharf(&["sample", &server.url, "Why?"]), 80);
    let mut asked = provider.asked();
    asked.begin();
    asked.says("Be");
    terminal.wait_for("Be");
    asked.says("cause");
    terminal.wait_for("Because");
    asked.ends("stop");
    assert_eq!(terminal.end(), (0, "Because\n".to_owned()));
}

#[test]
fn a_chat_over_a_pipe_remembers() {
    let provider = Provider::start();
    let (server, _) = server(Some(&openai(&provider)));
    let arguments = ["chat", &server.url, "--system", "Be brief.", "--no-tools"];
    let chat = with_lines(
        wharf(&arguments),
        "I am Ada.\n\nWho am I?\n/clear\n//slash\n/quit\nnever\n",
    );
    let asked = provider.asked();
    let system = json!({"role": "system", "content": "Be brief."});
    let first = json!({"role": "user", "content": "I am Ada."});
    assert_eq!(asked.body["messages"], json!([system, first]));
    asked.answers("Hello Ada.");
    let asked = provider.asked();
    let said = json!({"role": "assistant", "content": "Hello Ada."});
    let second = json!({"role": "user", "content": "Who am I?"});
    assert_eq!(asked.body["messages"], json!([system, first, said, second]));
    asked.answers("Ada.");
    let asked = provider.asked();
    assert_eq!(
        asked.body["messages"],
        json!([system, {"role": "user", "content": "/slash"}])
    );
    asked.answers("A slash.");
    let (code, stdout, stderr) = chat.join().expect("a process");
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (0, "Hello Ada.\nAda.\nA slash.\n", "forgotten\n")
    );
}

#[test]
fn a_model_of_one_s_own_has_the_server_s_tools() {
    let provider = Provider::start();
    let (server, written) = server(None);
    // Without a person only what says that it reads is called.
    let chat = with_lines(
        own(&provider, &["chat", &server.url]),
        "What does the note say?\n",
    );
    let asked = provider.asked();
    let names: Vec<_> = asked.body["tools"]
        .as_array()
        .expect("tools")
        .iter()
        .map(|tool| tool["function"]["name"].clone())
        .collect();
    assert_eq!(names, ["model", "notes_write", "read"]);
    asked.calls("read", &json!({}));
    let asked = provider.asked();
    let last = &asked.body["messages"][2];
    assert_eq!(
        last,
        &json!({"role": "tool", "tool_call_id": "c1", "content": "the note\u{1b}[2J says 42"})
    );
    asked.calls("notes_write", &json!({"text": "x"}));
    let asked = provider.asked();
    let last = asked.body["messages"][4]["content"]
        .as_str()
        .expect("text")
        .to_owned();
    assert!(last.contains("did not agree"), "{last}");
    asked.calls("nothing", &json!({}));
    let asked = provider.asked();
    let last = asked.body["messages"][6]["content"]
        .as_str()
        .expect("text")
        .to_owned();
    assert!(last.contains("no tool of this name"), "{last}");
    asked.answers("It says 42.");
    let (code, stdout, stderr) = chat.join().expect("a process");
    assert_eq!((code, stdout.as_str()), (0, "It says 42.\n"), "{stderr}");
    assert!(
        stderr.contains("the model calls notes.write {\"text\":\"x\"}")
            && stderr.contains("give --yes")
            && !stderr.contains('\u{1b}'),
        "{stderr}"
    );
    assert_eq!(written.load(Ordering::SeqCst), 0);

    let chat = with_lines(
        own(&provider, &["chat", &server.url, "--yes"]),
        "Write x.\n",
    );
    provider.asked().calls("notes_write", &json!({"text": "x"}));
    let asked = provider.asked();
    assert_eq!(asked.body["messages"][2]["content"], "written: x");
    asked.answers("Done.");
    assert_eq!(chat.join().expect("a process").1, "Done.\n");
    assert_eq!(written.load(Ordering::SeqCst), 1);
}

#[cfg(unix)]
#[test]
fn a_person_talks_agrees_and_interrupts() {
    let provider = Provider::start();
    let (server, written) = server(None);
    let mut terminal = Terminal::start(own(&provider, &["chat", &server.url]), 100);
    terminal.wait_for("openai:gpt-test with 3 tools");
    terminal.type_in("/tools\n");
    terminal.wait_for("notes.write  Write a note.");
    terminal.type_in("Write x.\n");
    provider.asked().calls("notes_write", &json!({"text": "x"}));
    terminal.wait_for("the model calls notes.write {\"text\":\"x\"}\ncall it? (y/N) ");
    terminal.type_in("y\n");
    let asked = provider.asked();
    assert_eq!(asked.body["messages"][2]["content"], "written: x");
    asked.answers("Done.");
    terminal.wait_for("Done.\n> ");
    terminal.type_in("And now?\n");
    let mut asked = provider.asked();
    asked.begin();
    asked.says("A long");
    terminal.wait_for("A long");
    terminal.interrupt();
    terminal.wait_for("stopped\n> ");
    asked.closed();
    terminal.type_in("Go on.\n");
    let asked = provider.asked();
    let said: Vec<_> = asked.body["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .skip(3)
        .map(|message| message["content"].clone())
        .collect();
    assert_eq!(said, ["Done.", "And now?", "A long", "Go on."]);
    // An error is said, and the chat goes on.
    asked.refuses("500 Oops", "on fire");
    terminal.wait_for("status 500: the provider failed (on fire)\n> ");
    terminal.type_in("Again.\n");
    provider.asked().answers("Yes.");
    terminal.wait_for("Yes.\n> ");
    terminal.type_in("\u{4}");
    let (code, text) = terminal.end();
    assert_eq!(code, 0, "{text}");
    assert_eq!(written.load(Ordering::SeqCst), 1);

    let mut terminal = Terminal::start(own(&provider, &["chat", &server.url]), 100);
    terminal.wait_for("> ");
    terminal.interrupt();
    assert_eq!(terminal.end().0, 130);
}

#[test]
fn the_key_is_not_on_a_command_line_nor_in_a_log() {
    let provider = Provider::start();
    let (server, _) = server(None);
    let mut command = own(&provider, &["call", &server.url, "model", "-vv"]);
    command
        .env("RUST_LOG", "trace")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().expect("a process");
    let asked = provider.asked();
    assert!(asked.head.contains(KEY), "the provider gets no key");
    #[cfg(target_os = "linux")]
    {
        let line = std::fs::read(format!("/proc/{}/cmdline", child.id())).expect("a process");
        let line = String::from_utf8_lossy(&line).into_owned();
        assert!(
            line.contains("openai:gpt-test") && !line.contains(KEY),
            "{line}"
        );
    }
    asked.refuses("403 Forbidden", &format!("not with {KEY}"));
    let output = child.wait_with_output().expect("an end");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("status 403") && said.contains("TRACE"),
        "{said}"
    );
    assert!(!said.contains(KEY), "the key is said");
}
