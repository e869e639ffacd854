//! Every example runs, and does what it says: started as a host starts it, over stdio.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);

/// A host with one server.
struct Host {
    server: Child,
    input: Option<ChildStdin>,
    output: Receiver<Value>,
    next_id: u64,
    answer: fn(&str) -> Value,
    heard: Vec<Value>,
}

impl Host {
    fn start(program: &str, answer: fn(&str) -> Value) -> Self {
        let mut server = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the example starts");
        let stdout = server.stdout.take().expect("a pipe");
        let (sender, output) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let line = line.expect("text");
                let message = serde_json::from_str(&line)
                    .unwrap_or_else(|error| panic!("{error} on standard output: {line}"));
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut host = Self {
            input: server.stdin.take(),
            server,
            output,
            next_id: 0,
            answer,
            heard: Vec::new(),
        };
        let opened = host.request(
            "initialize",
            json!({
                "protocolVersion": "2025-11-25",
                "capabilities": {"elicitation": {"form": {}}, "sampling": {}},
                "clientInfo": {"name": "test", "version": "1"},
            }),
        );
        assert_eq!(opened["protocolVersion"], "2025-11-25");
        host.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        host
    }

    fn send(&mut self, message: &Value) {
        let input = self.input.as_mut().expect("an open pipe");
        writeln!(input, "{message}").expect("the server reads");
    }

    fn request(&mut self, method: &str, params: Value) -> Value {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let message = self.output.recv_timeout(PATIENCE).expect("an answer");
            match (
                message.get("method").and_then(Value::as_str),
                message.get("id"),
            ) {
                (Some(asked), Some(ask)) => {
                    let result = (self.answer)(asked);
                    self.send(&json!({"jsonrpc": "2.0", "id": ask, "result": result}));
                }
                (Some(_), None) => self.heard.push(message),
                (None, answered) => {
                    assert_eq!(answered, Some(&json!(id)), "{message}");
                    return message.get("result").unwrap_or(&message["error"]).clone();
                }
            }
        }
    }

    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.request("tools/call", json!({"name": tool, "arguments": arguments}))
    }

    /// The first text of what a tool says.
    fn text(&mut self, tool: &str, arguments: Value) -> String {
        let result = self.call(tool, arguments);
        result["content"][0]["text"]
            .as_str()
            .unwrap_or_else(|| panic!("no text: {result}"))
            .into()
    }

    fn read(&mut self, uri: &str) -> String {
        let result = self.request("resources/read", json!({"uri": uri}));
        result["contents"][0]["text"]
            .as_str()
            .unwrap_or_else(|| panic!("no text: {result}"))
            .into()
    }

    /// Ends the server as a host does, and gives what it wrote on standard error.
    fn stop(mut self) -> String {
        drop(self.input.take());
        let mut errors = String::new();
        let mut stderr = self.server.stderr.take().expect("a pipe");
        stderr.read_to_string(&mut errors).expect("text");
        let status = self.server.wait().expect("it ends");
        assert!(status.success(), "{status}: {errors}");
        errors
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // After a failed test; otherwise it has ended.
        let _ = self.server.kill();
    }
}

fn nothing(asked: &str) -> Value {
    panic!("nothing should be asked, but {asked} was")
}

#[test]
fn every_example_has_a_test() {
    let folder = std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).expect("the folder");
    let paths = folder.map(|entry| entry.expect("an entry").path());
    let names: Vec<String> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(
            include_str!("run.rs").contains(&format!("fn {name}()")),
            "{name}"
        );
    }
}

#[test]
fn client() {
    let run = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_client"))
            .args(words)
            .output();
        let output = output.expect("the example runs");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (text(output.stdout), text(output.stderr))
    };
    let (said, heard) = run(&[
        env!("CARGO_BIN_EXE_echo"),
        "echo",
        r#"{"message": "Grüße"}"#,
    ]);
    assert_eq!(said, "Grüße\n", "{heard}");
    assert!(heard.contains("echo: "), "{heard}");
    let (said, heard) = run(&[]);
    assert!(said.is_empty() && heard.contains("usage"), "{heard}");
}

