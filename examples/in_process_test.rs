//! How is a server tested? See the end of this file: `cargo test -p wharf-examples`
//!
//! `cargo run -p wharf-examples --bin in_process_test` runs the server itself.

use wharf::{Context, Result, Server, tool};

/// Greet somebody; asks for the name if it is not given.
#[tool]
async fn greet(ctx: &Context, name: Option<String>) -> Result<String> {
    let name = match name {
        Some(name) => name,
        None => ctx.elicit("Your name?").await?,
    };
    Ok(format!("Hello, {name}!"))
}

fn server() -> Server {
    Server::new("Greeter").tool(greet)
}

#[tokio::main]
async fn main() -> Result<()> {
    server().run().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wharf::protocol::Revision;

    #[tokio::test]
    async fn a_tool_is_a_function() -> Result<()> {
        let text = greet(&Context::default(), Some("Ada".into())).await?;
        assert_eq!(text, "Hello, Ada!");
        Ok(())
    }

    #[tokio::test]
    async fn a_name_is_asked_for_in_every_revision_that_can() -> Result<()> {
        for revision in [
            Revision::V2025_06_18,
            Revision::V2025_11_25,
            Revision::V2026_07_28,
        ] {
            let client = server().in_process().await?;
            let client = client
                .answering(|_| json!({"action": "accept", "content": {"value": "Ada"}}))
                .open(revision)
                .await?;
            let result = client.call("greet", json!({})).await?;
            assert_eq!(
                result.content[0].as_text(),
                Some("Hello, Ada!"),
                "{revision}"
            );
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_client_that_cannot_be_asked_is_told_what_is_missing() -> Result<()> {
        let client = server().in_process().await?;
        let error = client.call("greet", json!({})).await.expect_err("an error");
        assert!(error.message.contains("elicitation"), "{error}");
        Ok(())
    }

    #[tokio::test]
    async fn arguments_that_do_not_fit_are_named() -> Result<()> {
        let client = server().in_process().await?;
        let result = client.call("greet", json!({"name": 7})).await?;
        assert_eq!(result.is_error, Some(true));
        let text = result.content[0].as_text().unwrap_or_default();
        assert!(text.contains("`name`"), "{text}");
        Ok(())
    }
}
