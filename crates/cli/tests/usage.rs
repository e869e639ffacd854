//! What the command line says and how it ends.

mod support;

use std::net::TcpListener;

use support::{Http, run, wharf};

#[test]
fn help_and_version() {
    for (arguments, expected) in [
        (&["--help"][..], "Exit codes:"),
        (&["serve", "--help"], "claude mcp add"),
        (&["serve", "-h"], "Examples:"),
        (&["--version"], concat!("wharf ", env!("CARGO_PKG_VERSION"))),
    ] {
        let (code, stdout, stderr) = run(wharf(arguments));
        assert_eq!((code, stderr.as_str()), (0, ""), "{arguments:?}");
        assert!(stdout.contains(expected), "{arguments:?}: {stdout}");
        assert!(!stdout.contains('\u{1b}'), "colour in a pipe: {stdout:?}");
    }
}

#[test]
fn wrong_usage_ends_with_1() {
    for (arguments, expected) in [
        (&[][..], "Usage:"),
        (&["swerve"], "serve"),
        (&["serve", "--adr", "x"], "--addr"),
        (&["serve", "--addr", "8000"], "127.0.0.1:8000"),
        (&["serve", "--addr", "localhost:http"], "127.0.0.1:8000"),
        (&["serve", "--path", "mcp"], "begins with /"),
        (&["serve", "--path", "/a b"], "no spaces"),
        (
            &["serve", "--allow-host", "https://a.example"],
            "a host is a name",
        ),
        (
            &["serve", "--allow-origin", "app.example.com"],
            "has a scheme",
        ),
        (
            &["serve", "--allow-origin", "https://a.example/x"],
            "no path",
        ),
        (
            &["serve", "--stdio", "--addr", "127.0.0.1:0"],
            "cannot be used with",
        ),
        (&["serve", "--stdio", "--json"], "cannot be used with"),
        (&["serve", "--log-format", "xml"], "json"),
        (&["completions", "tcsh"], "zsh"),
    ] {
        let (code, stdout, stderr) = run(wharf(arguments));
        assert_eq!((code, stdout.as_str()), (1, ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
    }
}

#[test]
fn an_unreadable_log_filter_is_said_not_ignored() {
    let mut command = wharf(&["serve", "--addr", "127.0.0.1:0"]);
    command.env("RUST_LOG", "wharf=loud");
    let (code, _, stderr) = run(command);
    assert_eq!(code, 1);
    assert!(
        stderr.starts_with("error: RUST_LOG cannot be read"),
        "{stderr}"
    );
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn an_address_in_use_ends_with_4() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let (code, stdout, stderr) = run(wharf(&["serve", "--addr", &address]));
    assert_eq!((code, stdout.as_str()), (4, ""));
    let expected = format!(
        "error: cannot listen on {address}: the address is in use; stop what listens there, or \
         take a free port with `--addr 127.0.0.1:0`\n"
    );
    assert_eq!(stderr, expected);
}

#[test]
fn an_address_of_nobody_ends_with_4() {
    for address in ["192.0.2.1:0", "no-such-host.invalid:80"] {
        let (code, _, stderr) = run(wharf(&["serve", "--addr", address]));
        assert_eq!(code, 4, "{stderr}");
        assert!(
            stderr.contains(address) && stderr.contains("; "),
            "{stderr}"
        );
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn a_public_address_is_refused_unless_allowed() {
    let (code, stdout, stderr) = run(wharf(&["serve", "--addr", "0.0.0.0:0", "--json"]));
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(
        stderr.starts_with("error: refused to listen on") && stderr.contains("--allow-public"),
        "{stderr}"
    );
    assert_eq!(stderr.lines().count(), 1, "{stderr}");

    let process = support::Process::start(wharf(&[
        "serve",
        "--addr",
        "0.0.0.0:0",
        "--allow-public",
        "--json",
    ]));
    // A client on this machine can use the address as it is printed.
    assert!(process.line().starts_with(r#"{"url":"http://127.0.0.1:"#));
    process.error_with("nobody checks who is calling");
}

#[test]
fn the_start_says_how_to_connect() {
    let server = Http::start(&["serve", "--path", "/here"]);
    assert!(server.url.ends_with("/here"), "{}", server.url);
    let url = &server.url;
    let line = server.process.error_with("Listening");
    assert_eq!(
        line,
        format!("Listening on {url}"),
        "and no colour in a pipe"
    );
    server
        .process
        .error_with(&format!("claude mcp add --transport http wharf {url}"));
    server.process.error_with(&format!(
        r#""mcpServers":{{"wharf":{{"type":"http","url":"{url}""#
    ));
}

#[test]
fn colour_can_be_forced_and_is_off_with_no_color() {
    let mut command = wharf(&["serve", "--addr", "127.0.0.1"]);
    command.env("CLICOLOR_FORCE", "1");
    assert!(run(command).2.contains("\u{1b}["));
    let mut command = wharf(&["serve", "--addr", "127.0.0.1"]);
    command.env("NO_COLOR", "1");
    assert!(!run(command).2.contains('\u{1b}'));
}

#[test]
fn completions_know_the_commands() {
    for (shell, expected) in [
        ("bash", "complete -F _wharf"),
        ("zsh", "#compdef wharf"),
        ("fish", "complete -c wharf"),
    ] {
        let (code, stdout, _) = run(wharf(&["completions", shell]));
        assert_eq!(code, 0);
        assert!(
            stdout.contains(expected) && stdout.contains("allow-origin"),
            "{stdout}"
        );
    }
}

#[test]
fn a_state_that_cannot_be_had_ends_with_1() {
    for (state, expected) in [
        ("mongo:x", "known: `memory:`, `sqlite:PATH`"),
        ("redis://localhost", "not built yet"),
        ("sqlite:", "the path of a file"),
        (
            "sqlite:/no/such/folder/state.db",
            "/no/such/folder/state.db",
        ),
    ] {
        for mode in [&["--addr", "127.0.0.1:0"][..], &["--stdio"]] {
            let arguments = [&["serve", "--state", state][..], mode].concat();
            let (code, stdout, stderr) = run(wharf(&arguments));
            assert_eq!((code, stdout.as_str()), (1, ""), "{arguments:?}: {stderr}");
            assert!(stderr.starts_with("error: --state: "), "{stderr}");
            assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
        }
    }
}
