//! A host that starts the server from its configuration file.

use std::process::Command;

use serde_json::{Value, json};

use super::wire::Client;
use crate::support::{Folder, Process, run, wharf};

/// As Claude Desktop does: from the root directory, with an environment of its own, and with no
/// argument that is not in the file.
#[test]
fn seed_c03_a_host_runs_it_from_its_config_file() {
    let folder = Folder::new("c03");
    let home = folder.0.join("home");
    std::fs::create_dir_all(&home).expect("a directory");
    let mut install = wharf(&["install", "notes:", "--name", "notes", "--host", "cursor"]);
    install.env("HOME", &home);
    let (code, said, errors) = run(install);
    assert_eq!(code, 0, "{said}{errors}");

    let text = std::fs::read_to_string(home.join(".cursor/mcp.json")).expect("the file");
    let config: Value = serde_json::from_str(&text).expect("JSON");
    let entry = &config["mcpServers"]["notes"];
    let start = || {
        let arguments = entry["args"].as_array().expect("arguments");
        let mut command = Command::new(entry["command"].as_str().expect("a command"));
        command
            .args(arguments.iter().filter_map(Value::as_str))
            .current_dir(if cfg!(unix) { "/" } else { "." })
            .env_clear()
            .env("HOME", &home)
            .env("LOCALAPPDATA", &home);
        Process::start(command)
    };
    let (mut client, _) = Client::open(start(), json!({}));
    client.tool(
        "create_note",
        json!({"title": "Kept", "content": "for the next start"}),
    );
    drop(client);
    let (mut client, _) = Client::open(start(), json!({}));
    let (notes, _) = client.all("resources/list", "resources");
    assert_eq!(notes[0]["name"], "Kept");
    if cfg!(target_os = "linux") {
        assert!(home.join(".local/share/wharf/notes.db").is_file());
    }

    // The same server by its name, from the same file.
    let mut call = wharf(&["read", "notes", "note:///1"]);
    call.env("HOME", &home);
    let (code, said, errors) = run(call);
    assert_eq!(code, 0, "{errors}");
    assert!(said.contains("for the next start"), "{said}");
}
