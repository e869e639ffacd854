//! A server called in the same process: for tests, and for programs that embed one.

use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use wharf_protocol::envelope::{EnvelopeError, IdBuf, batch, is_batch};
use wharf_protocol::error::{ErrorCode, ErrorObject};
use wharf_protocol::input::{InputRequest, InputRequiredResult};
use wharf_protocol::meta;
use wharf_protocol::prompts::GetPromptResult;
use wharf_protocol::resources::ReadResourceResult;
use wharf_protocol::revision::Revision;
use wharf_protocol::tools::CallToolResult;

use super::batch::array;
use crate::call::{Frame, Incoming, Outlet, Parsed, Reply, Via};
use crate::calls::Calls;
use crate::core::Core;
use crate::era::legacy;
use crate::handler::BoxFuture;
use crate::outbox::{Bounds, Next, Outbox};
use crate::session::Session;
use crate::{Error, Result};

type Answers = Box<dyn Fn(&InputRequest) -> Value + Send + Sync>;

/// A server and its one client in the same process, without a transport between them.
///
/// It speaks the newest revision unless told otherwise. Messages are written and read as on any
/// other transport, so what a test sees is what a client would get.
pub struct InProcess {
    core: Arc<Core>,
    session: Option<Arc<Session>>,
    answers: Option<Answers>,
    extensions: Map<String, Value>,
    next_id: AtomicI64,
    heard: Mutex<Vec<Value>>,
    calls: Calls,
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").finish_non_exhaustive()
    }
}

const EVERYTHING: &str =
    r#"{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}},"roots":{}}"#;

