//! A request of MCP in the words of `genai`.

use std::collections::HashMap;

use genai::chat::{
    Binary, ChatMessage, ChatOptions, ChatRequest, ChatRole, ContentPart, MessageContent, Tool,
    ToolCall, ToolChoice, ToolResponse,
};
use serde_json::Value;
use wharf::protocol::content::{ContentBlock, Role};
use wharf::protocol::sampling::{
    CreateMessageParams, SamplingContent, SamplingMessage, ToolChoiceMode, ToolResultContent,
    ToolUseContent,
};

use super::calls::SIGNATURES;
use super::names::Names;
use crate::{Error, Result};

/// What a provider is asked.
pub(super) struct Asked {
    pub(super) request: ChatRequest,
    pub(super) options: ChatOptions,
    /// The names of the tools, as the provider knows them.
    pub(super) names: Names,
}

/// Says a request in the words of `genai`. `metadata` is left out: it could change anything,
/// the model too.
pub(super) fn asked(params: CreateMessageParams, hears: bool) -> Result<Asked> {
    let names = Names::new(params.tools.iter().map(|tool| tool.name.as_str()));
    let mut request = ChatRequest {
        system: params.system_prompt,
        ..ChatRequest::default()
    };
    let mut calls = HashMap::new();
    for message in &params.messages {
        say(&mut request.messages, message, hears, &names, &mut calls)?;
    }
    if request.messages.is_empty() {
        return Err(Error::invalid("there is no message to answer"));
    }
    let mut options = ChatOptions::default()
        .with_max_tokens(params.max_tokens)
        .with_stop_sequences(params.stop_sequences);
    options.temperature = params.temperature.filter(|number| number.is_finite());
    let mode = params.tool_choice.and_then(|choice| choice.mode);
    if !params.tools.is_empty() {
        let tools = params.tools.iter().map(|tool| {
            let mut known = Tool::new(names.theirs(&tool.name).to_owned());
            known.description = tool.description.clone();
            known.schema = Some(tool.input_schema.clone());
            known
        });
        request.tools = Some(tools.collect());
        options.tool_choice = mode.map(|mode| match mode {
            ToolChoiceMode::Auto => ToolChoice::Auto,
            ToolChoiceMode::Required => ToolChoice::Required,
            ToolChoiceMode::None => ToolChoice::None,
        });
    }
    Ok(Asked {
        request,
        options,
        names,
    })
}

/// Adds a message: what tools answered stands in a message of its own, before the rest.
fn say(
    messages: &mut Vec<ChatMessage>,
    message: &SamplingMessage,
    hears: bool,
    names: &Names,
    calls: &mut HashMap<String, String>,
) -> Result<()> {
    let (mut answers, mut rest) = (Vec::new(), Vec::new());
    for content in message.content.as_slice() {
        match content {
            SamplingContent::Text(text) => rest.push(ContentPart::Text(text.text.clone())),
            SamplingContent::Image(image) => {
                rest.push(binary(&image.mime_type, &image.data));
            }
            SamplingContent::Audio(audio) if hears => {
                rest.push(binary(&audio.mime_type, &audio.data));
            }
            SamplingContent::Audio(_) => {
                return Err(Error::invalid("the provider takes no audio"));
            }
            SamplingContent::ToolUse(call) => {
                calls.insert(call.id.clone(), names.theirs(&call.name).to_owned());
                rest.push(ContentPart::ToolCall(tool_call(call, names)));
            }
            SamplingContent::ToolResult(result) => {
                let mut answer = ToolResponse::new(&result.tool_use_id, outcome(result));
                answer.fn_name = calls.get(&result.tool_use_id).cloned();
                answers.push(answer);
            }
        }
    }
    if !answers.is_empty() {
        let content = MessageContent::from_tool_responses(answers);
        messages.push(ChatMessage::new(ChatRole::Tool, content));
    }
    if !rest.is_empty() {
        let role = match message.role {
            Role::User => ChatRole::User,
            Role::Assistant => ChatRole::Assistant,
        };
        messages.push(ChatMessage::new(role, MessageContent::from_parts(rest)));
    }
    Ok(())
}

fn binary(kind: &str, base64: &str) -> ContentPart {
    ContentPart::Binary(Binary::from_base64(kind, base64, None))
}

fn tool_call(call: &ToolUseContent, names: &Names) -> ToolCall {
    let signatures = call.meta.as_ref().and_then(|meta| meta.get(SIGNATURES));
    ToolCall {
        call_id: call.id.clone(),
        fn_name: names.theirs(&call.name).to_owned(),
        fn_arguments: Value::Object(call.input.clone()),
        thought_signatures: signatures.and_then(|list| serde_json::from_value(list.clone()).ok()),
    }
}

/// What a tool answered, as text: providers take nothing else.
fn outcome(result: &ToolResultContent) -> String {
    let blocks = result.content.iter().map(|block| match block {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Image(image) => format!("[image: {}]", image.mime_type),
        ContentBlock::Audio(audio) => format!("[audio: {}]", audio.mime_type),
        ContentBlock::ResourceLink(link) => format!("[resource: {}]", link.resource.uri),
        ContentBlock::Resource(_) => "[an embedded resource]".to_owned(),
    });
    let mut text = blocks.collect::<Vec<_>>().join("\n");
    if let (true, Some(json)) = (text.is_empty(), &result.structured_content) {
        json.get().clone_into(&mut text);
    }
    if result.is_error == Some(true) {
        text.insert_str(0, "The tool failed: ");
    }
    text
}
