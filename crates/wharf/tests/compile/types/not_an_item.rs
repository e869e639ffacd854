use wharf::{Items, prompt, resource, tool};

fn add(a: i64, b: i64) -> i64 {
    a + b
}

#[tool]
fn sub(a: i64, b: i64) -> i64 {
    a - b
}

#[resource("note:1")]
fn note() -> String {
    String::new()
}

#[prompt]
fn ask() -> String {
    String::new()
}

struct Math;

fn group(_: impl wharf::Group) {}

fn main() {
    Items::new().tool(add).resource(sub).prompt(note).tool(ask);
    group(Math);
}
