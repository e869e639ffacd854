//! How does a server change what it offers while clients are connected?
//!
//! `cargo run -p wharf-examples --bin runtime_catalog`

use std::collections::BTreeMap;

use wharf::{
    Context, Error, Lists, Message, NoArguments, Prompt, Resource, Result, Server, Tool, tool,
};

/// What an answer can be had as.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// A tool `NAME`
    Tool,
    /// A resource `answer://NAME`
    Resource,
    /// A template `answer://NAME/{asker}`
    Template,
    /// A prompt `NAME`
    Prompt,
}

/// Teach the server a new answer.
#[tool]
fn teach(ctx: &Context, kind: Kind, name: String, answer: String) -> Result<String> {
    check(&name)?;
    const WHY: &str = "Something that was taught.";
    // All clients are told of the list that changed: sessions in their stream, clients of
    // 2026-07-28 in what they listen to.
    ctx.catalog().update(|edit| match kind {
        Kind::Tool => edit.add_tool(Tool::new(&name).description(WHY).handler(
            move |_: NoArguments, _: Context| {
                let answer = answer.clone();
                async move { answer }
            },
        )),
        Kind::Resource => {
            edit.add_resource(Resource::text(format!("answer://{name}"), answer).description(WHY));
        }
        Kind::Template => {
            let uri = format!("answer://{name}/{{asker}}");
            let read = move |variables: BTreeMap<String, String>, _: Context| {
                let asker = variables.get("asker").cloned().unwrap_or_default();
                let answer = format!("{asker}: {answer}");
                async move { answer }
            };
            edit.add_resource(Resource::template(uri, read).description(WHY));
        }
        Kind::Prompt => edit.add_prompt(Prompt::new(&name).description(WHY).handler(
            move |_: NoArguments, _: Context| {
                let message = Message::user(answer.clone());
                async move { message }
            },
        )),
    })?;
    Ok(format!("`{name}` is known now"))
}

/// Forget an answer.
#[tool]
fn forget(ctx: &Context, kind: Kind, name: String) -> Result<()> {
    check(&name)?;
    let mut known = false;
    ctx.catalog().update(|edit| {
        known = match kind {
            Kind::Tool => edit.remove_tool(&name),
            Kind::Resource => edit.remove_resource(&format!("answer://{name}")),
            Kind::Template => edit.remove_resource(&format!("answer://{name}/{{asker}}")),
            Kind::Prompt => edit.remove_prompt(&name),
        };
    })?;
    if known {
        Ok(())
    } else {
        Err(Error::new("nothing of that kind has this name"))
    }
}

fn check(name: &str) -> Result<()> {
    if name == "teach" || name == "forget" {
        return Err(Error::new("this tool stays"));
    }
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(Error::new("a name has letters and digits"));
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    Server::new("Runtime catalog")
        .tool(teach)
        .tool(forget)
        // Clients look once at what a server can do: these lists are empty, and will not stay so.
        .offer(Lists {
            resources: true,
            prompts: true,
            ..Lists::default()
        })
        .run()
        .await
}
