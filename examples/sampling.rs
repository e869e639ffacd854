//! How does a tool use the client's model?
//!
//! `cargo run -p wharf-examples --bin sampling`

use wharf::protocol::SamplingContent;
use wharf::{Context, Error, Result, Sample, Server, tool};

/// Sum a text up in one sentence.
#[tool(read_only)]
async fn summary(ctx: &Context, text: String) -> Result<String> {
    let request = Sample::user(format!("In one sentence:\n\n{text}"))
        .system("You are brief and exact.")
        .max_tokens(200);
    let answer = ctx.sample(request).await?;
    match answer.content.as_slice() {
        [SamplingContent::Text(content), ..] => Ok(content.text.clone()),
        _ => Err(Error::new("the model answered without text")),
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    Server::new("Sampling").tool(summary).run().await
}
