//! What handlers ask the client for, in every revision by the same calls.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use wharf::protocol::CreateMessageResult;
use wharf::{Context, Result, Sample, Server, prompt, tool};

pub(crate) fn add(server: Server) -> Server {
    server
        .tool(test_sampling)
        .tool(test_missing_capability)
        .tool(test_elicitation)
        .tool(test_elicitation_sep1034_defaults)
        .tool(test_elicitation_sep1330_enums)
        .tool(test_streaming_elicitation)
        .tool(test_input_required_result_elicitation)
        .tool(test_input_required_result_sampling)
        .tool(test_input_required_result_list_roots)
        .tool(test_input_required_result_request_state)
        .tool(test_input_required_result_tampered_state)
        .tool(test_input_required_result_multiple_inputs)
        .tool(test_input_required_result_multi_round)
        .tool(test_input_required_result_capabilities)
        .prompt(test_input_required_result_prompt)
}

#[derive(Deserialize, JsonSchema)]
struct Name {
    name: String,
}

#[derive(Deserialize, JsonSchema)]
struct Color {
    color: String,
}

#[derive(Deserialize, JsonSchema)]
struct Confirmation {
    ok: bool,
}

#[derive(Deserialize, JsonSchema)]
struct Subject {
    context: String,
}

/// The text of a model's answer.
fn text(answer: &CreateMessageResult) -> String {
    answer.text().into_owned()
}

/// Asks the client's model.
#[tool]
async fn test_sampling(
    ctx: &Context,
    /// The prompt to send to the LLM
    prompt: String,
) -> Result<String> {
    let answer = ctx.sample(Sample::user(prompt).max_tokens(100)).await?;
    Ok(format!("LLM response: {}", text(&answer)))
}

/// Needs a client that can sample.
#[tool]
async fn test_missing_capability(ctx: &Context) -> Result<String> {
    Ok(text(&ctx.sample("Say hello.").await?))
}

/// How to reach the person.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Account {
    /// User's response
    username: String,
    /// User's email address
    email: String,
}

/// Asks the person at the client.
#[tool]
async fn test_elicitation(
    ctx: &Context,
    /// The message to show the user
    message: String,
) -> Result<String> {
    let account: Account = ctx.elicit(message).await?;
    Ok(format!("User response: {}", json!(account)))
}

#[derive(Deserialize, Serialize, JsonSchema)]
struct Profile {
    #[schemars(extend("default" = "John Doe"))]
    name: String,
    #[schemars(extend("default" = 30))]
    age: i64,
    #[schemars(extend("default" = 95.5))]
    score: f64,
    #[schemars(extend("default" = "active"))]
    status: Status,
    #[schemars(extend("default" = true))]
    verified: bool,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Status {
    Active,
    Inactive,
    Pending,
}

/// Asks for values that have defaults.
#[tool]
async fn test_elicitation_sep1034_defaults(ctx: &Context) -> Result<String> {
    let profile: Profile = ctx.elicit("Please review your profile").await?;
    Ok(format!(
        "Elicitation completed: action=accept, content={}",
        json!(profile)
    ))
}

/// Asks for choices, in all the ways there are to list them.
#[tool]
async fn test_elicitation_sep1330_enums(ctx: &Context) -> Result<String> {
    let titled = json!([
        { "const": "value1", "title": "First Option" },
        { "const": "value2", "title": "Second Option" },
        { "const": "value3", "title": "Third Option" }
    ]);
    let schema = json!({
        "type": "object",
        "properties": {
            "untitledSingle": { "type": "string", "enum": ["option1", "option2", "option3"] },
            "titledSingle": { "type": "string", "oneOf": titled },
            "legacyEnum": {
                "type": "string",
                "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option One", "Option Two", "Option Three"]
            },
            "untitledMulti": {
                "type": "array",
                "items": { "type": "string", "enum": ["option1", "option2", "option3"] }
            },
            "titledMulti": { "type": "array", "items": { "anyOf": titled } }
        }
    });
    let answer = ctx.elicit_with("Please choose", schema).await?;
    let (action, content) = (answer.action, json!(answer.content));
    Ok(format!(
        "Elicitation completed: action={action:?}, content={content}"
    ))
}

