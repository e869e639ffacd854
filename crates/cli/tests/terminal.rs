//! The client commands as a person sees them: in a terminal.
#![cfg(unix)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::served::Served;
use support::terminal::Terminal;
use support::{Http, run, wharf};
use wharf::{Context, NoArguments, Sample, Server, Tool};

/// Tells when it is dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn form() -> Value {
    json!({
        "type": "object",
        "properties": {
            "email": {"type": "string", "format": "email", "title": "E-mail", "description": "Where to write to"},
            "age": {"type": "integer", "minimum": 18},
            "color": {"type": "string", "oneOf": [{"const": "#f00", "title": "Red"}, {"const": "#0f0", "title": "Green"}], "default": "#f00"},
            "days": {"type": "array", "items": {"type": "string", "enum": ["mon", "tue", "wed"]}, "minItems": 1},
            "news": {"type": "boolean", "default": false},
        },
        "required": ["email", "days"],
    })
}

/// A server that asks, and one call of which never ends.
fn asking(dropped: &Arc<AtomicBool>) -> Server {
    let dropped = Arc::clone(dropped);
    Server::new("asking")
        .tool(
            Tool::new("form").handler(|_: NoArguments, ctx: Context| async move {
                match ctx.elicit_with("Sign up", form()).await {
                    Ok(answer) => format!("{answer:?}"),
                    Err(error) => format!("no: {error}"),
                }
            }),
        )
        .tool(
            Tool::new("page").handler(|_: NoArguments, ctx: Context| async move {
                match ctx
                    .elicit_url("Pay for it", "https://pay.example.com/now?id=1")
                    .await
                {
                    Ok(answer) => format!("{answer:?}"),
                    Err(error) => format!("no: {error}"),
                }
            }),
        )
        .tool(
            Tool::new("model").handler(|_: NoArguments, ctx: Context| async move {
                match ctx
                    .sample(Sample::user("Capital of France?").system("Be brief."))
                    .await
                {
                    Ok(answer) => format!("it said {}", answer.text()),
                    Err(error) => format!("no: {error}"),
                }
            }),
        )
        .tool(
            Tool::new("where").handler(|_: NoArguments, ctx: Context| async move {
                match ctx.roots().await {
                    Ok(roots) => roots
                        .iter()
                        .map(|root| root.uri.clone())
                        .collect::<Vec<_>>()
                        .join(" "),
                    Err(error) => format!("no: {error}"),
                }
            }),
        )
        .tool(
            Tool::new("forever").handler(move |_: NoArguments, ctx: Context| {
                let guard = Dropped(Arc::clone(&dropped));
                async move {
                    let _guard = guard;
                    ctx.progress_message(3.0, 10.0, "three\u{1b}[2J").await;
                    std::future::pending::<&'static str>().await
                }
            }),
        )
}

fn start() -> (Served, Arc<AtomicBool>) {
    let dropped = Arc::new(AtomicBool::new(false));
    (Served::start(asking(&dropped)), dropped)
}

