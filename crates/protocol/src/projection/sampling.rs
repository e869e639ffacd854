//! Sampling: what a server asks of the client's model, and what it answers.
//!
//! Before 2025-11-25 a message has exactly one piece of content, and no tools: several pieces
//! become several messages, and calls of tools become text.

use std::fmt;

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};

use super::{Each, Number, ProjectMembers, Put, at, content::Note, since, tools::put_outcome};
use crate::{
    content::{Role, TextContent},
    meta::Meta,
    revision::Revision,
    sampling::{
        CreateMessageParams, CreateMessageResult, ModelHint, ModelPreferences, OneOrMany,
        SamplingContent, SamplingMessage, ToolChoice, ToolResultContent, ToolUseContent,
    },
};

/// Since when messages have several pieces of content, tools and `_meta`.
const TOOLS: Revision = Revision::V2025_11_25;

impl ProjectMembers for CreateMessageParams {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        if revision < TOOLS {
            map.put("messages", &PieceByPiece(&self.messages, revision))?;
        } else {
            map.put("messages", &Each(&self.messages, revision))?;
        }
        map.put_at(
            "modelPreferences",
            self.model_preferences.as_ref(),
            revision,
        )?;
        map.put_some("systemPrompt", self.system_prompt.as_ref())?;
        map.put_some("includeContext", self.include_context)?;
        map.put_some("temperature", Number::finite(self.temperature))?;
        map.put("maxTokens", &self.max_tokens)?;
        map.put_list("stopSequences", &self.stop_sequences)?;
        map.put_some("metadata", self.metadata.as_ref())?;
        if revision >= TOOLS && !self.tools.is_empty() {
            map.put("tools", &Each(&self.tools, revision))?;
        }
        map.put_at(
            "toolChoice",
            since(TOOLS, revision, self.tool_choice.as_ref()),
            revision,
        )
    }
}

/// One message for each piece of content.
struct PieceByPiece<'a>(&'a [SamplingMessage], Revision);

impl Serialize for PieceByPiece<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        for message in self.0 {
            for content in message.content.as_slice() {
                seq.serialize_element(&at(&Piece(message.role, content), self.1))?;
            }
        }
        seq.end()
    }
}

struct Piece<'a>(Role, &'a SamplingContent);

impl ProjectMembers for Piece<'_> {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("role", &self.0)?;
        map.put("content", &at(self.1, revision))
    }
}

impl ProjectMembers for SamplingMessage {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("role", &self.role)?;
        map.put("content", &Contents(&self.content, revision))
    }

    fn meta(&self, revision: Revision) -> Option<&Meta> {
        since(TOOLS, revision, self.meta.as_ref())
    }
}

impl ProjectMembers for CreateMessageResult {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("role", &self.role)?;
        map.put("content", &Contents(&self.content, revision))?;
        map.put("model", &self.model)?;
        map.put_some("stopReason", self.stop_reason.as_ref())
    }

    fn meta(&self, _: Revision) -> Option<&Meta> {
        self.meta.as_ref()
    }
}

/// All content of one message. Where there is room for one piece only, several are put together
/// as one text; of several without any text the first one is kept.
struct Contents<'a>(&'a OneOrMany, Revision);

impl Serialize for Contents<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(contents, revision) = *self;
        match contents {
            OneOrMany::One(content) => at(content, revision).serialize(serializer),
            OneOrMany::Many(contents) if revision >= TOOLS => {
                Each(contents, revision).serialize(serializer)
            }
            OneOrMany::Many(contents) => match contents.as_slice() {
                [content] => at(content, revision).serialize(serializer),
                [first, ..] if !contents.iter().any(is_textual) => {
                    at(first, revision).serialize(serializer)
                }
                contents => {
                    let notes: Vec<_> = contents.iter().map(|it| Note(it).to_string()).collect();
                    let text = TextContent::new(notes.join("\n\n"));
                    at(&text, revision).serialize(serializer)
                }
            },
        }
    }
}

