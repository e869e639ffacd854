//! What the attributes make of functions and `impl` blocks.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Serialize};
use serde_json::json;
use support::{Served, text};
use wharf::protocol::content::{ContentBlock, Role};
use wharf::protocol::tools::CallToolResult;
use wharf::{
    CompletionRequest, Context, Error, Json, Message, Result, Server, State, prompt, resource,
    tool, tools,
};

/// Add two numbers.
///
/// - as a list
#[tool(
    title = "Sum",
    read_only,
    destructive = false,
    closed_world,
    icon = "https://example.com/sum.png",
    meta(team = "maths", "example.com/level" = 2),
    timeout = "30s"
)]
pub async fn add(
    /// The first number
    a: i64,
    /// The second number
    #[serde(default)]
    #[schemars(range(max = 100))]
    b: i64,
    #[header("Region")] region: Option<String>,
) -> i64 {
    let _ = region;
    a + b
}

#[derive(Serialize, schemars::JsonSchema)]
struct Report {
    words: usize,
}

/// Not the description.
#[tool(name = "count.words", description = "Count the words.")]
fn count(ctx: &Context, text: String, offset: State<usize>) -> Result<Json<Report>> {
    let _ = ctx;
    if text.is_empty() {
        return Err(Error::new("no text"));
    }
    Ok(Json(Report {
        words: text.split_whitespace().count() + *offset,
    }))
}

