//! What a client says when it is asked: the least that fits.

use crate::wire::{Value, json};

/// The result for an ask, of whatever kind.
pub fn answer(ask: &Value) -> Value {
    match ask["method"].as_str().unwrap_or_default() {
        "sampling/createMessage" => {
            json!({"role": "assistant", "model": "m", "stopReason": "endTurn",
            "content": {"type": "text", "text": "yes"}})
        }
        "roots/list" => json!({"roots": [{"uri": "file:///tmp", "name": "tmp"}]}),
        "elicitation/create" if ask["params"]["mode"] == "url" => json!({"action": "accept"}),
        "elicitation/create" => {
            let fields = ask["params"]["requestedSchema"]["properties"]
                .as_object()
                .unwrap();
            let content: serde_json::Map<_, _> = fields
                .iter()
                .map(|(name, schema)| (name.clone(), field(schema)))
                .collect();
            json!({"action": "accept", "content": content})
        }
        other => panic!("asked for {other}"),
    }
}

/// A value for one field of a form.
fn field(schema: &Value) -> Value {
    let choices = |schema: &Value| {
        let titled = ["oneOf", "anyOf"]
            .into_iter()
            .find_map(|one| schema[one][0].get("const"));
        titled.or(schema["enum"].get(0)).cloned()
    };
    match (choices(schema), schema["type"].as_str().unwrap_or_default()) {
        (Some(choice), _) => choice,
        (None, "boolean") => json!(true),
        (None, "integer" | "number") => json!(1),
        (None, "array") => json!([choices(&schema["items"]).unwrap()]),
        (None, _) if schema["format"] == "email" => json!("ada@example.com"),
        (None, _) => json!("Ada"),
    }
}
