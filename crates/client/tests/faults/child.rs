//! Children that misbehave.

use std::time::Duration;

use rustix::process::{Pid, test_kill_process};
use serde_json::json;
use wharf_client::{Client, Command, Stderr, Timeouts};

use crate::support::*;

/// `server.py` in one of its modes.
pub(crate) struct Server(&'static str);

impl Server {
    pub(crate) fn new(mode: &'static str) -> Self {
        Self(mode)
    }

    pub(crate) fn command(&self) -> Command {
        Command::new("python3")
            .args(["-c", include_str!("server.py"), self.0])
            .stderr(Stderr::Discard)
            .shutdown_grace(Duration::from_millis(300))
    }

    async fn connect(&self) -> wharf_client::Result<Client> {
        // Python takes its time to start.
        let timeouts = Timeouts {
            start: Duration::from_secs(8),
            ..HASTY
        };
        in_time(self.0, patient().timeouts(timeouts).open(self.command())).await
    }
}

/// Whether a process is there and does something; one that nobody has waited for does not.
pub(crate) fn is_running(pid: Pid) -> bool {
    match std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())) {
        Ok(stat) => !stat.rsplit(')').next().unwrap().starts_with(" Z"),
        Err(_) => !cfg!(target_os = "linux") && test_kill_process(pid).is_ok(),
    }
}

pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    in_time(what, async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_no_server_is_a_clear_error() {
    for (mode, kind, words) in [
        (
            "exit",
            "closed",
            "exited with status 3; it wrote last: no configuration: set \\u{1b}[1mAPI_KEY",
        ),
        ("silent", "timeout", "did not answer"),
        ("deaf", "timeout", "did not answer"),
        ("rubbish", "protocol", "Starting up..."),
        ("binary", "protocol", ""),
        ("no-line-end", "protocol", "larger than the limit"),
        ("blank-lines", "timeout", "did not answer"),
        ("close-output", "closed", "has closed its output"),
        (
            "orphan",
            "closed",
            "exited with status 9; it wrote last: gone",
        ),
    ] {
        let error = Server(mode).connect().await.expect_err(mode);
        let is = match kind {
            "closed" => error.is_closed(),
            "timeout" => error.is_timeout(),
            _ => error.is_protocol(),
        };
        assert!(is && is_clear(&error), "{mode}: {error:?}");
        assert!(error.to_string().contains(words), "{mode}: {error}");
    }
}

#[tokio::test]
async fn one_that_does_not_listen_is_a_clear_error() {
    let error = Server("close-input")
        .connect()
        .await
        .expect_err("no answer");
    assert!(is_clear(&error), "{error:?}");
}

#[tokio::test]
async fn noise_beside_the_messages_is_no_harm() {
    for mode in ["some-rubbish", "rubbish-between", "flood", "plain"] {
        let client = Server(mode).connect().await.expect(mode);
        for n in 0..20 {
            echo(&client, &format!("{mode} {n}")).await.expect(mode);
        }
        in_time(mode, client.close()).await;
    }
}

#[tokio::test]
async fn one_that_dies_in_a_call_is_started_again() {
    let client = Server("plain").connect().await.unwrap();
    for (tool, words) in [
        (
            "die",
            "exited with status 7; it wrote last: fatal: out of cheese",
        ),
        ("half", "exited with status 8"),
    ] {
        let first = text(&client.call("pids", json!({})).await.unwrap()).to_owned();
        let error = in_time(tool, client.call(tool, json!({})))
            .await
            .unwrap_err();
        assert!(
            error.is_closed() && error.to_string().contains(words),
            "{error:?}"
        );
        echo(&client, "again").await.unwrap();
        let second = text(&client.call("pids", json!({})).await.unwrap()).to_owned();
        assert_ne!(first, second);
    }
    in_time("close", client.close()).await;
}

#[tokio::test]
async fn one_that_hangs_is_given_up() {
    let client = Server("plain").connect().await.unwrap();
    let error = in_time("hang", client.call("hang", json!({})))
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    recovers(&client, "after a call that hangs").await;
    in_time("close", client.close()).await;
}

#[tokio::test]
async fn one_that_does_not_read_any_more_fills_no_memory() {
    let client = Server("plain").connect().await.unwrap();
    let result = client.call("stop-reading", json!({})).await.unwrap();
    assert_eq!(text(&result), "stopped");
    let big = "x".repeat(500_000);
    let calls = (0..40).map(|_| client.call("echo", json!({ "text": &big })).into_future());
    let done = futures_util::future::join_all(calls);
    for result in in_time("big calls", done).await {
        let error = result.expect_err("nobody reads it");
        assert!(error.is_timeout() || error.is_closed(), "{error:?}");
    }
    in_time("close", client.close()).await;
}

/// Much more than a pipe holds was to be written when it closed its end.
#[tokio::test]
async fn one_that_closes_its_input_is_given_up_at_once() {
    let client = Server("plain").connect().await.unwrap();
    let result = client.call("close-input", json!({})).await.unwrap();
    assert_eq!(text(&result), "closed");
    let big = "x".repeat(500_000);
    let calls = (0..10).map(|_| {
        let call = client.call("echo", json!({ "text": &big }));
        call.timeout(LONGEST).into_future()
    });
    let done = futures_util::future::join_all(calls);
    for result in in_time("big calls", done).await {
        let error = result.expect_err("nobody reads it");
        assert!(error.is_closed(), "{error:?}");
        assert!(
            error.to_string().contains("does not take messages"),
            "{error}"
        );
    }
    recovers(&client, "with another child").await;
    in_time("close", client.close()).await;
}

/// All calls lose the same child, and start but one other.
#[tokio::test]
async fn one_that_dies_is_started_once_for_all() {
    let client = Server("plain").connect().await.unwrap();
    let waiting = (0..50).map(|_| {
        client
            .call("nothing", json!({}))
            .timeout(LONGEST)
            .into_future()
    });
    let all = futures_util::future::join_all(waiting);
    let (results, died) = in_time("die", async {
        tokio::join!(all, client.call("die", json!({})).into_future())
    })
    .await;
    for result in results.into_iter().chain([died]) {
        let error = result.expect_err("it died");
        assert!(
            error.is_closed() && error.to_string().contains("out of cheese"),
            "{error:?}"
        );
    }
    let calls = (0..50).map(|_| client.call("pids", json!({})).into_future());
    let results = in_time("pids", futures_util::future::join_all(calls)).await;
    let mut pids: Vec<_> = results
        .iter()
        .map(|it| text(it.as_ref().unwrap()))
        .collect();
    pids.dedup();
    assert_eq!(pids.len(), 1);
    in_time("close", client.close()).await;
}

/// It answers one call, and dies. Each call finds another one, at longer and longer intervals.
#[tokio::test]
async fn one_that_dies_after_every_call_still_answers() {
    let client = Server("short-lived").connect().await.unwrap();
    for n in 0..4 {
        // Whether the answer or the end of the child is seen first is the child's luck.
        while let Err(error) = echo(&client, &format!("{n}")).await {
            assert!(error.is_closed(), "{error:?}");
        }
    }
    in_time("close", client.close()).await;
}

/// Each of its pings is to be answered, and it reads no answer.
#[tokio::test]
async fn one_that_only_asks_fills_no_memory() {
    if !is_again() {
        let output = again("child::one_that_only_asks_fills_no_memory")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}");
        return;
    }
    let before = resident();
    let error = Server("pings")
        .connect()
        .await
        .expect_err("it never answers");
    assert!(is_clear(&error), "{error:?}");
    let grown = resident().saturating_sub(before);
    assert!(grown < 60_000_000, "{grown} bytes more than before");
}

/// The most memory so far, in bytes; 0 where the system does not say.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.map_or(0, |number: usize| number * 1024)
}

#[tokio::test]
async fn answers_in_any_order_find_their_calls() {
    let client = Server("plain").connect().await.unwrap();
    let calls = (0..50).map(|n| {
        let call = client.call("late", json!({"of": 50, "text": n.to_string()}));
        async move { (n, call.timeout(LONGEST).await.unwrap()) }
    });
    for (n, result) in in_time("late", futures_util::future::join_all(calls)).await {
        assert_eq!(text(&result), n.to_string());
    }
    in_time("close", client.close()).await;
}

