//! The steps of a file, taken with our client.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use wharf_client::{
    AskError, Command, Error, Notification, ServerInfo, Started, Subscription, Target, Transport,
    Watch,
};
use wharf_protocol::projection::{At, at};
use wharf_protocol::{CompletionReference, Revision};

use crate::play::{Client, Failure, Heard, Outcome};

/// What the command line asks for.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) transport: String,
    pub(crate) command: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) revision: Option<String>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.as_rpc() {
            Some(refused) => Self::Refused(json!(refused)),
            None => Self::Threw(format!("{error:?}")),
        }
    }
}

fn threw(error: impl std::fmt::Display) -> Failure {
    Failure::Threw(error.to_string())
}

/// A connection, and what came over it unasked.
pub(crate) struct Connection {
    client: wharf_client::Client,
    info: ServerInfo,
    heard: Arc<Heard>,
    listener: JoinHandle<()>,
    subscribed: Mutex<HashMap<String, Listening>>,
}

/// A subscription, and who hears it.
pub(crate) struct Listening(JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connection {
    /// Connects: with everything fixed where a revision is given, and finding out revision and
    /// transport where it is `auto`.
    pub(crate) async fn open(asked: &Asked) -> Result<Self, Failure> {
        let heard = Arc::new(Heard::default());
        let mut builder = wharf_client::Client::builder().name("wharf-interop", "0");
        let to = Arc::clone(&heard);
        builder = builder.on_elicit(move |form| {
            to.put(
                "elicit",
                json!({"message": form.message, "requestedSchema": form.schema}),
            );
            let answer = serde_json::from_value(to.answer());
            async move { answer.map_err(|error| AskError::failed(error.to_string())) }
        });
        let to = Arc::clone(&heard);
        builder = builder.on_elicit_url(move |page| {
            to.put(
                "elicit",
                json!({
                    "mode": "url",
                    "message": page.message,
                    "url": page.url,
                    "elicitationId": page.elicitation_id,
                }),
            );
            let answer = serde_json::from_value(to.answer());
            async move { answer.map_err(|error| AskError::failed(error.to_string())) }
        });
        let to = Arc::clone(&heard);
        builder = builder.on_sample(move |params| {
            let asked = serde_json::to_value(at(&params, Revision::LATEST_LEGACY));
            to.put("sample", asked.unwrap_or_default());
            let answer = serde_json::from_value(Heard::sampled());
            async move { answer.map_err(|error| AskError::failed(error.to_string())) }
        });
        builder = builder.roots(serde_json::from_value::<Vec<_>>(Heard::roots()).map_err(threw)?);
        if let Some(name) = asked.revision.as_deref().filter(|name| *name != "auto") {
            let unknown = || Failure::Threw(format!("unknown revision {name}"));
            builder = builder.revision(Revision::parse(name).ok_or_else(unknown)?);
            builder = match asked.transport.as_str() {
                "http" => builder.transport(Transport::Http),
                "sse" => builder.transport(Transport::Sse),
                _ => builder,
            };
        }
        let target = match (&asked.command, &asked.url) {
            (Some(command), _) => Command::parse(command)?.into(),
            (None, url) => Target::url(url.as_deref().unwrap_or_default())?,
        };
        let client = builder.open(target).await?;
        let info = client.info().await?;
        let mut notifications = client.notifications();
        let to = Arc::clone(&heard);
        let modern = info.revision.is_modern();
        let listener = tokio::spawn(async move {
            while let Some(notification) = notifications.next().await {
                match notification {
                    Notification::Log(message) => {
                        let message = serde_json::to_value(at(&message, Revision::LATEST_LEGACY));
                        to.put("log", message.unwrap_or_default());
                    }
                    // Where changes are subscribed to they come there; of a resource, always.
                    Notification::ToolsChanged if !modern => to.put("changed", json!("tools")),
                    _ => {}
                }
            }
        });
        Ok(Self {
            client,
            info,
            heard,
            listener,
            subscribed: Mutex::default(),
        })
    }

    pub(crate) fn revision(&self) -> &'static str {
        self.info.revision.as_str()
    }

    /// A value as it would be on the wire, in a revision that leaves nothing of it out.
    fn wire<T>(&self, value: &T) -> Outcome
    where
        for<'a> At<'a, T>: Serialize,
    {
        let revision = self.info.revision.max(Revision::LATEST_LEGACY);
        serde_json::to_value(at(value, revision)).map_err(threw)
    }

    async fn watch(&self, watch: Watch) -> Result<Listening, Failure> {
        let mut subscription: Subscription = self.client.watch(watch).await?;
        let to = Arc::clone(&self.heard);
        Ok(Listening(tokio::spawn(async move {
            while let Some(notification) = subscription.next().await {
                match notification {
                    Notification::ToolsChanged => to.put("changed", json!("tools")),
                    Notification::ResourceUpdated { uri } => to.put("updated", json!(uri)),
                    _ => {}
                }
            }
        })))
    }
}

