//! How do tools share a value, and how do several groups fit into one server?
//!
//! `cargo run -p wharf-examples --bin groups`

use std::sync::atomic::{AtomicI64, Ordering};

use wharf::{Server, tools};

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
        // Tools and prompts get the group's name: `counter.add`.
        .group("counter", Counter::default())
        // Or keep their own: `reverse`, `rhyme`.
        .items(Words)
        .run()
        .await
}
