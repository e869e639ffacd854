//! Every revision over every transport, method by method, against a server that uses everything.
//!
//! Each message that the server sends must fit its definition in the revision's own schema, and
//! carry no member that the schema does not name. The list of methods is the protocol crate's
//! table: a method of a revision that appears over no transport fails the test.
//!
//! No harness of its own would leave standard output to a server over stdio, so this has none:
//! the same program is the server (with an argument) and the test. Arguments choose: `matrix
//! 2025-06-18 http` runs what has both words in its name.

#![allow(
    unreachable_pub,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test without a harness tells by itself what it does"
)]

#[path = "../wire/mod.rs"]
mod wire;

mod answers;
mod client;
mod server;
mod steps;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use wharf::protocol::Revision;
use wharf::protocol::method::Method;
use wharf_schemas::Spec;

use client::{Client, Record, Transport};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // One handler panics on purpose, which says nothing to who reads the output.
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload().downcast_ref() != Some(&"on purpose") {
            report(panic);
        }
    }));
    if arguments.iter().any(|argument| argument == "--stdio") {
        return serve();
    }
    let Some(folder) = wharf_schemas::folder() else {
        return ExitCode::SUCCESS;
    };
    let words: Vec<_> = arguments
        .into_iter()
        .filter(|word| !word.starts_with("--"))
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let passed = runtime.block_on(matrix(&folder, &words));
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The server over standard input and output, in the process of its own that stdio is.
fn serve() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    match runtime.block_on(server::server().serve_stdio()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn matrix(folder: &Path, words: &[String]) -> bool {
    let mut passed = true;
    for revision in Revision::ALL {
        let spec = Arc::new(Spec::read(folder, revision.as_str()));
        for transport in Transport::ALL {
            let name = format!("{revision} {transport:?}").to_lowercase();
            if !words.iter().all(|word| name.contains(&word.to_lowercase())) {
                continue;
            }
            let running = run(revision, transport, Arc::clone(&spec));
            let record = tokio::spawn(running).await;
            let Ok(mut record) = record else {
                println!("{name}: stopped in the middle");
                passed = false;
                continue;
            };
            record
                .faults
                .extend(missing(revision, transport, &record.seen));
            println!(
                "{name}: {} messages, {} methods, {} faults",
                record.messages,
                record.seen.len(),
                record.faults.len()
            );
            for fault in &record.faults {
                println!("    {fault}");
            }
            passed &= record.faults.is_empty();
        }
    }
    passed
}

async fn run(revision: Revision, transport: Transport, spec: Arc<Spec>) -> Record {
    let mut client = Client::open(revision, transport, spec).await;
    steps::all(&mut client).await;
    client.close().await
}

/// Methods of the revision's table that did not appear.
fn missing(revision: Revision, transport: Transport, seen: &BTreeSet<Method>) -> Vec<String> {
    let methods = Method::ALL.iter().filter(|method| method.is_in(revision));
    methods
        .filter(|method| !seen.contains(method) && !transport.lacks(**method, revision))
        .map(|method| format!("`{}` did not appear", method.as_str()))
        .collect()
}
