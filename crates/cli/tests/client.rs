//! The commands that are clients, against `wharf serve`, over HTTP and as a child process.

mod support;

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};
use support::{Folder, Http, run, wharf};

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// `wharf serve --stdio` as a TARGET.
fn stdio() -> String {
    format!("{} serve --stdio", env!("CARGO_BIN_EXE_wharf"))
}

#[test]
fn every_list_over_every_transport() {
    let server = Http::start(&["serve"]);
    let websocket = server.url.replace("http:", "ws:").replace("/mcp", "/ws");
    let sse = server.url.replace("/mcp", "/sse");
    let stdio = stdio();
    for (target, more) in [
        (&server.url, &[][..]),
        (&server.url, &["--revision", "2024-11-05"]),
        (&sse, &["--transport", "sse"]),
        (&websocket, &[]),
        (&stdio, &[]),
    ] {
        for (list, expected) in [
            (
                "tools",
                "add\ta=INTEGER b=INTEGER\tAdd two whole numbers.\n",
            ),
            ("resources", "wharf://about\t"),
            ("templates", "greeting://{name}\t"),
            ("prompts", "explain\ttopic=TEXT level=TEXT\t"),
            ("info", "wharf-starter"),
            ("ping", "answered in "),
        ] {
            let arguments = [&[list, target.as_str()], more].concat();
            let (code, stdout, stderr) = run(wharf(&arguments));
            assert_eq!((code, stderr.as_str()), (0, ""), "{arguments:?}");
            assert!(stdout.contains(expected), "{arguments:?}: {stdout}");
        }
    }
}

#[test]
fn lists_as_json_are_what_the_server_wrote() {
    let server = Http::start(&["serve"]);
    for (list, member, count) in [
        ("tools", "tools", 5),
        ("resources", "resources", 2),
        ("templates", "resourceTemplates", 1),
        ("prompts", "prompts", 2),
    ] {
        let (code, stdout, _) = run(wharf(&[list, &server.url, "--json"]));
        assert_eq!(
            (code, stdout.lines().count()),
            (0, 1),
            "one document: {stdout}"
        );
        let items = &json_of(&stdout)[member];
        assert_eq!(items.as_array().map(Vec::len), Some(count), "{stdout}");
        assert!(
            items[0]["icons"].is_array(),
            "nothing is left out: {stdout}"
        );
    }
    let (_, stdout, _) = run(wharf(&[
        "info",
        &server.url,
        "--json",
        "--revision",
        "2025-06-18",
    ]));
    let info = json_of(&stdout);
    assert_eq!(info["revision"], "2025-06-18");
    assert_eq!(info["server"]["name"], "wharf-starter");
    assert!(info["capabilities"]["tools"].is_object());
}

