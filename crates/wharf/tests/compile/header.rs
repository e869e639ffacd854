use wharf::{Context, tool};

#[tool]
fn list(#[header("Tags")] tags: Vec<String>) {}

#[tool]
fn fraction(#[header("Price")] price: Option<f64>) {}

#[tool]
fn space(#[header("My Region")] region: String) {}

#[tool]
fn empty(#[header] region: String) {}

#[tool]
fn twice(#[header("Region")] a: String, #[header("REGION")] b: String) {}

#[tool]
fn context(#[header("Region")] ctx: &Context) {}

fn main() {}
