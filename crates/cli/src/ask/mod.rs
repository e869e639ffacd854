//! What servers ask in the middle of a call, put to the person at the terminal, or answered by
//! what a script gave beforehand.
//!
//! `field` reads one field of a form, `form` goes through all of them, `page` is for addresses
//! that the person should open, `sample` for servers that want a model. `console` is the terminal.

pub(crate) mod console;
mod field;
mod form;
mod page;
mod sample;

use std::sync::Arc;

use serde_json::{Map, Value};
use wharf_protocol::{CreateMessageParams, CreateMessageResult};

pub(crate) use console::{Console, Terminal};

use crate::escape;
use crate::llm::Llm;
use crate::show::Progress;
use crate::terminal::{DIM, say, styled};

/// What the person did with a question.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// The values of the form, or nothing where there were none to give.
    Accept(Map<String, Value>),
    /// No.
    Decline,
    /// No answer.
    Cancel,
}

/// Who answers.
#[derive(Debug)]
pub(crate) struct Asker {
    /// What was given beforehand, by name.
    pub(crate) answers: Vec<(String, String)>,
    /// Whether there is a person to ask.
    pub(crate) person: bool,
    pub(crate) llm: Option<Llm>,
    /// What must not draw while a question stands there.
    pub(crate) progress: Progress,
    /// One question at a time.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

impl Asker {
    /// What was given beforehand under this name; the last, where there are several.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        let found = self.answers.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A form.
    pub(crate) async fn form(self: &Arc<Self>, message: String, schema: Value) -> Answer {
        let form = match form::Form::read(&message, &schema) {
            Ok(form) => form,
            Err(why) => {
                return self.declined(&message, &format!("its form cannot be shown: {why}"));
            }
        };
        match form.beforehand(|name| self.given(name)) {
            form::Beforehand::Complete(values) => Answer::Accept(values),
            form::Beforehand::Refused => Answer::Decline,
            form::Beforehand::Wrong(why) => self.declined(&message, &why),
            form::Beforehand::Open(values, missing) if !self.person => {
                let _ = values;
                self.declined(&message, &format!("nobody answers here; give {missing}"))
            }
            form::Beforehand::Open(values, _) => {
                self.at_terminal(move |console| form.ask(values, console))
                    .await
            }
        }
    }

    /// A page.
    pub(crate) async fn page(self: &Arc<Self>, message: String, url: String) -> Answer {
        let page = match page::Page::read(&message, &url) {
            Ok(page) => page,
            Err(why) => return self.declined(&message, &why),
        };
        match self.given("accept") {
            Some("yes" | "true") => Answer::Accept(Map::new()),
            Some(_) => Answer::Decline,
            None if !self.person => {
                let why = format!(
                    "nobody opens {} here; give --answer accept=yes once it is done",
                    escape::line(&url)
                );
                self.declined(&message, &why)
            }
            None => self.at_terminal(move |console| page.ask(console)).await,
        }
    }

    /// A model. The error is for the server to read.
    pub(crate) async fn sample(
        self: &Arc<Self>,
        params: CreateMessageParams,
    ) -> Result<CreateMessageResult, String> {
        if let Some(llm) = &self.llm {
            let _turn = self.turn.lock().await;
            let result = llm.create(params).await;
            self.progress.aside(|| match &result {
                Ok(_) => say(styled(DIM, format_args!("asked {llm} for the server"))),
                Err(why) => say(format_args!("{llm} did not answer: {}", escape::line(why))),
            });
            return result;
        }
        if !self.person {
            self.progress.aside(|| {
                say("refused to ask a model: nobody answers here; name one with --llm PROVIDER:MODEL");
            });
            return Err("there is no model here".into());
        }
        let asked = self
            .conversation(move |console| sample::ask(&params, console))
            .await;
        asked.unwrap_or_else(|| Err("the person did not answer".into()))
    }

    fn declined(&self, message: &str, why: &str) -> Answer {
        self.progress.aside(|| {
            let message: String = message.chars().take(120).collect();
            say(format_args!("declined {:?}: {why}", escape::line(&message)));
        });
        Answer::Decline
    }

    async fn at_terminal(
        self: &Arc<Self>,
        talk: impl FnOnce(&mut dyn Console) -> std::io::Result<Answer> + Send + 'static,
    ) -> Answer {
        let asked = self
            .conversation(move |console| talk(console).unwrap_or(Answer::Cancel))
            .await;
        asked.unwrap_or(Answer::Cancel)
    }

    /// Runs a conversation on a thread of its own, since reading a line cannot be waited for
    /// otherwise. The thread ends with the line, or with the process.
    async fn conversation<T: Send + 'static>(
        self: &Arc<Self>,
        talk: impl FnOnce(&mut dyn Console) -> T + Send + 'static,
    ) -> Option<T> {
        let _turn = self.turn.lock().await;
        let _pause = self.progress.pause();
        let (done, result) = tokio::sync::oneshot::channel();
        let started = std::thread::Builder::new()
            .name("question".into())
            .spawn(move || {
                // Nobody waits any more: the call was cancelled.
                let _ = done.send(talk(&mut Terminal));
            });
        started.ok()?;
        result.await.ok()
    }
}