impl Client for Connection {
    type Listening = Listening;

    fn info(&self) -> Value {
        json!({
            "revision": self.revision(),
            "capabilities": self.wire(&self.info.capabilities).unwrap_or_default(),
            "server": self.info.implementation.as_ref().and_then(|it| self.wire(it).ok()),
            "instructions": self.info.instructions,
        })
    }

    fn is_modern(&self) -> bool {
        self.info.revision.is_modern()
    }

    fn heard(&self) -> &Heard {
        &self.heard
    }

    async fn list(&self, what: &str) -> Outcome {
        match what {
            "tools" => {
                let all = self.client.tools().all().await?;
                all.iter().map(|item| self.wire(&**item)).collect()
            }
            "resources" => {
                let all = self.client.resources().all().await?;
                all.iter().map(|item| self.wire(&**item)).collect()
            }
            "templates" => {
                let all = self.client.resource_templates().all().await?;
                all.iter().map(|item| self.wire(&**item)).collect()
            }
            _ => {
                let all = self.client.prompts().all().await?;
                all.iter().map(|item| self.wire(&**item)).collect()
            }
        }
    }

    async fn call(&self, params: &Value, level: Option<&str>) -> Outcome {
        let name = params["name"].as_str().unwrap_or_default();
        let to = Arc::clone(&self.heard);
        let mut call = self
            .client
            .call(name, &params["arguments"])
            .on_progress(move |it| {
                to.put(
                    "progress",
                    json!({"progress": it.progress, "total": it.total, "message": it.message}),
                );
            });
        if let Some(level) = level {
            call = call.log_level(serde_json::from_value(json!(level)).map_err(threw)?);
        }
        self.wire(&call.await?)
    }

    async fn task(&self, params: &Value, cancel: bool) -> Outcome {
        let name = params["name"].as_str().unwrap_or_default();
        let started = self.client.call_task(name, &params["arguments"]).start();
        let Started::Task(mut task) = started.await? else {
            return Err(threw("no task was made of the call"));
        };
        let created = task.last_seen().status.as_str();
        if cancel {
            task.cancel().await?;
            return Ok(json!(task.status().await?.status.as_str()));
        }
        let result = self.wire(&task.wait().await?)?;
        Ok(json!({"created": created, "text": result["content"][0]["text"]}))
    }

    async fn read(&self, uri: &str) -> Outcome {
        self.wire(&self.client.read(uri).await?)
    }

    async fn prompt(&self, params: &Value) -> Outcome {
        let name = params["name"].as_str().unwrap_or_default();
        let arguments = params
            .get("arguments")
            .cloned()
            .unwrap_or_else(|| json!({}));
        self.wire(&self.client.prompt(name, arguments).await?)
    }

    async fn complete(&self, params: &Value) -> Outcome {
        let reference: CompletionReference =
            serde_json::from_value(params["ref"].clone()).map_err(threw)?;
        let argument = params["argument"]["name"].as_str().unwrap_or_default();
        let value = params["argument"]["value"].as_str().unwrap_or_default();
        let known = std::collections::BTreeMap::new();
        self.wire(
            &self
                .client
                .complete(&reference, argument, value, &known)
                .await?,
        )
    }

    async fn ping(&self) -> Outcome {
        self.client.ping().await?;
        Ok(Value::Null)
    }

    async fn set_level(&self, level: &str) -> Outcome {
        let level = serde_json::from_value(json!(level)).map_err(threw)?;
        self.client.set_log_level(level).await?;
        Ok(Value::Null)
    }

    async fn subscribe(&self, uri: &str) -> Outcome {
        let listening = self.watch(Watch::new().resource(uri)).await?;
        lock(&self.subscribed).insert(uri.to_owned(), listening);
        Ok(Value::Null)
    }

    async fn unsubscribe(&self, uri: &str) -> Outcome {
        lock(&self.subscribed).remove(uri);
        Ok(Value::Null)
    }

    async fn listen(&self, uri: Option<&str>) -> Result<Listening, Failure> {
        self.watch(match uri {
            Some(uri) => Watch::new().resource(uri),
            None => Watch::new().tools(),
        })
        .await
    }

    async fn end(&self, mut listening: Listening) {
        listening.0.abort();
        // It has let go of the subscription when it is over.
        let _ = (&mut listening.0).await;
    }

    async fn close(self) -> Outcome {
        lock(&self.subscribed).clear();
        self.client.close().await;
        self.listener.abort();
        Ok(Value::Null)
    }
}
