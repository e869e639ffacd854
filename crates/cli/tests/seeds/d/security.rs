//! Pages, TLS, paths, input, errors, callers and how often they call.

use std::path::Path;

use serde_json::{Value, json};

use super::wire::{open, post_secure, send, within};
use crate::support::{Folder, Http, call, initialize, request, run, wharf};

const ADA: &str = "f2c5b1d09a7e4c3388d1e6075b94aa10";
const BEN: &str = "Yk3-vT0_sdQ9xLr2WmZa7A";

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[test]
fn seed_d05_pages_of_others_are_refused_everywhere() {
    let server = Http::start(&["serve", "--metrics-addr", "127.0.0.1:0"]);
    let metrics = metrics_port(&server);
    for (port, line) in [
        (server.port(), "POST /mcp"),
        (server.port(), "GET /mcp"),
        (server.port(), "GET /sse"),
        (server.port(), "POST /messages?sessionId=0"),
        (server.port(), "GET /ws"),
        (metrics, "GET /metrics"),
    ] {
        for origin in [
            "https://evil.example",
            "null",
            "http://localhost.evil.example",
        ] {
            assert_eq!(
                send(port, line, &[("origin", origin)], "").status,
                403,
                "{line} {origin}"
            );
        }
        for host in ["evil.example", "127.0.0.1.nip.io"] {
            assert_eq!(
                send(port, line, &[("host", host)], "").status,
                421,
                "{line} {host}"
            );
        }
    }
}

/// Where the numbers of a server are.
pub(super) fn metrics_port(server: &Http) -> u16 {
    let url = server.start["metrics"].as_str().expect("a URL");
    let port = url.split([':', '/']).nth(4);
    port.and_then(|port| port.parse().ok()).expect("a port")
}

fn certificates() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wharf/tests/security/tls")
}

#[test]
fn seed_d05_tls() {
    let at = |name: &str| certificates().join(name).display().to_string();
    let authority = std::fs::read(at("ca.pem")).expect("an authority");
    let server = Http::start(&[
        "serve",
        "--tls-cert",
        &at("one.pem"),
        "--tls-key",
        &at("one.key"),
    ]);
    assert!(
        server.url.starts_with("https://127.0.0.1:"),
        "{}",
        server.url
    );
    let answer = post_secure(server.port(), &authority, &[], &initialize());
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("wharf-starter"),
        "{answer}"
    );
    let foreign = [("origin", "https://evil.example")];
    let answer = post_secure(server.port(), &authority, &foreign, &initialize());
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");

    let (code, _, stderr) = run(wharf(&[
        "serve",
        "--tls-cert",
        &at("one.pem"),
        "--tls-key",
        &at("two.key"),
    ]));
    assert!(code == 1 && stderr.contains("does not belong"), "{stderr}");
    let (code, _, stderr) = run(wharf(&[
        "serve",
        "--tls-cert",
        &at("one.pem"),
        "--tls-key",
        "/nowhere/key.pem",
    ]));
    assert!(code == 1 && stderr.contains("/nowhere/key.pem"), "{stderr}");
    let (code, _, stderr) = run(wharf(&["serve", "--tls-cert", &at("one.pem")]));
    assert!(code == 1 && stderr.contains("--tls-key"), "{stderr}");
}

