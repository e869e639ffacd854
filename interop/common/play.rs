//! Takes the steps of a file (`../servers/steps/`) with a client, as `play.mjs` does.
//!
//! This file is part of two programs, `../rmcp` and `../client`, which have no crate in common.
//! What came of each step is given as it is: `../run-servers` compares.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

const STEP_LIMIT: Duration = Duration::from_secs(20);
const WAIT_LIMIT: Duration = Duration::from_secs(3);

/// Why a step has no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A protocol error, as on the wire.
    Refused(Value),
    /// Anything else, which is no answer of a server.
    Threw(String),
}

pub(crate) type Outcome = Result<Value, Failure>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the server said or asked during a step, and how it is answered.
#[derive(Default)]
pub(crate) struct Heard {
    said: Mutex<HashMap<String, Vec<Value>>>,
    answer: Mutex<Value>,
}

impl Heard {
    /// Keeps one of `progress`, `log`, `elicit`, `sample`, `roots`, `changed`, `updated`.
    pub(crate) fn put(&self, kind: &str, what: Value) {
        lock(&self.said)
            .entry(kind.to_owned())
            .or_default()
            .push(what);
    }

    /// How an elicitation is answered: its result.
    pub(crate) fn answer(&self) -> Value {
        lock(&self.answer).clone()
    }

    /// What the model of this client says, whatever it is asked.
    pub(crate) fn sampled() -> Value {
        json!({
            "model": "interop-model",
            "stopReason": "endTurn",
            "role": "assistant",
            "content": {"type": "text", "text": "The answer is 42."},
        })
    }

    pub(crate) fn roots() -> Value {
        json!([{"uri": "file:///home/ada/project", "name": "project"}, {"uri": "file:///tmp"}])
    }

    fn count(&self, kind: &str) -> u64 {
        lock(&self.said).get(kind).map_or(0, |all| all.len() as u64)
    }

    fn begin(&self, step: &Value) {
        lock(&self.said).clear();
        let cancel = json!({"action": "cancel"});
        *lock(&self.answer) = step.get("answer").cloned().unwrap_or(cancel);
    }

    async fn until(&self, counts: &Map<String, Value>) -> bool {
        let end = Instant::now() + WAIT_LIMIT;
        let enough =
            |(kind, count): (&String, &Value)| self.count(kind) >= count.as_u64().unwrap_or(0);
        while !counts.iter().all(enough) {
            if Instant::now() > end {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        true
    }
}

/// A client with which the steps are taken. Params and results are those of the wire.
pub(crate) trait Client {
    /// An open subscription of the newest revision; dropped, it ends.
    type Listening;

    /// `revision`, `capabilities`, `server` and `instructions`.
    fn info(&self) -> Value;
    fn is_modern(&self) -> bool;
    fn heard(&self) -> &Heard;
    /// All pages of `tools`, `resources`, `templates` or `prompts`, as one list.
    fn list(&self, what: &str) -> impl Future<Output = Outcome>;
    /// Calls a tool, with progress; `level` asks for the log messages of this call.
    fn call(&self, params: &Value, level: Option<&str>) -> impl Future<Output = Outcome>;
    /// Calls a tool as a task: the status with which it began and the text it ended with, or, if
    /// it is cancelled at once, the status that it then has.
    fn task(&self, params: &Value, cancel: bool) -> impl Future<Output = Outcome> {
        let _ = (params, cancel);
        async { Err(Failure::Threw("no client for tasks here".to_owned())) }
    }
    fn read(&self, uri: &str) -> impl Future<Output = Outcome>;
    fn prompt(&self, params: &Value) -> impl Future<Output = Outcome>;
    fn complete(&self, params: &Value) -> impl Future<Output = Outcome>;
    fn ping(&self) -> impl Future<Output = Outcome>;
    fn set_level(&self, level: &str) -> impl Future<Output = Outcome>;
    fn subscribe(&self, uri: &str) -> impl Future<Output = Outcome>;
    fn unsubscribe(&self, uri: &str) -> impl Future<Output = Outcome>;
    /// Listens to changes of one resource, or of the list of tools.
    fn listen(&self, uri: Option<&str>) -> impl Future<Output = Result<Self::Listening, Failure>>;
    fn end(&self, listening: Self::Listening) -> impl Future<Output = ()>;
    fn close(self) -> impl Future<Output = Outcome>;
}

fn report(outcome: Outcome) -> Value {
    match outcome {
        Ok(result) => json!({"result": result}),
        Err(Failure::Refused(error)) => json!({"error": error}),
        Err(Failure::Threw(words)) => json!({"threw": words}),
    }
}

/// Runs futures side by side, in one task.
async fn all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<Pin<Box<F>>> = futures.map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, place) in running.iter_mut().zip(&mut done) {
            if place.is_none()
                && let Poll::Ready(output) = future.as_mut().poll(context)
            {
                *place = Some(output);
            }
        }
        if done.iter().all(Option::is_some) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

struct Play<C: Client> {
    client: C,
    level: Option<String>,
    open: HashMap<String, C::Listening>,
}

impl<C: Client> Play<C> {
    async fn take(&mut self, step: &Value) -> Outcome {
        let given = &step["with"];
        let uri = given["uri"].as_str().unwrap_or_default();
        let level = self.level.clone();
        match step["do"].as_str().unwrap_or_default() {
            "info" => Ok(self.client.info()),
            "list_tools" => self.client.list("tools").await,
            "list_resources" => self.client.list("resources").await,
            "list_templates" => self.client.list("templates").await,
            "list_prompts" => self.client.list("prompts").await,
            "call" => self.client.call(given, level.as_deref()).await,
            "parallel" => {
                let calls = given.as_array().into_iter().flatten();
                let calls = calls.map(|params| self.client.call(params, level.as_deref()));
                let results = all(calls).await.into_iter();
                Ok(results
                    .map(|result| result.unwrap_or_else(|failure| report(Err(failure))))
                    .collect())
            }
            "task" => self.client.task(given, false).await,
            "cancel_task" => self.client.task(given, true).await,
            "cancel" => self.cancel(step, level.as_deref()).await,
            "read" => self.client.read(uri).await,
            "prompt" => self.client.prompt(given).await,
            "complete" => self.client.complete(given).await,
            "ping" => self.client.ping().await,
            "set_level" => {
                let level = given["level"].as_str().unwrap_or_default();
                if !self.client.is_modern() {
                    return self.client.set_level(level).await;
                }
                self.level = Some(level.to_owned());
                Ok(Value::Null)
            }
            "listen_tools" if self.client.is_modern() => self.listen("tools", None).await,
            "listen_tools" => Ok(Value::Null),
            "subscribe" if self.client.is_modern() => self.listen(uri, Some(uri)).await,
            "subscribe" => self.client.subscribe(uri).await,
            "unsubscribe" if self.client.is_modern() => {
                if let Some(listening) = self.open.remove(uri) {
                    self.client.end(listening).await;
                }
                Ok(Value::Null)
            }
            "unsubscribe" => self.client.unsubscribe(uri).await,
            other => Err(Failure::Threw(format!("no step does {other}"))),
        }
    }

