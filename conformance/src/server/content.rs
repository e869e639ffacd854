//! What tools, resources and prompts can answer with.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;
use wharf::protocol::{ResourceContents, TextResourceContents};
use wharf::{Audio, Context, Image, Json, Message, Server, Tool, prompt, resource, tool};

/// One red pixel.
const PNG: &[u8] = include_bytes!("red-pixel.png");
/// One millisecond of silence.
const WAV: &[u8] = include_bytes!("silence.wav");

pub(crate) fn add(server: Server) -> Server {
    server
        // First in the list: the suite calls the first tool without arguments.
        .tool(test_simple_text)
        .tool(test_image_content)
        .tool(test_audio_content)
        .tool(test_embedded_resource)
        .tool(test_multiple_content_types)
        .tool(test_error_handling)
        .tool(test_tool_with_logging)
        .tool(test_logging_tool)
        .tool(test_tool_with_progress)
        .tool(test_reconnection)
        .tool(test_header_argument)
        .tool(json_schema_2020_12_tool())
        .resource(static_text)
        .resource(static_binary)
        .resource(watched_resource)
        .resource(template)
        .prompt(test_simple_prompt)
        .prompt(test_prompt_with_arguments)
        .prompt(test_prompt_with_embedded_resource)
        .prompt(test_prompt_with_image)
}

/// Returns text.
#[tool(read_only)]
fn test_simple_text() -> &'static str {
    "This is a simple text response for testing."
}

/// Returns an image.
#[tool(read_only)]
fn test_image_content() -> Image {
    Image::png(PNG)
}

/// Returns a sound.
#[tool(read_only)]
fn test_audio_content() -> Audio {
    Audio::wav(WAV)
}

/// Returns a resource with its contents.
#[tool(read_only)]
fn test_embedded_resource() -> ResourceContents {
    text_of(
        "test://embedded-resource",
        "text/plain",
        "This is an embedded resource content.",
    )
}

/// Returns text, an image and a resource.
#[tool(read_only)]
fn test_multiple_content_types() -> (&'static str, Image, ResourceContents) {
    let data = json!({"test": "data", "value": 123}).to_string();
    let resource = text_of("test://mixed-content-resource", "application/json", data);
    ("Multiple content types test:", Image::png(PNG), resource)
}

/// The contents of a resource that is not read but shown.
fn text_of(uri: &str, mime_type: &str, text: impl Into<String>) -> ResourceContents {
    ResourceContents::Text(TextResourceContents {
        uri: uri.into(),
        mime_type: Some(mime_type.into()),
        text: text.into(),
        meta: None,
    })
}

/// Always fails.
#[tool]
fn test_error_handling() -> Result<String, &'static str> {
    Err("This tool intentionally returns an error for testing")
}

/// Writes three log messages.
#[tool]
async fn test_tool_with_logging(ctx: &Context) -> &'static str {
    for message in [
        "Tool execution started",
        "Tool processing data",
        "Tool execution completed",
    ] {
        ctx.info(message).await;
        sleep(Duration::from_millis(50)).await;
    }
    "Logged three messages."
}

/// Writes a log message, which only clients that asked for logs see.
#[tool]
async fn test_logging_tool(ctx: &Context) -> &'static str {
    ctx.info("This is a log message").await;
    "Logged one message."
}

/// Reports its progress.
#[tool]
async fn test_tool_with_progress(ctx: &Context) -> &'static str {
    for done in [0.0, 50.0, 100.0] {
        ctx.progress(done, 100.0).await;
        sleep(Duration::from_millis(50)).await;
    }
    "Reported progress three times."
}

/// Lets the client reconnect before it answers.
#[tool]
async fn test_reconnection(ctx: &Context) -> &'static str {
    ctx.close_stream();
    sleep(Duration::from_millis(100)).await;
    "The client reconnected."
}

/// Takes an argument that is also sent as an HTTP header.
#[tool(read_only)]
fn test_header_argument(
    /// Where to look
    #[header("Region")]
    region: String,
) -> String {
    format!("Looked in {region}.")
}

/// A tool whose input schema no Rust type could express.
fn json_schema_2020_12_tool() -> Tool {
    Tool::new("json_schema_2020_12_tool")
        .description("Takes what a JSON Schema of 2020-12 describes.")
        .input_schema(json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "$defs": {
                "address": {
                    "$anchor": "addressDef",
                    "type": "object",
                    "properties": { "street": { "type": "string" }, "city": { "type": "string" } }
                }
            },
            "properties": {
                "name": { "type": "string" },
                "address": { "$ref": "#/$defs/address" },
                "contactMethod": { "type": "string", "enum": ["phone", "email"] },
                "phone": { "type": "string" },
                "email": { "type": "string" }
            },
            "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
            "if": {
                "properties": { "contactMethod": { "const": "phone" } },
                "required": ["contactMethod"]
            },
            "then": { "required": ["phone"] },
            "else": { "required": ["email"] },
            "additionalProperties": false
        }))
        .raw_handler(|arguments, _: Context| async move { format!("Received {arguments}") })
}

/// A text that never changes.
#[resource("test://static-text", mime_type = "text/plain")]
fn static_text() -> &'static str {
    "This is the content of the static text resource."
}

/// An image that never changes.
#[resource("test://static-binary", mime_type = "image/png")]
fn static_binary() -> Image {
    Image::png(PNG)
}

/// A resource to subscribe to.
#[resource("test://watched-resource", mime_type = "text/plain")]
fn watched_resource() -> &'static str {
    "Watch me."
}

/// Data for any id.
#[resource("test://template/{id}/data", mime_type = "application/json")]
fn template(id: String) -> Json<serde_json::Value> {
    let data = format!("Data for ID: {id}");
    Json(json!({ "id": id, "templateTest": true, "data": data }))
}

/// A prompt without arguments.
#[prompt]
fn test_simple_prompt() -> &'static str {
    "This is a simple prompt for testing."
}

/// A prompt with two arguments.
#[prompt]
fn test_prompt_with_arguments(
    /// First test argument
    #[complete("test", "testing")]
    arg1: String,
    /// Second test argument
    arg2: String,
) -> String {
    format!("Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")
}

/// A prompt that shows a resource.
#[prompt]
#[allow(non_snake_case)]
fn test_prompt_with_embedded_resource(
    /// URI of the resource to embed
    resourceUri: String,
) -> Vec<Message> {
    let text = "Embedded resource content for testing.";
    vec![
        Message::user(text_of(&resourceUri, "text/plain", text)),
        Message::user("Please process the embedded resource above."),
    ]
}

/// A prompt that shows an image.
#[prompt]
fn test_prompt_with_image() -> Vec<Message> {
    vec![
        Message::user(Image::png(PNG)),
        Message::user("Please analyze the image above."),
    ]
}
