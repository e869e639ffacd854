//! rmcp's client as one of those that are measured; see `bench/README.md` for the contract.

use std::error::Error;
use std::time::Instant;

use futures_util::future::join_all;
use rmcp::model::{CallToolRequestParams, ClientConfig, Implementation, ProtocolVersion};
use rmcp::service::{ClientLifecycleMode, RoleClient, RunningService};
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::ClientServiceExt as _;
use serde_json::json;

type Client = RunningService<RoleClient, ClientConfig>;

/// The CPU time of this process, user and kernel, in nanoseconds.
fn cpu() -> u64 {
    let threads = std::fs::read_dir("/proc/self/task").expect("Linux");
    let used = threads.filter_map(|thread| {
        let stat = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<u64>().ok()
    });
    used.sum()
}

async fn call(client: &Client, a: i64) -> Result<(), Box<dyn Error>> {
    let mut params = CallToolRequestParams::new("add");
    params.arguments = json!({ "a": a, "b": 1 }).as_object().cloned();
    let result = client.call_tool(params).await?;
    let text = result.content[0].as_text().map(|text| text.text.as_str());
    assert_eq!(text, Some(&*(a + 1).to_string()));
    Ok(())
}

/// So many callers, each with one call after the other.
async fn run(client: &Client, callers: i64, calls: i64) -> Result<(), Box<dyn Error>> {
    let caller = |first: i64| async move {
        for number in 0..calls / callers {
            call(client, first * calls + number).await?;
        }
        Ok::<_, Box<dyn Error>>(())
    };
    join_all((0..callers).map(caller)).await.into_iter().collect()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [way, target, revision, callers, calls] = &arguments[..] else {
        panic!("usage: --http URL|--stdio PROGRAM REVISION CALLERS CALLS");
    };
    let revision: ProtocolVersion = serde_json::from_value(json!(revision))?;
    let lifecycle = if revision.has_initialize() {
        ClientLifecycleMode::Initialize
    } else {
        ClientLifecycleMode::Discover { preferred_versions: vec![revision.clone()] }
    };
    let config = ClientConfig::new(Default::default(), Implementation::new("bench", "0"))
        .with_protocol_version(revision);
    let client = match way.as_str() {
        "--http" => {
            let transport = StreamableHttpClientTransport::from_uri(target.as_str());
            config.serve_with_lifecycle(transport, lifecycle).await?
        }
        _ => {
            let mut command = tokio::process::Command::new(target);
            command.arg("--stdio");
            config.serve_with_lifecycle(TokioChildProcess::new(command)?, lifecycle).await?
        }
    };
    let (callers, calls) = (callers.parse()?, calls.parse::<i64>()?);
    run(&client, callers, calls / 10).await?;
    let (began, used) = (Instant::now(), cpu());
    run(&client, callers, calls).await?;
    let (took, used) = (began.elapsed(), cpu() - used);
    println!("{:.2} {:.0}", used as f64 / calls as f64 / 1e3, calls as f64 / took.as_secs_f64());
    Ok(())
}
