//! How a child ends: by itself, when it is asked to, when it is not asked any more.

use super::*;
use crate::child::Stderr;

#[tokio::test]
async fn who_exits_at_once_is_quoted() {
    let script = "echo starting >&2; printf 'bad \\033[31mtoken' >&2; exit 3";
    let mut started = Started::of(&sh(script).stderr(Stderr::Discard));
    assert_eq!(started.rest().await, "");
    let why = started.why_ended().await;
    assert_eq!(
        why,
        "the server `sh` exited with status 3; it wrote last: starting | bad \\u{1b}[31mtoken"
    );
    started.close().await;
}

#[tokio::test]
async fn why_it_ended_is_said_in_words() {
    for (script, words) in [
        ("exit 0", "exited with status 0; it wrote nothing"),
        (
            "no-such-command-at-all",
            "status 127 (a command that it calls was not found); it wrote last: ",
        ),
        ("kill -9 $$", "was ended by signal 9 (SIGKILL"),
        (
            "exec >&-; sleep 60",
            "has closed its output, and still runs",
        ),
    ] {
        let mut started = Started::of(&sh(script).stderr(Stderr::Discard));
        started.rest().await;
        let why = started.why_ended().await;
        assert!(why.contains(words), "{why}");
        started.close().await;
    }
}

#[tokio::test]
async fn what_it_was_given_stands_in_no_error() {
    let command = sh("echo key $KEY home $HOME >&2; exit 1").env("KEY", "hush-hush");
    let mut started = Started::of(&command.stderr(Stderr::Discard));
    started.rest().await;
    let why = started.why_ended().await;
    let home = std::env::var("HOME").unwrap();
    assert!(
        why.ends_with(&format!("it wrote last: key *** home {home}")),
        "{why}"
    );
}

#[tokio::test]
async fn one_that_sees_the_end_of_its_input_gets_no_signal() {
    let command = sh("trap 'echo signal' TERM; read -r line; sleep 0.1; echo bye")
        .shutdown_grace(Duration::from_secs(20));
    let mut rest = String::new();
    let mut stdout = Started::of(&command).close().await;
    in_time(stdout.read_to_string(&mut rest)).await.unwrap();
    assert_eq!(rest, "bye\n");
}

#[tokio::test]
async fn one_that_ignores_its_input_is_terminated() {
    let mut started = Started::of(&python(
        "import signal, sys, time\n\
         def stop(*_): print('terminated', flush=True); sys.exit(0)\n\
         signal.signal(signal.SIGTERM, stop)\nprint('ready', flush=True)\ntime.sleep(60)",
    ));
    assert_eq!(started.line().await, "ready");
    let mut stdout = started.close().await;
    let mut rest = String::new();
    in_time(stdout.read_to_string(&mut rest)).await.unwrap();
    assert_eq!(rest, "terminated\n");
}

#[tokio::test]
async fn one_that_ignores_signals_is_killed() {
    let mut started = Started::of(&sh(
        "trap '' TERM INT HUP; echo $$; while :; do sleep 1; done",
    ));
    let pid = started.pid().await;
    started.close().await;
    assert!(!is_running(pid));
}

/// The grandchild holds the output open, so that a reader would wait for its end for ever.
const GRANDCHILD: &str = "sh -c 'trap \"\" TERM INT HUP; echo $$; while :; do sleep 1; done' & ";

#[tokio::test]
async fn a_stubborn_grandchild_ends_with_its_parent() {
    let mut started = Started::of(&sh(&format!("{GRANDCHILD} cat >/dev/null; wait")));
    let grandchild = started.pid().await;
    assert!(is_running(grandchild));
    let mut stdout = started.close().await;
    in_time(stdout.read_to_end(&mut Vec::new())).await.unwrap();
    assert!(!is_running(grandchild));
}

#[tokio::test]
async fn a_grandchild_does_not_outlive_a_child_that_exits_by_itself() {
    let mut started = Started::of(&sh(&format!("{GRANDCHILD} exit 4")));
    let grandchild = started.pid().await;
    started.rest().await;
    assert!(started.why_ended().await.contains("status 4"));
    until("the grandchild ends", || !is_running(grandchild)).await;
    started.close().await;
}

#[tokio::test]
async fn a_dropped_child_ends_as_well() {
    let mut started = Started::of(&sh("trap '' TERM; echo $$; while :; do sleep 1; done"));
    let pid = started.pid().await;
    drop(started);
    until("the child ends", || !is_running(pid)).await;
}

#[tokio::test]
async fn closing_goes_on_when_nobody_waits_for_it() {
    let mut started = Started::of(&sh("trap '' TERM; echo $$; while :; do sleep 1; done"));
    let pid = started.pid().await;
    let child = Arc::clone(&started.child);
    assert!(
        timeout(Duration::from_millis(10), child.close())
            .await
            .is_err()
    );
    until("the child ends", || !is_running(pid)).await;
    in_time(child.close()).await;
}
