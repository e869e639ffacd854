//! How does a client get on with other things while a tool takes its time?
//!
//! `cargo run -p wharf-examples --bin tasks`

use std::time::Duration;

use wharf::{Context, Server, tool};

/// Bake a cake.
#[tool(task)]
async fn bake(ctx: &Context, cake: String) -> wharf::Result<String> {
    ctx.progress_message(0.0, 2.0, "mixing").await;
    let dough = ctx
        .step("mix", async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok::<_, wharf::Error>(format!("dough for {cake}"))
        })
        .await?;
    // After a restart with a durable store the dough would still be there.
    ctx.progress_message(1.0, 2.0, "baking").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    Ok(format!("{cake}, made of {dough}"))
}

#[tokio::main]
async fn main() -> wharf::Result<()> {
    Server::new("Bakery").tool(bake).run().await
}