#[test]
fn tables_fit_the_terminal() {
    let server = Http::start(&["serve"]);
    for columns in [60, 100] {
        let (code, text) = Terminal::start(wharf(&["tools", &server.url]), columns).end();
        assert_eq!(code, 0, "{text}");
        assert!(text.starts_with("TOOL       ARGUMENTS"), "{text}");
        assert!(text.contains("add        a=INTEGER b=INTEGER"), "{text}");
        let longest = text.lines().map(|line| line.chars().count()).max();
        assert!(
            longest <= Some(columns.into()),
            "{longest:?} of {columns}:\n{text}"
        );
    }
    let mut command = wharf(&["tools", &server.url]);
    command.env("NO_COLOR", "1");
    let (_, text) = Terminal::start(command, 80).end();
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn a_form_is_filled_in() {
    let (server, _) = start();
    for revision in ["2025-11-25", "2026-07-28"] {
        let mut terminal = Terminal::start(
            wharf(&["call", &server.url, "form", "--revision", revision]),
            80,
        );
        terminal.wait_for("The server asks: Sign up");
        terminal.wait_for("E-mail: Where to write to (an email address)\n> ");
        terminal.type_in("ada\n");
        terminal.wait_for("that is not it: an email address is wanted\n> ");
        terminal.type_in("ada@example.com\n");
        terminal.wait_for("age (a whole number, at least 18)\n(Enter to skip) > ");
        terminal.type_in("\n");
        terminal.wait_for("color\n  1  Red  #f00\n  2  Green  #0f0\n[#f00] > ");
        terminal.type_in("green\n");
        terminal.wait_for("  3  wed\n> ");
        terminal.type_in("1, wed\n");
        terminal.wait_for("news (yes or no)\n[no] > ");
        terminal.type_in("\n");
        terminal.wait_for("Send it? [Y]es, [n]o, [a]gain, [c]ancel: ");
        terminal.type_in("\n");
        let (code, text) = terminal.end();
        assert_eq!(code, 0, "{text}");
        for value in ["ada@example.com", "#0f0", "mon", "wed", "false"] {
            assert!(
                text.lines().last().is_some_and(|line| line.contains(value)),
                "{value}:\n{text}"
            );
        }
    }
}

#[test]
fn a_form_is_refused_or_left() {
    let (server, _) = start();
    for (typed, expected) in [
        ("/decline\n", "Decline"),
        ("/cancel\n", "Cancel"),
        ("\u{4}", "Cancel"),
    ] {
        let mut terminal = Terminal::start(wharf(&["call", &server.url, "form"]), 80);
        terminal.wait_for("(an email address)\n> ");
        terminal.type_in(typed);
        let (code, text) = terminal.end();
        assert_eq!(code, 0, "{text}");
        assert!(
            text.lines()
                .last()
                .is_some_and(|line| line.contains(expected)),
            "{text}"
        );
    }
}

#[test]
fn a_page_is_shown_whole_and_asked_for() {
    let (server, _) = start();
    let mut terminal = Terminal::start(wharf(&["call", &server.url, "page"]), 80);
    terminal.wait_for("  https://pay.example.com/now?id=1\n  (on pay.example.com)\n");
    terminal.wait_for("Open it? [y]es, [n]o, [c]ancel: ");
    terminal.type_in("n\n");
    let (code, text) = terminal.end();
    assert_eq!(code, 0, "{text}");
    assert!(
        text.lines()
            .last()
            .is_some_and(|line| line.contains("Decline")),
        "{text}"
    );
    // A script that did it says so.
    let (_, stdout, stderr) = run(wharf(&["call", &server.url, "page"]));
    assert!(
        stdout.contains("Decline") && stderr.contains("https://pay.example.com/now?id=1"),
        "{stderr}"
    );
    let (_, stdout, _) = run(wharf(&[
        "call",
        &server.url,
        "page",
        "--answer",
        "accept=yes",
    ]));
    assert!(stdout.contains("Accept"), "{stdout}");
}

#[test]
fn a_person_may_be_the_model() {
    let (server, _) = start();
    let mut terminal = Terminal::start(wharf(&["call", &server.url, "model"]), 80);
    terminal.wait_for("system:\n  Be brief.\nuser:\n  Capital of France?\n");
    terminal.type_in("Paris\n");
    terminal.wait_for("> Paris\n> ");
    terminal.type_in(".\n");
    let (code, text) = terminal.end();
    assert_eq!(
        (code, text.lines().last()),
        (0, Some("it said Paris")),
        "{text}"
    );

    let (_, stdout, stderr) = run(wharf(&["call", &server.url, "model", "--llm", "echo"]));
    assert_eq!(
        (stdout.as_str(), stderr.as_str()),
        (
            "it said Capital of France?\n",
            "asked echo for the server\n"
        )
    );
    let (_, stdout, _) = run(wharf(&["call", &server.url, "model"]));
    assert!(stdout.starts_with("no: "), "{stdout}");
}

#[test]
fn interrupted_the_server_is_told() {
    for revision in ["2025-11-25", "2026-07-28"] {
        let (server, dropped) = start();
        let mut terminal = Terminal::start(
            wharf(&["call", &server.url, "forever", "--revision", revision]),
            80,
        );
        terminal.wait_for("3/10 three\\u{1b}[2J");
        terminal.interrupt();
        let (code, text) = terminal.end();
        assert_eq!(code, 130, "{text}");
        assert!(text.contains("cancelled"), "{text}");
        let end = Instant::now() + Duration::from_secs(10);
        while !dropped.load(Ordering::SeqCst) {
            assert!(Instant::now() < end, "the call still runs ({revision})");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn interrupted_at_a_question() {
    let (server, _) = start();
    let mut terminal = Terminal::start(wharf(&["call", &server.url, "form"]), 80);
    terminal.wait_for("(an email address)\n> ");
    terminal.interrupt();
    let (code, text) = terminal.end();
    assert_eq!(code, 130, "{text}");
}

#[test]
fn roots_are_told() {
    let (server, _) = start();
    let directory = std::env::temp_dir().canonicalize().expect("a directory");
    let path = directory.to_str().expect("Unicode");
    for revision in ["2025-06-18", "2026-07-28"] {
        let arguments = [
            "call",
            &server.url,
            "where",
            "--root",
            path,
            "--revision",
            revision,
        ];
        let (code, stdout, stderr) = run(wharf(&arguments));
        assert_eq!(
            (code, stdout.trim_end()),
            (0, format!("file://{path}").as_str()),
            "{stderr}"
        );
    }
    let (code, _, stderr) = run(wharf(&["call", &server.url, "where", "--root", "/no/such"]));
    assert_eq!(code, 1);
    assert!(stderr.contains("--root /no/such"), "{stderr}");
}

#[test]
fn lists_that_a_server_does_not_have_are_empty() {
    let (server, _) = start();
    for list in ["resources", "templates", "prompts"] {
        let (code, stdout, stderr) = run(wharf(&[list, &server.url]));
        assert_eq!((code, stdout.as_str()), (0, ""), "{list}: {stderr}");
        let (code, stdout, _) = run(wharf(&[list, &server.url, "--json"]));
        assert_eq!((code, stdout.contains("[]")), (0, true), "{list}: {stdout}");
    }
}
