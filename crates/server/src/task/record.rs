//! A task as the store keeps it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use wharf_protocol::error::{ErrorCode, ErrorObject};
use wharf_protocol::input::InputRequest;
use wharf_protocol::projection::at;
use wharf_protocol::revision::Revision;
use wharf_protocol::tasks::{Task, TaskDetail, TaskState, TaskStatus};
use wharf_protocol::tools::CallToolResult;

use crate::ask::journal::Journal;
use crate::context::Caller;
use crate::principal::Principal;
use crate::session::{Client, Session};

/// What the store keeps of a task; the store itself knows whose it is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) status: TaskStatus,
    /// The status in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// Milliseconds since 1970.
    created: u64,
    updated: u64,
    /// In milliseconds from `created`.
    ttl: u64,
    poll: u64,
    /// What is needed to run it again; gone at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) work: Option<Box<Work>>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub(crate) asks: IndexMap<String, Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<Outcome>,
}

/// How a task ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// A result, in the newest revision's form, and whether it is an error.
    Result(Box<RawValue>, bool),
    Error(ErrorObject),
}

/// The call that is the task, and how far it has come.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Work {
    /// The request as it was sent.
    pub(crate) request: String,
    /// The revision it was sent in.
    revision: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    principal: Option<(String, String, Option<String>)>,
    /// The client of a session: since 2026-07-28 the request says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<SessionClient>,
    /// The identity of the exchange, as hexadecimal digits.
    id: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) answers: BTreeMap<String, Box<RawValue>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) steps: BTreeMap<String, Box<RawValue>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SessionClient {
    info: Option<Box<RawValue>>,
    capabilities: Box<RawValue>,
}

impl Work {
    pub(crate) fn new(
        request: &str,
        revision: Revision,
        caller: &Caller,
        journal: Journal,
    ) -> Result<Self, serde_json::Error> {
        let client = match caller {
            Caller::Session(session) => {
                let capabilities = at(&session.client.capabilities, revision);
                let client = SessionClient {
                    info: session.client.info.clone(),
                    capabilities: serde_json::value::to_raw_value(&capabilities)?,
                };
                Some(client)
            }
            Caller::Modern { .. } | Caller::Nobody => None,
        };
        Ok(Self {
            request: request.to_owned(),
            revision: revision.as_str().to_owned(),
            principal: caller.principal().map(|principal| {
                let Principal {
                    issuer,
                    subject,
                    client,
                } = principal.clone();
                (issuer, subject, client)
            }),
            client,
            id: format!("{:032x}", u128::from_be_bytes(journal.id)),
            answers: journal.answers,
            steps: journal.steps,
        })
    }

    pub(crate) fn journal(&self) -> Journal {
        Journal {
            id: u128::from_str_radix(&self.id, 16)
                .unwrap_or_default()
                .to_be_bytes(),
            rounds: 0,
            answers: self.answers.clone(),
            steps: self.steps.clone(),
        }
    }

    /// Who called, for a run in another process; `None` if it cannot be read.
    pub(crate) fn caller(&self) -> Option<(Revision, Caller)> {
        let revision = Revision::parse(&self.revision)?;
        let principal = self.principal.clone().map(|(issuer, subject, client)| {
            Arc::new(Principal {
                issuer,
                subject,
                client,
            })
        });
        let caller = match &self.client {
            Some(client) => {
                let client = Client {
                    info: client.info.clone(),
                    capabilities: serde_json::from_str(client.capabilities.get()).ok()?,
                    interpretation: None,
                };
                // A session of its own, which nobody can find: its client may be gone for good.
                Caller::Session(Session::new(revision, principal, client))
            }
            None => Caller::modern(principal, None),
        };
        Some((revision, caller))
    }
}

impl Record {
    pub(crate) fn new(work: Work, ttl: Duration, poll: Duration) -> Self {
        let now = now();
        Self {
            status: TaskStatus::Working,
            message: None,
            created: now,
            updated: now,
            ttl: millis(ttl),
            poll: millis(poll),
            work: Some(Box::new(work)),
            asks: IndexMap::new(),
            outcome: None,
        }
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    pub(crate) fn write(&self) -> Result<Bytes, serde_json::Error> {
        // Kept for long: without the room that the writer had taken in advance.
        serde_json::to_vec(self).map(|bytes| bytes.into_boxed_slice().into())
    }

    /// Whether it was made at this time or later.
    pub(crate) fn is_since(&self, time: SystemTime) -> bool {
        UNIX_EPOCH + Duration::from_millis(self.created) >= time
    }

    /// When it may be forgotten.
    pub(crate) fn expires(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.created.saturating_add(self.ttl))
    }