    async fn listen(&mut self, key: &str, uri: Option<&str>) -> Outcome {
        let listening = self.client.listen(uri).await?;
        self.open.insert(key.to_owned(), listening);
        Ok(Value::Null)
    }

    async fn cancel(&self, step: &Value, level: Option<&str>) -> Outcome {
        let heard = self.client.heard();
        let enough = Map::from_iter([("progress".to_owned(), step["after"].clone())]);
        // A call is cancelled by dropping its future, which the losing branch does.
        let (began, cancelled) = tokio::select! {
            _ = self.client.call(&step["with"], level) => (false, false),
            began = heard.until(&enough) => (began, true),
        };
        tokio::time::sleep(Duration::from_millis(300)).await;
        heard.begin(step);
        tokio::time::sleep(Duration::from_millis(200)).await;
        Ok(json!({"began": began, "cancelled": cancelled}))
    }

    async fn close(mut self) -> Outcome {
        for (_, listening) in self.open.drain() {
            self.client.end(listening).await;
        }
        self.client.close().await
    }
}

async fn in_time(work: impl Future<Output = Outcome>) -> Outcome {
    let late = || {
        Err(Failure::Threw(format!(
            "no end after {} ms",
            STEP_LIMIT.as_millis()
        )))
    };
    let work = pin!(work);
    tokio::time::timeout(STEP_LIMIT, work)
        .await
        .unwrap_or_else(|_| late())
}

/// Says on standard error how long a step took, if that is asked for.
fn trace(step: &Value, began: Instant) {
    if std::env::var_os("INTEROP_TRACE").is_some() {
        let line = format!("{}: {} ms\n", step["name"], began.elapsed().as_millis());
        let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
    }
}

/// What came of every step.
pub(crate) async fn play<C: Client>(client: Result<C, Failure>, steps: &[Value]) -> Vec<Value> {
    let client = match client {
        Ok(client) => client,
        Err(failure) => {
            let mut first = report(Err(failure));
            first["name"] = json!("info");
            return vec![first];
        }
    };
    let era = if client.is_modern() {
        "modern"
    } else {
        "legacy"
    };
    let about = json!({"era": era, "revision": client.info()["revision"]});
    let is_among = |(what, among): (&String, &Value)| {
        among
            .as_array()
            .is_some_and(|among| among.contains(&about[what]))
    };
    let mut playing = Play {
        client,
        level: None,
        open: HashMap::new(),
    };
    let mut results = Vec::new();
    for step in steps {
        if let Some(when) = step["when"].as_object()
            && !when.iter().all(is_among)
        {
            continue;
        }
        if step["do"] == "close" {
            let began = Instant::now();
            let mut last = report(in_time(playing.close()).await);
            last["name"] = step["name"].clone();
            trace(step, began);
            results.push(last);
            break;
        }
        let began = Instant::now();
        playing.client.heard().begin(step);
        let outcome = in_time(playing.take(step)).await;
        let heard = playing.client.heard();
        if let Some(counts) = step["wait"].as_object() {
            heard.until(counts).await;
        }
        tokio::time::sleep(Duration::from_millis(
            step["settle_ms"].as_u64().unwrap_or(0),
        ))
        .await;
        let quiet = step["quiet"].as_array();
        let mut said = lock(&heard.said).clone();
        said.retain(|kind, _| !quiet.is_some_and(|quiet| quiet.iter().any(|name| name == kind)));
        let mut result = report(outcome);
        result["name"] = step["name"].clone();
        trace(step, began);
        if !said.is_empty() {
            result["heard"] = json!(said);
        }
        results.push(result);
    }
    results
}
