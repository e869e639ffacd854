use wharf::tool;

#[tool]
fn generic<T: ToString>(value: T) -> String {
    value.to_string()
}

#[tool]
fn lifetime<'a>(ctx: &'a wharf::Context) {}

#[tool]
fn any(value: impl ToString) {}

#[tool]
fn nameless() -> impl ToString {
    1
}

#[tool]
unsafe fn dangerous() {}

#[tool]
extern "C" fn foreign() {}

#[tool]
fn sometimes(#[cfg(unix)] value: i64) {}

fn main() {
    wharf::Items::new().tool(generic).tool(lifetime);
}