#[test]
fn seed_d05_paths_stay_within_their_directory_and_errors_say_nothing_of_others() {
    let folder = Folder::new("seed-d05");
    folder.file("in/a.txt", "inside");
    folder.file("outside.txt", "planted-outside");
    folder.file("in_evil/b.txt", "planted-outside");
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.0.join("outside.txt"), folder.0.join("in/link"))
        .expect("a link");
    let pack = format!("files:{}", folder.0.join("in").display());
    let server = Http::start(&["serve", &pack]);
    let answer = server.ask(&[], &initialize());
    let session = answer.header("mcp-session-id").expect("a session");
    let headers = within(&session);
    let read = |path: &str| {
        server
            .ask(&headers, &call(1, "read", json!({"path": path})))
            .json()
    };
    let good = read("a.txt");
    assert!(good.to_string().contains("inside"), "{good}");
    let root = folder.0.display().to_string();
    for path in [
        "../outside.txt",
        "x/../../outside.txt",
        "../in_evil/b.txt",
        "./../in/../outside.txt",
        "link",
        "/etc/passwd",
        &format!("{root}/outside.txt"),
        "/proc/self/root/etc/passwd",
        "..\\outside.txt",
        "%2e%2e/outside.txt",
        "a.txt\u{0}",
        "-",
        "",
    ] {
        let answer = read(path);
        assert_eq!(answer["result"]["isError"], true, "{path}: {answer}");
        let said = answer.to_string();
        assert!(
            !said.contains("planted") && !said.contains("root:x"),
            "{path}: {said}"
        );
        // Where the directory is, is nobody's business, but for who has said it.
        assert!(
            path.contains(&root) || !said.contains(&root),
            "{path}: {said}"
        );
    }
    for uri in [
        format!("file://{root}/outside.txt"),
        format!("file://{root}/in/../outside.txt"),
        "file:///etc/passwd".into(),
    ] {
        let answer = server
            .ask(&headers, &request(2, "resources/read", json!({"uri": uri})))
            .json();
        assert_eq!(answer["error"]["code"], -32002, "{uri}: {answer}");
    }
}

#[test]
fn seed_d05_input_is_checked_before_it_is_used() {
    let server = Http::start(&["serve"]);
    let session = open(&server);
    let [id, version] = within(&session);
    let headers = [("content-type", "application/json"), id, version];
    // Too large, too deep, too many: refused, and the server goes on.
    let large = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"{}"}}"#,
        "x".repeat(5 << 20)
    );
    assert_eq!(
        send(server.port(), "POST /mcp", &headers, &large).status,
        413
    );
    let deep = "[".repeat(100_000);
    assert_eq!(
        send(server.port(), "POST /mcp", &headers, &deep).status,
        400
    );
    let arguments = json!({"expression": "(".repeat(100_000)});
    let answer = server
        .ask(&within(&session), &call(1, "calculate", arguments))
        .json();
    assert_eq!(
        answer["result"]["isError"],
        true,
        "{}",
        &answer.to_string()[..200]
    );
    let two = send(
        server.port(),
        "POST /mcp",
        &[headers[0], id, ("mcp-session-id", "x")],
        "{}",
    );
    assert_eq!(two.status, 400);
    let good = server.ask(&within(&session), &call(2, "add", json!({"a": 1, "b": 2})));
    assert_eq!(good.status, 200);
}

#[test]
fn seed_d05_callers_are_known_by_their_tokens() {
    let folder = Folder::new("seed-d05-auth");
    let file = folder.file(
        "wharf.toml",
        &format!("starter = {{}}\n[auth]\ntokens = [{{ name = \"ada\", token = \"${{ADA_TOKEN}}\" }}, {{ name = \"ben\", token = \"{BEN}\" }}]\n"),
    );
    let mut command = wharf(&["serve", "-c", &file.display().to_string()]);
    command.env("ADA_TOKEN", ADA);
    let server = Http::start_with(command);
    let nobody = server.ask(&[], &initialize());
    assert_eq!(
        (nobody.status, nobody.header("www-authenticate").as_deref()),
        (401, Some("bearer"))
    );
    let (ada, ben) = (bearer(ADA), bearer(BEN));
    let opened = server.ask(&[("authorization", &ada)], &initialize());
    assert_eq!(opened.status, 200, "{}", opened.body);
    let session = opened.header("mcp-session-id").expect("a session");
    let ask = |who: &str| {
        let [id, version] = within(&session);
        server.ask(
            &[("authorization", who), id, version],
            &request(1, "tools/list", json!({})),
        )
    };
    assert_eq!(ask(&ada).status, 200);
    // What is another's is not there, whoever knows its id.
    assert_eq!(ask(&ben).status, 404);
    assert_eq!(ask(&bearer("0123456789abcdef0123456789abcdef")).status, 401);
}

