//! A server that uses everything: each kind of content, of list, of ask and of notice.
//!
//! Values are read from JSON with every member that any revision knows; what a client of an older
//! one sees of them is what is tested.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use wharf::protocol::content::{Annotations, Icon};
use wharf::protocol::logging::LoggingLevel;
use wharf::protocol::prompts::{GetPromptResult, PromptArgument};
use wharf::protocol::resources::ReadResourceResult;
use wharf::protocol::sampling::CreateMessageParams;
use wharf::protocol::tools::{CallToolResult, ToolAnnotations};
use wharf::{
    Context, Error, Json, Limits, NoArguments, Prompt, PromptArguments, Resource, Sample, Server,
    Tool,
};

use crate::wire::{Value, json};

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn icon() -> Icon {
    read(
        json!({"src": "https://example.com/i.png", "mimeType": "image/png", "sizes": ["48x48"],
        "theme": "light"}),
    )
}

fn annotations() -> Value {
    json!({"audience": ["user", "assistant"], "priority": 0.5, "lastModified": "2025-01-12T15:00:58Z"})
}

/// One block of each kind, with all that can be said of it.
pub fn every_content() -> Value {
    let meta = json!({"example.com/k": 1});
    json!([
        {"type": "text", "text": "words", "annotations": annotations(), "_meta": meta},
        {"type": "image", "data": "iVBORw==", "mimeType": "image/png",
            "annotations": annotations(), "_meta": meta},
        {"type": "audio", "data": "UklGRg==", "mimeType": "audio/wav",
            "annotations": annotations(), "_meta": meta},
        {"type": "resource_link", "uri": "memo://text", "name": "text", "title": "Text",
            "description": "A text", "mimeType": "text/plain", "size": 5,
            "annotations": annotations(), "_meta": meta,
            "icons": [{"src": "https://example.com/i.png", "sizes": ["any"]}]},
        {"type": "resource", "annotations": annotations(), "_meta": meta, "resource":
            {"uri": "memo://text", "mimeType": "text/plain", "text": "words", "_meta": meta}},
        {"type": "resource", "resource":
            {"uri": "memo://blob", "mimeType": "image/png", "blob": "iVBORw=="}},
    ])
}

/// Everything.
pub fn server() -> Server {
    let limits = Limits {
        // So that every list has a second page.
        page_items: 3,
        ..Limits::default()
    };
    Server::new("matrix")
        .version("1.2.3")
        .title("The matrix")
        .description("Uses everything")
        .website_url("https://example.com")
        .icon(icon())
        .instructions("Call everything.")
        .limits(limits)
        .tool(content())
        .tool(object())
        .tool(array())
        .tool(failing())
        .tool(panicking())
        .tool(work())
        .tool(wait())
        .tool(sample())
        .tool(sample_with_tools())
        .tool(form())
        .tool(page())
        .tool(roots())
        .tool(impatient())
        .tool(change())
        .tool(touch())
        .tool(task())
        .resource(text())
        .resource(Resource::blob("memo://blob", vec![1, 2, 3]).mime_type("image/png"))
        .resource(many())
        .resource(Resource::text("memo://four", "4"))
        .resource(user())
        .resource(template("a"))
        .resource(template("b"))
        .resource(template("c"))
        .prompt(review())
        .prompt(plain("one"))
        .prompt(plain("two"))
        .prompt(plain("three"))
}

// --- tools -----------------------------------------------------------------------------------

