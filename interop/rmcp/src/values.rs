//! How results are made comparable with those of the other clients.

use serde_json::{Value, json};

pub fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

pub fn each(list: &Value, map: impl FnMut(&Value) -> Value) -> Vec<Value> {
    items(list).iter().map(map).collect()
}

pub fn sorted(mut list: Vec<Value>) -> Value {
    list.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    json!(list)
}

pub fn sorted_by(mut list: Vec<Value>, key: &str) -> Value {
    list.sort_by(|a, b| a[key].as_str().cmp(&b[key].as_str()));
    json!(list)
}

pub fn text_of(result: &Value) -> String {
    let texts: Vec<String> = items(&result["content"])
        .iter()
        .map(|block| match block["text"].as_str() {
            Some(text) => text.to_owned(),
            None => format!("<{}>", block["type"].as_str().unwrap_or_default()),
        })
        .collect();
    texts.join("\n")
}

/// A result as text, and `isError` only where it is true.
pub fn plain(result: &Value) -> Value {
    match result["isError"] == true {
        true => json!({"isError": true, "text": text_of(result)}),
        false => json!(text_of(result)),
    }
}

/// That a tool refused, whatever the words: the contract does not fix them.
pub fn refusal(result: &Value) -> Value {
    json!({"isError": result["isError"] == true, "says_why": !text_of(result).is_empty()})
}

pub fn filled(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

pub fn contains(value: &Value, part: &str) -> bool {
    value.as_str().is_some_and(|text| text.contains(part))
}

/// Whether base64 text starts as every PNG file does.
pub fn is_png(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|data| data.starts_with("iVBORw0KGgo"))
}

pub fn family(mime: &Value) -> Value {
    match mime.as_str() {
        Some(mime) if mime.starts_with("text/") => json!("text"),
        _ => mime.clone(),
    }
}
