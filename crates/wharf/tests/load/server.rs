//! The server under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::Deserialize;
use wharf::{Context, Limits, NoArguments, Prompt, Resource, Server, Tool, tool};

/// Resources that change together.
pub(crate) const RESOURCES: usize = 8;
/// A resource that changes alone.
pub(crate) const MARK: &str = "memo://mark";
/// How often `chatter` says something, and how long that is.
pub(crate) const WORDS: usize = 512;
pub(crate) const WORD: usize = 16 * 1024;

/// Two kibibytes each, so that notices of them are no small messages.
pub(crate) fn uri(number: usize) -> String {
    format!("memo://{number}/{}", "x".repeat(2 * 1024))
}

pub(crate) fn write_timeout(full: bool) -> Duration {
    Duration::from_secs(if full { 20 } else { 2 })
}

/// Longer than a client of these tests takes between two requests.
pub(crate) fn session_idle(full: bool) -> Duration {
    Duration::from_secs(if full { 10 } else { 5 })
}

fn limits(kind: &str) -> Limits {
    match kind {
        "slow" | "slow-full" => Limits {
            write_timeout: write_timeout(kind == "slow-full"),
            // What sessions keep for their clients' return is not what is looked for here.
            session_idle: session_idle(kind == "slow-full"),
            ..Limits::default()
        },
        "tasks" => Limits {
            tasks_running: 1 << 20,
            tasks_per_owner: 1 << 20,
            ..Limits::default()
        },
        // 10,000 streams are within the default limits.
        _ => Limits::default(),
    }
}

/// Is finished at once.
#[tool(task = "required")]
pub(crate) async fn quick() -> &'static str {
    "done"
}

/// Is never finished.
#[tool(task = "required")]
pub(crate) async fn endless() -> &'static str {
    std::future::pending().await
}

/// A tool that says much before it answers, and one that tells how many calls of it run.
fn chatter() -> (Tool, Tool) {
    struct Running(Arc<AtomicUsize>);
    impl Drop for Running {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let running = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&running);
    let chatter = Tool::new("chatter").handler(move |_: NoArguments, ctx: Context| {
        counted.fetch_add(1, Ordering::SeqCst);
        let running = Running(Arc::clone(&counted));
        async move {
            let word = "w".repeat(WORD);
            for number in 1..=WORDS {
                ctx.progress_message(number as f64, None, &word).await;
            }
            drop(running);
            "done"
        }
    });
    let count = Tool::new("running").handler(move |_: NoArguments, _: Context| {
        let running = running.load(Ordering::SeqCst);
        async move { running.to_string() }
    });
    (chatter, count)
}

#[derive(Deserialize, schemars::JsonSchema)]
struct What {
    what: String,
}

fn server(kind: &str) -> Server {
    let mut server = Server::new("Loaded").limits(limits(kind));
    let catalog = server.catalog().clone();
    let change = Tool::new("change").handler(move |What { what }: What, ctx: Context| {
        let catalog = catalog.clone();
        async move {
            match what.as_str() {
                "tools" => catalog.update(|edit| {
                    edit.add_tool(
                        Tool::new("another").handler(|_: NoArguments, _: Context| async { "" }),
                    );
                }),
                "prompts" => catalog.update(|edit| {
                    edit.add_prompt(
                        Prompt::new("another").handler(|_: NoArguments, _: Context| async { "" }),
                    );
                }),
                "resources" => {
                    (0..RESOURCES).for_each(|number| ctx.notify_resource_updated(&uri(number)));
                    return Ok("told");
                }
                _ => {
                    ctx.notify_resource_updated(MARK);
                    return Ok("told");
                }
            }
            .map(|_| "changed")
        }
    });
    if kind == "tasks" {
        return server.tool(quick).tool(endless);
    }
    for number in 0..RESOURCES {
        server = server.resource(Resource::text(uri(number), "x"));
    }
    let (chatter, running) = chatter();
    server
        .resource(Resource::text(MARK, "x"))
        .prompt(Prompt::new("one").handler(|_: NoArguments, _: Context| async { "" }))
        .tool(change)
        .tool(chatter)
        .tool(running)
}

pub(crate) fn serve(kind: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let server = server(kind).bind("127.0.0.1:0").await.unwrap();
        println!("{}", server.local_addr().unwrap());
        server.serve_until(std::future::pending()).await.unwrap();
    });
}
