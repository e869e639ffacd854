//! The whole of 2024-11-05, over both of its transports.

use serde_json::{Value, json};

use super::wire::{Client, Sse, Wire};
use crate::support::{Folder, Http, Process, wharf};

#[test]
fn seed_c02_the_whole_of_2024_11_05_over_stdio() {
    let folder = Folder::new("c02-stdio");
    let pack = format!("notes:{}", folder.0.join("notes.db").display());
    let process = Process::start(wharf(&["serve", "starter:", &pack, "--stdio"]));
    whole(process);
}

#[test]
fn seed_c02_the_whole_of_2024_11_05_over_http_and_sse() {
    let folder = Folder::new("c02-sse");
    let pack = format!("notes:{}", folder.0.join("notes.db").display());
    let http = Http::start(&["serve", "starter:", &pack]);
    let to = format!("127.0.0.1:{}", http.port());
    whole(Sse::open(to.parse().expect("an address")));
}

fn whole<W: Wire>(wire: W) {
    // Lifecycle
    let (mut client, hello) = Client::open(wire, json!({}));
    assert_eq!(hello["protocolVersion"], "2024-11-05");
    assert_eq!(
        hello["capabilities"],
        json!({"logging": {}, "prompts": {"listChanged": true},
            "resources": {"subscribe": true, "listChanged": true}, "tools": {"listChanged": true}}),
        "nothing that came later"
    );
    assert!(hello["serverInfo"]["name"].is_string() && hello["serverInfo"]["version"].is_string());
    assert_eq!(
        hello["serverInfo"].as_object().map(serde_json::Map::len),
        Some(2),
        "{hello}"
    );
    assert_eq!(client.ask("ping", json!({})), json!({}));

    tools(&mut client);
    resources(&mut client);
    prompts(&mut client);
    work(&mut client);
}

fn tools<W: Wire>(client: &mut Client<W>) {
    let (tools, _) = client.all("tools/list", "tools");
    for tool in &tools {
        let members: Vec<_> = tool.as_object().expect("a tool").keys().collect();
        assert!(
            members
                .iter()
                .all(|m| ["name", "description", "inputSchema"].contains(&m.as_str())),
            "{members:?}"
        );
    }
    let sum = client.tool("add", json!({"a": 2, "b": 3}));
    assert_eq!(
        sum,
        json!({"content": [{"type": "text", "text": "{\"result\":5}"}]})
    );
    let failed = client.tool("calculate", json!({"expression": "1 / 0"}));
    assert_eq!(failed["isError"], true, "{failed}");
    assert_eq!(
        client.refused("tools/call", json!({"name": "nobody"})).0,
        -32602
    );
    assert_eq!(client.refused("tools/call", json!({})).0, -32602);
    assert_eq!(client.refused("nothing/here", json!({})).0, -32601);
    assert_eq!(
        client.refused("server/discover", json!({})).0,
        -32601,
        "it came later"
    );
}

fn resources<W: Wire>(client: &mut Client<W>) {
    for n in 0..260 {
        let note = json!({"title": format!("Note {n}"), "content": format!("Words {n}")});
        let made = client.tool("create_note", note);
        let content = made["content"].as_array().expect("content");
        assert!(
            content.iter().all(|block| block["type"] == "text"),
            "no links yet: {made}"
        );
    }
    let heard = client.notices();
    assert!(
        heard
            .iter()
            .any(|m| m == "notifications/resources/list_changed"),
        "{heard:?}"
    );
    let (all, pages) = client.all("resources/list", "resources");
    let notes: std::collections::BTreeSet<_> = all
        .iter()
        .filter_map(|resource| resource["uri"].as_str())
        .filter(|uri| uri.starts_with("note:///"))
        .collect();
    assert_eq!((notes.len(), pages), (260, 2), "all of them, each once");
    let (code, _) = client.refused("resources/list", json!({"cursor": "nobody's"}));
    assert_eq!(code, -32602);
    let (templates, _) = client.all("resources/templates/list", "resourceTemplates");
    let templates: Vec<_> = templates.iter().map(|t| t["uriTemplate"].clone()).collect();
    assert_eq!(templates, ["greeting://{name}", "note:///{id}"]);
    let read = client.ask("resources/read", json!({"uri": "greeting://Ada"}));
    assert_eq!(read["contents"][0]["text"], "Hello, Ada!");
    let logo = client.ask("resources/read", json!({"uri": "wharf://logo"}));
    assert!(logo["contents"][0]["blob"].is_string());

    let note = json!({"uri": "note:///7"});
    client.ask("resources/subscribe", note.clone());
    client.tool("update_note", json!({"id": "7", "content": "Others."}));
    client.tool("update_note", json!({"id": "8", "content": "Others."}));
    client.ask("ping", json!({}));
    std::thread::sleep(std::time::Duration::from_millis(200));
    client.ask("ping", json!({}));
    let heard: Vec<_> = client
        .heard
        .drain(..)
        .map(|m| (m["method"].clone(), m["params"].clone()))
        .collect();
    assert_eq!(
        heard,
        [(json!("notifications/resources/updated"), note.clone())]
    );
    client.ask("resources/unsubscribe", note);
    client.tool("update_note", json!({"id": "7", "content": "Words."}));
    assert!(client.notices().is_empty());
}

