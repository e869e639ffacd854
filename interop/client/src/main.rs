//! Takes the steps of a file with our client, as a user of the crate writes one, and prints what
//! came of each as one JSON document, for `interop/run-servers`.

#[path = "../../common/play.rs"]
mod play;
mod playing;

use std::io::Write;
use std::process::ExitCode;

use playing::{Asked, Connection};
use serde_json::{Value, json};

const USAGE: &str = "usage: --transport stdio --server COMMAND | --transport http|sse|ws --url URL
       --steps FILE [--revision R]";

fn options() -> Option<(Asked, String)> {
    let mut asked = Asked::default();
    let (mut transport, mut steps) = (None, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let place = match word.as_str() {
            "--transport" => &mut transport,
            "--server" => &mut asked.command,
            "--url" => &mut asked.url,
            "--revision" => &mut asked.revision,
            "--steps" => &mut steps,
            _ => return None,
        };
        *place = Some(words.next()?);
    }
    asked.transport = transport?;
    Some((asked, steps?))
}

#[tokio::main]
async fn main() -> ExitCode {
    // Standard output belongs to the document.
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let Some((asked, file)) = options() else {
        let _ = writeln!(std::io::stderr(), "{USAGE}");
        return ExitCode::from(1);
    };
    let steps = std::fs::read_to_string(file).unwrap_or_default();
    let steps: Vec<Value> = serde_json::from_str(&steps).unwrap_or_default();
    let connection = Connection::open(&asked).await;
    let revision = connection.as_ref().ok().map(Connection::revision);
    let document = json!({
        "sdk": "wharf",
        "version": env!("CARGO_PKG_VERSION"),
        "transport": asked.transport,
        "revision": revision,
        "results": play::play(connection, &steps).await,
    });
    match writeln!(std::io::stdout(), "{document:#}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(1),
    }
}
