//! Real processes: what a child can do to us, and that nothing of it stays behind.
#![cfg(unix)]

mod ends;
mod killed;
mod starts;
mod streams;

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, test_kill_process, test_kill_process_group};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::time::timeout;

use super::{Child, Command};
use crate::link::lines::Keeper as _;

/// Longer than anything here may take, however busy the machine is.
const LONGEST: Duration = Duration::from_secs(30);

fn sh(script: &str) -> Command {
    Command::new("sh")
        .args(["-c", script])
        .shutdown_grace(Duration::from_millis(200))
}

fn python(script: &str) -> Command {
    Command::new("python3")
        .args(["-c", script])
        .shutdown_grace(Duration::from_millis(200))
}

async fn in_time<F: Future>(future: F) -> F::Output {
    timeout(LONGEST, future).await.expect("this takes too long")
}

/// A child of which numbers of processes are read, one a line.
struct Started {
    child: Arc<Child>,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Started {
    fn of(command: &Command) -> Self {
        let (child, stdin, stdout) = command.spawn().unwrap();
        Self {
            child,
            stdin,
            stdout: BufReader::new(stdout),
        }
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        in_time(self.stdout.read_line(&mut line)).await.unwrap();
        line.trim_end().to_owned()
    }

    async fn pid(&mut self) -> Pid {
        Pid::from_raw(self.line().await.parse().unwrap()).unwrap()
    }

    async fn rest(&mut self) -> String {
        let mut rest = String::new();
        in_time(self.stdout.read_to_string(&mut rest))
            .await
            .unwrap();
        rest
    }

    async fn why_ended(&self) -> String {
        in_time(self.child.why_ended()).await.to_string()
    }

    /// As a link does it: first our output, then the child.
    async fn close(self) -> BufReader<ChildStdout> {
        drop(self.stdin);
        in_time(self.child.close()).await;
        self.stdout
    }
}

/// Starts itself once more as a process of its own, in which `name` runs with `MARK` set.
const MARK: &str = "WHARF_TEST_PARENT";

fn again(name: &str) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", &format!("child::tests::{name}"), "--nocapture"])
        .env(MARK, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

fn is_again() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Whether a process is there and does something; one that nobody has waited for does not.
fn is_running(pid: Pid) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    match status {
        Ok(status) => !status.rsplit(')').next().unwrap().starts_with(" Z"),
        Err(_) => !cfg!(target_os = "linux") && test_kill_process(pid).is_ok(),
    }
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(
        timeout(LONGEST, waiting).await.is_ok(),
        "not in time: {what}"
    );
}

/// The children of a process, those among them that nobody has waited for.
#[cfg(target_os = "linux")]
fn children_of(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|it| it.file_name().to_str()?.parse().ok());
    numbers
        .filter(|id: &u32| {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            let after_name = stat.rsplit(')').next().unwrap_or_default();
            after_name.split_whitespace().nth(1) == Some(&parent.to_string())
        })
        .collect()
}

#[test]
fn the_helpers_see_who_runs() {
    let me = rustix::process::getpid();
    assert!(is_running(me));
    assert!(test_kill_process_group(rustix::process::getpgrp()).is_ok());
}
