//! [`Tools`]: the server's tools in the hands of a model.

use std::collections::HashMap;

use wharf_protocol::sampling::ToolUseContent;
use wharf_protocol::{ContentBlock, Tool, ToolResultContent};

use super::Lines;
use crate::escape;
use crate::failure::Failure;
use crate::session::Session;
use crate::terminal::{DIM, LITERAL, say, styled};

/// How many characters of a call's arguments are shown.
const MAX_SHOWN: usize = 2_000;

/// Who agrees to calls of tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// Everything may be called.
    Given,
    /// A person is asked, unless the tool says that it only reads.
    Asked,
    /// Nobody can be asked: only tools that say so read.
    Missing,
}

/// The tools that a model may use.
#[derive(Debug, Default)]
pub(crate) struct Tools(HashMap<String, Tool>);

impl Tools {
    /// Those of the server; none, where it has none.
    pub(crate) async fn of_server(session: &Session) -> Result<Self, Failure> {
        let info = session.client.info().await;
        let info = info.map_err(|error| session.failure(&error))?;
        if info.capabilities.tools.is_none() {
            return Ok(Self::default());
        }
        let all = session.client.tools().all().await;
        let all = all.map_err(|error| session.failure(&error))?;
        let tools = all
            .into_iter()
            .map(|tool| (tool.name.clone(), (*tool).clone()));
        Ok(Self(tools.collect()))
    }

    /// What the model is told of them, in the order of their names.
    pub(crate) fn offered(&self) -> Vec<Tool> {
        let mut names: Vec<_> = self.0.keys().collect();
        names.sort();
        let offered = |name: &String| {
            let tool = &self.0[name];
            let mut offered = Tool::new(name.clone(), tool.input_schema.clone());
            offered.description = tool.description.clone();
            offered
        };
        names.into_iter().map(offered).collect()
    }

    /// Shows a call, has it agreed to, and does it. What went wrong is for the model to read.
    ///
    /// # Errors
    /// The server is gone.
    pub(crate) async fn call(
        &self,
        session: &Session,
        call: &ToolUseContent,
        consent: Consent,
        lines: &mut Lines,
    ) -> Result<ToolResultContent, Failure> {
        let arguments = serde_json::Value::Object(call.input.clone()).to_string();
        let shown: String = arguments.chars().take(MAX_SHOWN).collect();
        let more = if shown.len() < arguments.len() {
            "…"
        } else {
            ""
        };
        say(format_args!(
            "{} {} {}{more}",
            styled(DIM, "the model calls"),
            styled(LITERAL, escape::line(&call.name)),
            escape::line(&shown)
        ));
        let Some(tool) = self.0.get(&call.name) else {
            return Ok(failed(call, "There is no tool of this name."));
        };
        let hints = tool.annotations.as_ref();
        let reads = hints.and_then(|hints| hints.read_only_hint) == Some(true);
        let agreed = match consent {
            Consent::Given => true,
            _ if reads => true,
            Consent::Asked => {
                let answer = lines.next("call it? (y/N) ").await?.unwrap_or_default();
                matches!(answer.trim(), "y" | "Y" | "yes")
            }
            Consent::Missing => {
                say(styled(
                    DIM,
                    "not called: it may change something, and nobody can be asked; give --yes",
                ));
                false
            }
        };
        if !agreed {
            return Ok(failed(call, "The person did not agree to this call."));
        }
        match session.client.call(&call.name, &call.input).await {
            Ok(result) => {
                let words: Vec<_> = result.content.iter().map(word).collect();
                let line: String = words.join(" ").chars().take(200).collect();
                say(styled(DIM, format_args!("  {}", escape::line(&line))));
                Ok(ToolResultContent {
                    tool_use_id: call.id.clone(),
                    content: result.content,
                    structured_content: result.structured_content,
                    is_error: result.is_error,
                    meta: None,
                })
            }
            Err(error) if error.is_closed() || error.is_unreachable() => {
                Err(session.failure(&error))
            }
            Err(error) => {
                let why = error.to_string();
                say(styled(DIM, format_args!("  {}", escape::line(&why))));
                Ok(failed(call, &why))
            }
        }
    }
}

/// A piece of a result in a word.
fn word(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Image(image) => format!("[image: {}]", image.mime_type),
        ContentBlock::Audio(audio) => format!("[audio: {}]", audio.mime_type),
        ContentBlock::ResourceLink(link) => format!("[{}]", link.resource.uri),
        ContentBlock::Resource(_) => "[a resource]".to_owned(),
    }
}

fn failed(call: &ToolUseContent, why: &str) -> ToolResultContent {
    ToolResultContent {
        tool_use_id: call.id.clone(),
        content: vec![ContentBlock::text(why)],
        is_error: Some(true),
        ..ToolResultContent::default()
    }
}
