//! SECURITY: what a server says cannot write into the terminal, nor hide in it.

mod support;

use serde_json::{Value, json};
use support::served::Served;
use support::{Folder, run, wharf};
use wharf::low_level::{
    CallTool, CallToolParams, GetPrompt, ListPrompts, ListResources, ListTools, ReadResource,
};
use wharf::protocol::{
    CallToolResult, ContentBlock, GetPromptResult, ListPromptsResult, ListResourcesResult,
    ListToolsResult, Prompt, PromptMessage, ReadResourceResult, Resource, ResourceContents, Role,
    Tool,
};
use wharf::{Context, Error, Server};

/// The title of the window, a cleared screen, a turned-around text, a hidden instruction, a line
/// that seems to be ours.
const EVIL: &str = "x\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}gpj\u{200b}\u{e0069}\rerror: forged";

fn evil() -> Server {
    Server::new("evil")
        .title(EVIL)
        .description(EVIL)
        .instructions(format!("{EVIL}\n{EVIL}"))
        .handle(ListTools, |_, _: Context| async {
            let mut tool = Tool::new("evil", json!({
                "type": "object",
                "properties": {"a": {"type": "string", "description": EVIL, "default": EVIL}, EVIL: {"enum": [EVIL]}},
            }));
            tool.title = Some(EVIL.into());
            tool.description = Some(EVIL.into());
            let mut other = Tool::new(EVIL, json!({"type": "object"}));
            other.description = Some(EVIL.into());
            Ok::<_, Error>(ListToolsResult { tools: vec![tool, other], ..Default::default() })
        })
        .handle(CallTool, |call: CallToolParams, ctx: Context| async move {
            if call.name == "ask" {
                let schema = json!({"type": "object", "properties": {EVIL: {"type": "string", "title": EVIL}}, "required": [EVIL]});
                let _ = ctx.elicit_with(EVIL, schema).await;
            }
            match call.name.as_str() {
                "fail" => Ok(CallToolResult::error(EVIL)),
                "refuse" => Err(Error::protocol(-32602, EVIL)),
                _ => Ok(CallToolResult {
                    content: vec![
                        ContentBlock::text(format!("{EVIL}\n\ttwo")),
                        ContentBlock::resource_link(Resource::new(EVIL, EVIL)),
                        ContentBlock::embedded(ResourceContents::text(EVIL, EVIL)),
                        ContentBlock::image("AAAA", EVIL),
                    ],
                    structured_content: serde_json::value::to_raw_value(&json!({EVIL: EVIL})).ok(),
                    ..Default::default()
                }),
            }
        })
        .handle(ListResources, |_, _: Context| async {
            let mut resource = Resource::new(EVIL, EVIL);
            resource.mime_type = Some(EVIL.into());
            Ok::<_, Error>(ListResourcesResult { resources: vec![resource], ..Default::default() })
        })
        .handle(ReadResource, |_, _: Context| async {
            Ok::<_, Error>(ReadResourceResult { contents: vec![ResourceContents::text(EVIL, EVIL)], meta: None })
        })
        .handle(ListPrompts, |_, _: Context| async {
            let mut prompt = Prompt::new(EVIL);
            prompt.description = Some(EVIL.into());
            Ok::<_, Error>(ListPromptsResult { prompts: vec![prompt], ..Default::default() })
        })
        .handle(GetPrompt, |_, _: Context| async {
            let message = PromptMessage { role: Role::Assistant, content: ContentBlock::text(EVIL) };
            Ok::<_, Error>(GetPromptResult { messages: vec![message], ..Default::default() })
        })
}

fn assert_harmless(what: &str, text: &str) {
    for c in text.chars() {
        let moves = c.is_control() && c != '\n' && c != '\t';
        let hides = matches!(c, '\u{200b}' | '\u{202e}' | '\u{e0069}');
        assert!(!moves && !hides, "{what}: {c:?} in {text:?}");
    }
    assert!(
        !text.lines().any(|line| line.starts_with("error: forged")),
        "{what}: {text:?}"
    );
}

