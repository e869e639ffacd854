//! How does a program call a server, and answer what it asks?
//!
//! `cargo run -p wharf-examples --bin client -- COMMAND TOOL ARGUMENTS`, such as
//! `client target/debug/echo echo '{"message": "Hello"}'`

// A program for a terminal.
#![allow(clippy::print_stderr, clippy::print_stdout)]

use serde_json::{Map, Value};
use wharf::Client;
use wharf::client::{Command, Form};
use wharf::protocol::ElicitResult;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let [command, tool, arguments] = &words[..] else {
        return Err("usage: client COMMAND TOOL ARGUMENTS".into());
    };
    let arguments: Value = serde_json::from_str(arguments)?;
    let client = Client::builder()
        // A program for people would show the form; this one says yes to everything.
        .on_elicit(|form: Form| async move {
            eprintln!("{}", form.message);
            Ok(ElicitResult::accept(Map::from_iter([(
                "value".into(),
                true.into(),
            )])))
        })
        .open(Command::parse(command)?)
        .await?;
    for tool in client.tools().all().await? {
        eprintln!(
            "{}: {}",
            tool.name,
            tool.description.as_deref().unwrap_or_default()
        );
    }
    let call = client
        .call(tool, arguments)
        .on_progress(|progress| eprintln!("{:?}", progress.message));
    for content in call.await?.content {
        println!("{}", content.as_text().unwrap_or("(no text)"));
    }
    client.close().await;
    Ok(())
}
