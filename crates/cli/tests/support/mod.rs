//! The binary as a child process, and the smallest HTTP client that can talk to it.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "a module of several tests, each of which uses a part"
)]

pub mod provider;
pub mod served;
#[cfg(unix)]
pub mod terminal;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn wharf(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wharf"));
    command
        .args(arguments)
        .env_remove("RUST_LOG")
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        // Nothing of the person whose machine this is: no hosts, no tokens, no cache.
        .env("HOME", nobody())
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("XDG_CACHE_HOME")
        .env_remove("XDG_DATA_HOME")
        .env_remove("CODEX_HOME")
        .env_remove("CLAUDE_CONFIG_DIR");
    command
}

/// A home directory that is empty.
fn nobody() -> std::path::PathBuf {
    let home = std::env::temp_dir().join(format!("wharf-cli-home-{}", std::process::id()));
    std::fs::create_dir_all(&home).expect("a directory");
    home
}

/// A directory for one test, which goes with it.
pub struct Folder(pub std::path::PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wharf-cli-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    /// Writes a file, and the directories that it is in.
    pub fn file(&self, path: &str, text: &str) -> std::path::PathBuf {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(&path, text).expect("a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // If it stays, it stays.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a command to its end: exit code, standard output, standard error.
pub fn run(mut command: Command) -> (i32, String, String) {
    let output = command.stdin(Stdio::null()).output().expect("a process");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let code = output.status.code().expect("no signal");
    (code, text(output.stdout), text(output.stderr))
}

/// A running server.
pub struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Process {
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a process");
        let stdout = lines(child.stdout.take().expect("piped"));
        let stderr = lines(child.stderr.take().expect("piped"));
        let stdin = child.stdin.take();
        Self {
            child,
            stdin,
            stdout,
            stderr,
        }
    }

    /// A line of standard output.
    pub fn line(&self) -> String {
        match self.stdout.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(_) => panic!("no line; standard error: {:?}", self.errors()),
        }
    }

    pub fn send(&mut self, message: &Value) {
        let stdin = self.stdin.as_mut().expect("open");
        writeln!(stdin, "{message}").expect("written");
    }

    /// What was written to standard error so far.
    pub fn errors(&self) -> Vec<String> {
        self.stderr.try_iter().collect()
    }

    /// Waits for a line of standard error that says this.
    pub fn error_with(&self, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.stderr.recv_timeout(left) {
                Ok(line) if line.contains(text) => return line,
                Ok(_) => {}
                Err(_) => panic!("standard error never says {text:?}"),
            }
        }
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
        assert!(status.expect("kill").success());
    }

    /// Closes standard input and waits for the end: exit code, and the rest of standard output
    /// and standard error.
    pub fn end(mut self) -> (Option<i32>, Vec<String>, Vec<String>) {
        drop(self.stdin.take());
        let end = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().expect("a status") {
                Some(status) => break status,
                None if Instant::now() > end => panic!("it does not end: {:?}", self.errors()),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        // The readers end with their pipes.
        let (stdout, stderr) = (self.stdout.iter().collect(), self.stderr.iter().collect());
        (status.code(), stdout, stderr)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone, or gone now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        // Not `lines`: that would hide what stands before a line feed.
        for line in BufReader::new(stream).split(b'\n') {
            let line = String::from_utf8(line.expect("a line")).expect("UTF-8");
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// A server over HTTP, and where it is.
pub struct Http {
    pub process: Process,
    pub url: String,
    address: SocketAddr,
}

impl Http {
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_with(wharf(arguments))
    }

    /// Starts `serve`, on a free port, and waits until it listens.
    pub fn start_with(mut command: Command) -> Self {
        command.args(["--addr", "127.0.0.1:0", "--json"]);
        let process = Process::start(command);
        let start: Value = serde_json::from_str(&process.line()).expect("JSON");
        assert_eq!(start["pid"], process.child.id());
        let url = start["url"].as_str().expect("a URL").to_owned();
        let host = url.trim_start_matches("http://").split('/').next();
        let address = host.and_then(|host| host.parse().ok()).expect("an address");
        Self {
            process,
            url,
            address,
        }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Posts a message, without waiting for the answer.
    pub fn post(&self, headers: &[(&str, &str)], message: &Value) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let body = message.to_string();
        let path = self.url.splitn(4, '/').nth(3).expect("a path");
        let mut head = format!(
            "POST /{path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n\
             content-type: application/json\r\naccept: application/json, text/event-stream\r\n",
            self.address,
            body.len()
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        write!(stream, "{head}\r\n{body}").expect("sent");
        stream
    }

    /// Posts a message and reads the answer.
    pub fn ask(&self, headers: &[(&str, &str)], message: &Value) -> Answer {
        Answer::read(self.post(headers, message))
    }

    /// Opens a session and gives its id.
    pub fn initialize(&self) -> String {
        let answer = self.ask(&[], &initialize());
        assert_eq!(answer.status, 200, "{}", answer.body);
        let server = &answer.json()["result"]["serverInfo"];
        assert_eq!(server["name"], "wharf-starter");
        answer.header("mcp-session-id").expect("a session")
    }
}

/// An answer over HTTP, whole.
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Answer {
    pub fn read(mut stream: TcpStream) -> Self {
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Self {
            status: status.expect("a status"),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    pub fn header(&self, name: &str) -> Option<String> {
        let start = format!("{name}: ");
        let line = self.head.lines().find(|line| line.starts_with(&start))?;
        Some(line[start.len()..].to_owned())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }
}

pub fn initialize() -> Value {
    json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "test", "version": "0"},
        },
    })
}

pub fn request(id: u32, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

pub fn call(id: u32, tool: &str, arguments: Value) -> Value {
    request(
        id,
        "tools/call",
        json!({"name": tool, "arguments": arguments}),
    )
}