#[test]
fn nothing_of_a_server_reaches_the_terminal_unescaped() {
    let server = Served::start(evil());
    for (arguments, escaped) in [
        (&["info", &server.url][..], true),
        (&["tools", &server.url], true),
        (&["resources", &server.url], true),
        (&["prompts", &server.url], true),
        (&["call", &server.url, "evil"], true),
        (&["call", &server.url, "evil", "--help"], true),
        (&["call", &server.url, "evil", "b=1"], true),
        (&["call", &server.url, "nothing", "a:=1"], true),
        (&["call", &server.url, "fail", "a:=1"], true),
        (&["call", &server.url, "refuse", "a:=1"], true),
        (&["call", &server.url, "ask", "a:=1"], true),
        (&["read", &server.url, "evil://x"], true),
        (&["prompt", &server.url, "x"], true),
        (&["info", &server.url, "--json"], false),
        (&["tools", &server.url, "--json"], false),
        (&["call", &server.url, "evil", "a:=1", "--json"], false),
        (&["read", &server.url, "evil://x", "--json"], false),
    ] {
        let (_, stdout, stderr) = run(wharf(arguments));
        let what = arguments.join(" ");
        assert_harmless(&what, &stdout);
        assert_harmless(&what, &stderr);
        if escaped {
            assert!(
                format!("{stdout}{stderr}").contains("\\u{1b}]0;owned\\u{7}"),
                "{what}: {stdout}{stderr}"
            );
        } else {
            // Escaped, and the same all the same.
            let json: Value = serde_json::from_str(&stdout).expect("JSON");
            assert!(json.to_string().contains("\u{202e}"), "{what}: {stdout}");
        }
    }
    let (_, stdout, _) = run(wharf(&["read", &server.url, "evil://x", "--raw"]));
    assert_eq!(stdout, EVIL, "who asks for it gets it as it is");
}

#[test]
fn nor_what_a_command_writes_to_standard_error() {
    let script = "printf 'x\\033]0;owned\\007\\n' >&2; exit 3";
    let target = format!("sh -c \"{script}\"");
    for arguments in [&["ping", &target][..], &["ping", &target, "-v"]] {
        let (code, _, stderr) = run(wharf(arguments));
        assert_eq!(code, 4, "{stderr}");
        assert!(stderr.contains("\\u{1b}]0;owned"), "{stderr}");
        assert_harmless("standard error", &stderr);
    }
}

#[test]
fn nor_what_stands_in_the_files_of_hosts() {
    let home = Folder::new("evil-home");
    let evil = json!({"mcpServers": {
        EVIL: {"command": EVIL, "args": [EVIL], "env": {"TOKEN": "s3cret"}},
        "typed": {"type": EVIL, "url": "https://a"},
        "remote": {"url": format!("https://a.example/{EVIL}?key=s3cret"), "headers": {"Authorization": "s3cret"}},
    }});
    home.file(".cursor/mcp.json", &evil.to_string());
    for arguments in [&["hosts"][..], &["hosts", "--json"], &["tools", "typed"]] {
        let mut command = wharf(arguments);
        command.env("HOME", &home.0).current_dir(&home.0);
        let (_, stdout, stderr) = run(command);
        assert_harmless("hosts", &stdout);
        assert_harmless("hosts", &stderr);
        assert!(
            !stdout.contains("s3cret") && !stderr.contains("s3cret"),
            "{stdout}{stderr}"
        );
    }
}

#[test]
fn keys_are_not_said() {
    let server = Served::start(evil());
    let header = "Authorization: Bearer s3cret";
    for arguments in [
        &["ping", &server.url, "--header", header, "-vv"][..],
        &["ping", "http://127.0.0.1:1/mcp", "--header", header],
        &[
            "ping",
            "sh -c 'echo $KEY >&2; exit 3'",
            "--env",
            "KEY=s3cret",
        ],
        &[
            "ping",
            "sh -c 'echo $KEY >&2; exit 3'",
            "--env",
            "KEY=s3cret",
            "-v",
        ],
        &[
            "call",
            &server.url,
            "evil",
            "a:=1",
            "--llm",
            "openai:x",
            "--header",
            header,
        ],
    ] {
        let mut command = wharf(arguments);
        command.env("OPENAI_API_KEY", "s3cret");
        let (_, stdout, stderr) = run(command);
        assert!(
            !stdout.contains("s3cret") && !stderr.contains("s3cret"),
            "{arguments:?}: {stdout}{stderr}"
        );
    }
}
