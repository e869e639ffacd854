//! Handlers to call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::Notify;
use wharf::{Context, NoArguments, Server, Tool, tool};

/// Adds two numbers.
#[tool(read_only, idempotent)]
pub async fn add(a: i64, b: i64) -> i64 {
    a + b
}

/// Gives back what it gets.
#[tool(read_only)]
pub async fn echo(text: String) -> String {
    text
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct Person {
    /// What to call you
    pub name: String,
}

/// Greets, after asking whom.
#[tool]
pub async fn greet(ctx: &Context) -> wharf::Result<String> {
    let person: Person = ctx.elicit("What is your name?").await?;
    Ok(format!("Hello, {}!", person.name))
}

/// A server with `add` and nothing else.
pub fn adder() -> Server {
    Server::new("Test").tool(add)
}

/// What happened to a call that waits.
#[derive(Debug, Default)]
pub struct Watch {
    pub started: AtomicUsize,
    pub dropped: AtomicBool,
    pub finished: AtomicBool,
    go: Notify,
}

impl Watch {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub fn has_started(&self) -> bool {
        self.started.load(Ordering::SeqCst) > 0
    }

    pub fn started(&self) -> usize {
        self.started.load(Ordering::SeqCst)
    }

    pub fn was_dropped(&self) -> bool {
        self.dropped.load(Ordering::SeqCst)
    }

    pub fn has_finished(&self) -> bool {
        self.finished.load(Ordering::SeqCst)
    }

    /// Lets one waiting call finish.
    pub fn go(&self) {
        self.go.notify_one();
    }

    /// For the inside of a handler.
    pub async fn wait(&self) {
        struct Guard<'a>(&'a Watch);
        impl Drop for Guard<'_> {
            fn drop(&mut self) {
                if !self.0.has_finished() {
                    self.0.dropped.store(true, Ordering::SeqCst);
                }
            }
        }
        let _guard = Guard(self);
        self.started.fetch_add(1, Ordering::SeqCst);
        self.go.notified().await;
        self.finished.store(true, Ordering::SeqCst);
    }
}

/// A tool that waits until it is let go, and says `done`.
pub fn wait(watch: &Arc<Watch>) -> Tool {
    let watch = Arc::clone(watch);
    Tool::new("wait").handler(move |_: NoArguments, _: Context| {
        let watch = Arc::clone(&watch);
        async move {
            watch.wait().await;
            "done"
        }
    })
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct Count {
    pub count: u32,
}

/// A tool that tells of its progress `count` times, waits until it is let go, tells as many
/// times more, and says `done`.
pub fn steps(watch: &Arc<Watch>) -> Tool {
    let watch = Arc::clone(watch);
    Tool::new("steps").handler(move |Count { count }: Count, ctx: Context| {
        let watch = Arc::clone(&watch);
        async move {
            for step in 1..=count {
                ctx.progress(f64::from(step), f64::from(count * 2)).await;
            }
            watch.wait().await;
            for step in count + 1..=count * 2 {
                ctx.progress(f64::from(step), f64::from(count * 2)).await;
            }
            "done"
        }
    })
}

/// Options under which three bearer tokens are known: `ada`, `eve`, and `old`, which is expired.
pub fn tokens() -> wharf::http::HttpOptions {
    use wharf::http::Unauthorized;
    wharf::http::HttpOptions {
        authenticate: Some(Arc::new(|parts| {
            let header = parts.headers.get("authorization");
            let token = header
                .and_then(|value| value.to_str().ok())
                .and_then(|value| value.strip_prefix("Bearer "));
            match token {
                Some(subject @ ("ada" | "eve")) => Ok(Some(Arc::new(wharf::Principal {
                    issuer: "https://issuer.example".into(),
                    subject: subject.into(),
                    client: None,
                }))),
                _ => Err(Unauthorized::bearer()),
            }
        })),
        ..wharf::http::HttpOptions::default()
    }
}