/// Asks while it runs.
#[tool]
async fn test_streaming_elicitation(ctx: &Context) -> Result<String> {
    let name: Name = ctx.elicit("What is your name?").await?;
    Ok(format!("Hello, {}!", name.name))
}

/// Asks for a name.
#[tool]
async fn test_input_required_result_elicitation(ctx: &Context) -> Result<String> {
    let name: Name = ctx.elicit("What is your name?").key("user_name").await?;
    Ok(format!("Hello, {}!", name.name))
}

/// Asks the model for a capital.
#[tool]
async fn test_input_required_result_sampling(ctx: &Context) -> Result<String> {
    let question = Sample::user("What is the capital of France?").max_tokens(100);
    Ok(text(&ctx.sample(question).key("capital_question").await?))
}

/// Asks for the client's roots.
#[tool]
async fn test_input_required_result_list_roots(ctx: &Context) -> Result<String> {
    let roots = ctx.roots().key("client_roots").await?;
    let uris: Vec<String> = roots.into_iter().map(|root| root.uri).collect();
    Ok(format!("Roots: {}", uris.join(", ")))
}

/// Asks, and finds again what it knew before the answer.
#[tool]
async fn test_input_required_result_request_state(ctx: &Context) -> Result<&'static str> {
    let known: String = ctx
        .step("known", async { Ok::<_, wharf::Error>("state-ok".into()) })
        .await?;
    let confirmation: Confirmation = ctx.elicit("Please confirm").key("confirm").await?;
    Ok(if confirmation.ok && known == "state-ok" {
        "state-ok"
    } else {
        "not confirmed"
    })
}

/// Asks, with a state that nobody may change.
#[tool]
async fn test_input_required_result_tampered_state(ctx: &Context) -> Result<String> {
    let confirmation: Confirmation = ctx.elicit("Please confirm").key("confirm").await?;
    Ok(format!("Confirmed: {}", confirmation.ok))
}

/// Asks three things at once.
#[tool]
async fn test_input_required_result_multiple_inputs(ctx: &Context) -> Result<String> {
    let (name, greeting, roots) = tokio::try_join!(
        ctx.elicit::<Name>("What is your name?").key("user_name"),
        ctx.sample(Sample::user("Generate a greeting").max_tokens(50))
            .key("greeting"),
        ctx.roots().key("client_roots"),
    )?;
    Ok(format!(
        "{} {}, you have {} roots.",
        text(&greeting),
        name.name,
        roots.len()
    ))
}

/// Asks one thing after the other.
#[tool]
async fn test_input_required_result_multi_round(ctx: &Context) -> Result<String> {
    let name: Name = ctx
        .elicit("Step 1: What is your name?")
        .key("step1")
        .await?;
    let color: Color = ctx
        .elicit("Step 2: What is your favorite color?")
        .key("step2")
        .await?;
    Ok(format!("{} likes {}.", name.name, color.color))
}

/// Asks only for what the client can give.
#[tool]
async fn test_input_required_result_capabilities(ctx: &Context) -> Result<String> {
    if ctx.capabilities().elicitation.is_some() {
        let name: Name = ctx.elicit("What is your name?").await?;
        return Ok(format!("The person said: {}", name.name));
    }
    Ok(format!(
        "The model said: {}",
        text(&ctx.sample("What is your name?").await?)
    ))
}

/// A prompt that asks what it is about.
#[prompt]
async fn test_input_required_result_prompt(ctx: &Context) -> Result<String> {
    let question = "What context should the prompt use?";
    let subject: Subject = ctx.elicit(question).key("user_context").await?;
    Ok(format!("Use this context: {}", subject.context))
}
