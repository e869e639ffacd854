//! Many tasks in memory, finished and running.

use std::time::Instant;

use tokio::task::JoinSet;
use wharf::{InProcess, Limits, Server};

use crate::process::{Process, each, mib};
use crate::wire::{Wire, json};
use crate::{Size, clients, server};

const EXTENSION: &str = "io.modelcontextprotocol/tasks";
/// How many clients call at the same time.
const CLIENTS: usize = 16;

/// What one task may keep, in bytes as they were asked of the allocator: see the documentation of
/// `Limits::tasks_running` and `Limits::tasks_per_owner`.
const FINISHED: i64 = 2 * 1024;
const RUNNING: i64 = 4 * 1024;

async fn create(process: &Process, tool: &'static str, count: usize) -> Vec<String> {
    let addr = process.served.addr;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(async move {
            let mut wire = Wire::open(addr).await;
            let params = json!({"name": tool, "arguments": {}});
            let able = json!({"extensions": {EXTENSION: {}}});
            let post = clients::request(1, "tools/call", params, able);
            let mut ids = Vec::new();
            for _ in 0..count / CLIENTS {
                let result = wire.ask(&post).await.result();
                ids.push(result["taskId"].as_str().unwrap().to_owned());
            }
            ids
        });
    }
    clients.join_all().await.into_iter().flatten().collect()
}

async fn status(wire: &mut Wire, id: &str) -> String {
    let able = json!({"extensions": {EXTENSION: {}}});
    let post = clients::request(1, "tasks/get", json!({"taskId": id}), able);
    let result = wire.ask(&post).await.result();
    result["status"].as_str().unwrap().to_owned()
}

/// In a process of its own, over HTTP.
async fn resident(size: Size) {
    let process = Process::start("tasks");
    let mut wire = Wire::open(process.served.addr).await;
    let count = size.tasks / CLIENTS * CLIENTS;
    for (tool, name, expected) in [
        ("quick", "finished", "completed"),
        ("endless", "running", "working"),
    ] {
        // The first few pay for what is made once.
        create(&process, tool, CLIENTS).await;
        let before = process.resident();
        let began = Instant::now();
        let ids = create(&process, tool, count).await;
        let took = began.elapsed();
        assert_eq!(ids.len(), count);
        // Every hundredth is there, and as it should be.
        for id in ids.iter().step_by(100) {
            assert_eq!(status(&mut wire, id).await, expected);
        }
        let after = process.resident();
        println!(
            "    {count} {name} tasks: {:.1} → {:.1} MiB, {} bytes each; {:.1} s",
            mib(before),
            mib(after),
            each(before, after, count),
            took.as_secs_f64()
        );
    }
}

/// Creates tasks in this process, and counts what they keep.
fn kept(tool: &str, count: usize) -> i64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let post = clients::request(
        1,
        "tools/call",
        json!({"name": tool, "arguments": {}}),
        json!({"extensions": {EXTENSION: {}}}),
    );
    let create = async |server: &InProcess, count| {
        for _ in 0..count {
            let answer = server.send(post.body.clone()).await.unwrap();
            let answer = String::from_utf8(answer).unwrap();
            assert!(answer.contains("taskId"), "{answer}");
            tokio::task::yield_now().await;
        }
    };
    let limits = Limits {
        tasks_running: 1 << 20,
        tasks_per_owner: 1 << 20,
        ..Limits::default()
    };
    let server = Server::new("Counted")
        .limits(limits)
        .tool(server::quick)
        .tool(server::endless);
    let server = runtime.block_on(server.in_process()).unwrap();
    runtime.block_on(create(&server, 64));
    let counted = allocation_counter::measure(|| runtime.block_on(create(&server, count)));
    counted.bytes_current / i64::try_from(count).unwrap()
}

pub(crate) fn run(size: Size) {
    for (tool, bound) in [("quick", FINISHED), ("endless", RUNNING)] {
        let bytes = kept(tool, 4_000);
        println!("    {tool}: {bytes} bytes are kept for each task, of {bound} at most");
        assert!(bytes > 0 && bytes < bound, "{tool}: {bytes} bytes");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(resident(size));
}
