//! Wharf's client as one of those that are measured; see `bench/README.md` for the contract.

use std::time::Instant;

use futures_util::future::join_all;
use serde_json::json;
use wharf::Client;
use wharf::client::{Command, Error, Target};
use wharf::protocol::Revision;

/// The CPU time of this process, user and kernel, in nanoseconds.
fn cpu() -> u64 {
    let threads = std::fs::read_dir("/proc/self/task").expect("Linux");
    let used = threads.filter_map(|thread| {
        let stat = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<u64>().ok()
    });
    used.sum()
}

async fn call(client: &Client, a: i64) -> Result<(), Error> {
    let result = client.call("add", json!({ "a": a, "b": 1 })).await?;
    assert_eq!(result.content[0].as_text(), Some(&*(a + 1).to_string()));
    Ok(())
}

/// So many callers, each with one call after the other.
async fn run(client: &Client, callers: i64, calls: i64) -> Result<(), Error> {
    let caller = |first: i64| async move {
        for number in 0..calls / callers {
            call(client, first * calls + number).await?;
        }
        Ok::<_, Error>(())
    };
    join_all((0..callers).map(caller)).await.into_iter().collect()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [way, target, revision, callers, calls] = &arguments[..] else {
        panic!("usage: --http URL|--stdio PROGRAM REVISION CALLERS CALLS");
    };
    let target = match way.as_str() {
        "--http" => Target::url(target)?,
        _ => Command::new(target).arg("--stdio").into(),
    };
    let revision = Revision::parse(revision).expect("a revision");
    let (callers, calls) = (callers.parse().expect("a number"), calls.parse().expect("a number"));
    let client = Client::builder().revision(revision).open(target).await?;
    run(&client, callers, calls / 10).await?;
    let (began, used) = (Instant::now(), cpu());
    run(&client, callers, calls).await?;
    let (took, used) = (began.elapsed(), cpu() - used);
    println!("{:.2} {:.0}", used as f64 / calls as f64 / 1e3, calls as f64 / took.as_secs_f64());
    client.close().await;
    Ok(())
}