#[test]
fn calls() {
    let server = Http::start(&["serve"]);
    let folder = Folder::new("calls");
    let file = folder.file("message.txt", "from a file");
    let from_file = format!("message=@{}", file.display());
    let input = folder.file("input.json", r#"{"a": 1, "b": 40}"#);
    let input = input.to_str().expect("Unicode");
    for target in [&server.url, &stdio()] {
        for (arguments, expected) in [
            (&["add", "a=20", "b=22"][..], "{\n  \"result\": 42\n}\n"),
            (&["add", "a:=20", "b:=22"], "{\n  \"result\": 42\n}\n"),
            (&["add", "--input", input], "{\n  \"result\": 41\n}\n"),
            (
                &["add", "--input", input, "a=2"],
                "{\n  \"result\": 42\n}\n",
            ),
            (&["echo", "message=42"], "42\n"),
            (&["echo", &from_file], "from a file\n"),
            (&["calculate", "expression=2 * (3 + 4)"], "14\n"),
            (&["countdown", "from=2", "interval_ms=1"], "liftoff\n"),
            (
                &["countdown", "from=2", "interval_ms=1", "--task"],
                "liftoff\n",
            ),
            (&["greet_me", "--answer", "name=Ada"], "Hello, Ada!\n"),
        ] {
            let arguments = [&["call", target.as_str()], arguments].concat();
            let (code, stdout, stderr) = run(wharf(&arguments));
            assert_eq!(
                (code, stdout.as_str(), stderr.as_str()),
                (0, expected, ""),
                "{arguments:?}"
            );
        }
    }
    let mut command = wharf(&["call", &server.url, "add", "--input", "-"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(br#"{"a": 2, "b": 3}"#).expect("written");
    drop(stdin);
    let output = child.wait_with_output().expect("an end");
    assert_eq!(
        json_of(&String::from_utf8_lossy(&output.stdout)),
        json!({"result": 5})
    );
}

#[test]
fn results_as_json() {
    let server = Http::start(&["serve"]);
    let (code, stdout, _) = run(wharf(&["call", &server.url, "add", "a=1", "b=2", "--json"]));
    let expected = json!({
        "content": [{"type": "text", "text": "{\"result\":3}"}], "structuredContent": {"result": 3},
    });
    assert_eq!((code, json_of(&stdout)), (0, expected));
    let (code, stdout, _) = run(wharf(&[
        "call",
        &server.url,
        "calculate",
        "expression=1+",
        "--json",
    ]));
    assert_eq!((code, &json_of(&stdout)["isError"]), (5, &json!(true)));
    let (_, stdout, _) = run(wharf(&["read", &server.url, "wharf://about", "--json"]));
    assert_eq!(json_of(&stdout)["contents"][0]["mimeType"], "text/markdown");
    let (_, stdout, _) = run(wharf(&[
        "prompt",
        &server.url,
        "review",
        "code=x",
        "--json",
    ]));
    assert_eq!(json_of(&stdout)["messages"][0]["role"], "user");
    let (_, stdout, _) = run(wharf(&[
        "complete",
        &server.url,
        "explain",
        "level=",
        "--json",
    ]));
    assert_eq!(json_of(&stdout)["completion"]["values"][0], "beginner");
    let (_, stdout, _) = run(wharf(&[
        "ping",
        &server.url,
        "--json",
        "-n",
        "2",
        "-i",
        "1ms",
    ]));
    assert_eq!(
        stdout
            .lines()
            .map(json_of)
            .filter(|line| line["milliseconds"].is_number())
            .count(),
        2
    );
}

#[test]
fn resources_prompts_and_completions() {
    let server = Http::start(&["serve"]);
    for (arguments, expected) in [
        (
            &["read", &server.url, "wharf://about"][..],
            "# Wharf starter\n",
        ),
        (&["read", &server.url, "greeting://Ada"], "Hello, Ada!\n"),
        (
            &["read", &server.url, "greeting://{name}", "name=René e"],
            "Hello, René e!\n",
        ),
        (
            &[
                "prompt",
                &server.url,
                "explain",
                "topic=tides",
                "level=expert",
            ],
            "user:\nPlease explain tides to an expert",
        ),
        (&["complete", &server.url, "explain", "level=e"], "expert\n"),
        (
            &["complete", &server.url, "greeting://{name}", "name=a"],
            "Ada\nAlan\n",
        ),
    ] {
        let (code, stdout, stderr) = run(wharf(arguments));
        assert_eq!((code, stderr.as_str()), (0, ""), "{arguments:?}");
        assert!(stdout.starts_with(expected), "{arguments:?}: {stdout}");
    }
}

#[test]
fn what_is_no_text_goes_into_a_file() {
    let server = Http::start(&["serve"]);
    let folder = Folder::new("logo");
    let png = b"\x89PNG\r\n\x1a\n";
    let path = folder.0.join("logo.png");
    let path = path.to_str().expect("Unicode");
    let (code, stdout, stderr) = run(wharf(&["read", &server.url, "wharf://logo", "-o", path]));
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    assert!(stderr.contains("image/png, 966 bytes"), "{stderr}");
    assert!(std::fs::read(path).expect("the file").starts_with(png));
    let output = wharf(&["read", &server.url, "wharf://logo"])
        .output()
        .expect("a process");
    assert!(
        output.stdout.starts_with(png),
        "into a pipe goes what the resource is"
    );
    let path = folder.0.join("result.txt");
    let (code, _, _) = run(wharf(&[
        "call",
        &server.url,
        "echo",
        "message=\u{1b}[2J",
        "-o",
        path.to_str().expect("Unicode"),
    ]));
    assert_eq!(
        (code, std::fs::read(path).expect("the file")),
        (0, b"\x1b[2J".to_vec())
    );
}

#[test]
fn wrong_arguments_are_named_before_anything_is_called() {
    let server = Http::start(&["serve"]);
    for (arguments, expected) in [
        (
            &["add", "a=x", "b=1"][..],
            "error: a: \"x\" is not an integer; see `wharf call",
        ),
        (
            &["add", "a=1", "c=2"],
            "there is no argument c; it takes a, b",
        ),
        (&["countdown", "form=1"], "did you mean from?"),
        (&["add", "a=1"], "add needs b (integer)"),
        (&["add", "a=1", "a=2", "b=1"], "a is given twice"),
        (&["add", "a"], "write key=value"),
        (
            &["ad", "a=1"],
            "the server has no tool \"ad\"; did you mean add?",
        ),
        (
            &["add", "--input", "/no/such/file"],
            "--input: /no/such/file cannot be read",
        ),
        (&["add", "--timeout", "never"], "such as 10s"),
        (&["add", "--env", "A=b"], "--env is for commands"),
        (&["greet_me", "--llm", "parrot:x"], "unknown provider"),
    ] {
        let arguments = [&["call", server.url.as_str()], arguments].concat();
        let (code, stdout, stderr) = run(wharf(&arguments));
        assert_eq!((code, stdout.as_str()), (1, ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
    }
}

#[test]
fn exit_codes() {
    let server = Http::start(&["serve"]);
    let unused = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = format!("http://{}/mcp", unused.local_addr().expect("an address"));
    drop(unused);
    let wants = refusing();
    for (arguments, expected, says) in [
        (
            &["call", &server.url, "calculate", "expression=1+"][..],
            5,
            "the tool failed: at character 3",
        ),
        (&["call", &nobody, "add"], 4, "refused"),
        (&["ping", "/no/such/program x"], 4, "/no/such/program"),
        (&["ping", "no-such-name"], 1, "no host has a server"),
        (&["ping", "sh -c 'exit 3'"], 4, "status 3"),
        (&["tools", &wants], 3, "wharf login"),
        (&["read", &server.url, "wharf://nothing"], 1, "not found"),
        (
            &["prompt", &server.url, "explain", "topic=x", "level=wizard"],
            1,
            "level",
        ),
        (
            &[
                "call",
                &server.url,
                "countdown",
                "from=9",
                "interval_ms=9000",
                "--timeout",
                "200ms",
            ],
            4,
            "did not answer within",
        ),
    ] {
        let (code, _, stderr) = run(wharf(arguments));
        assert_eq!(code, expected, "{arguments:?}: {stderr}");
        assert!(stderr.contains(says), "{arguments:?}: {stderr}");
    }
}

/// The address of a server that wants to know who is calling.
fn refusing() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            std::thread::spawn(move || {
                let mut buffer = [0; 65536];
                while matches!(std::io::Read::read(&mut stream, &mut buffer), Ok(1..)) {
                    let answer = "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Bearer\r\ncontent-length: 0\r\n\r\n";
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

#[test]
fn questions_of_a_script() {
    let server = Http::start(&["serve"]);
    for revision in ["2025-06-18", "2026-07-28"] {
        for (more, greeting, says) in [
            (&["--answer", "name=Ada"][..], "Hello, Ada!\n", ""),
            (
                &[],
                "Hello, stranger!\n",
                "declined \"What is your name?\": nobody answers here; give --answer name=…\n",
            ),
            (&["--no-input"], "Hello, stranger!\n", "nobody answers here"),
            (
                &["--answer", "name="],
                "Hello, stranger!\n",
                "--answer name: \"\" is not something",
            ),
        ] {
            let arguments = [
                &["call", &server.url, "greet_me", "--revision", revision],
                more,
            ]
            .concat();
            let (code, stdout, stderr) = run(wharf(&arguments));
            assert_eq!(
                (code, stdout.as_str()),
                (0, greeting),
                "{arguments:?}: {stderr}"
            );
            assert!(stderr.contains(says), "{arguments:?}: {stderr}");
        }
    }
}

#[test]
fn log_messages_of_a_call() {
    let server = Http::start(&["serve"]);
    for revision in ["2025-11-25", "2026-07-28"] {
        let arguments = [
            "call",
            &server.url,
            "countdown",
            "from=2",
            "interval_ms=1",
            "--log-level",
            "info",
            "--revision",
            revision,
        ];
        let (code, stdout, stderr) = run(wharf(&arguments));
        assert_eq!((code, stdout.as_str()), (0, "liftoff\n"), "{stderr}");
        let lines: Vec<_> = stderr
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .collect();
        assert_eq!(
            lines,
            [["info", "2…"], ["info", "1…"]],
            "{revision}: {stderr}"
        );
    }
}

#[test]
fn the_help_of_a_tool() {
    let server = Http::start(&["serve"]);
    let (code, stdout, _) = run(wharf(&["call", &server.url, "countdown", "--help"]));
    assert_eq!(code, 0);
    for expected in [
        "countdown: Countdown\n",
        &format!(
            "Usage: wharf call {} countdown from=INTEGER interval_ms=INTEGER\n",
            server.url
        ),
        "  from         The number to count down from (integer, 1 to 1000, required)\n",
        &format!(
            "  wharf call {} countdown from=1 interval_ms=1\n",
            server.url
        ),
    ] {
        assert!(
            stdout.contains(expected),
            "{expected:?} is not in:\n{stdout}"
        );
    }
    let (code, stdout, _) = run(wharf(&["call", "--help"]));
    assert_eq!(code, 0);
    assert!(
        stdout.contains("key:=JSON") && stdout.contains("Examples:"),
        "{stdout}"
    );
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let server = Http::start(&["serve"]);
    let mut command = wharf(&["read", &server.url, "wharf://about"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a process");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("an end");
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &b""[..])
    );
}

#[test]
fn signing_in_and_out() {
    let server = Http::start(&["serve"]);
    let unused = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = format!("http://{}/mcp", unused.local_addr().expect("an address"));
    drop(unused);
    for (arguments, expected, says) in [
        (&["logout", &server.url][..], 0, "nobody was signed in"),
        (&["logout", &server.url, "--json"], 0, "\"signedOut\":false"),
        (
            &["login", "some command"],
            1,
            "signing in is for servers with an address",
        ),
        (&["login", "http://mcp.example.com/mcp"], 1, "https"),
        (&["login", &nobody, "--device"], 4, "127.0.0.1"),
    ] {
        let (code, stdout, stderr) = run(wharf(arguments));
        assert_eq!(code, expected, "{arguments:?}: {stdout}{stderr}");
        assert!(
            format!("{stdout}{stderr}").contains(says),
            "{arguments:?}: {stdout}{stderr}"
        );
    }
    // There is a folder for tokens now, and a server that wants none is called as before.
    assert_eq!(run(wharf(&["ping", &server.url])).0, 0);
    let (code, _, stderr) = run(wharf(&["ping", &refusing()]));
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("wharf login"), "{stderr}");
}
