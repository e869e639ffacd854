//! The handler that rmcp calls.

// Sampling, roots and logging are deprecated in the newest revision, and are what is looked at.
#![allow(deprecated)]

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmcp::model::*;
use rmcp::service::{RequestContext, RoleServer, SubscriptionContext};
use rmcp::{ErrorData, ServerHandler};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::offer::{Offer, refuse};

const LEVELS: [&str; 8] = [
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
];

#[derive(Clone)]
enum Change {
    Tools,
    Resource(String),
}

/// One for all connections: every server has one client.
#[derive(Clone)]
pub struct Handler(Arc<Shared>);

struct Shared {
    offer: Offer,
    extra: AtomicBool,
    cancelled: AtomicUsize,
    subscribed: Mutex<HashSet<String>>,
    level: Mutex<String>,
    changes: broadcast::Sender<Change>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A value as the type that rmcp wants.
fn typed<T: DeserializeOwned>(value: Value) -> Result<T, ErrorData> {
    serde_json::from_value(value).map_err(|error| refuse(-32603, error.to_string()))
}

/// The same for a result, which says that it is one, as rmcp's own constructors do.
fn complete<T: DeserializeOwned>(mut result: Value) -> Result<T, ErrorData> {
    result["resultType"] = json!("complete");
    typed(result)
}

fn plain<T: Serialize>(value: T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn failed<E: std::fmt::Display>(error: E) -> ErrorData {
    refuse(-32603, error.to_string())
}

fn text(words: &str) -> Value {
    json!({"content": [{"type": "text", "text": words}]})
}

fn noisy(level: &str, least: &str) -> bool {
    let place = |level| LEVELS.iter().position(|known| *known == level);
    place(level) >= place(least)
}

/// Counts a countdown that is dropped, or told to stop, before its end.
struct CountsUnlessDone<'a>(&'a AtomicUsize, bool);

impl Drop for CountsUnlessDone<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

type Context = RequestContext<RoleServer>;

fn modern(context: &Context) -> bool {
    let revision = context.protocol_version();
    revision.is_some_and(|revision| !revision.has_initialize())
}

impl Handler {
    pub fn new() -> serde_json::Result<Self> {
        Ok(Self(Arc::new(Shared {
            offer: Offer::read()?,
            extra: AtomicBool::new(false),
            cancelled: AtomicUsize::new(0),
            subscribed: Mutex::default(),
            level: Mutex::new("info".to_owned()),
            changes: broadcast::channel(16).0,
        })))
    }

    async fn log(&self, context: &Context, level: &str, data: Value) -> Result<(), ErrorData> {
        let asked = if modern(context) {
            let meta = plain(&context.meta);
            meta["io.modelcontextprotocol/logLevel"]
                .as_str()
                .map(str::to_owned)
        } else {
            Some(lock(&self.0.level).clone())
        };
        if asked.is_some_and(|least| noisy(level, &least)) {
            let message = typed(json!({"level": level, "logger": "offer", "data": data}))?;
            context
                .peer
                .notify_logging_message(message)
                .await
                .map_err(failed)?;
        }
        Ok(())
    }

    async fn countdown(&self, given: &Value, context: &Context) -> Result<Value, ErrorData> {
        let mut counting = CountsUnlessDone(&self.0.cancelled, false);
        let total = given["from"].as_u64().unwrap_or(0);
        let pause = Duration::from_millis(given["interval_ms"].as_u64().unwrap_or(0));
        let token = context.meta.get_progress_token();
        for done in 1..=total {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = context.ct.cancelled() => return Err(refuse(-32603, "cancelled".into())),
            }
            if let Some(token) = &token {
                let message = format!("{} to go", total - done);
                let progress = json!({
                    "progressToken": token, "progress": done, "total": total, "message": message,
                });
                context
                    .peer
                    .notify_progress(typed(progress)?)
                    .await
                    .map_err(failed)?;
            }
            self.log(context, "info", json!({"left": total - done}))
                .await?;
        }
        // What arrives in one piece with the answer, some SDKs' clients lose; this one may be busy.
        tokio::time::sleep(Duration::from_millis(250)).await;
        counting.1 = true;
        Ok(text("liftoff"))
    }

    async fn changed(&self, context: &Context, change: Change) -> Result<(), ErrorData> {
        if modern(context) {
            // Nobody may be listening.
            let _ = self.0.changes.send(change);
            return Ok(());
        }
        match change {
            Change::Tools => context.peer.notify_tool_list_changed().await,
            Change::Resource(uri) if lock(&self.0.subscribed).contains(&uri) => {
                let updated = typed(json!({"uri": uri}))?;
                context.peer.notify_resource_updated(updated).await
            }
            Change::Resource(_) => Ok(()),
        }
        .map_err(failed)
    }

