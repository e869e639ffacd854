//! The notes template, as its own client uses it.

use serde_json::{Value, json};

use super::wire::Client;
use crate::support::{Folder, Process, wharf};

fn serve(folder: &Folder) -> Process {
    let pack = format!("notes:{}", folder.0.join("notes.db").display());
    Process::start(wharf(&["serve", &pack, "--stdio"]))
}

#[test]
fn seed_c01_notes_are_resources_with_a_tool_and_a_prompt() {
    let folder = Folder::new("c01");
    let (mut client, hello) = Client::open(serve(&folder), json!({}));
    for offered in ["resources", "tools", "prompts"] {
        assert!(
            hello["capabilities"][offered].is_object(),
            "{offered}: {hello}"
        );
    }
    assert_eq!(
        client.ask("resources/list", json!({})),
        json!({"resources": []})
    );

    let tools = client.ask("tools/list", json!({}));
    let tools = tools["tools"].as_array().expect("tools");
    let create = tools
        .iter()
        .find(|tool| tool["name"] == "create_note")
        .expect("the tool");
    let mut required = create["inputSchema"]["required"]
        .as_array()
        .expect("names")
        .clone();
    required.sort_by_key(Value::to_string);
    assert_eq!(required, ["content", "title"]);
    for (title, content) in [
        ("First", "This is note 1"),
        ("Zwei \u{1f6a2}", "Zeile\nzwei"),
    ] {
        let made = client.tool("create_note", json!({"title": title, "content": content}));
        let said = made["content"][0]["text"].as_str().expect("text");
        assert!(
            said.starts_with("Created note ") && said.ends_with(title),
            "{said}"
        );
    }
    let changed = "notifications/resources/list_changed".to_owned();
    assert!(client.notices().contains(&changed), "the client is told");

    let list = client.ask("resources/list", json!({}));
    let list = list["resources"].as_array().expect("resources");
    let shown: Vec<_> = list
        .iter()
        .map(|note| (&note["uri"], &note["name"]))
        .collect();
    assert_eq!(
        shown,
        [
            (&json!("note:///1"), &json!("First")),
            (&json!("note:///2"), &json!("Zwei \u{1f6a2}"))
        ]
    );
    assert_eq!(list[0]["mimeType"], "text/plain");
    assert_eq!(
        client.ask("resources/read", json!({"uri": "note:///2"})),
        json!({"contents": [
            {"uri": "note:///2", "mimeType": "text/plain", "text": "Zeile\nzwei"}]})
    );

    let prompts = client.ask("prompts/list", json!({}));
    assert_eq!(prompts["prompts"][0]["name"], "summarize_notes");
    let prompt = client.ask("prompts/get", json!({"name": "summarize_notes"}));
    let messages = prompt["messages"].as_array().expect("messages");
    assert!(
        messages.iter().all(|message| message["role"] == "user"),
        "{prompt}"
    );
    let embedded: Vec<_> = messages
        .iter()
        .filter(|message| message["content"]["type"] == "resource")
        .map(|message| message["content"]["resource"].clone())
        .collect();
    assert_eq!(
        embedded,
        [
            json!({"uri": "note:///1", "mimeType": "text/plain", "text": "This is note 1"}),
            json!({"uri": "note:///2", "mimeType": "text/plain", "text": "Zeile\nzwei"}),
        ]
    );
    let last = messages.last().expect("one")["content"]["text"].as_str();
    assert!(
        last.is_some_and(|text| text.contains("Summarize")),
        "{prompt}"
    );

    client.tool("delete_note", json!({"id": "1"}));
    assert!(client.notices().contains(&changed), "of a deleted one too");
    let (code, data) = client.refused("resources/read", json!({"uri": "note:///1"}));
    assert_eq!((code, &data["uri"]), (-32002, &json!("note:///1")));
}

/// "A real implementation would use a database."
#[cfg(unix)]
#[test]
fn seed_c01_notes_outlive_a_server_that_is_killed() {
    let folder = Folder::new("c01-kill");
    for n in 1..=3 {
        let process = serve(&folder);
        let (mut client, _) = Client::open(process, json!({}));
        let title = format!("Note {n}");
        client.tool("create_note", json!({"title": title, "content": "kept"}));
        // Dropping the client kills the server, with SIGKILL.
        drop(client);
        let (mut client, _) = Client::open(serve(&folder), json!({}));
        let (notes, _) = client.all("resources/list", "resources");
        assert_eq!(notes.len(), n);
        assert_eq!(notes[n - 1]["name"], title.as_str());
    }
}
