//! How do tools share a value, and how do several groups fit into one server?
//!
//! `cargo run -p wharf-examples --bin groups`

use std::sync::atomic::{AtomicI64, Ordering};

use wharf::{Context, Server, tools};

/// Operations that share nothing but a name.
struct Math;

#[tools]
impl Math {
    /// Add two numbers.
    #[tool(read_only, idempotent)]
    fn add(&self, a: i64, b: i64) -> Option<i64> {
        a.checked_add(b)
    }

    /// Add two numbers, and take time for it.
    #[tool(read_only, idempotent)]
    async fn slow_add(&self, ctx: &Context, a: i64, b: i64) -> Option<i64> {
        for step in 1..=4 {
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
            ctx.progress(f64::from(step), 4.0).await;
        }
        a.checked_add(b)
    }
}

/// A number that tools of the same group work on.
#[derive(Default)]
struct Counter(AtomicI64);

#[tools]
impl Counter {
    /// Add to the count.
    #[tool]
    fn add(&self, amount: i64) -> i64 {
        self.0.fetch_add(amount, Ordering::Relaxed) + amount
    }

    /// The count so far.
    #[resource("counter://count")]
    fn count(&self) -> String {
        self.0.load(Ordering::Relaxed).to_string()
    }
}

struct Words;

#[tools]
impl Words {
    /// Turn a text around.
    #[tool(read_only)]
    fn reverse(&self, text: String) -> String {
        text.chars().rev().collect()
    }

    /// Ask for a rhyme.
    #[prompt]
    fn rhyme(&self, word: String) -> String {
        format!("What rhymes with {word}?")
    }
}

#[tokio::main]
async fn main() -> wharf::Result<()> {
    Server::new("Groups")
        // Tools and prompts get the group's name: `math.add`, `math.slow_add`, `counter.add`.
        .group("math", Math)
        .group("counter", Counter::default())
        // Or keep their own: `reverse`, `rhyme`.
        .items(Words)
        .run()
        .await
}
