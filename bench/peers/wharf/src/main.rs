//! Wharf as one of the servers that are measured; see `bench/README.md` for the contract.

use wharf::http::HttpOptions;
use wharf::{Context, Error, Limits, Result, Server, Tool, tool};

/// Add two numbers.
#[tool]
async fn add(
    /// The first number
    a: i64,
    /// The second number
    b: i64,
) -> i64 {
    a + b
}

/// A mebibyte of text.
#[tool]
async fn big() -> String {
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_\n".repeat(16_384)
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[allow(dead_code)]
struct Filler {
    name: String,
    limit: i64,
}

fn filler(number: usize) -> Tool {
    Tool::new(format!("filler_{number:04}"))
        .description("Look up a record by its name and return at most the given number of matches.")
        .handler(|_: Filler, _: Context| async { "" })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let (mut http, mut tools) = (None, 2);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--http" => http = arguments.next(),
            "--stdio" => {}
            "--tools" => tools = arguments.next().unwrap_or_default().parse()?,
            other => return Err(Error::new(format!("unknown argument {other}"))),
        }
    }
    // One client opens them all, and nobody uses them for a while.
    let limits = Limits { session_unused: Limits::default().session_idle, ..Limits::default() };
    let server = (2..tools).fold(Server::new("wharf").tool(add).tool(big), |server, number| {
        server.tool(filler(number))
    });
    let server = server.limits(limits).http(HttpOptions::default());
    match http {
        Some(address) => server.serve_http(&address).await,
        None => server.serve_stdio().await,
    }
}
