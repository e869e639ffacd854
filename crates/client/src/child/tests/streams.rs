//! What a child writes to its standard error.

use std::sync::Mutex;

use super::*;
use crate::child::Stderr;

fn collect() -> (Arc<Mutex<Vec<String>>>, Stderr) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&lines);
    let sink = Stderr::Lines(Arc::new(move |line: &str| {
        to.lock().unwrap().push(line.to_owned())
    }));
    (lines, sink)
}

/// 200 MB, more than any pipe holds, half of it one line without an end.
const FLOOD: &str = "import sys\n\
    for _ in range(100): sys.stderr.write('x' * 1_000_000)\n\
    for _ in range(100): sys.stderr.write(('y' * 99 + '\\n') * 10_000)\n\
    sys.stderr.write('last')\nsys.stderr.flush()\nprint('done', flush=True)\nsys.stdin.read()";

/// In a process of its own, because its memory is measured.
#[tokio::test]
async fn the_one_who_is_flooded() {
    if !is_again() {
        return;
    }
    for stderr in [Stderr::Log, Stderr::Discard] {
        let before = resident();
        let mut started = Started::of(&python(FLOOD).stderr(stderr));
        assert_eq!(started.line().await, "done");
        let grown = resident().saturating_sub(before);
        // Other tests of this process grow too, by much less than the flood.
        assert!(grown < 100_000_000, "{grown} bytes more than before");
        let child = Arc::clone(&started.child);
        started.close().await;
        let why = in_time(child.why_ended()).await.to_string();
        assert!(why.ends_with("yyy | last") && why.len() < 1500, "{why}");
    }
    println!("\nmeasured");
}

#[test]
fn a_flood_neither_stops_the_child_nor_fills_the_memory() {
    let output = again("streams::the_one_who_is_flooded").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("measured"),
        "{text}"
    );
}

/// In bytes; 0 where the system does not say.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.map_or(0, |number: usize| number * 1024)
}

#[tokio::test]
async fn lines_come_one_by_one_and_whole() {
    let (lines, sink) = collect();
    let script = "printf 'one\\r\\n\\ntw' >&2; sleep 0.1; printf 'o\\n\\033three' >&2";
    let mut started = Started::of(&sh(script).stderr(sink));
    started.rest().await;
    started.why_ended().await;
    assert_eq!(*lines.lock().unwrap(), ["one", "two", "\u{1b}three"]);
}

#[tokio::test]
async fn a_long_line_is_cut() {
    let (lines, sink) = collect();
    let script = "import sys; sys.stderr.write('x' * 100_000 + '\\nnext\\n')";
    let mut started = Started::of(&python(script).stderr(sink));
    started.rest().await;
    started.why_ended().await;
    let lines = lines.lock().unwrap();
    assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [4096, 4]);
}

#[tokio::test]
async fn a_function_that_panics_does_not_stop_the_child() {
    let sink = Stderr::Lines(Arc::new(|_: &str| panic!("this panic is part of a test")));
    let mut started = Started::of(&python(FLOOD).stderr(sink));
    assert_eq!(started.line().await, "done");
    started.close().await;
}

#[tokio::test]
async fn a_grandchild_that_holds_its_standard_error_open_delays_no_error() {
    // Python's setsid leaves the group, and so survives; it is ended by its own time.
    let script = "import os, sys, time\nif os.fork() == 0:\n os.setsid(); os.close(1); time.sleep(20); os._exit(0)\n\
                  sys.stderr.write('oops\\n'); sys.stderr.flush(); os._exit(5)";
    let mut started = Started::of(&python(script).stderr(Stderr::Discard));
    started.rest().await;
    let began = std::time::Instant::now();
    let why = started.why_ended().await;
    assert!(why.contains("status 5; it wrote last: oops"), "{why}");
    assert!(began.elapsed() < Duration::from_secs(15));
    started.close().await;
}
