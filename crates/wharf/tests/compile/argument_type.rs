use wharf::tool;

struct Opaque;

#[tool]
async fn take(first: i64, what: Opaque) {}

#[derive(serde::Deserialize)]
struct NoSchema;

#[tool]
async fn take_more(what: NoSchema) {}

fn main() {}
