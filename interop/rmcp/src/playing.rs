//! The steps of a file, taken with rmcp.

use serde_json::{Value, json};

use crate::client::{Connection, Failure, Listening};
use crate::play::{self, Client, Outcome};

impl From<Failure> for play::Failure {
    fn from(failure: Failure) -> Self {
        match failure.error {
            Some(error) => Self::Refused(error),
            None => Self::Threw(failure.words),
        }
    }
}

impl Client for Connection {
    type Listening = Listening;

    fn info(&self) -> Value {
        json!({
            "revision": self.revision,
            "capabilities": self.capabilities().unwrap_or_default(),
            "server": self.server(),
            "instructions": self.instructions(),
        })
    }

    fn is_modern(&self) -> bool {
        self.modern
    }

    fn heard(&self) -> &play::Heard {
        static NOTHING: std::sync::LazyLock<play::Heard> =
            std::sync::LazyLock::new(Default::default);
        self.heard.play.as_ref().unwrap_or(&NOTHING)
    }

    async fn list(&self, what: &str) -> Outcome {
        Ok(match what {
            "tools" => self.list_tools().await,
            "resources" => self.list_resources().await,
            "templates" => self.list_templates().await,
            _ => self.list_prompts().await,
        }?)
    }

    async fn call(&self, params: &Value, level: Option<&str>) -> Outcome {
        let name = params["name"].as_str().unwrap_or_default();
        Ok(Connection::call(self, name, params["arguments"].clone(), level).await?)
    }

    async fn read(&self, uri: &str) -> Outcome {
        Ok(Connection::read(self, uri).await?)
    }

    async fn prompt(&self, params: &Value) -> Outcome {
        let name = params["name"].as_str().unwrap_or_default();
        Ok(Connection::prompt(self, name, params["arguments"].clone()).await?)
    }

    async fn complete(&self, params: &Value) -> Outcome {
        Ok(Connection::complete(self, params).await?)
    }

    async fn ping(&self) -> Outcome {
        Connection::ping(self).await?;
        Ok(Value::Null)
    }

    async fn set_level(&self, level: &str) -> Outcome {
        Connection::set_level(self, level).await?;
        Ok(Value::Null)
    }

    async fn subscribe(&self, uri: &str) -> Outcome {
        Connection::subscribe(self, uri).await?;
        Ok(Value::Null)
    }

    async fn unsubscribe(&self, uri: &str) -> Outcome {
        Connection::unsubscribe(self, uri).await?;
        Ok(Value::Null)
    }

    async fn listen(&self, uri: Option<&str>) -> Result<Listening, play::Failure> {
        let filter = match uri {
            Some(uri) => json!({"resourceSubscriptions": [uri]}),
            None => json!({"toolsListChanged": true}),
        };
        Ok(Connection::listen(self, filter).await?)
    }

    async fn end(&self, listening: Listening) {
        listening.close().await;
    }

    async fn close(self) -> Outcome {
        Connection::close(self).await?;
        Ok(Value::Null)
    }
}
