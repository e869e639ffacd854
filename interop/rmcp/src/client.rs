//! The requests of the client, with their results as plain JSON, as they are on the wire.

// Sampling, roots and logging are deprecated in the newest revision, and are what is looked at.
#![allow(deprecated)]

use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, ClientCapabilities, ClientConfig, ClientRequest, CompleteRequestParams,
    GetPromptRequestParams, Implementation, PingRequest, ProtocolVersion,
    ReadResourceRequestParams, ServerNotification, SetLevelRequestParams, SubscribeRequestParams,
    SubscriptionFilter, UnsubscribeRequestParams,
};
use rmcp::service::{ClientLifecycleMode, RoleClient, RunningService, Subscription};
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{ClientServiceExt, ServiceError};
use serde_json::{Value, json};

use crate::handler::{Handler, Heard};

/// Why a step has no value: the code of a protocol error, and words.
#[derive(Debug)]
pub struct Failure {
    pub code: Option<i32>,
    pub words: String,
    /// The protocol error, as on the wire.
    pub error: Option<Value>,
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        let data = match &error {
            ServiceError::McpError(data) => Some(data),
            _ => None,
        };
        Self {
            code: data.map(|data| data.code.0),
            words: error.to_string(),
            error: data.and_then(|data| serde_json::to_value(data).ok()),
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self {
            code: None,
            words: error.to_string(),
            error: None,
        }
    }
}

/// A connection on which steps are taken.
pub struct Connection {
    service: RunningService<RoleClient, Handler>,
    pub heard: Arc<Heard>,
    pub revision: String,
    pub modern: bool,
}

/// Where the server is.
pub enum Target {
    Command(String),
    Url(String),
}

impl Connection {
    /// Connects and agrees on a revision: `auto`, or one of those that rmcp knows.
    ///
    /// `answers` are the client capabilities that are declared.
    pub async fn open(
        target: &Target,
        revision: &str,
        answers: Value,
        heard: Heard,
    ) -> Result<Self, String> {
        let wanted: ProtocolVersion = match revision {
            "auto" => ProtocolVersion::V_2026_07_28,
            named => serde_json::from_value(json!(named)).map_err(|error| error.to_string())?,
        };
        let lifecycle = if revision == "auto" {
            ClientLifecycleMode::Auto {
                preferred_versions: vec![wanted.clone()],
                legacy_version: None,
            }
        } else if wanted.has_initialize() {
            ClientLifecycleMode::Initialize
        } else {
            ClientLifecycleMode::Discover {
                preferred_versions: vec![wanted.clone()],
            }
        };
        let capabilities: ClientCapabilities =
            serde_json::from_value(answers).map_err(|error| error.to_string())?;
        let config =
            ClientConfig::new(capabilities, Implementation::new("wharf-interop-rmcp", "0"))
                .with_protocol_version(wanted);
        let heard = Arc::new(heard);
        let handler = Handler {
            heard: heard.clone(),
            config,
        };
        let service = match target {
            Target::Command(line) => {
                let mut words = line.split(' ');
                let mut command = tokio::process::Command::new(words.next().unwrap_or_default());
                command.args(words);
                let child = TokioChildProcess::new(command).map_err(|error| error.to_string())?;
                handler.serve_with_lifecycle(child, lifecycle).await
            }
            Target::Url(url) => {
                handler
                    .serve_with_lifecycle(
                        StreamableHttpClientTransport::from_uri(url.as_str()),
                        lifecycle,
                    )
                    .await
            }
        }
        .map_err(|error| error.to_string())?;
        let info = service
            .peer_info()
            .ok_or("nothing is known of the server")?;
        let revision = info.protocol_version.to_string();
        let modern = !info.protocol_version.has_initialize();
        Ok(Self {
            service,
            heard,
            revision,
            modern,
        })
    }

    pub fn server_is_named(&self) -> bool {
        let info = self.service.peer_info();
        info.and_then(|info| info.server_info.clone())
            .is_some_and(|server| !server.name.is_empty())
    }

    pub fn instructions(&self) -> Option<String> {
        self.service
            .peer_info()
            .and_then(|info| info.instructions.clone())
    }

    pub fn server(&self) -> Value {
        let info = self.service.peer_info();
        serde_json::to_value(info.and_then(|info| info.server_info.clone())).unwrap_or_default()
    }

    pub fn capabilities(&self) -> Result<Value, Failure> {
        Ok(serde_json::to_value(
            self.service
                .peer_info()
                .map(|info| info.capabilities.clone()),
        )?)
    }

    pub async fn list_tools(&self) -> Result<Value, Failure> {
        Ok(serde_json::to_value(self.service.list_all_tools().await?)?)
    }

    pub async fn list_resources(&self) -> Result<Value, Failure> {
        Ok(serde_json::to_value(
            self.service.list_all_resources().await?,
        )?)
    }