    /// Moves to another status; `false` if it is at its end.
    pub(crate) fn turn(&mut self, status: TaskStatus) -> bool {
        if self.status.is_terminal() {
            return false;
        }
        if self.status != status {
            self.status = status;
            self.updated = now();
        }
        if status.is_terminal() {
            self.work = None;
            self.asks.clear();
        }
        true
    }

    /// Ends it with what the call gave; `false` if it is at its end already.
    pub(crate) fn end(&mut self, outcome: Outcome) -> bool {
        let (status, message) = match &outcome {
            Outcome::Result(..) => (TaskStatus::Completed, None),
            Outcome::Error(error) => (TaskStatus::Failed, Some(error.message.clone())),
        };
        if !self.turn(status) {
            return false;
        }
        self.message = message.or_else(|| outcome.complaint());
        self.outcome = Some(outcome);
        true
    }

    /// Opens an ask; `false` if nobody can answer it any more.
    pub(crate) fn open(&mut self, key: &str, ask: Box<RawValue>) -> bool {
        let answers = self.work.as_ref().map(|work| &work.answers);
        if answers.is_some_and(|answers| answers.contains_key(key)) {
            // The answer came while the question was repeated.
            return true;
        }
        if !self.turn(TaskStatus::InputRequired) {
            return false;
        }
        self.asks.insert(key.to_owned(), ask);
        true
    }

    /// Closes an ask; `false` if it was not open.
    pub(crate) fn close(&mut self, key: &str) -> bool {
        let closed = self.asks.shift_remove(key).is_some();
        if closed && self.asks.is_empty() {
            self.turn(TaskStatus::Working);
        }
        closed
    }

    /// The task as a client of this revision sees it.
    pub(crate) fn state(&self, id: &str, revision: Revision) -> TaskState {
        let failed = matches!(self.outcome, Some(Outcome::Result(_, true)));
        let status = match self.status {
            TaskStatus::Completed if failed && !revision.is_modern() => TaskStatus::Failed,
            status => status,
        };
        let detail = match (&self.outcome, self.status) {
            _ if !revision.is_modern() => TaskDetail::None,
            (Some(Outcome::Result(result, _)), _) => TaskDetail::Result(result.clone()),
            (Some(Outcome::Error(error)), _) => TaskDetail::Error(error.clone()),
            (None, TaskStatus::InputRequired) => TaskDetail::Input(self.requests()),
            (None, _) => TaskDetail::None,
        };
        TaskState {
            task: Task {
                task_id: id.to_owned(),
                status,
                status_message: self.message.clone(),
                created_at: timestamp(self.created),
                last_updated_at: timestamp(self.updated),
                ttl_ms: Some(self.ttl),
                poll_interval_ms: Some(self.poll),
            },
            detail,
            meta: None,
        }
    }

    fn requests(&self) -> IndexMap<String, InputRequest> {
        let asks = self.asks.iter();
        asks.filter_map(|(key, raw)| {
            let request = serde_json::from_str(raw.get()).ok()?;
            Some((key.clone(), request))
        })
        .collect()
    }
}

impl Outcome {
    /// What came of a call; an internal error if it cannot be written.
    pub(crate) fn of(result: &CallToolResult) -> Self {
        let is_error = result.is_error == Some(true);
        match serde_json::value::to_raw_value(&at(result, Revision::LATEST)) {
            Ok(raw) => Self::Result(raw, is_error),
            Err(error) => {
                tracing::error!(%error, "a result cannot be written");
                Self::internal("internal error")
            }
        }
    }

    pub(crate) fn internal(message: &str) -> Self {
        Self::Error(ErrorObject::new(ErrorCode::INTERNAL_ERROR, message))
    }

    /// What a result that is an error says, shortened.
    fn complaint(&self) -> Option<String> {
        let Self::Result(raw, true) = self else {
            return None;
        };
        let result: CallToolResult = serde_json::from_str(raw.get()).ok()?;
        let text = result.content.iter().find_map(|block| block.as_text())?;
        Some(text.chars().take(200).collect())
    }
}

fn millis(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}

/// Milliseconds since 1970.
fn now() -> u64 {
    millis(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default(),
    )
}

fn timestamp(millis: u64) -> String {
    let millis = i64::try_from(millis).unwrap_or(i64::MAX);
    // All of the same length, so that they sort as text.
    let time = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
    format!("{time:.3}")
}
