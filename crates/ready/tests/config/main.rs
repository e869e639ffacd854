//! The configuration from outside: files in, errors out; secrets; arguments; reloads.

mod arguments;
mod cases;
mod reload;
mod schema;

use std::path::PathBuf;

use wharf_ready::config::{Config, Problems};

const SECRET: &str = "hunter2-of-the-environment";

/// The variables of these tests.
fn env(name: &str) -> Option<String> {
    let value = match name {
        "NAME" => "Ada",
        "SECRET" => SECRET,
        "PORT" => "0",
        "YES" => "true",
        "BYTES" => "4096",
        "TOKEN" | "OPENAI_API_KEY" => "0123456789abcdef0123456789abcdef",
        _ => return None,
    };
    Some(value.to_owned())
}

/// The directory of the tests, whose `place` is where paths begin.
fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/config")
}

fn config(text: &str) -> Result<Config, Problems> {
    Config::of_text("wharf.toml", text, &here().join("place"), &env)
}
