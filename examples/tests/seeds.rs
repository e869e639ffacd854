//! What the Python SDK's README and guide ask for, row by row of the founding table, part B.
//!
//! The servers are the examples and small ones written as a user of the library writes them; the
//! client is the library's.

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use wharf::client::{Command as Spawn, Notification, Target, Watch};
use wharf::protocol::resources::ResourceContents;
use wharf::protocol::{ContentBlock, Revision, Role, SamplingContent};
use wharf::{
    Audio, Client, Context, Image, Json, Message, Resource, Server, State, prompt, resource, tool,
    tools,
};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

const ALL: [Revision; 5] = [
    Revision::V2024_11_05,
    Revision::V2025_03_26,
    Revision::V2025_06_18,
    Revision::V2025_11_25,
    Revision::V2026_07_28,
];

/// An error of a server, for those who take any.
fn said(error: wharf::Error) -> String {
    error.to_string()
}

fn text_of(contents: &[ResourceContents]) -> &str {
    match contents {
        [ResourceContents::Text(contents), ..] => &contents.text,
        _ => panic!("no text: {contents:?}"),
    }
}

/// Add two numbers.
#[tool]
fn add(
    /// The first
    a: i64,
    b: i64,
) -> i64 {
    a + b
}

/// A personal greeting.
#[resource("greeting://{name}")]
fn greeting(name: String) -> String {
    format!("Hello, {name}!")
}

/// Ask for a review.
#[prompt]
fn review(code: String) -> Vec<Message> {
    vec![
        Message::user(format!("Please review this code:\n\n{code}")),
        Message::assistant("I shall look for mistakes first."),
    ]
}

fn demo() -> Server {
    Server::new("Demo")
        .tool(add)
        .resource(greeting)
        .prompt(review)
}

#[tokio::test]
async fn seed_b01_plain_functions() -> Outcome {
    assert_eq!(add(1, 2), 3, "a tool stays a function");
    for revision in ALL {
        let client = Client::builder().revision(revision);
        let client = client.open(Target::server(demo())).await?;
        let tools = client.tools().all().await?;
        assert_eq!(tools[0].description.as_deref(), Some("Add two numbers."));
        assert_eq!(
            tools[0].input_schema["properties"]["a"]["description"],
            "The first"
        );
        let sum = client.call("add", json!({"a": 1, "b": 2})).await?;
        assert_eq!(sum.content[0].as_text(), Some("3"), "{revision}");
        assert_eq!(
            text_of(&client.read("greeting://Ada").await?.contents),
            "Hello, Ada!"
        );
        let prompt = client.prompt("review", json!({"code": "x"})).await?;
        assert_eq!(prompt.messages.len(), 2);
        client.close().await;
    }
    Ok(())
}

struct Database(Mutex<Vec<&'static str>>);

#[tokio::test]
async fn seed_b02_lifespan_is_typed_set_up_and_torn_down() -> Outcome {
    /// What the database says.
    #[tool]
    fn ask(database: State<Database>) -> String {
        let said = database.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.join(" ")
    }
    let (sender, ended) = tokio::sync::oneshot::channel();
    let server = Server::new("Lifespan")
        .lifespan(
            || async { Ok::<_, std::io::Error>(Database(Mutex::new(vec!["connected"]))) },
            |database: Arc<Database>| async move {
                let said = database.0.lock().map(|said| said.len());
                let _ = sender.send(said.unwrap_or_default());
            },
        )
        .tool(ask);
    let client = Client::in_process(server).await?;
    let said = client.call("ask", json!({})).await?;
    assert_eq!(said.content[0].as_text(), Some("connected"));
    client.close().await;
    assert_eq!(
        tokio::time::timeout(PATIENCE, ended).await??,
        1,
        "torn down"
    );
    // The example does it with a process.
    let run = Command::new(env!("CARGO_BIN_EXE_lifespan"))
        .stdin(Stdio::null())
        .output()?;
    assert!(String::from_utf8(run.stderr)?.contains("notes put away"));
    Ok(())
}

#[tokio::test]
async fn seed_b03_context_logs_progress_and_reads() -> Outcome {
    /// Work through some data.
    #[tool]
    async fn work(ctx: &Context) -> wharf::Result<String> {
        ctx.debug("d").await;
        ctx.info("i").await;
        ctx.warning("w").await;
        ctx.error(json!({"e": 1})).await;
        ctx.progress(1.0, 2.0).await;
        let read = ctx.read_resource("data://x").await?;
        ctx.progress(2.0, 2.0).await;
        Ok(text_of(&read.contents).to_owned())
    }
    for revision in [
        Revision::V2024_11_05,
        Revision::V2025_11_25,
        Revision::V2026_07_28,
    ] {
        let server = Server::new("Context")
            .tool(work)
            .resource(Resource::text("data://x", "data"));
        let client = Client::builder()
            .revision(revision)
            .log_level(wharf::protocol::LoggingLevel::Debug)
            .open(Target::server(server))
            .await?;
        let mut heard = client.notifications();
        let steps = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&steps);
        let call = client.call("work", json!({})).on_progress(move |progress| {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push((progress.progress, progress.total));
        });
        assert_eq!(call.await?.content[0].as_text(), Some("data"));
        let steps = steps.lock().unwrap_or_else(PoisonError::into_inner).clone();
        assert_eq!(steps, [(1.0, Some(2.0)), (2.0, Some(2.0))], "{revision}");
        let mut levels = Vec::new();
        while levels.len() < 4 {
            if let Some(Notification::Log(log)) =
                tokio::time::timeout(PATIENCE, heard.next()).await?
            {
                levels.push(log.level.as_str());
            }
        }
        assert_eq!(levels, ["debug", "info", "warning", "error"], "{revision}");
        client.close().await;
    }
    Ok(())
}