impl InProcess {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self {
            core,
            session: None,
            answers: None,
            extensions: Map::new(),
            next_id: AtomicI64::new(1),
            heard: Mutex::default(),
            calls: Calls::default(),
        }
    }

    /// Answers what handlers ask for: the result of an elicitation, of sampling, or the roots, as
    /// JSON. Without it the client declares that it can answer nothing.
    pub fn answering(
        mut self,
        answers: impl Fn(&InputRequest) -> Value + Send + Sync + 'static,
    ) -> Self {
        self.answers = Some(Box::new(answers));
        self
    }

    /// Declares an extension, with its settings: an object.
    pub fn with_extension(mut self, id: impl Into<String>, settings: Value) -> Self {
        self.extensions.insert(id.into(), settings);
        self
    }

    /// Speaks a revision with sessions, by opening one.
    pub async fn open(mut self, revision: Revision) -> Result<Self> {
        if revision.is_modern() {
            return Ok(self);
        }
        let params = json!({
            "protocolVersion": revision.as_str(),
            "capabilities": self.capabilities(),
            "clientInfo": { "name": "in-process", "version": "0" },
        });
        let reply = self
            .send_one("initialize", params)
            .await
            .map_err(Error::from)?;
        self.session = reply.opened;
        Ok(self)
    }

    fn capabilities(&self) -> Value {
        let declared = if self.answers.is_some() {
            EVERYTHING
        } else {
            "{}"
        };
        let mut declared: Value = serde_json::from_str(declared).unwrap_or_default();
        if !self.extensions.is_empty() {
            declared["extensions"] = self.extensions.clone().into();
        }
        declared
    }

    /// Calls a tool.
    pub async fn call(&self, tool: &str, arguments: Value) -> Result<CallToolResult, ErrorObject> {
        self.get(
            "tools/call",
            json!({ "name": tool, "arguments": arguments }),
        )
        .await
    }

    /// Reads a resource.
    pub async fn read(&self, uri: &str) -> Result<ReadResourceResult, ErrorObject> {
        self.get("resources/read", json!({ "uri": uri })).await
    }

    /// Gets a prompt.
    pub async fn prompt(
        &self,
        name: &str,
        arguments: Value,
    ) -> Result<GetPromptResult, ErrorObject> {
        self.get(
            "prompts/get",
            json!({ "name": name, "arguments": arguments }),
        )
        .await
    }

    async fn get<T: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
    ) -> Result<T, ErrorObject> {
        let result = self.request(method, params).await?;
        serde_json::from_value(result).map_err(malformed)
    }

    /// Sends any request, answers what it asks for, and gives its result.
    pub async fn request(&self, method: &str, params: Value) -> Result<Value, ErrorObject> {
        let mut sent = params.clone();
        loop {
            let reply = self.send_one(method, sent).await?;
            let mut message: Map<String, Value> =
                serde_json::from_slice(&reply.message).map_err(malformed)?;
            if let Some(error) = message.remove("error") {
                return Err(serde_json::from_value(error).map_err(malformed)?);
            }
            let result = message.remove("result").unwrap_or_default();
            let (Some("input_required"), Some(answers)) = (
                result.get("resultType").and_then(Value::as_str),
                &self.answers,
            ) else {
                return Ok(result);
            };
            let asked: InputRequiredResult = serde_json::from_value(result).map_err(malformed)?;
            let responses: Map<String, Value> = asked
                .input_requests
                .iter()
                .map(|(key, ask)| (key.clone(), answers(ask)))
                .collect();
            sent = params.clone();
            sent["inputResponses"] = responses.into();
            sent["requestState"] = asked.request_state.into();
        }
    }

    async fn send_one(&self, method: &str, mut params: Value) -> Result<Reply, ErrorObject> {
        if self.session.is_none() && method != "initialize" {
            let mut about = match params.get_mut("_meta").map(Value::take) {
                Some(Value::Object(about)) => about,
                _ => Map::new(),
            };
            about.insert(
                meta::PROTOCOL_VERSION.into(),
                Revision::LATEST.as_str().into(),
            );
            about.insert(meta::CLIENT_CAPABILITIES.into(), self.capabilities());
            params["_meta"] = about.into();
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        match Frame::parse(message.to_string()) {
            Ok(Parsed::Request(frame)) => Ok(self.answer(frame).await),
            _ => Err(malformed("not a request")),
        }
    }

    /// Takes one message as bytes, and gives the answer as bytes if there is one.
    ///
    /// A session of 2025-03-26 takes several in one array, and answers with an array.
    pub async fn send(&self, message: impl Into<Vec<u8>>) -> Option<Vec<u8>> {
        let message = message.into();
        if is_batch(&message)
            && let Some(session) = &self.session
            && legacy::takes_batches(session)
        {
            return self.send_batch(message).await;
        }
        match Frame::parse(message) {
            Ok(Parsed::Request(frame)) => Some(self.answer(frame).await.message),
            Ok(Parsed::Notification(frame)) => {
                super::notified(&frame, &self.calls);
                None
            }
            Ok(Parsed::Answer { .. }) => None,
            Err(error) => Some(refused(&error)),
        }
    }

    /// One member after the other: nobody else waits on this connection.
    fn send_batch(&self, message: Vec<u8>) -> BoxFuture<'_, Option<Vec<u8>>> {
        Box::pin(async move {
            let text = std::str::from_utf8(&message).map_err(EnvelopeError::not_utf8);
            match text.and_then(|text| batch(text, self.core.limits.batch_messages)) {
                Ok(members) => {
                    let mut answers = Vec::new();
                    for member in members {
                        let answer = if is_batch(member.as_bytes()) {
                            // Within a batch an array is no message.
                            Frame::parse(member).err().as_ref().map(refused)
                        } else {
                            self.send(member).await
                        };
                        answers.extend(answer);
                    }
                    array(&answers)
                }
                Err(error) => Some(refused(&error)),
            }
        })
    }

    async fn answer(&self, frame: Arc<Frame>) -> Reply {
        let limits = &self.core.limits;
        let outbox = Outbox::new(Bounds {
            unread: limits.stream_messages,
            unread_bytes: limits.stream_bytes,
            kept: 0,
            kept_bytes: 0,
        });
        let incoming = Incoming {
            frame,
            via: Via::Line(self.session.clone()),
            principal: None,
            outlet: Outlet::Stream(Arc::clone(&outbox)),
        };
        let mut call = crate::dispatch::respond(&self.core, incoming);
        let mut reader = None;
        poll_fn(|cx| {
            loop {
                let done = call.as_mut().poll(cx);
                if outbox.is_used() && reader.is_none() {
                    reader = outbox.attach(None);
                }
                let mut progressed = false;
                while let Some(Poll::Ready(Next::Entry(entry))) =
                    reader.as_mut().map(|reader| reader.poll_next(cx))
                {
                    self.hear(&entry.message);
                    progressed = true;
                }
                match done {
                    Poll::Ready(reply) => return Poll::Ready(reply),
                    // An answer to an ask may let the call go on at once.
                    Poll::Pending if progressed => {}
                    Poll::Pending => {
                        if reader.is_none() && outbox.poll_used(cx).is_ready() {
                            continue;
                        }
                        return Poll::Pending;
                    }
                }
            }
        })
        .await
    }

    /// Takes in what the server says before its answer.
    fn hear(&self, message: &[u8]) {
        let Ok(message) = serde_json::from_slice::<Value>(message) else {
            return;
        };
        let id = message.get("id").and_then(Value::as_str).map(IdBuf::string);
        if let (Some(id), Some(session), Some(answers)) = (id, &self.session, &self.answers) {
            let ask = json!({ "method": message["method"], "params": message["params"] });
            let answer = match serde_json::from_value::<InputRequest>(ask) {
                Ok(ask) => serde_json::value::to_raw_value(&answers(&ask)).map_err(malformed),
                Err(error) => Err(malformed(error)),
            };
            session.answer(&id, answer);
            return;
        }
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(message);
    }

    /// The notifications that came since the last time, oldest first: progress, log messages and
    /// the changes that a session is told of.
    pub fn notifications(&self) -> Vec<Value> {
        let mut heard =
            std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(session) = &self.session {
            let listener = legacy::listener(&self.core, session);
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            if let Poll::Ready(Some(notices)) = listener.poll_take(&mut cx) {
                let messages = notices.iter().map(|notice| notice.message(None));
                heard.extend(messages.filter_map(|message| serde_json::from_slice(&message).ok()));
            }
        }
        heard
    }

    /// Stops the server and puts its states away.
    pub async fn stop(self) {
        self.core.shut_down().await;
    }
}

fn refused(error: &EnvelopeError) -> Vec<u8> {
    let object = ErrorObject::new(error.code(), error.to_string());
    let id = error.id().map(IdBuf::as_json);
    Reply::error(id, &object, 400).message
}

fn malformed(error: impl fmt::Display) -> ErrorObject {
    ErrorObject::new(ErrorCode::INTERNAL_ERROR, error.to_string())
}
