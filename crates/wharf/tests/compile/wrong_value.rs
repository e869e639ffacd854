use wharf::{resource, tool};

#[tool(name = 3)]
fn name() {}

#[tool(title)]
fn title() {}

#[tool(read_only = "yes")]
fn hint() {}

#[tool(timeout = "30 parsecs")]
fn timeout() {}

#[tool(timeout = 30)]
fn timeout_in_what() {}

#[tool(meta = "x")]
fn meta() {}

#[tool(output_schema)]
fn schema() {}

#[tool(read_only, destructive)]
fn both() {}

#[tool(open_world, closed_world)]
fn worlds() {}

#[resource("note:1", size = "1 KB")]
fn size() -> String {
    String::new()
}

fn main() {}