#[tokio::test]
async fn seed_b04_images_audio_and_messages() -> Outcome {
    /// A picture and a sound.
    #[tool]
    fn show() -> (Image, Audio) {
        (Image::png(vec![1, 2]), Audio::new(vec![3], "audio/wav"))
    }
    let client = Client::in_process(Server::new("Media").tool(show).prompt(review)).await?;
    let shown = client.call("show", json!({})).await?;
    assert!(
        matches!(&shown.content[..], [ContentBlock::Image(image), ContentBlock::Audio(_)] if image.mime_type == "image/png")
    );
    let prompt = client
        .prompt("review", json!({"code": "fn main() {}"}))
        .await?;
    let said: Vec<_> = prompt.messages.iter().map(|message| message.role).collect();
    assert_eq!(said, [Role::User, Role::Assistant]);
    let text = prompt.messages[0].content.as_text();
    assert_eq!(text, Some("Please review this code:\n\nfn main() {}"));
    // The example, read from a file.
    let client = Client::spawn(env!("CARGO_BIN_EXE_images")).await?;
    let shown = client.call("square", json!({})).await?;
    assert!(
        matches!(&shown.content[1], ContentBlock::Image(image) if image.mime_type == "image/png")
    );
    client.close().await;
    Ok(())
}

#[tokio::test]
async fn seed_b05_groups_and_operations() -> Outcome {
    struct Math;

    #[tools]
    impl Math {
        /// Add.
        #[tool]
        fn add(&self, a: i64, b: i64) -> i64 {
            a + b
        }
    }
    let client = Client::in_process(Server::new("Groups").group("math", Math)).await?;
    let sum = client.call("math.add", json!({"a": 1, "b": 2})).await?;
    assert_eq!(sum.content[0].as_text(), Some("3"));

    let client = Client::spawn(env!("CARGO_BIN_EXE_groups")).await?;
    let names: Vec<_> = client
        .tools()
        .all()
        .await?
        .iter()
        .map(|tool| tool.name.clone())
        .collect();
    assert!(
        names.contains(&"math.add".into()) && names.contains(&"math.slow_add".into()),
        "{names:?}"
    );
    let steps = Arc::new(Mutex::new(0));
    let seen = Arc::clone(&steps);
    let call = client
        .call("math.slow_add", json!({"a": 20, "b": 22}))
        .on_progress(move |_| {
            *seen.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        });
    assert_eq!(call.await?.content[0].as_text(), Some("42"));
    assert_eq!(*steps.lock().unwrap_or_else(PoisonError::into_inner), 4);
    client.close().await;
    Ok(())
}

#[tokio::test]
async fn seed_b06_resources_from_files_and_functions() -> Outcome {
    let client = Client::spawn(env!("CARGO_BIN_EXE_resources")).await?;
    let listed = client.resources().all().await?;
    let uris: Vec<_> = listed
        .iter()
        .map(|resource| resource.uri.as_str())
        .collect();
    assert!(
        uris.contains(&"project://manifest") && uris.contains(&"status://process"),
        "{uris:?}"
    );
    let file = client.read("project://manifest").await?;
    assert_eq!(text_of(&file.contents), include_str!("../Cargo.toml"));
    let made = client.read("status://process").await?;
    assert!(text_of(&made.contents).starts_with("process "));
    client.close().await;
    Ok(())
}

