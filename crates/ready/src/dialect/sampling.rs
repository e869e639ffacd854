//! `sampling/createMessage`, from the dialect's `options` to the specification's members.

use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use wharf::interpret::{Members, Plain, Refused};
use wharf::protocol::error::{ErrorCode, ErrorObject};

use super::read::{invalid, is_text, object, text, text_of};
use super::tasks::{Tasks, Work};

/// How long an answer may be, in tokens, if the client does not say.
const MAX_TOKENS: u32 = 1024;

/// Options that are the same as an official member; the official name comes first.
const SAME: [(&str, &[&str]); 7] = [
    ("maxTokens", &["maxTokens", "max_tokens"]),
    ("temperature", &["temperature"]),
    ("systemPrompt", &["systemPrompt", "system_prompt", "system"]),
    ("includeContext", &["includeContext"]),
    ("modelPreferences", &["modelPreferences"]),
    ("tools", &["tools"]),
    ("toolChoice", &["toolChoice", "tool_choice"]),
];

pub(super) async fn create(
    tasks: &Arc<Tasks>,
    server: &Plain,
    id: &RawValue,
    params: Members,
) -> Result<Members, Refused> {
    let task = text(&params, "taskId")?;
    let params = official(params, task.as_deref(), id)?;
    let (method, finish) = (
        "sampling/createMessage",
        with_message as fn(Members) -> Members,
    );
    let answer = match task {
        None => server.call(method, &params).await.map(finish),
        Some(task) => {
            let work = Work {
                method,
                params,
                finish,
            };
            tasks.start(task, server, work).await
        }
    };
    answer.map_err(|refused| {
        if refused.error.code == ErrorCode::METHOD_NOT_FOUND {
            let message = "this server has no model to ask: its operator has to set one up";
            return ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, message).into();
        }
        refused
    })
}

/// Adds `message`, in which speaker and content stand together.
fn with_message(mut result: Members) -> Members {
    let message = Members::new()
        .with("role", result.raw("role"))
        .with("content", result.raw("content"));
    result.set("message", message);
    result
}

/// The parameters as the specification has them.
fn official(mut params: Members, task: Option<&str>, id: &RawValue) -> Result<Members, Refused> {
    params.take("taskId");
    let mut options = object(&params, "options")?;
    params.take("options");
    for (name, spellings) in SAME {
        for spelling in spellings {
            if let Some(value) = options.take(spelling) {
                params.set_default(name, value);
            }
        }
    }
    params.set_default("maxTokens", MAX_TOKENS);
    for spelling in ["stopSequences", "stop_sequences", "stop"] {
        match options.take(spelling) {
            Some(one) if is_text(&one) => params.set_default("stopSequences", [one]),
            Some(all) => params.set_default("stopSequences", all),
            None => {}
        }
    }
    if let Some(model) = options.take("model") {
        if !is_text(&model) {
            return Err(invalid("`params.options.model` must be a string"));
        }
        params.set_default("modelPreferences", json!({ "hints": [{ "name": model }] }));
    }
    let streams = options.read::<bool>("stream");
    let streams = streams.map_err(|_| invalid("`params.options.stream` must be true or false"))?;
    options.take("stream");
    if streams == Some(true) {
        // The partial text comes as progress, for which official clients give a token.
        let mut meta = object(&params, "_meta")?;
        match task {
            Some(task) => meta.set_default("progressToken", task),
            None => meta.set_default("progressToken", id),
        }
        params.set("_meta", meta);
    }
    metadata(&mut params, options)?;
    let (messages, system) = messages(&params)?;
    params.set("messages", messages);
    if let Some(system) = system {
        params.set_default("systemPrompt", system);
    }
    Ok(params)
}

/// Options that nobody here knows are for the provider of the model.
fn metadata(params: &mut Members, mut options: Members) -> Result<(), Refused> {
    let mut metadata = object(params, "metadata")?;
    if let Some(given) = options.take("metadata") {
        let given: Map<String, Value> = serde_json::from_str(given.get())
            .map_err(|_| invalid("`params.options.metadata` must be an object"))?;
        for (name, value) in given {
            metadata.set_default(&name, value);
        }
    }
    for (name, value) in options.iter() {
        metadata.set_default(name, value);
    }
    if metadata.iter().next().is_some() {
        params.set("metadata", metadata);
    }
    Ok(())
}

/// The messages, and what those of role `system` say: the specification has a place of its own
/// for that. Content that is a text becomes a piece of text.
fn messages(params: &Members) -> Result<(Vec<Members>, Option<String>), Refused> {
    let messages = params.read::<Vec<Members>>("messages");
    let messages = messages.map_err(|_| invalid("`params.messages` must be a list of objects"))?;
    let Some(messages) = messages.filter(|messages| !messages.is_empty()) else {
        return Err(invalid("`params.messages` is missing or empty"));
    };
    let (mut spoken, mut system) = (Vec::new(), Vec::new());
    for mut message in messages {
        let content = message.raw("content").map(RawValue::to_owned);
        let content =
            content.ok_or_else(|| invalid("`params.messages` has a message without `content`"))?;
        let is_system = message.read("role").ok().flatten() == Some("system".to_owned());
        if is_system {
            let text = if is_text(&content) {
                serde_json::from_str(content.get()).ok()
            } else {
                text_of(&content)
            };
            system.extend(text);
            continue;
        }
        if is_text(&content) {
            message.set("content", json!({ "type": "text", "text": content }));
        }
        spoken.push(message);
    }
    let system = (!system.is_empty()).then(|| system.join("\n"));
    Ok((spoken, system))
}
