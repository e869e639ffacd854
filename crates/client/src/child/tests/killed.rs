//! That nobody is left: after many starts, and when this process is killed.

use std::io::{BufRead as _, BufReader as StdReader, Write as _};

use super::*;
use crate::child::Stderr;

const STUBBORN: &str = "trap '' TERM; sh -c 'trap \"\" TERM; echo $$; while :; do sleep 1; done' & \
                        echo $$; while :; do sleep 1; done";

/// In the process that is killed: three children with a grandchild each, whose numbers it prints.
#[tokio::test]
async fn the_parent() {
    if !is_again() {
        return;
    }
    let mut all = Vec::new();
    for _ in 0..3 {
        let mut started = Started::of(&sh(STUBBORN).stderr(Stderr::Discard));
        for _ in 0..2 {
            let pid = started.line().await;
            println!("\npid {pid}");
        }
        all.push(started);
    }
    std::io::stdout().flush().unwrap();
    println!("\nready");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn nobody_outlives_a_parent_that_is_killed() {
    let mut parent = again("killed::the_parent").spawn().unwrap();
    let mut pids = Vec::new();
    for line in StdReader::new(parent.stdout.take().unwrap()).lines() {
        match line.unwrap().split_once(' ') {
            Some(("pid", pid)) => pids.push(Pid::from_raw(pid.parse().unwrap()).unwrap()),
            None if pids.len() == 6 => break,
            _ => {}
        }
    }
    assert!(pids.iter().all(|pid| is_running(*pid)), "{pids:?}");
    parent.kill().unwrap();
    parent.wait().unwrap();
    until("all of them end", || {
        !pids.iter().any(|pid| is_running(*pid))
    })
    .await;
}

/// In a process of its own, because children are counted there.
#[test]
fn the_one_who_counts() {
    if !is_again() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let scripts = [
            "exit 1",
            "exec cat",
            STUBBORN,
            "trap '' TERM; read -r x; sleep 60",
        ];
        let many = (0..50).map(|n| {
            tokio::spawn(async move {
                let grace = Duration::from_millis(n % 7 * 10);
                let command = sh(scripts[n as usize % 4]).shutdown_grace(grace);
                let started = Started::of(&command.stderr(Stderr::Discard));
                match n % 3 {
                    0 => drop(started),
                    1 => drop(started.close().await),
                    // Given up in the middle.
                    _ => drop(timeout(Duration::from_millis(n), started.close()).await),
                }
            })
        });
        futures_util::future::join_all(many).await;
        #[cfg(target_os = "linux")]
        until("all children are gone", || {
            children_of(std::process::id()).is_empty()
        })
        .await;
    });
    println!("\ncounted");
}

#[test]
fn fifty_children_that_end_in_every_way_leave_nobody() {
    let output = again("killed::the_one_who_counts").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("counted"),
        "{text}"
    );
}

/// The runtime is gone, and with it the task that looks after the child.
#[test]
fn the_end_of_the_runtime_is_the_end_of_the_child() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let pids = runtime.block_on(async {
        let mut started = Started::of(&sh(STUBBORN).stderr(Stderr::Discard));
        [started.pid().await, started.pid().await]
    });
    drop(runtime);
    let other = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    other.block_on(until("both end", || {
        !pids.iter().any(|pid| is_running(*pid))
    }));
}