/// The text that the child writes to answer a call, and whether there is a result.
#[tokio::test]
async fn answers_that_are_none_are_no_results() {
    let ok = r#""result":{"content":[]}"#;
    for (answer, words) in [
        (format!(r#"{{"jsonrpc":"2.0","id":$ID,{ok}"#), "no message"),
        (format!(r#"{{"jsonrpc":"2.0","id":"$ID",{ok}}}"#), ""),
        (
            format!(r#"{{"jsonrpc":"2.0","id":999999,{ok}}}"#),
            "did not answer",
        ),
        (
            format!(r#"{{"jsonrpc":"2.0","id":null,{ok}}}"#),
            "did not answer",
        ),
        (
            format!(r#"{{"jsonrpc":"2.0","id":$ID,{ok},"error":{{"code":1,"message":"x"}}}}"#),
            "",
        ),
        (r#"{"jsonrpc":"2.0","id":$ID,"result":[]}"#.into(), ""),
        (
            r#"{"jsonrpc":"2.0","id":$ID,"result":{"content":{}}}"#.into(),
            "",
        ),
        (
            r#"{"jsonrpc":"2.0","id":$ID,"result":{"content":[{"type":"text"}]}}"#.into(),
            "",
        ),
        (r#"{"jsonrpc":"2.0","id":$ID,"error":"x"}"#.into(), ""),
        (
            r#"{"jsonrpc":"2.0","id":$ID,"error":{"code":"x","message":1}}"#.into(),
            "",
        ),
        (r#"{"jsonrpc":"2.0","id":$ID}"#.into(), ""),
        (
            format!(
                r#"{{"jsonrpc":"2.0","id":$ID,"result":{}1{}}}"#,
                "[".repeat(100_000),
                "]".repeat(100_000)
            ),
            "",
        ),
        (
            format!(
                r#"{{"jsonrpc":"2.0","id":$ID,"error":{{"code":1,"message":"m","data":{}1{}}}}}"#,
                "[".repeat(100_000),
                "]".repeat(100_000)
            ),
            "",
        ),
    ] {
        let client = Server("plain").connect().await.unwrap();
        let call = client.call("raw", json!({ "text": answer }));
        let error = in_time(&answer, call).await.expect_err(&answer);
        assert!(is_clear(&error), "{answer:.200}: {error:?}");
        assert!(error.to_string().contains(words), "{answer:.200}: {error}");
        recovers(&client, &answer).await;
        in_time("close", client.close()).await;
    }
}

#[tokio::test]
async fn a_second_answer_is_nobodys() {
    let client = Server("plain").connect().await.unwrap();
    for _ in 0..5 {
        let result = client.call("twice", json!({})).await.unwrap();
        assert_eq!(text(&result), "first");
        echo(&client, "another").await.unwrap();
    }
    in_time("close", client.close()).await;
}

#[tokio::test]
async fn what_a_server_starts_ends_with_it() {
    let client = Server("fork").connect().await.unwrap();
    let result = client.call("pids", json!({})).await.unwrap();
    let pids = text(&result)
        .split(' ')
        .map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap());
    let pids: Vec<_> = pids.collect();
    assert!(pids.iter().all(|pid| is_running(*pid)));
    in_time("close", client.close()).await;
    assert!(!pids.iter().any(|pid| is_running(*pid)));

    let client = Server("fork").connect().await.unwrap();
    let result = client.call("pids", json!({})).await.unwrap();
    let pids = text(&result)
        .split(' ')
        .map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap());
    let pids: Vec<_> = pids.collect();
    drop(client);
    until("they end", || !pids.iter().any(|pid| is_running(*pid))).await;
}

/// Clients given up at any moment: while they connect, in a call, while they close.
#[tokio::test]
async fn clients_that_are_given_up_leave_no_children() {
    if !is_again() {
        let output = again("child::clients_that_are_given_up_leave_no_children")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}");
        return;
    }
    let mut random = Random::new(1);
    let many = (0..40).map(|n| {
        let mode = [
            "plain", "silent", "exit", "deaf", "fork", "flood", "rubbish",
        ][n % 7];
        let moment = Duration::from_millis(random.below(1500) as u64);
        async move {
            let whole = async {
                let Ok(client) = hasty().open(Server(mode).command()).await else {
                    return;
                };
                let _ = echo(&client, "x").await;
                if n % 2 == 0 {
                    let _ = client.call("hang", json!({})).await;
                }
                client.close().await;
            };
            let _ = tokio::time::timeout(moment, whole).await;
        }
    });
    in_time("all of them", futures_util::future::join_all(many)).await;
    if cfg!(target_os = "linux") {
        until("all children are gone", || children() == 0).await;
    }
}

/// The children of this process, those among them that nobody has waited for.
fn children() -> usize {
    let me = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let stats = processes.filter_map(|it| std::fs::read_to_string(it.path().join("stat")).ok());
    stats
        .filter(|stat| {
            let after_name = stat.rsplit(')').next().unwrap_or_default();
            after_name.split_whitespace().nth(1) == Some(&me)
        })
        .count()
}
