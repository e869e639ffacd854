//! How is something opened when the server starts, shared by its tools, and closed when it stops?
//!
//! `cargo run -p wharf-examples --bin lifespan`

use std::sync::{Arc, Mutex, PoisonError};

use wharf::{Server, State, tool};

/// Stands for a connection to a database.
struct Notes(Mutex<Vec<String>>);

impl Notes {
    async fn open() -> wharf::Result<Self> {
        Ok(Self(Mutex::new(vec!["Buy milk".into()])))
    }

    async fn close(self: Arc<Self>) {
        let notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Standard output belongs to the protocol.
        #[allow(clippy::print_stderr, reason = "this is what the example shows")]
        {
            eprintln!("{} notes put away", notes.len());
        }
    }
}

/// Keep a note.
#[tool]
fn keep(notes: State<Notes>, text: String) -> usize {
    let mut notes = notes.0.0.lock().unwrap_or_else(PoisonError::into_inner);
    notes.push(text);
    notes.len()
}

#[tokio::main]
async fn main() -> wharf::Result<()> {
    Server::new("Lifespan")
        .lifespan(Notes::open, Notes::close)
        .tool(keep)
        .run()
        .await
}