    /// Asks the client now, in the revisions in which a server sends requests.
    async fn ask(&self, asks: &Value, context: &Context) -> Result<Value, ErrorData> {
        let mut answers = json!({});
        for (key, ask) in asks.as_object().into_iter().flatten() {
            let request: ServerRequest = typed(ask.clone())?;
            let answer = context.peer.send_request(request).await.map_err(failed)?;
            answers[key] = plain(answer);
        }
        Ok(answers)
    }

    async fn run(&self, does: &str, given: Value, context: &Context) -> Result<Value, ErrorData> {
        Ok(match does {
            "echo" => text(given["message"].as_str().unwrap_or_default()),
            "add" => {
                let number = |name: &str| given[name].as_i64().unwrap_or(0);
                let sum = number("a") + number("b");
                let mut result = text(&sum.to_string());
                result["structuredContent"] = json!({"result": sum});
                result
            }
            "countdown" => self.countdown(&given, context).await?,
            "cancellations" => text(&self.0.cancelled.swap(0, Ordering::Relaxed).to_string()),
            "toggle_tool" => {
                let there = !self.0.extra.fetch_xor(true, Ordering::Relaxed);
                self.changed(context, Change::Tools).await?;
                text(if there { "there" } else { "gone" })
            }
            "touch" => {
                let uri = given["uri"].as_str().unwrap_or_default().to_owned();
                self.changed(context, Change::Resource(uri)).await?;
                text("touched")
            }
            other => return Err(refuse(-32603, format!("nothing does {other}"))),
        })
    }
}

fn cursor(request: &Option<PaginatedRequestParams>) -> Option<&str> {
    request.as_ref().and_then(|params| params.cursor.as_deref())
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        let offer = &self.0.offer.0;
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let capabilities = ServerCapabilities::builder()
            .enable_completions()
            .enable_logging()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_list_changed()
            .enable_resources_subscribe()
            .enable_tools()
            .enable_tool_list_changed()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new(
                word(&offer["server"]["name"]),
                word(&offer["server"]["version"]),
            ))
            .with_instructions(word(&offer["instructions"]))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListToolsResult, ErrorData> {
        let extra = self.0.extra.load(Ordering::Relaxed);
        complete(self.0.offer.tools(cursor(&request), extra))
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        complete(self.0.offer.resources(cursor(&request)))
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        complete(self.0.offer.templates(cursor(&request)))
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        complete(self.0.offer.prompts(cursor(&request)))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let result: ReadResourceResult = complete(self.0.offer.contents(&request.uri)?)?;
        Ok(result.into())
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        let given = request.arguments.unwrap_or_default();
        let result: GetPromptResult = complete(self.0.offer.prompt(&request.name, &given)?)?;
        Ok(result.into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: Context,
    ) -> Result<CompleteResult, ErrorData> {
        complete(self.0.offer.completion(&plain(request)))
    }

    async fn set_level(&self, request: SetLevelRequestParams, _: Context) -> Result<(), ErrorData> {
        let level = plain(request.level);
        *lock(&self.0.level) = level.as_str().unwrap_or_default().to_owned();
        Ok(())
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        _: Context,
    ) -> Result<(), ErrorData> {
        lock(&self.0.subscribed).insert(request.uri);
        Ok(())
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _: Context,
    ) -> Result<(), ErrorData> {
        lock(&self.0.subscribed).remove(&request.uri);
        Ok(())
    }

    fn accepted_subscription_filter(
        &self,
        wanted: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(wanted.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.0.changes.subscribe();
        loop {
            let change = tokio::select! {
                () = context.cancelled() => return Ok(()),
                change = changes.recv() => change.map_err(failed)?,
            };
            // What this subscription did not ask for is refused here, and meant for another.
            let _ = match change {
                Change::Tools => context.sink().notify_tool_list_changed().await,
                Change::Resource(uri) => context.sink().notify_resource_updated(uri).await,
            };
        }
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let tool = self.0.offer.tool(&request.name)?;
        if let Some(error) = tool.get("error") {
            return Err(typed(error.clone())?);
        }
        let given = plain(request.arguments.unwrap_or_default());
        let result = if let Some(result) = tool.get("result") {
            result.clone()
        } else if let Some(does) = tool["does"].as_str() {
            self.run(does, given, &context).await?
        } else if !modern(&context) {
            text(&self.ask(&tool["asks"], &context).await?.to_string())
        } else if let Some(answers) = request.input_responses {
            text(&plain(answers).to_string())
        } else {
            let first: InputRequiredResult = typed(json!({
                "resultType": "input_required",
                "inputRequests": tool["asks"],
                "requestState": "asked ⚓",
            }))?;
            return Ok(first.into());
        };
        let result: CallToolResult = complete(result)?;
        Ok(result.into())
    }
}