    pub async fn list_templates(&self) -> Result<Value, Failure> {
        Ok(serde_json::to_value(
            self.service.list_all_resource_templates().await?,
        )?)
    }

    pub async fn list_prompts(&self) -> Result<Value, Failure> {
        Ok(serde_json::to_value(
            self.service.list_all_prompts().await?,
        )?)
    }

    /// Calls a tool; `log_level` asks for log messages of this request (modern).
    pub async fn call(
        &self,
        name: &str,
        arguments: Value,
        log_level: Option<&str>,
    ) -> Result<Value, Failure> {
        let mut params = json!({"name": name, "arguments": arguments});
        if let Some(level) = log_level {
            params["_meta"] = json!({"io.modelcontextprotocol/logLevel": level});
        }
        let params: CallToolRequestParams = serde_json::from_value(params)?;
        Ok(serde_json::to_value(self.service.call_tool(params).await?)?)
    }

    pub async fn read(&self, uri: &str) -> Result<Value, Failure> {
        let params: ReadResourceRequestParams = serde_json::from_value(json!({"uri": uri}))?;
        Ok(serde_json::to_value(
            self.service.read_resource(params).await?,
        )?)
    }

    pub async fn prompt(&self, name: &str, arguments: Value) -> Result<Value, Failure> {
        let params: GetPromptRequestParams =
            serde_json::from_value(json!({"name": name, "arguments": arguments}))?;
        Ok(serde_json::to_value(
            self.service.get_prompt(params).await?,
        )?)
    }

    /// Completion as it is on the wire.
    pub async fn complete(&self, params: &Value) -> Result<Value, Failure> {
        let params: CompleteRequestParams = serde_json::from_value(params.clone())?;
        Ok(serde_json::to_value(self.service.complete(params).await?)?)
    }

    pub async fn complete_template(
        &self,
        uri: &str,
        name: &str,
        value: &str,
    ) -> Result<Value, Failure> {
        Ok(json!(
            self.service
                .complete_resource_simple(uri, name, value)
                .await?
        ))
    }

    pub async fn complete_prompt(
        &self,
        prompt: &str,
        name: &str,
        value: &str,
    ) -> Result<Value, Failure> {
        Ok(json!(
            self.service
                .complete_prompt_simple(prompt, name, value)
                .await?
        ))
    }

    pub async fn ping(&self) -> Result<(), Failure> {
        self.service
            .send_request(ClientRequest::PingRequest(PingRequest::default()))
            .await?;
        Ok(())
    }

    pub async fn set_level(&self, level: &str) -> Result<(), Failure> {
        let params: SetLevelRequestParams = serde_json::from_value(json!({"level": level}))?;
        Ok(self.service.set_level(params).await?)
    }

    pub async fn subscribe(&self, uri: &str) -> Result<(), Failure> {
        let params: SubscribeRequestParams = serde_json::from_value(json!({"uri": uri}))?;
        Ok(self.service.subscribe(params).await?)
    }

    pub async fn unsubscribe(&self, uri: &str) -> Result<(), Failure> {
        let params: UnsubscribeRequestParams = serde_json::from_value(json!({"uri": uri}))?;
        Ok(self.service.unsubscribe(params).await?)
    }

    /// Opens `subscriptions/listen` (modern); dropping what this returns ends it.
    pub async fn listen(&self, filter: Value) -> Result<Listening, Failure> {
        let filter: SubscriptionFilter = serde_json::from_value(filter)?;
        let subscription = self.service.listen(filter).await?;
        Ok(Listening::new(subscription, self.heard.clone()))
    }

    pub async fn close(self) -> Result<(), Failure> {
        match self.service.cancel().await {
            Ok(_) => Ok(()),
            Err(error) => Err(Failure {
                code: None,
                words: error.to_string(),
                error: None,
            }),
        }
    }
}

/// An open subscription whose notifications are put with what was heard.
pub struct Listening {
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<()>,
}

impl Listening {
    fn new(mut subscription: Subscription, heard: Arc<Heard>) -> Self {
        let (stop, mut stopped) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            loop {
                let next = tokio::select! {
                    _ = &mut stopped => break,
                    next = subscription.next() => next,
                };
                match next {
                    Ok(Some(ServerNotification::ToolListChangedNotification(_))) => {
                        heard.tools_changed();
                    }
                    Ok(Some(ServerNotification::ResourceUpdatedNotification(updated))) => {
                        heard.updated(&updated.params.uri);
                    }
                    Ok(Some(_)) => {}
                    Ok(None) | Err(_) => break,
                }
            }
            // Where it ended by itself there is nobody left to tell.
            let _ = subscription.cancel().await;
        });
        Self {
            stop: Some(stop),
            task,
        }
    }

    pub async fn close(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let _ = self.task.await;
    }
}
