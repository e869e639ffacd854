use wharf::{prompt, tool};

struct Opaque;

#[tool]
async fn take(first: i64, what: Opaque) -> i64 {
    let Opaque = what;
    first
}

#[derive(serde::Deserialize)]
struct NoSchema {}

#[tool]
async fn describe(what: NoSchema) {
    let NoSchema {} = what;
}

#[prompt]
fn ask(what: Opaque) -> &'static str {
    let Opaque = what;
    "What?"
}

fn main() {}
