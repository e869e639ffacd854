use wharf::tool;

#[tool]
fn add((a, b): (i64, i64)) -> i64 {
    a + b
}

#[tool]
fn unnamed(_: i64) {}

fn main() {
    wharf::Items::new().tool(add).tool(unnamed);
}
