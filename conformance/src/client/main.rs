//! The client that the official conformance suite drives: `conformance-client URL`.
//!
//! The suite names the scenario in `MCP_CONFORMANCE_SCENARIO`, and gives what the scenario needs,
//! such as a client's secret, in `MCP_CONFORMANCE_CONTEXT`. Nothing here depends on the revision:
//! the client finds out by itself what the server speaks.

mod auth;
mod calls;
mod context;
mod skills;

use serde_json::Map;
use wharf::Client;
use wharf::client::{AskError, Result};
use wharf::protocol::{CreateMessageParams, ElicitResult};

use crate::context::Context;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(url) = std::env::args().nth(1) else {
        return Err("usage: conformance-client URL".into());
    };
    let scenario = std::env::var("MCP_CONFORMANCE_SCENARIO")?;
    let context = Context::from_env()?;
    let client = Client::builder()
        .name("wharf-conformance", env!("CARGO_PKG_VERSION"))
        // An empty form: what it has defaults for is filled in by the library.
        .on_elicit(|_| async { Ok(ElicitResult::accept(Map::new())) })
        .on_sample(|_: CreateMessageParams| async { Err(AskError::refused("there is no model")) })
        .roots([])
        .authorize(auth::for_scenario(&url, &scenario, &context)?)
        .connect(&url)
        .await?;
    match scenario.as_str() {
        "sep-2322-client-request-state" => calls::rounds(&client).await?,
        "json-schema-2020-12-preservation" => calls::echo_schema(&client).await?,
        "http-standard-headers" => calls::everything(&client).await?,
        "json-schema-ref-no-deref" => drop(client.tools().all().await?),
        "sep-2640-client-no-prefetch" => drop(client.skills().all().await?),
        skill if skill.starts_with("sep-2640-") => skills::load(&client).await?,
        _ => calls::tools(&client, &context).await?,
    }
    client.close().await;
    Ok(())
}
