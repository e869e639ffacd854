//! How are files, functions and whole families of data offered to read?
//!
//! `cargo run -p wharf-examples --bin resources`

use std::path::Path;

use wharf::{Json, Resource, Server, resource};

#[derive(serde::Serialize)]
struct Square {
    number: u64,
    square: u64,
}

/// The square of a number.
#[resource("square://{number}", mime_type = "application/json")]
fn square(#[complete("2", "3", "10")] number: u32) -> Json<Square> {
    let number = u64::from(number);
    Json(Square {
        number,
        square: number * number,
    })
}

/// How long the server has been running.
#[resource("status://uptime")]
fn uptime() -> String {
    format!("{} s", STARTED.elapsed().as_secs())
}

static STARTED: std::sync::LazyLock<std::time::Instant> =
    std::sync::LazyLock::new(std::time::Instant::now);

#[tokio::main]
async fn main() -> wharf::Result<()> {
    std::sync::LazyLock::force(&STARTED);
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    Server::new("Resources")
        .resource(Resource::file("project://manifest", manifest).description("The manifest."))
        .resource(Resource::function("status://process", |_| async {
            format!("process {}", std::process::id())
        }))
        .resource(Resource::text("text://motto", "Parse, then act."))
        .resource(uptime)
        .resource(square)
        .run()
        .await
}
