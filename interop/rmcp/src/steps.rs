//! The steps, and how their results are made comparable with those of the other
//! clients.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::client::{Answer, Connection, Failure, lock, until};

const STEP_LIMIT: Duration = Duration::from_secs(20);

type Outcome = Result<Value, Failure>;

#[derive(Default)]
struct Results(Map<String, Value>);

impl Results {
    async fn step(&mut self, name: &str, work: impl Future<Output = Outcome>) {
        let started = Instant::now();
        let value = match tokio::time::timeout(STEP_LIMIT, work).await {
            Ok(Ok(value)) => value,
            Ok(Err(Failure {
                code: Some(code),
                words,
            })) => json!({"threw": words, "code": code}),
            Ok(Err(Failure { code: None, words })) => json!({"threw": words}),
            Err(_) => json!({"threw": format!("no end after {} ms", STEP_LIMIT.as_millis())}),
        };
        if std::env::var_os("INTEROP_TRACE").is_some() {
            eprintln!("{name}: {} ms", started.elapsed().as_millis());
        }
        self.0.insert(name.to_owned(), value);
    }
}

/// Takes every step on `connection` and closes it.
pub async fn take(connection: Connection) -> Value {
    let mut results = Results::default();
    let c = &connection;
    let r = &mut results;
    r.step("connect", async {
        Ok(json!({"server_named": c.server_is_named()}))
    })
    .await;
    lists(c, r).await;
    tools(c, r).await;
    resources_and_prompts(c, r).await;
    progress_and_logs(c, r).await;
    asks(c, r).await;
    changes(c, r).await;
    results
        .step("close", async {
            let started = Instant::now();
            connection.close().await?;
            let in_time = started.elapsed() < Duration::from_millis(1500);
            Ok(json!(if in_time { "in time" } else { "late" }))
        })
        .await;
    Value::Object(results.0)
}

async fn lists(c: &Connection, r: &mut Results) {
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
        let found = each(&c.list_prompts().await?, |prompt| {
            json!({"name": prompt["name"], "arguments": each(&prompt["arguments"], |a| a["name"].clone())})
        });
        Ok(sorted_by(found, "name"))
    })
    .await;
}

async fn tools(c: &Connection, r: &mut Results) {
    let echo = |message: String| async move {
        Ok(plain(
            &c.call("echo", json!({"message": message}), None).await?,
        ))
    };
    r.step("echo", echo("Ahoy, wharf ⚓".to_owned())).await;
    r.step(
        "echo_lines",
        echo("one\ntwo\r\nthree\u{2028}four\0end".to_owned()),
    )
    .await;
    r.step("echo_long", async {
        let message = "ab⚓".repeat(50_000);
        let echoed: Value = echo(message.clone()).await?;
        Ok(json!(echoed == message))
    })
    .await;
    r.step("add", async {
        let result = c.call("add", json!({"a": 1, "b": 2}), None).await?;
        Ok(json!({"text": plain(&result), "structured": result["structuredContent"]}))
    })
    .await;
    r.step("calculate", async {
        Ok(plain(
            &c.call("calculate", json!({"expression": "2 * (3 + 4)"}), None)
                .await?,
        ))
    })
    .await;
    r.step("calculate_bad", async {
        Ok(refusal(
            &c.call("calculate", json!({"expression": "2 * (3 +"}), None)
                .await?,
        ))
    })
    .await;
    r.step("picture", async {
        let result = c.call("picture", json!({}), None).await?;
        Ok(json!(each(&result["content"], |block| json!({
            "type": block["type"], "mime": block["mimeType"], "png": is_png(&block["data"]),
        }))))
    })
    .await;
    r.step("sound", async {
        let result = c.call("sound", json!({}), None).await?;
        Ok(json!(each(&result["content"], |block| json!({
            "type": block["type"],
            "mime": block["mimeType"].as_str().and_then(|mime| mime.split('/').next()),
            "bytes": filled(&block["data"]),
        }))))
    })
    .await;
    r.step("embedded", async {
        let result = c.call("embedded", json!({}), None).await?;
        Ok(json!(each(&result["content"], |block| {
            let inner = &block["resource"];
            let body = filled(&inner["text"]) || filled(&inner["blob"]);
            json!({"type": block["type"], "uri": filled(&inner["uri"]), "body": body})
        })))
    })
    .await;
    r.step("link", async {
        let result = c.call("link", json!({}), None).await?;
        Ok(json!(each(&result["content"], |block| json!({
            "type": block["type"], "uri": filled(&block["uri"]), "named": filled(&block["name"]),
        }))))
    })
    .await;
    r.step("fail", async {
        Ok(plain(&c.call("fail", json!({}), None).await?))
    })
    .await;
    r.step(
        "unknown_tool",
        code(c.call("no_such_tool", json!({}), None)),
    )
    .await;
    r.step("wrong_argument", async {
        Ok(refusal(
            &c.call("add", json!({"a": "one", "b": 2}), None).await?,
        ))
    })
    .await;
    r.step("missing_argument", async {
        Ok(refusal(&c.call("add", json!({"a": 1}), None).await?))
    })
    .await;
    r.step("parallel", async {
        let mut right = true;
        // Eight at a time, three times: without a crate for joining many futures.
        for round in 0..3 {
            let word = |i: usize| format!("word {}", round * 8 + i);
            let answers = tokio::join!(
                echo(word(0)),
                echo(word(1)),
                echo(word(2)),
                echo(word(3)),
                echo(word(4)),
                echo(word(5)),
                echo(word(6)),
                echo(word(7)),
            );
            let (a0, a1, a2, a3, a4, a5, a6, a7) = answers;
            let answers: Vec<Outcome> = vec![a0, a1, a2, a3, a4, a5, a6, a7];
            for (i, answer) in answers.into_iter().enumerate() {
                right &= answer? == word(i);
            }
        }
        Ok(json!(right))
    })
    .await;
}

