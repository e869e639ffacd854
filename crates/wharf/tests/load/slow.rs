//! Readers that do not read, beside others that do.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::process::{Process, each, mib};
use crate::server::{MARK, RESOURCES, session_idle, write_timeout};
use crate::wire::{Stream, Wire, json, soon};
use crate::{Size, clients};

/// What a slow reader may cost beyond what the kernel holds for it: what one stream may have
/// unread (`stream_bytes`), and what it keeps for its client's return (`replay_bytes`).
const BOUND: usize = 2 * 1024 * 1024;

/// Those who read: each tells of every notice.
struct Normal {
    count: usize,
    heard: mpsc::UnboundedReceiver<(bool, Instant)>,
}

impl Normal {
    async fn open(process: &Process, count: usize) -> Self {
        let addr = process.served.addr;
        let streams = clients::open_all(count, move |id| async move {
            let wire = Wire::open(addr).await;
            match id % 2 {
                0 => clients::listen(wire, id, true).await,
                _ => clients::get(wire, true).await,
            }
        });
        let (tell, heard) = mpsc::unbounded_channel();
        for (_, stream) in streams.await {
            tokio::spawn(read(stream, tell.clone()));
        }
        Self { count, heard }
    }

    /// One round: something changes, and all must hear of it before the next one. Gives how long
    /// it took until each of them had all of it, in order.
    async fn round(&mut self, wire: &mut Wire, what: &str) -> Vec<Duration> {
        let (messages, is_mark) = match what {
            "resources" => (RESOURCES, false),
            _ => (1, true),
        };
        let began = Instant::now();
        clients::call(wire, "change", json!({"what": what})).await;
        let mut times = Vec::with_capacity(self.count * messages);
        for _ in 0..self.count * messages {
            let (mark, at) = soon(self.heard.recv()).await.expect("they go on");
            assert_eq!(mark, is_mark, "a notice of another round");
            times.push(at - began);
        }
        times
    }

    /// Small notices in as many rounds.
    async fn rounds(&mut self, wire: &mut Wire, rounds: usize) -> Vec<Duration> {
        let mut all = Vec::new();
        for _ in 0..rounds {
            all.extend(self.round(wire, "mark").await);
        }
        all
    }
}

async fn read(mut stream: Stream, tell: mpsc::UnboundedSender<(bool, Instant)>) {
    while let Some(message) = stream.message().await {
        assert_eq!(message["method"], "notifications/resources/updated");
        let is_mark = message["params"]["uri"] == MARK;
        if tell.send((is_mark, Instant::now())).is_err() {
            return;
        }
    }
}

/// Opens one that will not read, of each kind in turn.
async fn open_slow(addr: std::net::SocketAddr, id: usize) -> Stream {
    let wire = clients::narrow(addr).await;
    match id % 8 {
        0..4 => clients::begin_to_listen(wire, id, true).await,
        4 | 5 => clients::get(wire, true).await,
        6 => clients::chatter(wire, id, false).await,
        _ => clients::chatter(wire, id, true).await,
    }
}

/// Prints latencies, and gives the one in the middle.
fn show(what: &str, mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1000.0;
    println!(
        "    {what}: {} notices, half after {:.2} ms, 99 % after {:.2} ms, all after {:.2} ms",
        times.len(),
        at(50),
        at(99),
        at(100)
    );
    at(50)
}

async fn all(size: Size) {
    let is_full = size.slow >= 1000;
    let process = Process::start(if is_full { "slow-full" } else { "slow" });
    let addr = process.served.addr;
    let mut wire = Wire::open(addr).await;
    let mut normal = Normal::open(&process, size.normal).await;
    let files = process.open_files();
    normal.round(&mut wire, "resources").await;
    let alone = normal.rounds(&mut wire, 40).await;
    let alone = show("alone", alone);

    let mut peaks = Vec::new();
    for wave in 1..=2 {
        let before = process.resident();
        let began = Instant::now();
        let slow = clients::open_all(size.slow, move |id| open_slow(addr, id)).await;
        let opened = began.elapsed();
        // More than the kernels at both ends take for most of those who do not read.
        for _ in 0..10 {
            normal.round(&mut wire, "resources").await;
        }
        let peak = process.resident();
        println!(
            "    wave {wave}: {} slow readers opened in {:.1} s; the server grew from {:.1} to {:.1} MiB: {} bytes each",
            size.slow,
            opened.as_secs_f64(),
            mib(before),
            mib(peak),
            each(before, peak, size.slow)
        );
        assert!(each(before, peak, size.slow) < BOUND);
        peaks.push(peak);

        let beside = normal.rounds(&mut wire, 40).await;
        let files_now = process.open_files() - files;
        let beside = show(&format!("beside {files_now} slow ones"), beside);
        println!("    that is {:.2} times as long", beside / alone);

        // None of them closes anything: the server does, and so late only for who is blocked.
        // Where a kernel took more than expected, there is more to come.
        let longest = Instant::now() + write_timeout(is_full) * 8;
        while process.open_files() > files {
            assert!(
                Instant::now() < longest,
                "{} slow readers are still there",
                process.open_files() - files
            );
            normal.round(&mut wire, "resources").await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        println!(
            "    all were dropped {:.1} s after the first was opened (write time-out {:?})",
            began.elapsed().as_secs_f64(),
            write_timeout(is_full)
        );
        // Calls of 2026-07-28 end with their connections; those of sessions go on, with nobody
        // to wait for, and come to their end.
        while soon(clients::call(&mut wire, "running", json!({}))).await != "0" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        println!("    {:.1} MiB afterwards", mib(process.resident()));
        drop(slow);
        if wave == 1 {
            // With the sessions goes what they keep for their clients' return.
            tokio::time::sleep(session_idle(is_full) + Duration::from_secs(2)).await;
        }
    }
    // What the first wave took is free for the second.
    assert!(peaks[1] < peaks[0] + peaks[0] / 2, "memory is lost");
    normal.round(&mut wire, "resources").await;
    let after = normal.rounds(&mut wire, 40).await;
    show("alone again", after);
}

pub(crate) fn run(size: Size) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(all(size));
}