#[test]
fn seed_d05_a_file_of_tokens_is_read_again_on_a_signal() {
    let folder = Folder::new("seed-d05-tokens");
    let file = folder.file("tokens", &format!("# callers\nada {ADA}\n\n"));
    let path = file.display().to_string();
    // Where others can reach it: there are tokens.
    let process = crate::support::Process::start(wharf(&[
        "serve",
        "--addr",
        "0.0.0.0:0",
        "--json",
        "--auth-token-file",
        &path,
    ]));
    let start: Value = serde_json::from_str(&process.line()).expect("JSON");
    let url = start["url"].as_str().expect("a URL");
    let port = url
        .split([':', '/'])
        .nth(4)
        .and_then(|port| port.parse().ok())
        .expect("a port");
    let ask = |token: &str| {
        let token = bearer(token);
        let headers = [
            ("authorization", token.as_str()),
            ("content-type", "application/json"),
        ];
        send(port, "POST /mcp", &headers, &initialize().to_string()).status
    };
    assert_eq!((ask(ADA), ask(BEN)), (200, 401));
    folder.file("tokens", &format!("ben {BEN}\n"));
    #[cfg(unix)]
    {
        process.signal("HUP");
        let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while ask(BEN) != 200 {
            assert!(std::time::Instant::now() < end, "never read again");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        assert_eq!(ask(ADA), 401);
        // What cannot be read changes nothing, and is said without the token.
        folder.file("tokens", "ben secret-but-short\n");
        process.signal("HUP");
        let said = process.error_with("can be guessed");
        assert!(!said.contains("secret-but-short"), "{said}");
        assert_eq!(ask(BEN), 200);
    }
}

#[test]
fn seed_d05_weak_tokens_and_open_doors_are_refused() {
    let folder = Folder::new("seed-d05-weak");
    let file = folder.file("tokens", "ada planted-weak\n");
    let (code, _, stderr) = run(wharf(&[
        "serve",
        "--auth-token-file",
        &file.display().to_string(),
    ]));
    assert!(code == 1 && stderr.contains("128 bits"), "{stderr}");
    assert!(!stderr.contains("planted-weak"), "{stderr}");
    let file = folder.file("tokens", "planted-line-without-a-name\n");
    let (code, _, stderr) = run(wharf(&[
        "serve",
        "--auth-token-file",
        &file.display().to_string(),
    ]));
    assert!(
        code == 1 && stderr.contains("line 1") && !stderr.contains("planted"),
        "{stderr}"
    );
    let (code, _, stderr) = run(wharf(&["serve", "--addr", "0.0.0.0:0"]));
    assert!(
        code == 1 && stderr.contains("nobody checks who is calling"),
        "{stderr}"
    );
    let (code, _, stderr) = run(wharf(&[
        "serve",
        "--addr",
        "127.0.0.1:0",
        "--metrics-addr",
        "0.0.0.0:0",
    ]));
    assert!(
        code == 1 && stderr.contains("nobody checks who is asking"),
        "{stderr}"
    );
}

#[test]
fn seed_d05_who_calls_too_often_waits() {
    let folder = Folder::new("seed-d05-rate");
    let file = folder.file(
        "wharf.toml",
        "starter = {}\n[limits]\nrequests_per_second = 1\nburst = 5\n",
    );
    let server = Http::start(&["serve", "-c", &file.display().to_string()]);
    let mut refused = None;
    for _ in 0..60 {
        let answer = server.ask(&[], &initialize());
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a limit");
    assert_eq!(refused.header("retry-after").as_deref(), Some("1"));
    assert_eq!(refused.json()["error"]["data"]["retryAfter"], 1);
    // One's own machine has none unless it is asked for.
    let server = Http::start(&["serve"]);
    let session = open(&server);
    for id in 0..600 {
        assert_eq!(
            server
                .ask(&within(&session), &request(id, "ping", json!({})))
                .status,
            200
        );
    }
}
