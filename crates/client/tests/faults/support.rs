//! A server to be disturbed, clients with short patience, and what a clear error is.

use std::future::IntoFuture;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use wharf_client::{Builder, Client, Command, Error, Limits, Stderr, Timeouts, Transport};
use wharf_protocol::Revision;
use wharf_protocol::tools::CallToolResult;
use wharf_server::{Context, NoArguments, Server, Tool};

/// Longer than anything here may take, however busy the machine is.
pub(crate) const LONGEST: Duration = Duration::from_secs(60);
/// Of one message, in bytes.
pub(crate) const LIMIT: usize = 1024 * 1024;

pub(crate) async fn in_time<F: IntoFuture>(what: &str, future: F) -> F::Output {
    let done = tokio::time::timeout(LONGEST, future).await;
    done.unwrap_or_else(|_| panic!("this takes too long: {what}"))
}

pub(crate) const HASTY: Timeouts = Timeouts {
    connect: Duration::from_secs(1),
    probe: Duration::from_millis(500),
    start: Duration::from_secs(3),
    request: Duration::from_secs(1),
    with_progress: None,
};

/// A client that does not wait for long.
pub(crate) fn hasty() -> Builder {
    patient().timeouts(HASTY)
}

/// A client that waits, and takes little.
pub(crate) fn patient() -> Builder {
    Client::builder().limits(Limits {
        message_bytes: LIMIT,
        ..Limits::default()
    })
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Echo {
    text: String,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Count {
    to: u32,
}

/// A server whose answers can be told right from wrong.
pub(crate) fn server() -> Server {
    let echo = Tool::new("echo").handler(|it: Echo, _: Context| async move { it.text });
    let count = Tool::new("count").handler(|it: Count, context: Context| async move {
        for n in 0..it.to {
            context.progress(f64::from(n), f64::from(it.to)).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        format!("counted to {}", it.to)
    });
    let change = Tool::new("change").handler(|_: NoArguments, context: Context| async move {
        let one_more = Tool::new("more").handler(|_: NoArguments, _: Context| async { "more" });
        let changed = context.catalog().update(|catalog| {
            catalog.add_tool(one_more);
        });
        changed
            .map(|_| "changed")
            .map_err(|error| error.to_string())
    });
    Server::new("Disturbed").tool(echo).tool(count).tool(change)
}

/// A transport in one of its revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way(pub(crate) Transport, pub(crate) Revision);

pub(crate) const WAYS: [Way; 5] = [
    Way(Transport::Http, Revision::LATEST),
    Way(Transport::Http, Revision::LATEST_LEGACY),
    Way(Transport::Sse, Revision::V2024_11_05),
    Way(Transport::WebSocket, Revision::LATEST),
    Way(Transport::WebSocket, Revision::LATEST_LEGACY),
];

/// A child that carries what it reads to a TCP port and back.
pub(crate) const CHILDREN: [Way; 2] = [
    Way(Transport::Stdio, Revision::LATEST),
    Way(Transport::Stdio, Revision::LATEST_LEGACY),
];

impl Way {
    pub(crate) fn address(self, port: u16) -> String {
        match self.0 {
            Transport::Sse => format!("http://127.0.0.1:{port}/sse"),
            Transport::WebSocket => format!("ws://127.0.0.1:{port}/ws"),
            _ => format!("http://127.0.0.1:{port}/mcp"),
        }
    }

    pub(crate) fn on(self, builder: Builder) -> Builder {
        let builder = builder.revision(self.1);
        match self.0 {
            Transport::Sse => builder.transport(Transport::Sse),
            _ => builder,
        }
    }

    pub(crate) async fn connect(self, builder: Builder, port: u16) -> Result<Client, Error> {
        if self.0 == Transport::Stdio {
            let relay = Command::new("python3")
                .args(["-c", include_str!("relay.py"), &port.to_string()])
                .stderr(Stderr::Discard)
                .shutdown_grace(Duration::from_millis(300));
            return builder.revision(self.1).open(relay).await;
        }
        self.on(builder).connect(&self.address(port)).await
    }
}

/// Starts a server, which ends with the test's runtime.
pub(crate) async fn serve() -> u16 {
    let http = server().bind("127.0.0.1:0").await.unwrap();
    let port = http.local_addr().unwrap().port();
    tokio::spawn(http.serve_until(std::future::pending()));
    port
}

/// Starts a server that speaks lines over TCP.
pub(crate) async fn serve_lines() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (reader, writer) = stream.into_split();
            tokio::spawn(server().serve_connection(reader, writer));
        }
    });
    port
}

pub(crate) fn text(result: &CallToolResult) -> &str {
    assert_ne!(result.is_error, Some(true), "{result:?}");
    result.content[0].as_text().unwrap()
}

/// One call whose answer is known; its result is right, if it has one.
pub(crate) async fn echo(client: &Client, said: &str) -> Result<(), Error> {
    let result = in_time("echo", client.call("echo", json!({ "text": said }))).await?;
    assert_eq!(text(&result), said, "a wrong result");
    Ok(())
}

/// Whether an error says something that one can act on.
pub(crate) fn is_clear(error: &Error) -> bool {
    let kind = error.is_closed()
        || error.is_timeout()
        || error.is_unreachable()
        || error.is_protocol()
        || error.is_unsupported()
        || error.is_authorization_required()
        || error.as_rpc().is_some();
    let words = error.to_string();
    kind && words.len() > 10 && words.len() < 4000 && !words.contains(char::is_control)
}

/// The client works again after a few calls, which tell it that its connection is no good.
pub(crate) async fn recovers(client: &Client, what: &str) {
    let mut errors = Vec::new();
    for attempt in 0..4 {
        match echo(client, &format!("again {attempt}")).await {
            Ok(()) => return,
            Err(error) => errors.push(error.to_string()),
        }
    }
    panic!("{what}: the client does not work any more: {errors:#?}");
}

const MARK: &str = "WHARF_TEST_AGAIN";

/// This test program once more, as a process of its own in which only the test `name` runs.
pub(crate) fn again(name: &str) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", name, "--nocapture"])
        .env(MARK, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

pub(crate) fn is_again() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Numbers that look random, the same for the same seed.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// The seeds of this run: `WHARF_SEED=n` runs one again, `WHARF_SEEDS=n` runs so many.
pub(crate) fn seeds(usual: u64) -> std::ops::Range<u64> {
    let number = |name: &str| Some(std::env::var(name).ok()?.parse::<u64>().unwrap());
    match number("WHARF_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("WHARF_SEEDS").unwrap_or(usual),
    }
}
