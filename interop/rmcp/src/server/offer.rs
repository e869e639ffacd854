//! The data of the offer, and what needs nothing of a connection.

use percent_encoding::percent_decode_str;
use rmcp::ErrorData;
use rmcp::model::ErrorCode;
use serde_json::{Map, Value, json};

/// `../../servers/offer.json`.
pub struct Offer(pub Value);

pub fn refuse(code: i32, words: String) -> ErrorData {
    ErrorData::new(ErrorCode(code), words, None)
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn definitions(entries: &Value) -> Vec<Value> {
    let all = items(entries).iter();
    all.map(|entry| entry["definition"].clone()).collect()
}

impl Offer {
    pub fn read() -> serde_json::Result<Self> {
        serde_json::from_str(include_str!("../../../servers/offer.json")).map(Self)
    }

    fn page(&self, field: &str, all: Vec<Value>, cursor: Option<&str>) -> Value {
        let size = self.0["page"].as_u64().unwrap_or(10) as usize;
        let from = cursor.and_then(|cursor| cursor.strip_prefix("from-")?.parse().ok());
        let from = from.unwrap_or(0);
        let mut result = json!({field: all.iter().skip(from).take(size).collect::<Vec<_>>()});
        if from + size < all.len() {
            result["nextCursor"] = json!(format!("from-{}", from + size));
        }
        result
    }

    pub fn tools(&self, cursor: Option<&str>, extra: bool) -> Value {
        let mut all = definitions(&self.0["tools"]);
        all.extend(extra.then(|| self.0["extra"].clone()));
        self.page("tools", all, cursor)
    }

    pub fn resources(&self, cursor: Option<&str>) -> Value {
        self.page("resources", definitions(&self.0["resources"]), cursor)
    }

    pub fn templates(&self, cursor: Option<&str>) -> Value {
        let all = items(&self.0["templates"]).to_vec();
        self.page("resourceTemplates", all, cursor)
    }

    pub fn prompts(&self, cursor: Option<&str>) -> Value {
        self.page("prompts", definitions(&self.0["prompts"]), cursor)
    }

    pub fn tool(&self, name: &str) -> Result<&Value, ErrorData> {
        items(&self.0["tools"])
            .iter()
            .find(|entry| entry["definition"]["name"] == name)
            .ok_or_else(|| refuse(-32602, format!("no tool is called {name}")))
    }

    pub fn contents(&self, uri: &str) -> Result<Value, ErrorData> {
        let mut all = items(&self.0["resources"]).iter();
        if let Some(found) = all.find(|entry| entry["definition"]["uri"] == uri) {
            return Ok(json!({"contents": found["contents"]}));
        }
        let name = uri
            .strip_prefix("greeting://")
            .ok_or_else(|| refuse(-32002, format!("nothing is at {uri}")))?;
        let text = format!("Hello, {}!", percent_decode_str(name).decode_utf8_lossy());
        Ok(json!({"contents": [{"uri": uri, "mimeType": "text/plain", "text": text}]}))
    }

    pub fn prompt(&self, name: &str, given: &Map<String, Value>) -> Result<Value, ErrorData> {
        let found = items(&self.0["prompts"])
            .iter()
            .find(|entry| entry["definition"]["name"] == name)
            .ok_or_else(|| refuse(-32602, format!("no prompt is called {name}")))?;
        let mut messages = found["messages"].clone();
        for message in messages.as_array_mut().into_iter().flatten() {
            if let Value::String(text) = &mut message["content"]["text"] {
                for (key, value) in given {
                    *text = text.replace(&format!("{{{key}}}"), value.as_str().unwrap_or_default());
                }
            } else if let Some(content) = message["content"].as_object_mut() {
                // Looking for the member made it.
                content.remove("text");
            }
        }
        let mut result = json!({"messages": messages});
        if let Some(words) = found.get("description") {
            result["description"] = words.clone();
        }
        Ok(result)
    }

    pub fn completion(&self, params: &Value) -> Value {
        let of = params["ref"]["uri"]
            .as_str()
            .or(params["ref"]["name"].as_str());
        let argument = params["argument"]["name"].as_str().unwrap_or_default();
        let begun = params["argument"]["value"].as_str().unwrap_or_default();
        let values: Vec<&str> = items(&self.0["completions"][of.unwrap_or_default()][argument])
            .iter()
            .filter_map(Value::as_str)
            .filter(|value| value.starts_with(begun))
            .collect();
        json!({"completion": {"total": values.len(), "values": values, "hasMore": false}})
    }
}
