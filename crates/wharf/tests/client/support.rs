//! A server with something of everything, and the ways to it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use wharf::client::{Builder, Form, Transport};
use wharf::protocol::{ElicitResult, Revision, Root};
use wharf::{AskError, Client, Context, Json, Sample, Server, prompt, resource, tool};

/// Add two numbers.
#[tool]
pub(crate) async fn add(a: i64, b: i64) -> i64 {
    a + b
}

#[derive(Debug, Deserialize, PartialEq, Serialize, schemars::JsonSchema)]
pub(crate) struct Sum {
    pub sum: i64,
}

/// Add two numbers, with a structured result.
#[tool]
async fn sum(a: i64, b: i64) -> Json<Sum> {
    Json(Sum { sum: a + b })
}

/// Fail.
#[tool]
async fn fail() -> Result<String, String> {
    Err("it failed".into())
}

/// Count to three, and say so.
#[tool]
async fn count(ctx: &Context) -> String {
    for step in 1..=3 {
        ctx.progress_message(f64::from(step), 3.0, format!("step {step}"))
            .await;
        ctx.info(format!("at {step}")).await;
    }
    "counted".into()
}

pub(crate) static CANCELLED: AtomicUsize = AtomicUsize::new(0);

struct CountsItsEnd;

impl Drop for CountsItsEnd {
    fn drop(&mut self) {
        CANCELLED.fetch_add(1, Ordering::Relaxed);
    }
}

/// Wait until it is cancelled.
#[tool]
async fn cancel_me(ctx: &Context) -> String {
    let _counted = CountsItsEnd;
    ctx.progress(1.0, None).await;
    std::future::pending().await
}

/// Send the person to a page.
#[tool]
async fn sign_in(ctx: &Context) -> Result<String, AskError> {
    let asked = ctx.elicit_url("Please sign in.", "https://example.com/sign-in");
    let answer = asked.id("page-1").await?;
    ctx.elicitation_complete("page-1").await;
    Ok(format!("{:?}", answer.action))
}

/// Where the client lets us work.
#[tool]
async fn places(ctx: &Context) -> Result<String, AskError> {
    let roots = ctx.roots().await?;
    Ok(roots.into_iter().map(|root| root.uri).collect::<Vec<_>>().join(" "))
}

/// Wait for as long as it is let.
#[tool]
async fn wait(ctx: &Context, progress: bool) -> String {
    for step in 0..600 {
        if progress {
            ctx.progress(f64::from(step), None).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    "waited".into()
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Name {
    name: String,
    #[serde(default = "unknown")]
    title: String,
}

fn unknown() -> String {
    "Dr".into()
}

/// Greet the person at the client.
#[tool(task)]
async fn greet(ctx: &Context) -> Result<String, AskError> {
    match ctx.elicit::<Name>("What is your name?").await {
        Ok(Name { name, title }) => Ok(format!("Hello, {title} {name}!")),
        Err(error) if error.is_refused() => Ok("Hello, stranger!".into()),
        Err(error) => Err(error),
    }
}

/// Ask the client's model, and where to work.
#[tool]
async fn think(ctx: &Context) -> Result<String, AskError> {
    let answer = ctx.sample(Sample::user("What is 6 times 7?")).await?;
    let roots = ctx.roots().await?;
    Ok(format!("{} in {}", answer.text(), roots[0].uri))
}

/// Say that things changed.
#[tool]
async fn change(ctx: &Context) -> String {
    ctx.notify_resource_updated("greeting://Ada");
    let _ = ctx.catalog().update(|catalog| {
        catalog.add_tool(
            wharf::Tool::new("new").handler(|_: wharf::NoArguments, _: Context| async { "new" }),
        );
    });
    "changed".into()
}

/// A greeting.
#[resource("greeting://{name}")]
async fn greeting(#[complete("Ada", "Alan", "Grace")] name: String) -> String {
    format!("Hello, {name}!")
}

/// Review some code.
#[prompt]
fn review(code: String) -> String {
    format!("Review:\n{code}")
}

pub(crate) fn server() -> Server {
    let mut server = Server::new("Test")
        .version("1.2.3")
        .instructions("Be kind.")
        .tool(add)
        .tool(sum)
        .tool(fail)
        .tool(count)
        .tool(wait)
        .tool(cancel_me)
        .tool(sign_in)
        .tool(places)
        .tool(greet)
        .tool(think)
        .tool(change)
        .resource(greeting)
        .prompt(review);
    for number in 0..250 {
        let uri = format!("number://{number}");
        server = server.resource(
            wharf::Resource::text(uri, number.to_string()).name(format!("number {number}")),
        );
    }
    server
}

/// A way from a client to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    InProcess,
    Http,
    Sse,
    WebSocket,
}

pub(crate) const WAYS: [Way; 4] = [Way::InProcess, Way::Http, Way::Sse, Way::WebSocket];

/// Every way in every revision that it has.
pub(crate) fn everything() -> impl Iterator<Item = (Way, Revision)> {
    let pairs = WAYS.into_iter().flat_map(|way| {
        Revision::ALL
            .into_iter()
            .map(move |revision| (way, revision))
    });
    pairs.filter(|(way, revision)| match way {
        Way::InProcess | Way::WebSocket => true,
        Way::Http => *revision >= Revision::V2025_03_26,
        Way::Sse => !revision.is_modern(),
    })
}

/// A running server; ends with the test's runtime.
pub(crate) async fn connect(builder: Builder, way: Way) -> Client {
    let server = server();
    let http = match way {
        Way::InProcess => {
            return builder
                .open(wharf::client::Target::server(server))
                .await
                .expect("a connection");
        }
        _ => server.bind("127.0.0.1:0").await.expect("a port"),
    };
    let (builder, url) = match way {
        Way::Sse => (
            builder.transport(Transport::Sse),
            http.sse_url().expect("an address").expect("on"),
        ),
        Way::WebSocket => (
            builder,
            http.websocket_url().expect("an address").expect("on"),
        ),
        _ => (builder, http.url().expect("an address")),
    };
    tokio::spawn(http.serve_until(std::future::pending()));
    builder
        .connect(&url)
        .await
        .unwrap_or_else(|error| panic!("{way:?}: {error}"))
}

/// A client that answers everything.
pub(crate) fn answering() -> Builder {
    Client::builder()
        .on_elicit(|form: Form| async move {
            assert_eq!(form.message, "What is your name?");
            Ok(ElicitResult::accept(Map::from_iter([(
                "name".to_owned(),
                json!("Ada"),
            )])))
        })
        .on_sample(|params| async move {
            assert_eq!(params.messages.len(), 1);
            Ok(serde_json::from_value(json!({
                "role": "assistant", "model": "m", "content": {"type": "text", "text": "42"},
            }))
            .expect("a result"))
        })
        .roots([Root::new("file:///home")])
}
