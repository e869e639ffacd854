//! What is suggested while a command line is typed: by the binary, and in real shells.
#![cfg(unix)]

mod support;

use std::process::Command;

use support::{Folder, Http, run, wharf};

/// What is suggested for the last word; `None` where the script knows better.
fn suggested(arguments: &[&str], home: &Folder) -> Option<Vec<String>> {
    let mut command = wharf(&[&["__complete", "zsh", "wharf"], arguments].concat());
    command.env("HOME", &home.0).current_dir(&home.0);
    let (code, stdout, stderr) = run(command);
    assert_eq!(stderr, "", "{arguments:?}");
    let words = stdout
        .lines()
        .map(|line| line.split('\t').next().unwrap_or(line).to_owned());
    (code == 0).then(|| words.collect())
}

#[test]
fn names_of_a_live_server_and_of_hosts() {
    let server = Http::start(&["serve"]);
    let home = Folder::new("complete");
    let hosts = format!(
        r#"{{"mcpServers": {{"starter": {{"url": "{}"}}, "stranger": {{"command": "no-such"}}}}}}"#,
        server.url
    );
    home.file(".cursor/mcp.json", &hosts);
    let url = server.url.as_str();
    for (arguments, expected) in [
        (&["call", "st"][..], Some(&["starter", "stranger"][..])),
        (
            &["call", url, ""],
            Some(&["echo", "add", "calculate", "countdown", "greet_me"]),
        ),
        (&["call", "starter", "c"], Some(&["calculate", "countdown"])),
        (
            &["call", "--json", url, "countdown", ""],
            Some(&["from=", "interval_ms="]),
        ),
        (
            &["call", url, "countdown", "from=1", ""],
            Some(&["interval_ms="]),
        ),
        (
            &["read", url, "w"],
            Some(&["wharf://about", "wharf://logo"]),
        ),
        (&["read", url, "greeting"], Some(&["greeting://{name}"])),
        (
            &["read", url, "greeting://{name}", "name=A"],
            Some(&["name=Ada", "name=Alan"]),
        ),
        (&["prompt", url, ""], Some(&["review", "explain"])),
        (&["prompt", url, "explain", "l"], Some(&["level="])),
        (
            &["prompt", url, "explain", "topic=x", "level="],
            Some(&["level=beginner", "level=intermediate", "level=expert"]),
        ),
        (&["call", url, "--"], None),
        (&["ca"], None),
        (&["serve", ""], None),
        (&["call", "http://127.0.0.1:1/mcp", ""], None),
        // Not started for this, and never listed before.
        (&["call", "stranger", ""], None),
    ] {
        let found = suggested(arguments, &home);
        let found: Option<Vec<&str>> = found
            .as_ref()
            .map(|words| words.iter().map(String::as_str).collect());
        assert_eq!(found.as_deref(), expected, "{arguments:?}");
    }
}

#[test]
fn a_command_is_known_once_it_was_listed() {
    let home = Folder::new("listed");
    let target = format!("{} serve --stdio", env!("CARGO_BIN_EXE_wharf"));
    assert_eq!(suggested(&["call", &target, "a"], &home), None);
    let mut tools = wharf(&["tools", &target]);
    tools.env("HOME", &home.0);
    assert_eq!(run(tools).0, 0);
    assert_eq!(
        suggested(&["call", &target, "a"], &home),
        Some(vec!["add".to_owned()])
    );
}

/// The output of a script in a shell that has our completions; `None` where that shell is not here.
fn in_shell(shell: &str, script: &str, home: &Folder) -> Option<String> {
    let (code, completions, _) = run(wharf(&["completions", shell]));
    assert_eq!(code, 0);
    home.file(&format!("completions.{shell}"), &completions);
    home.file("_wharf", &completions);
    let binaries = std::path::Path::new(env!("CARGO_BIN_EXE_wharf"))
        .parent()
        .expect("a directory");
    let path = format!(
        "{}:{}",
        binaries.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let mut command = Command::new(shell);
    command
        .env("HOME", &home.0)
        .env("PATH", path)
        .env_remove("XDG_CACHE_HOME")
        .env_remove("XDG_CONFIG_HOME");
    let output = command
        .current_dir(&home.0)
        .args(["-c", script])
        .output()
        .ok()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shell}: {stderr}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn bash() {
    let server = Http::start(&["serve"]);
    let home = Folder::new("bash");
    for (line, expected) in [
        (
            format!("wharf call {} c", server.url),
            "calculate countdown",
        ),
        (
            format!("wharf call {} countdown ", server.url),
            "from= interval_ms=",
        ),
        (
            format!("wharf prompt {} explain level=", server.url),
            "beginner intermediate expert",
        ),
        ("wharf com".to_owned(), "complete completions"),
        (format!("wharf call {} --ver", server.url), "--verbose"),
    ] {
        let script = format!(
            "source completions.bash; COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=({line}); \
             [[ $COMP_LINE == *' ' ]] && COMP_WORDS+=(''); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); \
             compopt() {{ :; }}; _wharf_live wharf \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; \
             echo \"${{COMPREPLY[@]}}\""
        );
        let Some(shown) = in_shell("bash", &script, &home) else {
            return;
        };
        assert_eq!(shown.trim(), expected, "{line}");
    }
}

#[test]
fn fish() {
    let server = Http::start(&["serve"]);
    let home = Folder::new("fish");
    for (line, expected) in [
        (
            format!("wharf call {} c", server.url),
            &["calculate", "countdown"][..],
        ),
        (
            format!("wharf call {} countdown ", server.url),
            &["from=", "interval_ms="],
        ),
        ("wharf compl".to_owned(), &["complete", "completions"]),
        (format!("wharf call {} --verb", server.url), &["--verbose"]),
    ] {
        let script = format!("source completions.fish; complete -C '{line}'");
        let Some(shown) = in_shell("fish", &script, &home) else {
            return;
        };
        let words: Vec<_> = shown
            .lines()
            .filter_map(|line| line.split('\t').next())
            .collect();
        assert_eq!(words, expected, "{line}");
    }
}

#[test]
fn zsh() {
    use support::terminal::Terminal;
    let server = Http::start(&["serve"]);
    let home = Folder::new("zsh");
    if in_shell("zsh", "true", &home).is_none() {
        return;
    }
    let binaries = std::path::Path::new(env!("CARGO_BIN_EXE_wharf"))
        .parent()
        .expect("a directory");
    let path = format!(
        "{}:{}",
        binaries.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    home.file(
        ".zshrc",
        "PS1='ready> '; fpath=($HOME $fpath); autoload -Uz compinit; compinit -u\n",
    );
    let mut command = Command::new("zsh");
    command
        .args(["-i", "-o", "no_beep"])
        .env("HOME", &home.0)
        .env("ZDOTDIR", &home.0)
        .env("PATH", path);
    command.env_remove("XDG_CACHE_HOME").current_dir(&home.0);
    let mut terminal = Terminal::start(command, 100);
    terminal.wait_for("ready> ");
    terminal.type_in(&format!("wharf call {} ca\t", server.url));
    terminal.wait_for("calculate");
    terminal.type_in("\u{15}");
    terminal.type_in(&format!("wharf prompt {} explain lev\t", server.url));
    terminal.wait_for("level=");
    terminal.type_in("exp\t");
    terminal.wait_for("level=expert");
    terminal.type_in("\u{15}exit\n");
    terminal.end();
}
