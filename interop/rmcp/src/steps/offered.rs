//! What the server offers: lists, resources, prompts and completion.

use serde_json::{Map, Value, json};

use super::{Results, code};
use crate::client::Connection;
use crate::values::{contains, each, family, filled, is_png, items, sorted, sorted_by};

pub async fn lists(c: &Connection, r: &mut Results) {
    r.step("capabilities", async {
        let offered = c.capabilities()?;
        let mut found = Vec::new();
        for name in ["completions", "logging"] {
            if !offered[name].is_null() {
                found.push(name.to_owned());
            }
        }
        for (name, part) in [
            ("prompts", "listChanged"),
            ("resources", "listChanged"),
            ("resources", "subscribe"),
            ("tools", "listChanged"),
        ] {
            if offered[name][part] == true {
                found.push(format!("{name}.{part}"));
            }
        }
        Ok(json!(found))
    })
    .await;
    r.step("list_tools", async {
        Ok(sorted(each(&c.list_tools().await?, |tool| {
            tool["name"].clone()
        })))
    })
    .await;
    r.step("tool_schema", async {
        let tools = c.list_tools().await?;
        let add = items(&tools)
            .iter()
            .find(|tool| tool["name"] == "add")
            .cloned()
            .unwrap_or_default();
        let types = |schema: &Value| match schema["properties"].as_object() {
            Some(properties) => Value::Object(
                properties
                    .iter()
                    .map(|(name, p)| (name.clone(), p["type"].clone()))
                    .collect(),
            ),
            None => Value::Null,
        };
        Ok(json!({
            "input": types(&add["inputSchema"]),
            "required": sorted(items(&add["inputSchema"]["required"]).to_vec()),
            "output": types(&add["outputSchema"]),
        }))
    })
    .await;
    r.step("list_resources", async {
        let found = each(
            &c.list_resources().await?,
            |x| json!({"uri": x["uri"], "mime": family(&x["mimeType"])}),
        );
        Ok(sorted_by(found, "uri"))
    })
    .await;
    r.step("list_templates", async {
        Ok(sorted(each(&c.list_templates().await?, |template| {
            template["uriTemplate"].clone()
        })))
    })
    .await;
    r.step("list_prompts", async {
        let found = each(
            &c.list_prompts().await?,
            |prompt| json!({"name": prompt["name"], "arguments": each(&prompt["arguments"], |a| a["name"].clone())}),
        );
        Ok(sorted_by(found, "name"))
    })
    .await;
}

pub async fn resources_and_prompts(c: &Connection, r: &mut Results) {
    r.step("read_about", async {
        Ok(json!(each(
            &c.read("wharf://about").await?["contents"],
            |x| json!({
                "uri": x["uri"], "mime": family(&x["mimeType"]), "text": filled(&x["text"]),
            })
        )))
    })
    .await;
    r.step("read_logo", async {
        Ok(json!(each(
            &c.read("wharf://logo").await?["contents"],
            |x| json!({
                "uri": x["uri"], "mime": family(&x["mimeType"]), "png": is_png(&x["blob"]),
            })
        )))
    })
    .await;
    r.step("read_greeting", async {
        Ok(json!(each(
            &c.read("greeting://Ada").await?["contents"],
            |x| json!({"uri": x["uri"], "text": x["text"]})
        )))
    })
    .await;
    r.step("read_greeting_escaped", async {
        Ok(json!(each(
            &c.read("greeting://Ada%20L%C3%B6w").await?["contents"],
            |x| x["text"].clone()
        )))
    })
    .await;
    r.step("unknown_resource", code(c.read("wharf://no-such-thing")))
        .await;
    r.step("prompt_review", async {
        let source = "let x = 41 + 1;";
        let result = c.prompt("review", json!({"code": source})).await?;
        Ok(json!(each(&result["messages"], |message| json!({
            "role": message["role"],
            "type": message["content"]["type"],
            "has_code": contains(&message["content"]["text"], source),
        }))))
    })
    .await;
    r.step("prompt_explain", async {
        let result = c
            .prompt("explain", json!({"topic": "tides", "level": "beginner"}))
            .await?;
        let any = |word| {
            items(&result["messages"])
                .iter()
                .any(|m| contains(&m["content"]["text"], word))
        };
        Ok(json!({"topic": any("tides"), "level": any("beginner")}))
    })
    .await;
    r.step(
        "unknown_prompt",
        code(c.prompt("no_such_prompt", json!({}))),
    )
    .await;
    r.step("complete_template", async {
        let mut found = Map::new();
        for value in ["A", "Gr", "x"] {
            found.insert(
                value.to_owned(),
                c.complete_template("greeting://{name}", "name", value)
                    .await?,
            );
        }
        Ok(Value::Object(found))
    })
    .await;
    r.step("complete_prompt", async {
        let mut found = Map::new();
        for value in ["", "in"] {
            found.insert(
                value.to_owned(),
                c.complete_prompt("explain", "level", value).await?,
            );
        }
        Ok(Value::Object(found))
    })
    .await;
    if !c.modern {
        r.step("ping", async { c.ping().await.map(|()| json!(true)) })
            .await;
    }
}