#[test]
fn echo() {
    let mut host = Host::start(env!("CARGO_BIN_EXE_echo"), nothing);
    assert_eq!(host.text("echo", json!({"message": "Grüße"})), "Grüße");
    assert_eq!(host.stop(), "");
}

#[test]
fn groups() {
    let mut host = Host::start(env!("CARGO_BIN_EXE_groups"), nothing);
    assert_eq!(host.text("math.add", json!({"a": 1, "b": 2})), "3");
    assert_eq!(host.text("math.slow_add", json!({"a": 1, "b": 2})), "3");
    assert_eq!(host.text("counter.add", json!({"amount": 2})), "2");
    assert_eq!(host.text("counter.add", json!({"amount": 3})), "5");
    assert_eq!(host.read("counter://count"), "5");
    assert_eq!(host.text("reverse", json!({"text": "abc"})), "cba");
    let prompt = host.request(
        "prompts/get",
        json!({"name": "rhyme", "arguments": {"word": "tea"}}),
    );
    assert_eq!(
        prompt["messages"][0]["content"]["text"],
        "What rhymes with tea?"
    );
    host.stop();
}

#[test]
fn lifespan() {
    let mut host = Host::start(env!("CARGO_BIN_EXE_lifespan"), nothing);
    assert_eq!(host.text("keep", json!({"text": "Feed the cat"})), "2");
    assert_eq!(host.stop(), "2 notes put away\n");
}

#[test]
fn images() {
    let mut host = Host::start(env!("CARGO_BIN_EXE_images"), nothing);
    let result = host.call("square", json!({}));
    let image = &result["content"][1];
    assert_eq!(
        (&image["type"], &image["mimeType"]),
        (&json!("image"), &json!("image/png"))
    );
    assert!(
        image["data"]
            .as_str()
            .is_some_and(|data| data.starts_with("iVBORw0KGgo"))
    );
    host.stop();
}

#[test]
fn sampling() {
    let mut host = Host::start(env!("CARGO_BIN_EXE_sampling"), |asked| {
        assert_eq!(asked, "sampling/createMessage");
        json!({"role": "assistant", "content": {"type": "text", "text": "Short."}, "model": "test"})
    });
    assert_eq!(host.text("summary", json!({"text": "long"})), "Short.");
    host.stop();
}

#[test]
fn elicitation() {
    let accept = |asked: &str| {
        assert_eq!(asked, "elicitation/create");
        json!({"action": "accept", "content": {"people": 2, "email": "ada@example.com"}})
    };
    let mut host = Host::start(env!("CARGO_BIN_EXE_elicitation"), accept);
    assert_eq!(
        host.text("book", json!({"restaurant": "Luigi's"})),
        "Booking 1: 2 people, Inside. Confirmed to ada@example.com."
    );
    host.answer = |_| json!({"action": "decline"});
    assert_eq!(
        host.text("book", json!({"restaurant": "Luigi's"})),
        "No table was booked."
    );
    host.answer = |_| json!({"action": "accept", "content": {"people": 99}});
    let result = host.call("book", json!({"restaurant": "Luigi's"}));
    assert_eq!(result["isError"], true, "{result}");
    host.stop();
}

