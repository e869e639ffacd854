//! A server in a process of its own, looked at from outside.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use crate::wire::Served;

/// Starts the program again with as many files as it may open, if it may not open `needed` now.
///
/// The shell does it, because it can without `unsafe`.
pub(crate) fn raise_file_limit(needed: usize) {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let soft = line
        .and_then(|line| line.split_whitespace().nth(3))
        .unwrap();
    if soft.parse().is_ok_and(|soft: usize| soft < needed) {
        assert!(
            std::env::var_os("WHARF_LOAD_RAISED").is_none(),
            "{needed} open files are needed, and no more than {soft} are allowed"
        );
        let error = Command::new("sh")
            .args(["-c", r#"ulimit -n "$(ulimit -Hn)"; exec "$0" "$@""#])
            .arg(std::env::current_exe().unwrap())
            .args(std::env::args_os().skip(1))
            .env("WHARF_LOAD_RAISED", "1")
            .exec();
        panic!("{error}");
    }
}

pub(crate) struct Process {
    child: Child,
    pub(crate) served: Served,
}

impl Process {
    /// Must be called in a runtime.
    pub(crate) fn start(kind: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--serve", kind])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let addr: SocketAddr = line.trim().parse().expect("the server tells its address");
        Self {
            child,
            served: Served::elsewhere(addr),
        }
    }

    fn proc(&self, what: &str) -> String {
        format!("/proc/{}/{what}", self.child.id())
    }

    /// Its resident memory, in bytes.
    pub(crate) fn resident(&self) -> usize {
        let status = std::fs::read_to_string(self.proc("status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib = line
            .and_then(|line| line.split_whitespace().nth(1))
            .unwrap();
        kib.parse::<usize>().unwrap() * 1024
    }

    /// How many files and connections it has open.
    pub(crate) fn open_files(&self) -> usize {
        std::fs::read_dir(self.proc("fd")).unwrap().count()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn mib(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Bytes for each of `count`, as far as they were added.
pub(crate) fn each(before: usize, after: usize, count: usize) -> usize {
    after.saturating_sub(before) / count
}
