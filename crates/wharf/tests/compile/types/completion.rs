use wharf::{CompletionRequest, prompt};

async fn numbers(_: CompletionRequest) -> i64 {
    3
}

#[prompt]
fn count(#[complete(numbers)] from: String) -> String {
    from
}

#[prompt]
fn slip(#[complete(nubmers)] from: String) -> String {
    from
}

fn main() {}
