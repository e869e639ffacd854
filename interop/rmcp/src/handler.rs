//! What the client answers when the server asks, and what it hears.

// Sampling, roots and logging are deprecated in the newest revision, and are what is looked at.
#![allow(deprecated)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmcp::model::{
    ClientConfig, CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams,
    ElicitResult, ElicitationAction, ListRootsResult, LoggingMessageNotificationParam,
    ProgressNotificationParam, ResourceUpdatedNotificationParam,
};
use rmcp::service::{NotificationContext, RequestContext, RoleClient};
use rmcp::{ClientHandler, ErrorData};
use serde_json::{Value, json};

/// How the next elicitation is answered.
#[derive(Clone, Copy, Default)]
pub enum Answer {
    /// Accept, with the name "Ada" or the colour "blue", whichever is asked for.
    Accept,
    /// The same, but only when two questions are open at once (or none came in two seconds).
    AcceptWhenBothAreOpen,
    Decline,
    #[default]
    Cancel,
}

/// What the server sent without being asked in so many words.
#[derive(Default)]
pub struct Heard {
    pub logs: Mutex<Vec<Value>>,
    pub progress: Mutex<Vec<Value>>,
    pub updated: Mutex<Vec<Value>>,
    pub elicited: Mutex<Vec<Value>>,
    pub sampled: Mutex<Vec<Value>>,
    pub tools_changed: AtomicUsize,
    /// Questions that were answered before the other one was there.
    pub answered_alone: AtomicUsize,
    pub answer: Mutex<Answer>,
    /// Where it goes too when the steps are those of a file.
    pub play: Option<crate::play::Heard>,
}

impl Heard {
    /// Keeps what came as it is on the wire, for the steps of a file.
    fn put(&self, kind: &str, what: impl serde::Serialize) {
        if let Some(play) = &self.play {
            play.put(kind, serde_json::to_value(what).unwrap_or_default());
        }
    }

    pub fn tools_changed(&self) {
        self.tools_changed.fetch_add(1, Ordering::Relaxed);
        self.put("changed", "tools");
    }

    pub fn updated(&self, uri: &str) {
        lock(&self.updated).push(json!(uri));
        self.put("updated", uri);
    }
}

/// The guard of a mutex, also after another thread panicked with it.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until `condition` holds, at most `limit`; says whether it came to hold.
pub async fn until(limit: Duration, condition: impl Fn() -> bool) -> bool {
    let end = tokio::time::Instant::now() + limit;
    while !condition() {
        if tokio::time::Instant::now() > end {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    true
}

/// The handler that rmcp calls.
pub struct Handler {
    pub heard: Arc<Heard>,
    pub config: ClientConfig,
}

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        self.config.clone()
    }

    async fn create_elicitation(
        &self,
        params: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let params = serde_json::to_value(params).unwrap_or_default();
        if let Some(play) = &self.heard.play {
            play.put("elicit", params);
            return serde_json::from_value(play.answer())
                .map_err(|error| ErrorData::internal_error(error.to_string(), None));
        }
        let asked: Vec<String> = params["requestedSchema"]["properties"]
            .as_object()
            .map(|properties| properties.keys().cloned().collect())
            .unwrap_or_default();
        lock(&self.heard.elicited).extend(asked.iter().map(|name| json!(name)));
        let answer = *lock(&self.heard.answer);
        if matches!(answer, Answer::AcceptWhenBothAreOpen) {
            let both = || lock(&self.heard.elicited).len() >= 2;
            if !until(Duration::from_secs(2), both).await {
                self.heard.answered_alone.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(match answer {
            Answer::Decline => ElicitResult::new(ElicitationAction::Decline),
            Answer::Cancel => ElicitResult::new(ElicitationAction::Cancel),
            Answer::Accept | Answer::AcceptWhenBothAreOpen => {
                let name = asked.iter().any(|name| name == "name");
                let content = if name {
                    json!({"name": "Ada"})
                } else {
                    json!({"colour": "blue"})
                };
                ElicitResult::new(ElicitationAction::Accept).with_content(content)
            }
        })
    }

    async fn create_message(
        &self,
        params: CreateMessageRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        let params = serde_json::to_value(params).unwrap_or_default();
        if let Some(last) = params["messages"].as_array().and_then(|all| all.last()) {
            lock(&self.heard.sampled).push(last.clone());
        }
        self.heard.put("sample", params);
        serde_json::from_value(crate::play::Heard::sampled())
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))
    }

    async fn list_roots(
        &self,
        _: RequestContext<RoleClient>,
    ) -> Result<ListRootsResult, ErrorData> {
        self.heard.put("roots", true);
        serde_json::from_value(json!({"roots": crate::play::Heard::roots()}))
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))
    }

    async fn on_progress(
        &self,
        params: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        lock(&self.heard.progress).push(json!([params.progress, params.total]));
        self.heard.put("progress", params);
    }

    async fn on_logging_message(
        &self,
        params: LoggingMessageNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        lock(&self.heard.logs).push(json!(params.level));
        self.heard.put("log", params);
    }

    async fn on_resource_updated(
        &self,
        params: ResourceUpdatedNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.heard.updated(&params.uri);
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.heard.tools_changed();
    }
}