fn content() -> Tool {
    Tool::new("content")
        .title("Content")
        .description("One of each kind")
        .annotations(ToolAnnotations {
            title: None,
            read_only_hint: Some(true),
            destructive_hint: Some(false),
            idempotent_hint: Some(true),
            open_world_hint: Some(false),
        })
        .icon(icon())
        .meta("example.com/k", 1)
        .handler(|_: NoArguments, _: Context| async {
            read::<CallToolResult>(
                json!({"content": every_content(), "_meta": {"example.com/k": 1}}),
            )
        })
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Weather {
    /// In degrees
    temperature: f64,
    sunny: Option<bool>,
}

fn object() -> Tool {
    Tool::new("object").handler(|_: NoArguments, _: Context| async {
        Json(Weather {
            temperature: 21.5,
            sunny: None,
        })
    })
}

fn array() -> Tool {
    Tool::new("array")
        .output_schema(json!({"type": "array", "items": {"type": "integer"}}))
        .handler(|_: NoArguments, _: Context| async {
            read::<CallToolResult>(json!({"content": [], "structuredContent": [1, 2]}))
        })
}

fn failing() -> Tool {
    Tool::new("fail").handler(|_: NoArguments, _: Context| async {
        Err::<String, _>(Error::new("out of paper"))
    })
}

fn panicking() -> Tool {
    Tool::new("panic").handler(|_: NoArguments, _: Context| async {
        if true {
            panic!("on purpose");
        }
        "never"
    })
}

fn work() -> Tool {
    Tool::new("work").handler(|_: NoArguments, ctx: Context| async move {
        for level in [
            LoggingLevel::Debug,
            LoggingLevel::Info,
            LoggingLevel::Notice,
            LoggingLevel::Warning,
            LoggingLevel::Error,
            LoggingLevel::Critical,
            LoggingLevel::Alert,
            LoggingLevel::Emergency,
        ] {
            ctx.log(level, Some("worker"), json!({"at": level.as_str()}))
                .await;
        }
        ctx.info("text").await;
        ctx.progress(0.5, None).await;
        ctx.progress_message(1.0, 2.0, "half").await;
        ctx.progress(2.0, 2.0).await;
        "done"
    })
}

fn wait() -> Tool {
    Tool::new("wait").handler(|_: NoArguments, ctx: Context| async move {
        ctx.progress(1.0, None).await;
        std::future::pending::<()>().await;
        "never"
    })
}

/// All that can be asked of a model without tools.
fn conversation() -> Value {
    json!({
        "messages": [
            {"role": "user", "content": {"type": "text", "text": "Hello", "annotations": annotations(),
                "_meta": {"example.com/k": 1}}, "_meta": {"example.com/k": 1}},
            {"role": "assistant", "content": {"type": "image", "data": "iVBORw==", "mimeType": "image/png"}},
            {"role": "user", "content": {"type": "audio", "data": "UklGRg==", "mimeType": "audio/wav"}},
            {"role": "user", "content": [
                {"type": "text", "text": "One"},
                {"type": "text", "text": "Two"},
            ]},
        ],
        "modelPreferences": {"hints": [{"name": "small"}, {}], "costPriority": 1, "speedPriority": 0.5,
            "intelligencePriority": 7},
        "systemPrompt": "Be brief.",
        "includeContext": "none",
        "temperature": 0.7,
        "maxTokens": 100,
        "stopSequences": ["END"],
        "metadata": {"provider": "x"},
    })
}

fn sample() -> Tool {
    Tool::new("sample").handler(|_: NoArguments, ctx: Context| async move {
        let answer = ctx
            .sample(read::<CreateMessageParams>(conversation()))
            .await?;
        Ok::<_, Error>(answer.text().into_owned())
    })
}

fn sample_with_tools() -> Tool {
    Tool::new("sample_with_tools").handler(|_: NoArguments, ctx: Context| async move {
        let mut params = conversation();
        params["toolChoice"] = json!({"mode": "auto"});
        params["tools"] = json!([{"name": "look", "title": "Look", "description": "Looks",
            "inputSchema": {"type": "object", "properties": {"at": true}},
            "outputSchema": {"type": "object"}, "annotations": {"readOnlyHint": true},
            "icons": [{"src": "https://example.com/i.png"}], "_meta": {"example.com/k": 1}}]);
        let messages = params["messages"].as_array_mut().unwrap();
        messages.push(json!({"role": "assistant", "content": [
            {"type": "tool_use", "id": "1", "name": "look", "input": {"at": "it"}}]}));
        messages.push(json!({"role": "user", "content": [
            {"type": "tool_result", "toolUseId": "1", "content": every_content(),
                "structuredContent": {"seen": true}, "isError": false}]}));
        let answer = ctx.sample(read::<CreateMessageParams>(params)).await?;
        Ok::<_, Error>(answer.text().into_owned())
    })
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Colour {
    Red,
    Green,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[allow(dead_code, reason = "only its form is of interest")]
struct Person {
    /// What to call you
    #[schemars(length(min = 1, max = 50))]
    name: String,
    #[schemars(email)]
    mail: String,
    #[schemars(range(min = 0, max = 150))]
    age: u8,
    #[serde(default = "half")]
    share: f64,
    #[serde(default)]
    newsletter: bool,
    colour: Colour,
    colours: Vec<Colour>,
    nickname: Option<String>,
}

fn half() -> f64 {
    0.5
}

fn form() -> Tool {
    Tool::new("form").handler(|_: NoArguments, ctx: Context| async move {
        let person: Person = ctx.elicit("Who are you?").await?;
        Ok::<_, Error>(person.name)
    })
}

fn page() -> Tool {
    Tool::new("page").handler(|_: NoArguments, ctx: Context| async move {
        let asked = ctx
            .elicit_url("Please sign in", "https://example.com/login")
            .id("page-1");
        let answer = asked.await?;
        ctx.elicitation_complete("page-1").await;
        Ok::<_, Error>(format!("{:?}", answer.action))
    })
}

fn roots() -> Tool {
    Tool::new("roots").handler(|_: NoArguments, ctx: Context| async move {
        let roots = ctx.roots().await?;
        let uris: Vec<_> = roots.into_iter().map(|root| root.uri).collect();
        Ok::<_, Error>(uris.join(" "))
    })
}

/// Asks, and takes the question back where it is not answered at once.
fn impatient() -> Tool {
    Tool::new("impatient").handler(|_: NoArguments, ctx: Context| async move {
        let asking = ctx.sample(Sample::user("Quick!"));
        match tokio::time::timeout(Duration::from_millis(50), asking).await {
            Ok(_) => "answered",
            Err(_) => "taken back",
        }
    })
}

/// Changes every list.
fn change() -> Tool {
    Tool::new("change").handler(|_: NoArguments, ctx: Context| async move {
        ctx.catalog().update(|catalog| {
            if !catalog.remove_tool("new") {
                catalog.add_tool(Tool::new("new").handler(|_: NoArguments, _: Context| async {}));
                catalog.add_resource(Resource::text("memo://new", "new"));
                catalog.add_prompt(plain("new"));
            } else {
                catalog.remove_resource("memo://new");
                catalog.remove_prompt("new");
            }
        })?;
        Ok::<_, Error>("changed")
    })
}

/// Tells that a resource changed.
fn touch() -> Tool {
    Tool::new("touch").handler(|_: NoArguments, ctx: Context| async move {
        ctx.notify_resource_updated("memo://text");
        "touched"
    })
}

/// May be called as a task; asks in the middle.
fn task() -> Tool {
    Tool::new("task")
        .task()
        .handler(|_: NoArguments, ctx: Context| async move {
            ctx.progress_message(1.0, 3.0, "asking").await;
            let answer = ctx.sample("Go on?").await?;
            ctx.info("going on").await;
            Ok::<_, Error>(answer.text().into_owned())
        })
}

// --- resources -------------------------------------------------------------------------------

fn text() -> Resource {
    Resource::text("memo://text", "words")
        .name("text")
        .title("Text")
        .description("A text")
        .mime_type("text/plain")
        .size(5)
        .annotations(read::<Annotations>(annotations()))
        .icon(icon())
        .meta("example.com/k", 1)
}

/// Several contents of one resource.
fn many() -> Resource {
    Resource::function("memo://many", |_: Context| async {
        read::<ReadResourceResult>(json!({"_meta": {"example.com/k": 1}, "contents": [
            {"uri": "memo://many/a", "text": "a", "mimeType": "text/plain", "_meta": {"example.com/k": 1}},
            {"uri": "memo://many/b", "blob": "AAAA"},
        ]}))
    })
}

fn user() -> Resource {
    Resource::template("user://{name}", |variables: Value, _: Context| async move {
        format!("Hello, {}!", variables["name"])
    })
    .name("user")
    .title("User")
    .description("A user")
    .mime_type("text/plain")
    .annotations(read::<Annotations>(annotations()))
    .icon(icon())
    .meta("example.com/k", 1)
    .complete("name", ["ada", "adele", "grace"])
}

fn template(scheme: &str) -> Resource {
    Resource::template(format!("{scheme}://{{x}}"), |_: Value, _: Context| async {
        "x"
    })
}

// --- prompts ---------------------------------------------------------------------------------

fn review() -> Prompt {
    Prompt::new("review")
        .title("Review")
        .description("A review")
        .icon(icon())
        .meta("example.com/k", 1)
        .argument(PromptArgument {
            name: "language".into(),
            title: Some("Language".into()),
            description: Some("Of the code".into()),
            required: Some(true),
        })
        .complete("language", ["rust", "ruby", "python"])
        .raw_handler(|_: PromptArguments, _: Context| async {
            let blocks = every_content();
            let messages: Vec<_> = blocks
                .as_array()
                .unwrap()
                .iter()
                .map(|content| json!({"role": "user", "content": content}))
                .collect();
            read::<GetPromptResult>(json!({"description": "Every kind", "messages": messages,
                "_meta": {"example.com/k": 1}}))
        })
}

fn plain(name: &str) -> Prompt {
    Prompt::new(name).raw_handler(|_: PromptArguments, _: Context| async { "Hello" })
}