#[tokio::test]
async fn seed_b07_low_level_handlers() -> Outcome {
    let client = Client::spawn(env!("CARGO_BIN_EXE_low_level")).await?;
    let tools = client.tools().all().await?;
    assert_eq!(tools.len(), 3, "over two pages");
    let answer = client.call("river", json!({})).await?;
    assert_eq!(answer.content[0].as_text(), Some("Glomma"));
    assert_eq!(
        text_of(&client.read("row://capital").await?.contents),
        "Oslo"
    );
    client.close().await;
    Ok(())
}

/// A server that listens, until it is dropped.
struct Served(Child, String);

impl Served {
    fn start(program: &str, arguments: &[&str]) -> Self {
        use std::io::BufRead as _;
        let child = Command::new(program)
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.expect("the example starts");
        let mut line = String::new();
        let stderr = child.stderr.take().expect("a pipe");
        std::io::BufReader::new(stderr)
            .read_line(&mut line)
            .expect("the address");
        Self(child, line.trim().to_owned())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn seed_b08_stdio_sse_websocket_and_mounted() -> Outcome {
    // Mounted into an axum application: the endpoint, SSE and WebSocket below it.
    let app = Served::start(env!("CARGO_BIN_EXE_axum"), &["127.0.0.1:0"]);
    for url in [
        app.1.clone(),
        format!("{}/sse", app.1),
        format!("{}/ws", app.1.replace("http", "ws")),
    ] {
        let client = Client::connect(&url).await?;
        let sum = client.call("add", json!({"a": 1, "b": 2})).await?;
        assert_eq!(sum.content[0].as_text(), Some("3"), "{url}");
        client.close().await;
    }
    // Our own listener has SSE at `/sse` beside the endpoint, as `localhost:8000/sse` is asked for.
    let server = demo().bind("127.0.0.1:0").await.map_err(said)?;
    let sse = server.sse_url().map_err(said)?.ok_or("no SSE")?;
    let ws = server
        .websocket_url()
        .map_err(said)?
        .ok_or("no WebSocket")?;
    assert!(sse.ends_with("/sse"), "{sse}");
    let by_name = sse.replace("127.0.0.1", "localhost");
    let http = server.url().map_err(said)?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = tokio::spawn(server.serve_until(async {
        let _ = stopped.await;
    }));
    for (url, revision) in [
        (&http, None),
        (&sse, Some(Revision::V2024_11_05)),
        (&by_name, Some(Revision::V2024_11_05)),
        (&ws, None),
    ] {
        let mut builder = Client::builder();
        if let Some(revision) = revision {
            builder = builder.revision(revision);
        }
        let client = builder.open(Target::url(url)?).await?;
        assert_eq!(
            text_of(&client.read("greeting://Ada").await?.contents),
            "Hello, Ada!",
            "{url}"
        );
        client.close().await;
    }
    let _ = stop.send(());
    tokio::time::timeout(PATIENCE, served)
        .await??
        .map_err(said)?;
    // And stdio.
    let client = Client::spawn(env!("CARGO_BIN_EXE_echo")).await?;
    let said = client.call("echo", json!({"message": "hi"})).await?;
    assert_eq!(said.content[0].as_text(), Some("hi"));
    client.close().await;
    Ok(())
}

#[tokio::test]
async fn seed_b09_client_with_a_sampling_callback() -> Outcome {
    /// Sum a text up, with the client's model.
    #[tool]
    async fn summary(ctx: &Context, text: String) -> wharf::Result<String> {
        let answer = ctx.sample(format!("In one sentence:\n\n{text}")).await?;
        match answer.content.as_slice() {
            [SamplingContent::Text(content)] => Ok(content.text.clone()),
            _ => Err(wharf::Error::new("no text")),
        }
    }
    let server = Server::new("Sampling")
        .tool(summary)
        .bind("127.0.0.1:0")
        .await
        .map_err(said)?;
    let targets = [
        Target::from(Spawn::parse(env!("CARGO_BIN_EXE_sampling"))?),
        Target::url(&server.url().map_err(said)?)?,
        Target::url(&server.sse_url().map_err(said)?.ok_or("no SSE")?)?,
        Target::url(
            &server
                .websocket_url()
                .map_err(said)?
                .ok_or("no WebSocket")?,
        )?,
    ];
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = tokio::spawn(server.serve_until(async {
        let _ = stopped.await;
    }));
    for target in targets {
        let client = Client::builder()
            .on_sample(|request| async move {
                let text = match request.messages[0].content.as_slice() {
                    [SamplingContent::Text(content)] => content.text.chars().count(),
                    _ => 0,
                };
                let answer = json!({
                    "role": "assistant", "model": "test",
                    "content": {"type": "text", "text": format!("{text} characters")},
                });
                serde_json::from_value(answer)
                    .map_err(|error| wharf::client::AskError::failed(error.to_string()))
            })
            .open(target)
            .await?;
        assert_eq!(client.tools().all().await?.len(), 1);
        let said = client.call("summary", json!({"text": "long"})).await?;
        assert_eq!(said.content[0].as_text(), Some("22 characters"));
        client.close().await;
    }
    let _ = stop.send(());
    tokio::time::timeout(PATIENCE, served)
        .await??
        .map_err(self::said)?;
    Ok(())
}

// Row 10, `wharf install` and `wharf run`, is tested with the binary: crates/cli/tests.

#[tokio::test]
async fn seed_b11_echo_and_sqlite_explorer() -> Outcome {
    let client = Client::spawn(env!("CARGO_BIN_EXE_echo")).await?;
    let said = client.call("echo", json!({"message": "Grüße"})).await?;
    assert_eq!(said.content[0].as_text(), Some("Grüße"));
    client.close().await;
    let client = Client::spawn(env!("CARGO_BIN_EXE_sqlite_explorer")).await?;
    assert!(text_of(&client.read("schema://main").await?.contents).contains("CREATE TABLE city"));
    let sql = "SELECT name FROM city WHERE people > ?";
    let found = client
        .call("query", json!({"sql": sql, "params": [500_000]}))
        .await?;
    let found: Value = serde_json::from_str(found.structured_content.ok_or("no structure")?.get())?;
    assert_eq!(found["rows"], json!([["Oslo"]]));
    client.close().await;
    Ok(())
}

/// The registry at run time: every era hears of what comes and goes, in its session's stream or
/// over `subscriptions/listen`.
#[tokio::test]
async fn seed_a07_catalog_changes_are_heard_in_every_era() -> Outcome {
    for revision in ALL {
        let client = Client::builder().revision(revision);
        let client = client
            .open(Spawn::parse(env!("CARGO_BIN_EXE_runtime_catalog"))?)
            .await?;
        let mut changes = client.watch(Watch::new().lists()).await?;
        for tool in ["teach", "forget"] {
            for kind in ["tool", "resource", "template", "prompt"] {
                let mut arguments = json!({"kind": kind, "name": "capital"});
                if tool == "teach" {
                    arguments["answer"] = json!("Oslo");
                }
                let done = client.call(tool, arguments).await?;
                assert_ne!(done.is_error, Some(true), "{done:?}");
                let heard = tokio::time::timeout(PATIENCE, changes.next()).await?;
                let fits = match kind {
                    "tool" => matches!(heard, Some(Notification::ToolsChanged)),
                    "prompt" => matches!(heard, Some(Notification::PromptsChanged)),
                    _ => matches!(heard, Some(Notification::ResourcesChanged)),
                };
                assert!(fits, "{revision}: {tool} {kind}: {heard:?}");
                let listed = match kind {
                    "tool" => client
                        .tools()
                        .all()
                        .await?
                        .iter()
                        .any(|it| it.name == "capital"),
                    "resource" => !client.resources().all().await?.is_empty(),
                    "template" => !client.resource_templates().all().await?.is_empty(),
                    _ => !client.prompts().all().await?.is_empty(),
                };
                assert_eq!(listed, tool == "teach", "{revision}: {kind}");
            }
        }
        client.close().await;
    }
    Ok(())
}

/// What a structured answer is, for those who ask for types.
#[tokio::test]
async fn structured_answers_have_a_schema() -> Outcome {
    #[derive(serde::Serialize, schemars::JsonSchema)]
    struct Sum {
        sum: i64,
    }
    /// Add.
    #[tool]
    fn typed(a: i64, b: i64) -> Json<Sum> {
        Json(Sum { sum: a + b })
    }
    let client = Client::in_process(Server::new("Typed").tool(typed)).await?;
    let answer = client.call("typed", json!({"a": 1, "b": 2})).await?;
    let sum: Value = serde_json::from_str(answer.structured_content.ok_or("no structure")?.get())?;
    assert_eq!(sum, json!({"sum": 3}));
    let tools = client.tools().all().await?;
    assert!(
        tools[0]
            .output_schema
            .as_ref()
            .is_some_and(Value::is_object)
    );
    Ok(())
}