fn prompts<W: Wire>(client: &mut Client<W>) {
    let (prompts, _) = client.all("prompts/list", "prompts");
    let names: Vec<_> = prompts
        .iter()
        .map(|prompt| prompt["name"].clone())
        .collect();
    assert_eq!(names, ["review", "explain", "summarize_notes"]);
    let got = client.ask(
        "prompts/get",
        json!({"name": "explain", "arguments": {"topic": "tides", "level": "expert"}}),
    );
    assert_eq!(got["messages"][0]["role"], "user");
    assert_eq!(got["messages"][0]["content"]["type"], "text");
    assert_eq!(
        client.refused("prompts/get", json!({"name": "explain"})).0,
        -32602
    );
    let mut complete = |reference: Value, name: &str, value: &str| {
        let params = json!({"ref": reference, "argument": {"name": name, "value": value}});
        client.ask("completion/complete", params)["completion"]["values"].clone()
    };
    let level = json!({"type": "ref/prompt", "name": "explain"});
    assert_eq!(complete(level, "level", "e"), json!(["expert"]));
    let note = json!({"type": "ref/resource", "uri": "note:///{id}"});
    assert_eq!(complete(note, "id", "26"), json!(["260", "26"]));
}

/// Logging, progress, cancellation.
fn work<W: Wire>(client: &mut Client<W>) {
    client.ask("logging/setLevel", json!({"level": "info"}));
    let count = |from: u32, interval: u32| {
        json!({"name": "countdown", "arguments": {"from": from, "interval_ms": interval},
            "_meta": {"progressToken": "p-1"}})
    };
    let done = client.ask("tools/call", count(3, 1));
    assert_eq!(done["content"][0]["text"], "liftoff");
    let heard = std::mem::take(&mut client.heard);
    let of = |method: &str| -> Vec<Value> {
        let found = heard.iter().filter(|message| message["method"] == method);
        found.map(|message| message["params"].clone()).collect()
    };
    let step = |n: u32| json!({"progressToken": "p-1", "progress": n, "total": 3});
    let numbers = |step: &Value| {
        let number = |member: &str| step[member].as_f64();
        (
            step["progressToken"].clone(),
            number("progress"),
            number("total"),
        )
    };
    let steps: Vec<_> = of("notifications/progress").iter().map(numbers).collect();
    let expected: Vec<_> = (1..=3).map(|n| numbers(&step(n))).collect();
    assert_eq!(steps, expected);
    assert!(
        of("notifications/progress")
            .iter()
            .all(|step| step.get("message").is_none())
    );
    let logs: Vec<_> = of("notifications/message")
        .iter()
        .map(|m| m["level"].clone())
        .collect();
    assert_eq!(logs, ["info", "info", "info"]);
    client.ask("logging/setLevel", json!({"level": "error"}));
    client.ask(
        "tools/call",
        json!({"name": "countdown", "arguments": {"from": 2, "interval_ms": 1}}),
    );
    assert!(
        client.notices().is_empty(),
        "neither logs nor progress that nobody asked for"
    );

    // A cancelled request is not answered, and nothing of it comes later.
    let id = client.begin("tools/call", count(1000, 20));
    std::thread::sleep(std::time::Duration::from_millis(200));
    client.tell(
        "notifications/cancelled",
        json!({"requestId": id, "reason": "enough"}),
    );
    client.notices();
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(client.notices().is_empty());
}
