//! The schema says what the types say, and the guide is right.

use serde_json::Value;
use wharf_ready::config::{check_config, schema};

use crate::{config, here};

#[test]
fn every_key_is_described_and_nothing_may_be_null() {
    fn walk(value: &Value, path: &str, wrong: &mut Vec<String>) {
        if let Some(Value::Object(properties)) = value.get("properties") {
            for (name, property) in properties {
                if property.get("description").is_none() && property.get("$ref").is_none() {
                    wrong.push(format!("{path}/{name} has no description"));
                }
            }
            if value.get("additionalProperties") != Some(&Value::Bool(false)) {
                wrong.push(format!("{path} takes unknown keys"));
            }
        }
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| {
                walk(value, &format!("{path}/{key}"), wrong);
            }),
            Value::Array(items) => items.iter().for_each(|item| walk(item, path, wrong)),
            Value::String(text) if text == "null" => wrong.push(format!("{path} may be null")),
            _ => {}
        }
    }
    let mut wrong = Vec::new();
    walk(&schema(), "", &mut wrong);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The blocks of the guide, each with what it must be: right, or wrong.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("```toml\n") {
        let (block, after) = after.split_once("```").expect("an end");
        blocks.push(block.to_owned());
        rest = after;
    }
    blocks
}

#[tokio::test]
async fn every_block_of_the_guide_is_right() {
    let guide = here().join("../../../../docs/wharf-toml.md");
    let guide = std::fs::read_to_string(guide).expect("the guide");
    let blocks = blocks(&guide);
    assert!(blocks.len() >= 10, "{} blocks", blocks.len());
    let readme = std::fs::read_to_string(here().join("../../../../README.md"));
    let of_readme = self::blocks(&readme.expect("the README"));
    assert!(!of_readme.is_empty());
    for block in blocks.into_iter().chain(of_readme) {
        let config = config(&block).unwrap_or_else(|problems| panic!("{problems}\n\n{block}"));
        let checked = check_config(config).await;
        checked.unwrap_or_else(|problems| panic!("{problems}\n\n{block}"));
    }
}

#[test]
fn every_key_of_the_schema_is_in_the_guide() {
    let guide = here().join("../../../../docs/wharf-toml.md");
    let guide = std::fs::read_to_string(guide).expect("the guide");
    let schema = schema();
    let mut missing = Vec::new();
    let of = |value: &Value| -> Vec<String> {
        let properties = value.get("properties").and_then(Value::as_object);
        properties
            .map(|keys| keys.keys().cloned().collect())
            .unwrap_or_default()
    };
    let mut keys = of(&schema);
    for definition in schema["$defs"].as_object().into_iter().flatten() {
        keys.extend(of(definition.1));
    }
    for key in keys {
        let written = [
            format!("{key} ="),
            format!("[{key}]"),
            format!("`{key}`"),
            format!(".{key}]"),
        ];
        if !written.iter().any(|form| guide.contains(form)) {
            missing.push(key);
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}
