//! The row "the LLM CLI is a client".

use std::io::Write as _;
use std::process::Stdio;

use crate::support::{Http, run, wharf};

#[test]
fn seed_a09_the_llm_cli_is_a_client() {
    let server = Http::start(&["serve"]);
    let (code, stdout, stderr) = run(wharf(&["call", &server.url, "add", "a=1", "b=2"]));
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains('3'), "{stdout}");

    let (_, stdout, stderr) = run(wharf(&["info", &server.url]));
    assert!(stdout.contains(", a model"), "{stdout}{stderr}");

    let (code, stdout, stderr) = run(wharf(&["sample", &server.url, "What is a wharf?"]));
    assert_eq!(
        (code, stdout.as_str()),
        (0, "What is a wharf?\n"),
        "{stderr}"
    );

    let mut chat = wharf(&["chat", &server.url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut lines = chat.stdin.take().expect("piped");
    lines.write_all(b"Hello\nand again\n").expect("written");
    drop(lines);
    let output = chat.wait_with_output().expect("an end");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, b"Hello\nand again\n");
}