async fn resources_and_prompts(c: &Connection, r: &mut Results) {
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

async fn progress_and_logs(c: &Connection, r: &mut Results) {
    let heard = &c.heard;
    r.step("progress", async {
        lock(&heard.progress).clear();
        let result = c
            .call("countdown", json!({"from": 3, "interval_ms": 20}), None)
            .await?;
        until(Duration::from_millis(500), || {
            lock(&heard.progress).len() >= 3
        })
        .await;
        let steps = lock(&heard.progress).clone();
        Ok(json!({"text": plain(&result), "steps": steps}))
    })
    .await;
    let logged = |level: &'static str| async move {
        // Messages of the step before can still be on their way through the SDK.
        tokio::time::sleep(Duration::from_millis(50)).await;
        lock(&heard.logs).clear();
        if !c.modern {
            c.set_level(level).await?;
        }
        let asked = (c.modern && level != "none").then_some(level);
        c.call("countdown", json!({"from": 2, "interval_ms": 10}), asked)
            .await?;
        until(Duration::from_millis(300), || lock(&heard.logs).len() >= 2).await;
        Ok(json!(lock(&heard.logs).clone()))
    };
    r.step("log_info", logged("info")).await;
    r.step("log_error_only", logged("error")).await;
    if c.modern {
        r.step("log_unasked", logged("none")).await;
    }
    r.step("cancel", async {
        if !c.modern {
            c.set_level("info").await?;
        }
        lock(&heard.logs).clear();
        let asked = c.modern.then_some("info");
        let enough = until(Duration::from_secs(3), || lock(&heard.logs).len() >= 2);
        // With rmcp a call is cancelled by dropping its future, which the losing branch does.
        let (began, cancelled) = tokio::select! {
            _ = c.call("countdown", json!({"from": 500, "interval_ms": 20}), asked) => (false, false),
            began = enough => (began, true),
        };
        tokio::time::sleep(Duration::from_millis(300)).await;
        let before = lock(&heard.logs).len();
        tokio::time::sleep(Duration::from_millis(300)).await;
        let quiet = lock(&heard.logs).len() == before;
        let alive = plain(&c.call("echo", json!({"message": "still here"}), None).await?);
        Ok(json!({"began": began, "cancelled": cancelled, "quiet": quiet, "alive": alive}))
    })
    .await;
    r.step("not_blocked", async {
        let order = std::sync::Mutex::new(Vec::new());
        let slow = async {
            let result = c
                .call("countdown", json!({"from": 20, "interval_ms": 20}), None)
                .await;
            lock(&order).push("countdown");
            result
        };
        let quick = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let result = c.call("echo", json!({"message": "quick"}), None).await;
            lock(&order).push("echo");
            result
        };
        tokio::try_join!(slow, quick)?;
        Ok(json!(lock(&order).clone()))
    })
    .await;
}

