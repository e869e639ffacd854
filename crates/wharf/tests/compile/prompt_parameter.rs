use wharf::{Context, prompt};

#[prompt]
fn serde(#[serde(default)] what: String) -> String {
    what
}

#[prompt]
fn header(#[header("What")] what: String) -> String {
    what
}

#[prompt]
fn complete_nothing(#[complete] what: String, #[complete(1, 2)] why: String) -> String {
    what + &why
}

#[prompt]
fn slip(#[complet("a")] what: String) -> String {
    what
}

#[prompt]
fn context(#[complete("a")] ctx: &Context) -> String {
    String::new()
}

fn main() {}
