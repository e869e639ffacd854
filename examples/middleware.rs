//! What can be done around every call?
//!
//! `cargo run -p wharf-examples --bin middleware`

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tower::limit::ConcurrencyLimitLayer;
use tower::timeout::TimeoutLayer;
use wharf::middleware::{Next, ReadCall, RequestCall, ToolCall, from_fn};
use wharf::protocol::tools::CallToolResult;
use wharf::{Error, Resource, Result, Server, State, tool};

#[derive(Clone, Default)]
struct Requests(Arc<AtomicU64>);

/// Wait, and say so.
#[tool(read_only)]
async fn nap(milliseconds: u64) -> String {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    format!("slept {milliseconds} ms")
}

/// Delete everything.
#[tool(destructive)]
async fn wipe() {}

/// How many requests there were.
#[tool(read_only)]
async fn count(requests: State<Requests>) -> u64 {
    requests.0.0.load(Ordering::Relaxed)
}

/// A layer is a function: code before, code after, or an answer instead.
async fn guard(call: ToolCall, next: Next<ToolCall>) -> Result<CallToolResult> {
    let hints = call.definition().and_then(|tool| tool.annotations.as_ref());
    let destructive = hints.and_then(|hints| hints.destructive_hint) == Some(true);
    if destructive && call.context().principal().is_none() {
        return Err(Error::new("only who is signed in may do this"));
    }
    let (name, begun) = (call.name().to_owned(), Instant::now());
    let result = next.run(call).await;
    tracing::info!(tool = name, elapsed = ?begun.elapsed(), "called");
    result
}

#[tokio::main]
async fn main() -> Result<()> {
    let requests = Requests::default();
    let counter = requests.clone();
    Server::new("Guarded")
        .tool(nap)
        .tool(wipe)
        .tool(count)
        .resource(Resource::text("memo://public", "for all"))
        .resource(Resource::text("memo://private", "for few"))
        // The first layer sees a call first.
        .layer_tools(from_fn(guard))
        // Those of tower fit as they are.
        .layer_tools(ConcurrencyLimitLayer::new(4))
        .layer_tools(TimeoutLayer::new(Duration::from_millis(200)))
        .layer_reads(from_fn(|call: ReadCall, next: Next<ReadCall>| async move {
            match call.uri() {
                "memo://private" => Err(Error::not_found(call.uri())),
                _ => next.run(call).await,
            }
        }))
        .layer_requests(from_fn(
            move |call: RequestCall, next: Next<RequestCall>| {
                counter.0.fetch_add(1, Ordering::Relaxed);
                async move { next.run(call).await }
            },
        ))
        .state(requests)
        .run()
        .await
}
