use std::borrow::Cow;

use wharf::{Context, State, prompt, resource, tool};

#[tool]
fn text(text: &str) {}

#[tool]
fn bytes(bytes: &[u8]) {}

#[tool]
fn cow(text: Cow<'_, str>) {}

#[tool]
fn context(ctx: Context) {}

#[tool]
fn contexts(a: &Context, b: &Context) {}

#[tool]
fn exclusive(ctx: &mut Context) {}

#[tool]
fn state(state: &State<i64>) {}

#[resource("note:{id}")]
fn note(id: &str) -> String {
    id.to_owned()
}

#[prompt]
fn ask(what: &str) -> String {
    what.to_owned()
}

fn main() {}
