//! Tools that ask the client.

use schemars::JsonSchema;
use serde::Deserialize;
use wharf::protocol::sampling::SamplingContent;
use wharf::{AskError, Context, Sample, tool};

#[derive(Deserialize, JsonSchema)]
struct Name {
    /// Your name
    name: String,
}

#[derive(Deserialize, JsonSchema)]
struct Colour {
    /// Your favourite colour
    colour: String,
}

/// Greet the person at the client.
#[tool]
pub(crate) async fn greet_me(ctx: &Context) -> Result<String, AskError> {
    match ctx.elicit::<Name>("What is your name?").await {
        Ok(Name { name }) => Ok(format!("Hello, {name}!")),
        Err(error) if error.is_refused() => Ok("Hello, stranger!".into()),
        Err(error) => Err(error),
    }
}

/// Ask two things at once.
#[tool]
pub(crate) async fn two_questions(ctx: &Context) -> Result<String, AskError> {
    let (name, colour) = tokio::try_join!(
        ctx.elicit::<Name>("What is your name?").into_future(),
        ctx.elicit::<Colour>("Which colour do you like?")
            .into_future(),
    )?;
    Ok(format!("{} likes {}", name.name, colour.colour))
}

/// Take a while, and ask in between if told to.
#[tool(task)]
pub(crate) async fn survey(ctx: &Context, ask: bool) -> Result<String, AskError> {
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    if !ask {
        return Ok("nobody was asked".into());
    }
    let Name { name } = ctx.elicit("What is your name?").await?;
    Ok(format!("{name} was asked"))
}

/// Ask the client's model.
#[tool]
pub(crate) async fn ask_model(
    ctx: &Context,
    /// What to ask
    question: String,
) -> Result<String, AskError> {
    let answer = ctx.sample(Sample::user(question)).await?;
    let text = |block: &SamplingContent| match block {
        SamplingContent::Text(content) => Some(content.text.clone()),
        _ => None,
    };
    Ok(answer.content.as_slice().iter().filter_map(text).collect())
}

/// List the client's roots.
#[tool]
pub(crate) async fn where_am_i(ctx: &Context) -> Result<String, AskError> {
    let roots = ctx.roots().await?;
    let uris: Vec<_> = roots.into_iter().map(|root| root.uri).collect();
    Ok(uris.join("\n"))
}
