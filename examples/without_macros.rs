//! What do the attributes stand for?
//!
//! `cargo run -p wharf-examples --bin without_macros`

use wharf::{Context, Error, Json, Prompt, Resource, Server, Tool};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Divide {
    /// What is divided
    dividend: i64,
    /// By what
    divisor: i64,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Division {
    quotient: i64,
    remainder: i64,
}

async fn divide(args: Divide, _: Context) -> Result<Json<Division>, Error> {
    let Divide { dividend, divisor } = args;
    let quotient = dividend.checked_div(divisor);
    let quotient = quotient.ok_or_else(|| Error::new("this cannot be divided"))?;
    Ok(Json(Division {
        quotient,
        remainder: dividend.wrapping_rem(divisor),
    }))
}

#[derive(serde::Deserialize)]
struct Who {
    name: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Explain {
    /// What to explain
    topic: String,
}

#[tokio::main]
async fn main() -> wharf::Result<()> {
    Server::new("Without macros")
        .tool(
            Tool::new("divide")
                .description("Divide, with remainder.")
                .read_only()
                .handler(divide),
        )
        .resource(
            Resource::template("greeting://{name}", |who: Who, _: Context| async move {
                format!("Hello, {}!", who.name)
            })
            .description("A personal greeting."),
        )
        .prompt(
            Prompt::new("explain")
                .description("Have something explained.")
                .complete("topic", ["ownership", "lifetimes"])
                .handler(
                    |args: Explain, _: Context| async move { format!("What is {}?", args.topic) },
                ),
        )
        .run()
        .await
}