#[test]
fn resources() {
    let mut host = Host::start(env!("CARGO_BIN_EXE_resources"), nothing);
    assert!(host.read("project://manifest").contains("wharf-examples"));
    assert_eq!(host.read("text://motto"), "Parse, then act.");
    assert!(host.read("status://process").starts_with("process "));
    assert!(host.read("status://uptime").ends_with(" s"));
    assert_eq!(host.read("square://12"), r#"{"number":12,"square":144}"#);
    let error = host.request("resources/read", json!({"uri": "square://many"}));
    assert_eq!(error["code"], -32602, "{error}");
    host.stop();
}

#[test]
fn runtime_catalog() {
    let mut host = Host::start(env!("CARGO_BIN_EXE_runtime_catalog"), nothing);
    let all = |host: &mut Host, tool: &str| {
        for kind in ["tool", "resource", "template", "prompt"] {
            let mut arguments = json!({"kind": kind, "name": "capital"});
            if tool == "teach" {
                arguments["answer"] = json!("Oslo");
            }
            let result = host.call(tool, arguments);
            assert_eq!(
                result.get("isError").unwrap_or(&json!(false)),
                &json!(false),
                "{result}"
            );
            // A notice may come after the answer to a later request.
            while host.heard.is_empty() {
                host.request("ping", json!({}));
            }
            let methods: Vec<_> = host
                .heard
                .drain(..)
                .map(|notice| notice["method"].clone())
                .collect();
            let list = if kind == "template" { "resource" } else { kind };
            assert_eq!(methods, [format!("notifications/{list}s/list_changed")]);
        }
    };
    all(&mut host, "teach");
    assert_eq!(host.text("capital", json!({})), "Oslo");
    assert_eq!(host.read("answer://capital"), "Oslo");
    assert_eq!(host.read("answer://capital/Ada"), "Ada: Oslo");
    let prompt = host.request("prompts/get", json!({"name": "capital"}));
    assert_eq!(prompt["messages"][0]["content"]["text"], "Oslo");
    all(&mut host, "forget");
    assert_eq!(host.call("capital", json!({}))["code"], -32602);
    for (method, list) in [
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
        ("prompts/list", "prompts"),
    ] {
        assert_eq!(host.request(method, json!({}))[list], json!([]));
    }
    let kept = host.call("forget", json!({"kind": "tool", "name": "teach"}));
    assert_eq!(kept["isError"], true, "{kept}");
    host.stop();
}

#[test]
fn sqlite_explorer() {
    let mut host = Host::start(env!("CARGO_BIN_EXE_sqlite_explorer"), nothing);
    assert!(host.read("schema://main").contains("CREATE TABLE city"));
    let prompt = host.request(
        "prompts/get",
        json!({"name": "explore", "arguments": {"question": "Which is largest?"}}),
    );
    let text = prompt["messages"][0]["content"]["text"]
        .as_str()
        .expect("text");
    assert!(
        text.contains("largest?") && text.contains("CREATE TABLE city"),
        "{text}"
    );
    let mut query = |sql: &str, params: Value| {
        let result = host.call("query", json!({"sql": sql, "params": params}));
        match result["isError"].as_bool() {
            Some(true) => Err(result["content"][0]["text"]
                .as_str()
                .expect("text")
                .to_owned()),
            _ => Ok(result["structuredContent"].clone()),
        }
    };
    assert_eq!(
        query(
            "SELECT name, people FROM city WHERE country = ? ORDER BY people",
            json!(["Norway"])
        ),
        Ok(
            json!({"columns": ["name", "people"], "rows": [["Bergen", 291_940], ["Oslo", 717_710]]})
        )
    );
    // What is bound is a value, whatever it says.
    assert_eq!(
        query(
            "SELECT ?, ?, ?, ?, x'00ff'",
            json!(["'; DROP TABLE city; --", null, 1.5, true])
        ),
        Ok(
            json!({"columns": ["?", "?", "?", "?", "x'00ff'"], "rows": [["'; DROP TABLE city; --", null, 1.5, 1, "(2 bytes)"]]})
        )
    );
    for (sql, reason) in [
        ("DELETE FROM city", "begin with SELECT"),
        ("SELECT 1; DROP TABLE city", "one statement"),
        ("SELECT 1 /* ; */; -- x\n DELETE FROM city", "one statement"),
        ("SELECT ';' ; COMMIT; DROP TABLE city", "one statement"),
        ("PRAGMA query_only = OFF", "begin with SELECT"),
        ("ATTACH 'other.db' AS other", "begin with SELECT"),
        ("VACUUM INTO 'copy.db'", "begin with SELECT"),
        ("-- SELECT\nDROP TABLE city", "begin with SELECT"),
        (
            "WITH c AS (SELECT 'Oslo') DELETE FROM city WHERE name IN (SELECT * FROM c)",
            "readonly",
        ),
        ("EXPLAIN SELECT 1; ATTACH 'x' AS y", "one statement"),
        ("SELECT load_extension('/tmp/x.so')", "not authorized"),
        ("SELECT writefile('x', 'y')", "no such function"),
        ("SELECT * FROM missing", "no such table"),
    ] {
        let error = query(sql, json!([])).expect_err(sql);
        assert!(error.contains(reason), "{sql}: {error}");
    }
    for sql in [
        "SELECT ';' AS a; ",
        "SELECT 1 -- ; DROP",
        "/* ; */ VALUES (1) ;;",
        "SELECT \"name\" FROM [city] LIMIT 1",
    ] {
        assert!(query(sql, json!([])).is_ok(), "{sql}");
    }
    // Limits, each of which is said.
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    let answer = query(many, json!([])).expect("cut");
    assert_eq!(answer["rows"].as_array().map(Vec::len), Some(100));
    assert_eq!(answer["cut"], "only the first 100 rows are given");
    let answer = query("SELECT hex(zeroblob(5000))", json!([])).expect("cut");
    assert_eq!(answer["rows"][0][0].as_str().map(str::len), Some(1_000));
    assert_eq!(answer["cut"], "texts are given up to 1000 characters");
    let error = query(
        &many.replace("SELECT i FROM", "SELECT count(*) FROM"),
        json!([]),
    );
    assert_eq!(error, Err("the query took longer than 5 s".into()));
    assert_eq!(
        query("SELECT count(*) FROM city", json!([])).expect("still there")["rows"][0][0],
        3
    );
    host.stop();
}

#[test]
fn without_macros() {
    let mut host = Host::start(env!("CARGO_BIN_EXE_without_macros"), nothing);
    let result = host.call("divide", json!({"dividend": 7, "divisor": 2}));
    assert_eq!(
        result["structuredContent"],
        json!({"quotient": 3, "remainder": 1})
    );
    assert_eq!(
        host.call("divide", json!({"dividend": 1, "divisor": 0}))["isError"],
        true
    );
    assert_eq!(host.read("greeting://Ada"), "Hello, Ada!");
    let prompt = host.request(
        "prompts/get",
        json!({"name": "explain", "arguments": {"topic": "rust"}}),
    );
    assert_eq!(prompt["messages"][0]["content"]["text"], "What is rust?");
    host.stop();
}

#[test]
fn in_process_test() {
    let mut host = Host::start(env!("CARGO_BIN_EXE_in_process_test"), |asked| {
        assert_eq!(asked, "elicitation/create");
        json!({"action": "accept", "content": {"value": "Ada"}})
    });
    assert_eq!(host.text("greet", json!({})), "Hello, Ada!");
    host.stop();
}

/// An example that listens, and says so on standard error.
struct Listening {
    server: Child,
    address: String,
}

impl Listening {
    fn start(program: &str) -> Self {
        let mut server = Command::new(program)
            .arg("127.0.0.1:0")
            .stderr(Stdio::piped())
            .spawn()
            .expect("the example starts");
        let mut line = String::new();
        let stderr = server.stderr.take().expect("a pipe");
        BufReader::new(stderr)
            .read_line(&mut line)
            .expect("the address");
        let address = line.trim().strip_prefix("http://");
        let address = address.and_then(|url| Some(url.split_once('/')?.0.to_owned()));
        Self {
            server,
            address: address.unwrap_or_else(|| panic!("not an address: {line:?}")),
        }
    }

    /// One request and its whole response, or the beginning of one that does not end.
    fn http(&self, line: &str, headers: &str, body: &str) -> String {
        let mut connection = TcpStream::connect(&self.address).expect("it listens");
        connection.set_read_timeout(Some(PATIENCE)).expect("a time");
        write!(
            connection,
            "{line} HTTP/1.1\r\nHost: {}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .expect("it reads");
        let mut response = Vec::new();
        let mut bytes = [0; 4096];
        // An event ends with a blank line; heads of responses have other line ends.
        while !response.windows(2).any(|two| two == b"\n\n") {
            match connection.read(&mut bytes).expect("it answers") {
                0 => break,
                count => response.extend_from_slice(&bytes[..count]),
            }
        }
        String::from_utf8(response).expect("text")
    }

    fn get(&self, path: &str) -> String {
        self.http(&format!("GET {path}"), "Connection: close\r\n", "")
    }

    /// Calls a tool in 2026-07-28.
    fn call(&self, path: &str, headers: &str, tool: &str, arguments: Value) -> String {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let headers = format!(
            "Connection: close\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n\
             Mcp-Method: tools/call\r\nMcp-Name: {tool}\r\n{headers}"
        );
        self.http(&format!("POST {path}"), &headers, &call.to_string())
    }

    /// Where the event stream of this path says to post.
    fn endpoint(&self, path: &str) -> String {
        let opened = self.http(&format!("GET {path}"), "Accept: text/event-stream\r\n", "");
        let data = opened.lines().find_map(|line| line.strip_prefix("data: "));
        data.unwrap_or_else(|| panic!("no endpoint: {opened}"))
            .to_owned()
    }

    /// The status line of a WebSocket handshake.
    fn upgrade(&self, path: &str) -> String {
        let headers = "Connection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let mut connection = TcpStream::connect(&self.address).expect("it listens");
        connection.set_read_timeout(Some(PATIENCE)).expect("a time");
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n",
            self.address
        );
        connection.write_all(head.as_bytes()).expect("it reads");
        let mut line = String::new();
        BufReader::new(connection)
            .read_line(&mut line)
            .expect("it answers");
        line
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

const SUM: &str = r#""text":"3""#;

#[test]
fn axum() {
    let app = Listening::start(env!("CARGO_BIN_EXE_axum"));
    let page = app.get("/");
    assert!(page.ends_with("the endpoint is /tools"), "{page}");
    let sum = app.call("/tools", "", "add", json!({"a": 1, "b": 2}));
    assert!(
        sum.starts_with("HTTP/1.1 200") && sum.contains(SUM),
        "{sum}"
    );
    // Relative to `/tools/sse`, whatever of it the service is shown.
    let endpoint = app.endpoint("/tools/sse");
    assert!(endpoint.starts_with("messages?sessionId="), "{endpoint}");
    assert!(app.upgrade("/tools/ws").contains(" 101 "));
}

#[test]
fn several() {
    let app = Listening::start(env!("CARGO_BIN_EXE_several"));
    let sum = app.call("/numbers", "", "add", json!({"a": 1, "b": 2}));
    assert!(sum.contains(SUM), "{sum}");
    let word = app.call("/words", "", "join", json!({"a": "rain", "b": "bow"}));
    assert!(word.contains(r#""text":"rainbow""#), "{word}");
    let foreign = app.call("/words", "", "add", json!({"a": 1, "b": 2}));
    assert!(foreign.contains("-32602"), "{foreign}");
    // The stream of one takes no messages of the other.
    let id = app.endpoint("/numbers/sse");
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let headers = "Connection: close\r\nContent-Type: application/json\r\n";
    let answer = app.http(&format!("POST /words/{id}"), headers, ping);
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[test]
fn hyper() {
    let app = Listening::start(env!("CARGO_BIN_EXE_hyper"));
    let sum = app.call("/mcp", "", "add", json!({"a": 1, "b": 2}));
    assert!(sum.contains(SUM), "{sum}");
    assert!(app.endpoint("/sse").starts_with("messages?sessionId="));
    assert!(app.upgrade("/ws").contains(" 101 "));
}

#[test]
fn layer() {
    let app = Listening::start(env!("CARGO_BIN_EXE_layer"));
    let user = "X-Authenticated-User: Ada\r\nOrigin: http://localhost:3000\r\n";
    let answer = app.call("/mcp", user, "whoami", json!({}));
    assert!(answer.contains(r#""text":"Ada""#), "{answer}");
    assert!(
        answer.contains("access-control-allow-origin: *"),
        "{answer}"
    );
    let answer = app.call("/mcp", "", "whoami", json!({}));
    assert!(answer.contains(r#""text":"nobody""#), "{answer}");
    assert!(app.endpoint("/mcp/sse").starts_with("messages?sessionId="));
    assert!(app.upgrade("/mcp/ws").contains(" 101 "));
}

#[test]
fn extension() {
    let mut host = Host::start(env!("CARGO_BIN_EXE_extension"), nothing);
    let found = host.request("maps/find", json!({"place": "Oslo"}));
    assert_eq!(
        (&found["latitude"], found.get("tile")),
        (&json!(59.91), None)
    );
    let error = host.request("maps/find", json!({"place": "Atlantis"}));
    assert_eq!(error["code"], -32602, "{error}");
    host.stop();
}

#[test]
fn skills() {
    let mut host = Host::start(env!("CARGO_BIN_EXE_skills"), nothing);
    let list = host.request("skills/list", json!({}));
    let names: Vec<_> = list["skills"]
        .as_array()
        .expect("skills")
        .iter()
        .map(|skill| skill["frontmatter"]["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["tea", "wash-up"]);
    assert!(host.read("skill://tea/SKILL.md").contains("license: MIT"));
    assert_eq!(
        host.read("skill://kitchen/wash-up/soap.md"),
        "One drop is enough.\n"
    );
    let listed = host.request(
        "resources/directory/read",
        json!({"uri": "skill://tea/recipes"}),
    );
    assert_eq!(listed["resources"][1]["name"], "green.md");
    host.stop();
}

#[test]
fn apps() {
    let mut host = Host::start(env!("CARGO_BIN_EXE_apps"), nothing);
    let tools = host.request("tools/list", json!({}));
    let ui = &tools["tools"][0]["_meta"]["ui"];
    assert_eq!(ui, &json!({"resourceUri": "ui://weather/chart"}));
    assert_eq!(
        tools["tools"][1]["_meta"]["ui"]["visibility"],
        json!(["app"])
    );
    assert!(
        host.read("ui://weather/chart")
            .starts_with("<!DOCTYPE html>")
    );
    let result = host.call("weather", json!({"city": "Oslo"}));
    assert_eq!(result["structuredContent"]["city"], "Oslo");
    host.stop();
}

#[test]
fn middleware() {
    let mut host = Host::start(env!("CARGO_BIN_EXE_middleware"), nothing);
    assert_eq!(host.text("nap", json!({"milliseconds": 1})), "slept 1 ms");
    let late = host.call("nap", json!({"milliseconds": 60_000}));
    assert_eq!(late["isError"], true, "tower's time-out: {late}");
    assert!(host.text("wipe", json!({})).contains("signed in"));
    assert_eq!(host.read("memo://public"), "for all");
    let hidden = host.request("resources/read", json!({"uri": "memo://private"}));
    assert_eq!(hidden["code"], -32002, "{hidden}");
    let requests: u32 = host.text("count", json!({})).parse().expect("a number");
    assert_eq!(requests, 7, "with the one that counts, and `initialize`");
    host.stop();
}

#[test]
fn low_level() {
    let mut host = Host::start(env!("CARGO_BIN_EXE_low_level"), nothing);
    let first = host.request("tools/list", json!({}));
    assert_eq!(first["tools"].as_array().map(Vec::len), Some(2));
    let second = host.request("tools/list", json!({"cursor": first["nextCursor"]}));
    assert_eq!(second["tools"][0]["name"], "summit");
    assert_eq!(second.get("nextCursor"), None);
    assert_eq!(host.text("river", json!({})), "Glomma");
    assert_eq!(host.call("ocean", json!({}))["code"], -32602);
    assert_eq!(host.read("row://capital"), "Oslo");
    host.stop();
}

#[test]
fn tasks() {
    let mut host = Host::start(env!("CARGO_BIN_EXE_tasks"), |_| json!({}));
    let params = json!({"name": "bake", "arguments": {"cake": "Sachertorte"}, "task": {}});
    let task = host.request("tools/call", params)["task"].clone();
    assert_eq!(task["status"], "working");
    let id = json!({"taskId": task["taskId"]});
    let result = host.request("tasks/result", id.clone());
    let text = result["content"][0]["text"].as_str().expect("text");
    assert_eq!(text, "Sachertorte, made of dough for Sachertorte");
    assert_eq!(host.request("tasks/get", id)["status"], "completed");
}
