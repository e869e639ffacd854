//! Drives a server with the client of the crate rmcp, and prints what came of
//! every step as one JSON document. The steps and their values are those of
//! `../common/steps.mjs`.

mod client;
mod handler;
#[path = "../../common/play.rs"]
mod play;
mod playing;
mod steps;
mod values;

use std::process::ExitCode;

use client::{Connection, Target};
use handler::Heard;
use serde_json::{Value, json};

struct Options {
    transport: String,
    target: Target,
    revision: String,
    /// A file of steps, to take instead of those written here.
    steps: Option<String>,
}

fn options() -> Option<Options> {
    let (mut transport, mut server, mut url, mut revision) = (None, None, None, None);
    let mut steps = None;
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let place = match word.as_str() {
            "--transport" => &mut transport,
            "--server" => &mut server,
            "--url" => &mut url,
            "--revision" => &mut revision,
            "--steps" => &mut steps,
            _ => return None,
        };
        *place = Some(words.next()?);
    }
    let target = match transport.as_deref()? {
        "stdio" => Target::Command(server?),
        "http" => Target::Url(url?),
        _ => return None,
    };
    Some(Options {
        transport: transport?,
        target,
        revision: revision.unwrap_or_else(|| "auto".to_owned()),
        steps,
    })
}

/// The version of rmcp in this program's lock file.
fn rmcp_version() -> Option<&'static str> {
    let lock = include_str!("../Cargo.lock");
    let entry = lock
        .split("[[package]]")
        .find(|entry| entry.contains("name = \"rmcp\"\n"))?;
    entry.split("version = \"").nth(1)?.split('"').next()
}

#[tokio::main]
async fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!(
            "usage: --transport stdio --server COMMAND | --transport http --url URL [--revision R] [--steps FILE]"
        );
        return ExitCode::from(1);
    };
    let answers = json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {"listChanged": true}});
    let heard = Heard {
        play: options.steps.as_ref().map(|_| play::Heard::default()),
        ..Heard::default()
    };
    let opened = Connection::open(&options.target, &options.revision, answers, heard).await;
    let (results, revision) = match (opened, &options.steps) {
        (opened, Some(file)) => {
            let revision = opened
                .as_ref()
                .ok()
                .map(|connection| connection.revision.clone());
            let steps = std::fs::read_to_string(file).unwrap_or_default();
            let steps: Vec<Value> = serde_json::from_str(&steps).unwrap_or_default();
            let opened = opened.map_err(play::Failure::Threw);
            (json!(play::play(opened, &steps).await), json!(revision))
        }
        (Ok(connection), None) => {
            let revision = json!(connection.revision);
            let results = steps::take(connection, &options.target, &options.revision).await;
            (results, revision)
        }
        (Err(words), None) => (json!({"connect": {"threw": words}}), Value::Null),
    };
    let document = json!({
        "sdk": "rmcp",
        "version": rmcp_version(),
        "transport": options.transport,
        "revision": revision,
        "results": results,
    });
    println!("{document:#}");
    ExitCode::SUCCESS
}