#[tool(output_schema = Report)]
async fn free(r#type: String) -> CallToolResult {
    let structured = serde_json::value::to_raw_value(&json!({ "words": r#type.len() }));
    CallToolResult {
        structured_content: structured.ok(),
        ..CallToolResult::default()
    }
}

fn server() -> Server {
    Server::new("test")
}

#[tokio::test]
async fn a_tool_has_a_definition() {
    let served = Served::new(server().tool(add).tool(count).tool(free)).await;
    let tool = served.tool("add").await;
    assert_eq!(tool.title.as_deref(), Some("Sum"));
    assert_eq!(
        tool.description.as_deref(),
        Some("Add two numbers.\n\n- as a list")
    );
    assert_eq!(tool.icons[0].src, "https://example.com/sum.png");
    assert_eq!(
        serde_json::to_value(&tool.meta).unwrap_or_default(),
        json!({"team": "maths", "example.com/level": 2})
    );
    let hints = tool.annotations.expect("hints");
    assert_eq!(hints.read_only_hint, Some(true));
    assert_eq!(hints.destructive_hint, Some(false));
    assert_eq!(hints.idempotent_hint, None);
    assert_eq!(hints.open_world_hint, Some(false));
    assert_eq!(tool.input_schema["type"], "object");
    assert_eq!(tool.input_schema["required"], json!(["a"]));
    let properties = &tool.input_schema["properties"];
    assert_eq!(properties["a"]["description"], "The first number");
    assert_eq!(properties["b"]["maximum"], 100);
    assert_eq!(properties["region"]["x-mcp-header"], "Region");
    assert!(
        tool.input_schema.get("title").is_none(),
        "the struct's name says nothing"
    );
    assert_eq!(tool.output_schema, None);

    let tool = served.tool("count.words").await;
    assert_eq!(tool.description.as_deref(), Some("Count the words."));
    assert_eq!(tool.annotations, None);
    assert_eq!(
        tool.input_schema["required"],
        json!(["text"]),
        "only arguments"
    );
    assert_eq!(
        tool.output_schema.expect("from Json")["required"],
        json!(["words"])
    );

    let tool = served.tool("free").await;
    assert_eq!(tool.input_schema["required"], json!(["type"]));
    assert_eq!(
        tool.output_schema.expect("from the option")["required"],
        json!(["words"])
    );
}

#[tokio::test]
async fn tools_are_called_with_what_they_ask_for() {
    let served = Served::new(server().tool(add).tool(count).tool(free).state(40_usize)).await;
    assert_eq!(
        text(&served.call("add", json!({"a": 2, "b": 3})).await),
        "5"
    );
    assert_eq!(text(&served.call("add", json!({"a": 2})).await), "2");
    let wrong = served.call("add", json!({"a": "two"})).await;
    assert_eq!(wrong.is_error, Some(true));
    assert!(text(&wrong).contains("`a`"), "{}", text(&wrong));
    let too_large = served.call("add", json!({"a": 2, "b": 101})).await;
    assert!(text(&too_large).contains("`b`"), "{}", text(&too_large));

    let counted = served
        .call("count.words", json!({"text": "two words"}))
        .await;
    assert_eq!(
        counted.structured_content.expect("structured").get(),
        r#"{"words":42}"#
    );
    let failed = served.call("count.words", json!({"text": ""})).await;
    assert_eq!((failed.is_error, text(&failed)), (Some(true), "no text"));
    let result = served.call("free", json!({"type": "abc"})).await;
    assert_eq!(
        result.structured_content.expect("structured").get(),
        r#"{"words":3}"#
    );
}

#[tokio::test]
async fn a_state_that_is_missing_is_an_error() {
    let served = Served::new(server().tool(count)).await;
    let result = served.call("count.words", json!({"text": "a"})).await;
    assert_eq!(result.is_error, Some(true));
    assert!(text(&result).contains("usize"), "{}", text(&result));
}

#[tokio::test]
async fn functions_stay_functions() {
    assert_eq!(add(1, 2, None).await, 3);
    // The future can go to another thread.
    let spawned = tokio::spawn(async { add(2, 2, None).await }).await;
    assert_eq!(spawned.expect("no panic"), 4);
    let ctx = Context::default();
    let Json(report) = count(&ctx, "one".to_owned(), State(Arc::new(0))).expect("a report");
    assert_eq!(report.words, 1);
    assert_eq!(greeting("Ada".to_owned(), None).await, "Hello, Ada!");
    assert_eq!(factorial(4), 24);
    let pointer: fn(u64) -> u64 = *factorial;
    assert_eq!(pointer(3), 6);
}

#[tool]
fn factorial(n: u64) -> u64 {
    if n < 2 { 1 } else { n * factorial(n - 1) }
}

/// A parameter may have the name of a tool beside it, and of the tool itself.
#[tool]
fn shadow(add: i64, shadow: i64, #[serde(default)] factorial: i64) -> i64 {
    add + shadow + factorial
}

macro_rules! doubling {
    ($($name:ident $ty:ty),*) => {$(
        /// Twice the value.
        #[tool]
        fn $name(value: $ty) -> $ty {
            value * 2
        }
    )*};
}
doubling!(double_small u8, double_large u64);

#[tokio::test]
async fn names_do_not_get_in_the_way() {
    #[tool]
    fn local(value: i64) -> i64 {
        value
    }
    let server = server()
        .tool(local)
        .tool(shadow)
        .tool(double_small)
        .tool(double_large);
    let served = Served::new(server).await;
    assert_eq!(text(&served.call("local", json!({"value": 1})).await), "1");
    assert_eq!(
        text(&served.call("shadow", json!({"add": 1, "shadow": 2})).await),
        "3"
    );
    assert_eq!(
        text(&served.call("double_small", json!({"value": 4})).await),
        "8"
    );
    assert_eq!(double_large(1 << 40), 1 << 41);
    assert_eq!(shadow(1, 2, 3), 6);
}

/// A personal greeting.
#[resource(
    "greeting://{name}{?lang}",
    mime_type = "text/x-greeting",
    title = "Greeting"
)]
async fn greeting(#[complete("Ada", "Alan")] name: String, lang: Option<Lang>) -> String {
    match lang {
        Some(Lang::De) => format!("Hallo, {name}!"),
        Some(Lang::En) | None => format!("Hello, {name}!"),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Lang {
    De,
    En,
}

#[resource(uri = "config://all", name = "config", size = 2)]
fn configuration(ctx: &Context) -> Json<Vec<u8>> {
    let _ = ctx;
    Json(Vec::new())
}

#[resource("sum://{a}/{b}")]
fn sum(b: i64, a: i64) -> std::result::Result<String, String> {
    a.checked_add(b)
        .map(|sum| sum.to_string())
        .ok_or_else(|| "too large".to_owned())
}

#[tokio::test]
async fn resources_and_templates() {
    let served = Served::new(
        server()
            .resource(greeting)
            .resource(configuration)
            .resource(sum),
    )
    .await;
    let template = served.template("greeting").await;
    assert_eq!(template.uri_template, "greeting://{name}{?lang}");
    assert_eq!(template.title.as_deref(), Some("Greeting"));
    assert_eq!(
        template.description.as_deref(),
        Some("A personal greeting.")
    );
    assert_eq!(template.mime_type.as_deref(), Some("text/x-greeting"));
    let direct = served.resource("config").await;
    assert_eq!(
        (direct.uri.as_str(), direct.size, direct.description),
        ("config://all", Some(2), None)
    );

    assert_eq!(
        served.read("greeting://Ada").await.expect("contents"),
        "Hello, Ada!"
    );
    assert_eq!(
        served
            .read("greeting://Ada?lang=de")
            .await
            .expect("contents"),
        "Hallo, Ada!"
    );
    let wrong = served
        .read("greeting://Ada?lang=fr")
        .await
        .expect_err("no such language");
    assert!(
        wrong.code == -32602 && wrong.message.contains("`lang`"),
        "{wrong}"
    );
    assert_eq!(served.read("config://all").await.expect("contents"), "[]");
    assert_eq!(served.read("sum://1/2").await.expect("contents"), "3");
    let wrong = served
        .read(&format!("sum://{}/1", i64::MAX))
        .await
        .expect_err("too large");
    assert_eq!(wrong.message, "too large");
}

#[tokio::test]
async fn variables_complete_themselves() {
    let served = Served::new(server().resource(greeting).resource(sum)).await;
    let uri = "greeting://{name}{?lang}";
    assert_eq!(served.complete_resource(uri, "name", "al").await, ["Alan"]);
    assert_eq!(
        served.complete_resource(uri, "lang", "").await,
        ["de", "en"]
    );
    assert!(
        served
            .complete_resource("sum://{a}/{b}", "a", "")
            .await
            .is_empty()
    );
}

/// Ask for a review.
#[prompt(
    title = "Review",
    icon = "https://example.com/a.png",
    icon = "https://example.com/b.png"
)]
fn review(
    /// The code to review
    #[complete(languages)]
    code: String,
    /// How long
    style: Option<Style>,
    lines: u32,
    urgent: Option<bool>,
) -> String {
    let style = match style {
        Some(Style::VeryShort) => "very shortly",
        Some(Style::Long) | None => "at length",
    };
    format!("{code} {style} {lines} {urgent:?}")
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Style {
    VeryShort,
    Long,
}

async fn languages(request: CompletionRequest) -> Vec<String> {
    vec![format!("{}.rs", request.value)]
}

#[prompt]
async fn chat(ctx: &Context, state: State<String>) -> Result<Vec<Message>> {
    let _ = ctx;
    Ok(vec![
        Message::user(state.as_str()),
        Message::assistant("Yes?"),
    ])
}

#[tokio::test]
async fn prompts_take_text() {
    let served = Served::new(
        server()
            .prompt(review)
            .prompt(chat)
            .state("Hello".to_owned()),
    )
    .await;
    let definition = served.prompt("review").await;
    assert_eq!(definition.title.as_deref(), Some("Review"));
    assert_eq!(definition.description.as_deref(), Some("Ask for a review."));
    assert_eq!(definition.icons.len(), 2);
    let arguments: Vec<_> = definition
        .arguments
        .iter()
        .map(|argument| {
            (
                argument.name.as_str(),
                argument.description.as_deref(),
                argument.required,
            )
        })
        .collect();
    assert_eq!(
        arguments,
        [
            ("code", Some("The code to review"), Some(true)),
            ("style", Some("How long"), Some(false)),
            ("lines", None, Some(true)),
            ("urgent", None, Some(false)),
        ]
    );

    let result = served
        .get(
            "review",
            json!({"code": "x", "style": "very-short", "lines": "3"}),
        )
        .await
        .expect("messages");
    assert_eq!(result.messages[0].role, Role::User);
    assert_eq!(
        result.messages[0].content,
        ContentBlock::text("x very shortly 3 None")
    );
    let wrong = served
        .get("review", json!({"code": "x", "lines": "many"}))
        .await
        .expect_err("no number");
    assert!(
        wrong.code == -32602 && wrong.message.contains("`lines`"),
        "{wrong}"
    );
    let missing = served
        .get("review", json!({"code": "x"}))
        .await
        .expect_err("no lines");
    assert!(missing.message.contains("`lines`"), "{missing}");

    let result = served.get("chat", json!({})).await.expect("messages");
    assert_eq!(result.messages[0].content, ContentBlock::text("Hello"));
    assert_eq!(result.messages[1].role, Role::Assistant);
}

/// Compare two files.
#[prompt]
fn compare(
    /// The older one
    #[serde(rename = "old-file")]
    #[complete("a.rs", "b.rs")]
    old: String,
    r#type: Option<String>,
) -> String {
    format!("{old} as {}", r#type.unwrap_or_default())
}

/// A page of a book.
#[resource("book://{title}/{page_number}")]
fn page(title: String, #[serde(rename = "page_number")] page: u32) -> String {
    format!("{title}, {page}")
}

#[tokio::test]
async fn arguments_have_the_names_that_clients_are_to_use() {
    let served = Served::new(Server::new("Names").prompt(compare).resource(page)).await;
    let definition = served.prompt("compare").await;
    let names: Vec<_> = definition
        .arguments
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(names, ["old-file", "type"]);
    let description = definition.arguments[0].description.as_deref();
    assert_eq!(description, Some("The older one"));
    let arguments = json!({"old-file": "a.rs", "type": "Rust"});
    let got = served.get("compare", arguments).await.expect("messages");
    assert_eq!(got.messages[0].content.as_text(), Some("a.rs as Rust"));
    let refused = served.get("compare", json!({"old": "a.rs"})).await;
    assert!(refused.is_err_and(|error| error.message.contains("`old-file`")));
    assert_eq!(
        served.complete_prompt("compare", "old-file", "b").await,
        ["b.rs"]
    );
    assert_eq!(
        served.read("book://Emma/7").await.expect("a page"),
        "Emma, 7"
    );
}

#[tokio::test]
async fn prompt_arguments_complete_themselves() {
    let served = Served::new(server().prompt(review)).await;
    assert_eq!(
        served.complete_prompt("review", "code", "main").await,
        ["main.rs"]
    );
    assert_eq!(
        served.complete_prompt("review", "style", "v").await,
        ["very-short"]
    );
    assert_eq!(
        served.complete_prompt("review", "urgent", "").await,
        ["true", "false"]
    );
}

#[derive(Clone)]
struct Counter {
    count: Arc<AtomicI64>,
}

type Step = i64;

#[tools]
impl Counter {
    const START: i64 = 10;

    fn new() -> Self {
        Self {
            count: Arc::new(AtomicI64::new(Self::START)),
        }
    }

    /// Count on.
    #[tool(idempotent = false)]
    async fn next(
        &self,
        /// By how much
        step: Option<Step>,
        ctx: &Context,
    ) -> i64 {
        let _ = ctx;
        self.count.fetch_add(step.unwrap_or(1), Ordering::Relaxed) + step.unwrap_or(1)
    }

    /// No `self`.
    #[tool(name = "start")]
    fn begin() -> Step {
        Self::START
    }

    #[cfg(any())]
    #[tool]
    fn gone(&self, what: NoSuchType) -> i64 {
        what
    }

    #[wharf::resource("counter://{part}")]
    fn part(&self, #[complete("count")] part: String) -> Option<String> {
        (part == "count").then(|| self.count.load(Ordering::Relaxed).to_string())
    }

    /// Say it.
    #[prompt]
    async fn say(&self, how: String) -> String {
        format!("Say {} {how}", self.count.load(Ordering::Relaxed))
    }

    fn reset(&self) {
        self.count.store(Self::START, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_group_shares_its_value() {
    let counter = Counter::new();
    let served = Served::new(server().items(counter.clone())).await;
    assert_eq!(served.tools().await, ["next", "start"]);
    assert_eq!(
        served.tool("next").await.description.as_deref(),
        Some("Count on.")
    );
    assert_eq!(
        served.tool("next").await.input_schema["properties"]["step"]["description"],
        "By how much"
    );
    assert_eq!(text(&served.call("next", json!({})).await), "11");
    assert_eq!(text(&served.call("next", json!({"step": 5})).await), "16");
    assert_eq!(text(&served.call("start", json!({})).await), "10");
    assert_eq!(
        served.read("counter://count").await.expect("contents"),
        "16"
    );
    let missing = served
        .read("counter://other")
        .await
        .expect_err("no such part");
    assert_eq!(missing.data, Some(json!({"uri": "counter://other"})));
    let said = served
        .get("say", json!({"how": "loud"}))
        .await
        .expect("messages");
    assert_eq!(said.messages[0].content, ContentBlock::text("Say 16 loud"));
    assert_eq!(
        served
            .complete_resource("counter://{part}", "part", "c")
            .await,
        ["count"]
    );

    // Methods stay methods.
    counter.reset();
    assert_eq!(counter.next(None, &Context::default()).await, 11);
    assert_eq!(Counter::begin(), 10);
}
