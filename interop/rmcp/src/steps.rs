//! The steps, in the order in which they are taken.

mod calls;
mod live;
mod offered;

use std::future::Future;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::client::{Connection, Failure, Target};
use crate::handler::Heard;

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
                ..
            })) => json!({"threw": words, "code": code}),
            Ok(Err(Failure {
                code: None, words, ..
            })) => json!({"threw": words}),
            Err(_) => json!({"threw": format!("no end after {} ms", STEP_LIMIT.as_millis())}),
        };
        if std::env::var_os("INTEROP_TRACE").is_some() {
            eprintln!("{name}: {} ms", started.elapsed().as_millis());
        }
        self.0.insert(name.to_owned(), value);
    }
}

/// Takes every step on `connection` and closes it; one step opens another to `target`.
pub async fn take(connection: Connection, target: &Target, revision: &str) -> Value {
    let mut results = Results::default();
    let c = &connection;
    let r = &mut results;
    r.step("connect", async {
        Ok(json!({"server_named": c.server_is_named()}))
    })
    .await;
    offered::lists(c, r).await;
    calls::tools(c, r).await;
    offered::resources_and_prompts(c, r).await;
    live::progress_and_logs(c, r).await;
    live::asks(c, r).await;
    live::changes(c, r).await;
    r.step("undeclared", undeclared(target, revision)).await;
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

/// A tool that must ask is called by a client that did not say it can be asked.
async fn undeclared(target: &Target, revision: &str) -> Outcome {
    let other = Connection::open(target, revision, json!({}), Heard::default())
        .await
        .map_err(|words| Failure {
            code: None,
            words,
            error: None,
        })?;
    let refused = match other.call("greet_me", json!({}), None).await {
        Ok(result) => result["isError"] == true,
        Err(Failure { code: Some(_), .. }) => true,
        Err(failure) => return Err(failure),
    };
    other.close().await?;
    Ok(json!({"refused": refused}))
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
