//! Tools that answer at once.

use serde_json::{Value, json};

use super::{Outcome, Results, code};
use crate::client::Connection;
use crate::values::{each, filled, is_png, plain, refusal};

pub async fn tools(c: &Connection, r: &mut Results) {
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
