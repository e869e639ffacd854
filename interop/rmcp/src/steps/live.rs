//! What happens while a call runs, and changes at run time.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use super::Results;
use crate::client::Connection;
use crate::handler::{Answer, lock, until};
use crate::values::{contains, items, plain, sorted};

pub async fn progress_and_logs(c: &Connection, r: &mut Results) {
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

pub async fn asks(c: &Connection, r: &mut Results) {
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

pub async fn changes(c: &Connection, r: &mut Results) {
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
