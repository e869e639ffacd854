//! How does a server bring the instructions for its tools along?
//!
//! `cargo run -p wharf-examples --bin skills`

use wharf::{Result, Server, Skill};

#[tokio::main]
async fn main() -> Result<()> {
    // From a folder: each directory in it that has a `SKILL.md`.
    let written = Skill::all_in(concat!(env!("CARGO_MANIFEST_DIR"), "/skills"))?;
    // Made by the program.
    let made = Skill::new("wash-up", "Wash up. Use when cups are dirty.")
        .instructions("Warm water first, then soap. See `soap.md`.\n")
        .file("soap.md", "One drop is enough.\n")
        .under("kitchen");
    Server::new("Kitchen")
        .skills(written)
        .skill(made)
        .run()
        .await
}