async fn asks(c: &Connection, r: &mut Results) {
    let heard = &c.heard;
    for (step, answer) in [
        ("elicit_accept", Answer::Accept),
        ("elicit_decline", Answer::Decline),
        ("elicit_cancel", Answer::Cancel),
    ] {
        r.step(step, async {
            *lock(&heard.answer) = answer;
            lock(&heard.elicited).clear();
            let text = plain(&c.call("greet_me", json!({}), None).await?);
            Ok(json!({"text": text, "asked": lock(&heard.elicited).clone()}))
        })
        .await;
    }
    r.step("two_questions", async {
        *lock(&heard.answer) = Answer::AcceptWhenBothAreOpen;
        lock(&heard.elicited).clear();
        let text = plain(&c.call("two_questions", json!({}), None).await?);
        let asked = sorted(lock(&heard.elicited).clone());
        let both_open = heard.answered_alone.load(Ordering::Relaxed) == 0;
        Ok(json!({"text": text, "asked": asked, "both_open": both_open}))
    })
    .await;
    r.step("sampling", async {
        lock(&heard.sampled).clear();
        let question = "What is six times seven?";
        let text = plain(
            &c.call("ask_model", json!({"question": question}), None)
                .await?,
        );
        let asked: Vec<Value> = lock(&heard.sampled)
            .iter()
            .map(|message| {
                let content = &message["content"];
                let block = content.get(0).unwrap_or(content);
                json!({"role": message["role"], "has_question": contains(&block["text"], question)})
            })
            .collect();
        Ok(json!({"text": text, "asked": asked}))
    })
    .await;
    r.step("roots", async {
        Ok(plain(&c.call("where_am_i", json!({}), None).await?))
    })
    .await;
}

async fn changes(c: &Connection, r: &mut Results) {
    let heard = &c.heard;
    r.step("list_changed", async {
        let before = heard.tools_changed.load(Ordering::Relaxed);
        let listening = if c.modern {
            Some(c.listen(json!({"toolsListChanged": true})).await?)
        } else {
            None
        };
        c.call("add_tool", json!({"name": "extra"}), None).await?;
        let notified = until(Duration::from_secs(3), || {
            heard.tools_changed.load(Ordering::Relaxed) > before
        })
        .await;
        let listed = items(&c.list_tools().await?)
            .iter()
            .any(|tool| tool["name"] == "extra");
        if let Some(listening) = listening {
            listening.close().await;
        }
        Ok(json!({"notified": notified, "listed": listed}))
    })
    .await;
    r.step("resource_updated", async {
        let about = "wharf://about";
        let touch = |uri: &'static str| c.call("touch", json!({"uri": uri}), None);
        lock(&heard.updated).clear();
        let listening = if c.modern {
            Some(c.listen(json!({"resourceSubscriptions": [about]})).await?)
        } else {
            c.subscribe(about).await?;
            None
        };
        touch("wharf://logo").await?;
        touch(about).await?;
        until(Duration::from_secs(3), || !lock(&heard.updated).is_empty()).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        let updated = lock(&heard.updated).clone();
        match listening {
            Some(listening) => {
                listening.close().await;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            None => c.unsubscribe(about).await?,
        }
        touch(about).await?;
        tokio::time::sleep(Duration::from_millis(400)).await;
        let after_end = lock(&heard.updated).len() - updated.len();
        Ok(json!({"updated": updated, "after_end": after_end}))
    })
    .await;
}

/// The protocol error that `work` ends with, as its code.
async fn code(work: impl Future<Output = Outcome>) -> Outcome {
    Ok(match work.await {
        Ok(_) => json!({"code": null}),
        Err(Failure {
            code: Some(code), ..
        }) => json!({"code": code}),
        Err(Failure { words, .. }) => json!({"code": words}),
    })
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn each(list: &Value, map: impl FnMut(&Value) -> Value) -> Vec<Value> {
    items(list).iter().map(map).collect()
}

fn sorted(mut list: Vec<Value>) -> Value {
    list.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    json!(list)
}

fn sorted_by(mut list: Vec<Value>, key: &str) -> Value {
    list.sort_by(|a, b| a[key].as_str().cmp(&b[key].as_str()));
    json!(list)
}

fn text_of(result: &Value) -> String {
    let texts: Vec<String> = items(&result["content"])
        .iter()
        .map(|block| match block["text"].as_str() {
            Some(text) => text.to_owned(),
            None => format!("<{}>", block["type"].as_str().unwrap_or_default()),
        })
        .collect();
    texts.join("\n")
}

/// A result as text, and `isError` only where it is true.
fn plain(result: &Value) -> Value {
    match result["isError"] == true {
        true => json!({"isError": true, "text": text_of(result)}),
        false => json!(text_of(result)),
    }
}

/// That a tool refused, whatever the words: the contract does not fix them.
fn refusal(result: &Value) -> Value {
    json!({"isError": result["isError"] == true, "says_why": !text_of(result).is_empty()})
}

fn filled(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

fn contains(value: &Value, part: &str) -> bool {
    value.as_str().is_some_and(|text| text.contains(part))
}

/// Whether base64 text starts as every PNG file does.
fn is_png(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|data| data.starts_with("iVBORw0KGgo"))
}

fn family(mime: &Value) -> Value {
    match mime.as_str() {
        Some(mime) if mime.starts_with("text/") => json!("text"),
        _ => mime.clone(),
    }
}
