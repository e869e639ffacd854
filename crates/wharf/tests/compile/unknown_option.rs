use wharf::{prompt, resource, tool};

#[tool(readonly)]
async fn add(a: i64, b: i64) -> i64 {
    a + b
}

#[tool(tilte = "Add", colour = "blue", read_only, read_only)]
async fn sub(a: i64, b: i64) -> i64 {
    a - b
}

#[tool("Add two numbers")]
async fn described() {}

#[resource("note:1", mimetype = "text/plain")]
async fn note() -> String {
    String::new()
}

#[prompt(mime_type = "text/plain")]
fn ask() -> String {
    String::new()
}

fn main() {
    wharf::Items::new().tool(add).tool(sub).tool(described).resource(note).prompt(ask);
}
