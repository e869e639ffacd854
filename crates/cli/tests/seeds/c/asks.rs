//! Sampling and roots in 2024-11-05: what a server asks its client.

use std::net::SocketAddr;
use std::sync::mpsc::channel;

use serde_json::{Value, json};
use wharf::protocol::SamplingContent;
use wharf::{Context, Error, NoArguments, Result, Sample, Server, Tool};

use super::wire::{Client, Lines, Sse, Wire};

/// Asks for a sentence of the model, and for where it may work.
fn server() -> Server {
    let summary = Tool::new("summary").handler(|_: NoArguments, ctx: Context| async move {
        let asked = Sample::user("In one sentence.")
            .system("Be brief.")
            .max_tokens(50);
        let answer = ctx.sample(asked).await?;
        match answer.content.as_slice() {
            [SamplingContent::Text(content), ..] => Ok(content.text.clone()),
            _ => Err(Error::new("no text")),
        }
    });
    let places = Tool::new("places").handler(|_: NoArguments, ctx: Context| async move {
        let roots = ctx.roots().await?;
        Ok::<_, Error>(format!(
            "{:?}",
            roots.iter().map(|r| &r.uri).collect::<Vec<_>>()
        ))
    });
    Server::new("asks").tool(summary).tool(places)
}

fn answer(method: &str) -> Value {
    match method {
        "sampling/createMessage" => json!({"role": "assistant", "model": "by hand",
            "stopReason": "endTurn", "content": {"type": "text", "text": "A sentence."}}),
        "roots/list" => json!({"roots": [{"uri": "file:///work", "name": "Work"}]}),
        other => panic!("asked {other}"),
    }
}

fn ask<W: Wire>(wire: W) {
    let capabilities = json!({"sampling": {}, "roots": {"listChanged": true}});
    let (mut client, _) = Client::open(wire, capabilities);
    client.answers = answer;
    let said = client.tool("summary", json!({}));
    assert_eq!(said["content"][0]["text"], "A sentence.");
    let asked = client.heard.remove(0);
    assert_eq!(
        asked["params"],
        json!({"messages": [{"role": "user", "content": {"type": "text", "text": "In one sentence."}}],
            "systemPrompt": "Be brief.", "maxTokens": 50})
    );
    let said = client.tool("places", json!({}));
    assert_eq!(said["content"][0]["text"], "[\"file:///work\"]");
    client.tell("notifications/roots/list_changed", json!({}));
    client.ask("ping", json!({}));
}

/// Without having said that it can, a client is asked for nothing.
fn refuse<W: Wire>(wire: W) {
    let (mut client, _) = Client::open(wire, json!({}));
    for tool in ["summary", "places"] {
        let said = client.tool(tool, json!({}));
        assert_eq!(said["isError"], true, "{said}");
    }
    assert!(client.heard.is_empty());
}

/// Runs something beside the test, until the test's process ends.
fn beside<F: Future<Output = Result<()>> + Send>(
    serve: impl FnOnce(std::sync::mpsc::Sender<SocketAddr>) -> F + Send + 'static,
) -> SocketAddr {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime
            .expect("a runtime")
            .block_on(serve(tell))
            .expect("served");
    });
    told.recv().expect("an address")
}

#[test]
fn seed_c02_sampling_and_roots_over_lines() {
    let to = beside(|tell| async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        tell.send(listener.local_addr()?).expect("told");
        loop {
            let (stream, _) = listener.accept().await?;
            let (read, write) = stream.into_split();
            server().serve_connection(read, write).await?;
        }
    });
    ask(Lines::open(to));
    refuse(Lines::open(to));
}

#[test]
fn seed_c02_sampling_and_roots_over_http_and_sse() {
    let to = beside(|tell| async move {
        let bound = server().bind("127.0.0.1:0").await?;
        tell.send(bound.local_addr()?).expect("told");
        bound.serve_until(std::future::pending()).await
    });
    ask(Sse::open(to));
    refuse(Sse::open(to));
}
