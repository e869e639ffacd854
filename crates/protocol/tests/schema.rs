//! Every type, full and minimal, written for every revision, against that revision's schema: it
//! validates, and it carries no member that the schema does not name.

#![allow(clippy::unwrap_used)]

mod values;

use serde_json::{Value, json};
use values::Case;
use wharf_protocol::{
    Revision,
    meta::{CLIENT_CAPABILITIES, PROTOCOL_VERSION},
};
use wharf_schemas::Spec;

#[test]
fn every_message_is_named_and_valid_in_its_revision() {
    let Some(folder) = wharf_schemas::folder() else {
        return;
    };
    let mut faults = Vec::new();
    let mut checked = 0;
    for revision in Revision::ALL {
        let spec = Spec::read(&folder, revision.as_str());
        for case in values::cases() {
            let Some(pointer) = spec.find(case.definitions) else {
                continue; // the revision has no such type
            };
            let Some(mut written) = case.write(revision) else {
                faults.push(format!("{revision} {}: cannot be written", case.name()));
                continue;
            };
            if case.is_params && revision.is_modern() {
                // What the frame of a request adds, whoever writes it.
                written["_meta"] = json!({
                    PROTOCOL_VERSION: revision.as_str(),
                    CLIENT_CAPABILITIES: {},
                });
            }
            checked += 1;
            for fault in spec.faults(&pointer, &written) {
                faults.push(format!(
                    "{revision} {}: {fault}\n  in {written}",
                    case.name()
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(checked > 300, "only {checked} messages were checked");
}

#[test]
fn the_check_itself_finds_what_is_wrong() {
    let Some(folder) = wharf_schemas::folder() else {
        return;
    };
    let wrong: [(&str, Value, &str); 6] = [
        (
            "CallToolResult",
            json!({"content": [], "resultType": "complete"}),
            "/resultType",
        ),
        (
            "CallToolResult",
            json!({"content": [{"type": "text", "text": "", "_meta": {}}]}),
            "/content/0/_meta",
        ),
        (
            "CallToolResult",
            json!({"content": [{"type": "audio", "data": "", "mimeType": ""}]}),
            "/content/0",
        ),
        (
            "Tool",
            json!({"name": "a", "inputSchema": {"type": "object"}, "title": ""}),
            "/title",
        ),
        (
            "Tool",
            json!({"name": "a", "inputSchema": {}}),
            "/inputSchema",
        ),
        (
            "ClientCapabilities",
            json!({"roots": {"listChanged": true, "more": 1}}),
            "/roots/more",
        ),
    ];
    let spec = Spec::read(&folder, Revision::V2024_11_05.as_str());
    for (definition, instance, path) in wrong {
        let pointer = spec.find(&[definition]).unwrap();
        let faults = spec.faults(&pointer, &instance);
        assert!(
            faults.iter().any(|fault| fault.starts_with(path)),
            "{definition} {instance}: {faults:?}"
        );
    }
}

#[test]
fn every_definition_that_is_named_exists_in_some_revision() {
    let Some(folder) = wharf_schemas::folder() else {
        return;
    };
    let specs = Revision::ALL.map(|revision| Spec::read(&folder, revision.as_str()));
    for case in values::cases() {
        for name in case.definitions {
            assert!(
                specs.iter().any(|spec| spec.find(&[name]).is_some()),
                "{}: no revision has {name}",
                Case::name(&case)
            );
        }
    }
}
