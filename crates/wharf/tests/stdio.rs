//! A server as a child process, over the pipes, sockets and files that a host may give it.
//!
//! No harness of its own would leave standard output to the server, so this has none: the same
//! program is the child (with an argument) and the test.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test without a harness tells by itself what it does"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use wharf::{Context, NoArguments, Server, Tool, tool};

/// Adds two numbers.
#[tool]
async fn add(a: i64, b: i64) -> i64 {
    a + b
}

fn server() -> Server {
    let boom = Tool::new("boom").handler(|_: NoArguments, _: Context| async {
        eprintln!("what a handler writes to standard error stays there");
        if true {
            panic!("{{\"jsonrpc\":\"2.0\"}}\n");
        }
        "never"
    });
    let wait = Tool::new("wait").handler(|_: NoArguments, _: Context| async {
        std::future::pending::<()>().await;
        "never"
    });
    Server::new("Child").tool(add).tool(boom).tool(wait)
}

fn serve() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let result = runtime.block_on(server().run());
    if let Err(error) = result {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn command() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("--stdio").stderr(Stdio::null());
    command
}

struct Host {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    next: i64,
}

impl Host {
    fn start() -> Self {
        let mut child = command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
            next: 0,
        }
    }

    fn send(&mut self, text: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        input.write_all(b"\n").unwrap();
    }

    fn expect(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let request =
            json!({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params});
        self.send(&request.to_string());
        let answer = self.expect();
        assert_eq!(answer["id"], self.next, "{answer}");
        answer
    }

    fn initialize(&mut self) {
        let info = json!({"name": "host", "version": "1"});
        let params =
            json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info});
        assert_eq!(
            self.ask("initialize", params)["result"]["protocolVersion"],
            "2025-11-25"
        );
        self.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    }

    fn still_answers(&mut self) {
        let call = json!({"name": "add", "arguments": {"a": 1, "b": 2}});
        let answer = self.ask("tools/call", call);
        assert_eq!(answer["result"]["content"][0]["text"], "3", "{answer}");
    }

    /// Ends the input; whatever the child still wrote, and how it ended.
    fn end(mut self) -> (String, bool) {
        drop(self.input.take());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        (rest, self.child.wait().unwrap().success())
    }
}

fn a_session_over_pipes() {
    let mut host = Host::start();
    host.initialize();
    host.still_answers();
    assert_eq!(host.end(), (String::new(), true));
}

fn row_19_standard_output_carries_messages_only() {
    let mut host = Host::start();
    host.initialize();
    for _ in 0..3 {
        let answer = host.ask("tools/call", json!({"name": "boom"}));
        assert_eq!(answer["result"]["isError"], true);
    }
    for broken in ["{", "\u{1b}]0;x\u{7}", "[]", "\u{0}"] {
        host.send(broken);
        assert!(host.expect()["error"]["code"].is_i64());
    }
    host.still_answers();
    assert_eq!(host.end(), (String::new(), true));
}

fn row_21_a_line_without_end() {
    let mut host = Host::start();
    host.initialize();
    let input = host.input.as_mut().unwrap();
    // More than the limit of 4 MiB by far.
    for _ in 0..400 {
        input.write_all(&[b' '; 64 * 1024]).unwrap();
    }
    host.send("");
    assert_eq!(host.expect()["error"]["code"], -32600);
    host.still_answers();
    assert_eq!(host.end(), (String::new(), true));
}

fn very_many_messages_at_once() {
    let mut host = Host::start();
    host.initialize();
    let mut input = host.input.take().unwrap();
    let writer = std::thread::spawn(move || {
        for id in 0..20_000 {
            let call = json!({"jsonrpc": "2.0", "id": format!("n{id}"), "method": "tools/call",
                "params": {"name": "add", "arguments": {"a": id, "b": 0}}});
            input.write_all(format!("{call}\n").as_bytes()).unwrap();
        }
        input
    });
    for _ in 0..20_000 {
        let answer = host.expect();
        let sum = &answer["id"].as_str().unwrap()[1..];
        assert_eq!(answer["result"]["content"][0]["text"], sum);
    }
    host.input = Some(writer.join().unwrap());
    host.still_answers();
    assert_eq!(host.end(), (String::new(), true));
}

fn files_are_read_and_written_too() {
    let folder = std::env::temp_dir().join(format!("wharf-stdio-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (input, output) = (folder.join("in"), folder.join("out"));
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "add", "arguments": {"a": 1, "b": 2}, "_meta": meta}});
    std::fs::write(&input, format!("{call}\n")).unwrap();
    let status = command()
        .stdin(std::fs::File::open(&input).unwrap())
        .stdout(std::fs::File::create(&output).unwrap())
        .status()
        .unwrap();
    let answer: Value = serde_json::from_slice(&std::fs::read(&output).unwrap()).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(status.success());
    assert_eq!(answer["result"]["content"][0]["text"], "3");
}

#[cfg(unix)]
fn one_socket_for_both_directions() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut child = command()
        .stdin(OwnedFd::from(theirs.try_clone().unwrap()))
        .stdout(OwnedFd::from(theirs))
        .spawn()
        .unwrap();
    let mut reader = BufReader::new(ours.try_clone().unwrap());
    for id in 1..=3 {
        writeln!(&ours, r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#).unwrap();
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["id"], id);
    }
    ours.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(child.wait().unwrap().success());
}

#[cfg(unix)]
fn the_end_by_a_signal() {
    let mut host = Host::start();
    host.initialize();
    let kill = Command::new("kill")
        .args(["-TERM", &host.child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let mut rest = String::new();
    host.output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    assert!(host.child.wait().unwrap().success(), "it ends by itself");
}

fn a_host_that_is_gone() {
    // Nobody reads, and then nobody is there: the child ends.
    let mut child = command()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    drop(child.stdout.take());
    let _ = writeln!(input, r#"{{"jsonrpc":"2.0","id":1,"method":"ping"}}"#);
    drop(input);
    child.wait().unwrap();
}

fn arguments_that_nobody_knows() {
    for wrong in ["--http-no", "x", ""] {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--stdio", wrong])
            .stderr(Stdio::null())
            .status();
        assert!(!status.unwrap().success(), "{wrong}");
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--stdio") {
        return serve();
    }
    macro_rules! tests {
        ($($(#[$attribute:meta])* $name:ident),* $(,)?) => {
            [$($(#[$attribute])* (stringify!($name), $name as fn())),*]
        };
    }
    let tests = tests![
        a_session_over_pipes,
        row_19_standard_output_carries_messages_only,
        row_21_a_line_without_end,
        very_many_messages_at_once,
        files_are_read_and_written_too,
        #[cfg(unix)]
        one_socket_for_both_directions,
        #[cfg(unix)]
        the_end_by_a_signal,
        a_host_that_is_gone,
        arguments_that_nobody_knows,
    ];
    // As the usual harness: words are parts of names to run, `--list` lists.
    let list = arguments.iter().any(|argument| argument == "--list");
    let words: Vec<&String> = arguments
        .iter()
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    for (name, test) in tests {
        if !words.is_empty() && !words.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        if list {
            println!("{name}: test");
            continue;
        }
        println!("test {name} ...");
        test();
        println!("test {name} ... ok");
    }
}
