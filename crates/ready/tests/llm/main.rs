//! The llm pack against providers over real HTTP, whose answers the tests write piece by piece.

#![allow(unreachable_pub, reason = "modules of a test")]

mod errors;
mod forms;
mod limits;
mod provider;
mod secrets;
mod stream;

use std::collections::HashMap;

use serde_json::{Value, json};
use wharf::protocol::sampling::{CreateMessageParams, CreateMessageResult};
use wharf::{Client, Server};
use wharf_ready::packs::llm::{self, Llm, Options};
use wharf_ready::{Secret, Surroundings};

use provider::Provider;

/// The key, which must be seen by the provider and by nobody else.
pub const KEY: &str = "sk-s3cret-0123456789";

/// Options for a provider that speaks as OpenAI does.
pub fn openai(provider: &Provider) -> Options {
    Options {
        provider: llm::Provider::OpenAi,
        model: Some("gpt-test".into()),
        base_url: Some(format!("{}/v1", provider.url)),
        key: Some(Secret::new(KEY)),
        ..Options::default()
    }
}

/// A request that asks one thing, with more members.
pub fn question(more: Value) -> CreateMessageParams {
    serde_json::from_value(with(asking(), more)).expect("params")
}

/// The same as JSON.
pub fn asking() -> Value {
    json!({
        "maxTokens": 100,
        "messages": [{"role": "user", "content": {"type": "text", "text": "What now?"}}],
    })
}

/// An object with more members.
pub fn with(mut object: Value, more: Value) -> Value {
    for (name, value) in more.as_object().expect("an object") {
        object[name] = value.clone();
    }
    object
}

/// Asks, and gives the whole answer.
pub fn ask(
    options: &Options,
    more: Value,
) -> tokio::task::JoinHandle<Result<CreateMessageResult, String>> {
    let llm = Llm::new(options).expect("a model");
    let question = question(more);
    tokio::spawn(async move {
        llm.create(question)
            .await
            .map_err(|error| error.to_string())
    })
}

/// A server with the pack, over HTTP; its address.
pub async fn served(options: &Options) -> String {
    let server = Server::new("llm");
    let at = Surroundings {
        catalog: server.catalog().clone(),
        base: ".".into(),
    };
    let pack = llm::open(options, &at).await.expect("a pack");
    let change = server.catalog().update(|edit| edit.add_items(pack.items));
    change.expect("items");
    let bound = server.bind("127.0.0.1:0").await.expect("a port");
    let url = bound.url().expect("an address");
    tokio::spawn(async move {
        let _running = pack.running;
        bound.serve_until(std::future::pending()).await
    });
    url
}

/// Every revision, by name.
pub const REVISIONS: [wharf::protocol::Revision; 5] = wharf::protocol::Revision::ALL;

/// A client of a server, in one revision.
pub async fn client(url: &str, revision: wharf::protocol::Revision) -> Client {
    let builder = Client::builder().revision(revision);
    builder.connect(url).await.expect("a client")
}

/// The headers of a head, to compare.
pub fn headers(head: &str) -> HashMap<String, String> {
    head.lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect()
}