fn is_textual(content: &SamplingContent) -> bool {
    !matches!(
        content,
        SamplingContent::Image(_) | SamplingContent::Audio(_)
    )
}

impl ProjectMembers for SamplingContent {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Text(content) => content.members(revision, map),
            Self::Image(content) => content.members(revision, map),
            Self::Audio(content) => content.members(revision, map),
            Self::ToolUse(content) => content.members(revision, map),
            Self::ToolResult(content) => content.members(revision, map),
        }
    }

    fn meta(&self, revision: Revision) -> Option<&Meta> {
        match self {
            Self::Text(content) => content.meta(revision),
            Self::Image(content) => content.meta(revision),
            Self::Audio(content) => content.meta(revision),
            Self::ToolUse(content) => content.meta(revision),
            Self::ToolResult(content) => content.meta(revision),
        }
    }
}

impl ProjectMembers for ToolUseContent {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        if revision < TOOLS {
            map.put("type", "text")?;
            return map.put("text", &format_args!("{}", Note(self)));
        }
        map.put("type", "tool_use")?;
        map.put("id", &self.id)?;
        map.put("name", &self.name)?;
        map.put("input", &self.input)
    }

    fn meta(&self, revision: Revision) -> Option<&Meta> {
        since(TOOLS, revision, self.meta.as_ref())
    }
}

impl ProjectMembers for ToolResultContent {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        if revision < TOOLS {
            map.put("type", "text")?;
            return map.put("text", &format_args!("{}", Note(self)));
        }
        map.put("type", "tool_result")?;
        map.put("toolUseId", &self.tool_use_id)?;
        put_outcome(
            map,
            &self.content,
            self.structured_content.as_deref(),
            self.is_error,
            revision,
        )
    }

    fn meta(&self, revision: Revision) -> Option<&Meta> {
        since(TOOLS, revision, self.meta.as_ref())
    }
}

impl fmt::Display for Note<'_, SamplingContent> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            SamplingContent::Text(content) => f.write_str(&content.text),
            SamplingContent::Image(content) => write!(f, "[image: {}]", content.mime_type),
            SamplingContent::Audio(content) => Note(content).fmt(f),
            SamplingContent::ToolUse(content) => Note(content).fmt(f),
            SamplingContent::ToolResult(content) => Note(content).fmt(f),
        }
    }
}

impl fmt::Display for Note<'_, ToolUseContent> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ToolUseContent {
            id, name, input, ..
        } = self.0;
        let input = serde_json::to_string(input).map_err(|_| fmt::Error)?;
        write!(f, "[call {id} of tool {name}: {input}]")
    }
}

impl fmt::Display for Note<'_, ToolResultContent> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let result = self.0;
        let failed = if result.is_error == Some(true) {
            ", failed"
        } else {
            ""
        };
        write!(f, "[result of call {}{failed}]", result.tool_use_id)?;
        match &result.structured_content {
            Some(json) if result.content.is_empty() => write!(f, "\n{json}"),
            _ => result
                .content
                .iter()
                .try_for_each(|content| write!(f, "\n{}", Note(content))),
        }
    }
}

impl ProjectMembers for ModelPreferences {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        if !self.hints.is_empty() {
            map.put("hints", &Each(&self.hints, revision))?;
        }
        map.put_some("costPriority", Number::priority(self.cost_priority))?;
        map.put_some("speedPriority", Number::priority(self.speed_priority))?;
        map.put_some(
            "intelligencePriority",
            Number::priority(self.intelligence_priority),
        )
    }
}

impl ProjectMembers for ModelHint {
    fn members<M: SerializeMap>(&self, _: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put_some("name", self.name.as_ref())
    }
}

impl ProjectMembers for ToolChoice {
    fn members<M: SerializeMap>(&self, _: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put_some("mode", self.mode)
    }
}
