//! Content: what tools, prompts and models say, and how it may be shown
//! (spec 2026-07-28, server/tools, "Tool result"; schema, "Content").

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value, value::RawValue};

use crate::{
    meta::Meta,
    resources::{Resource, ResourceContents},
    sampling::{SamplingContent, ToolResultContent, ToolUseContent},
};

/// Who speaks, and who content is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The person, or what speaks for them.
    User,
    /// The model.
    Assistant,
}

/// How content or a resource may be used and shown.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotations {
    /// Whom it is meant for; absent when that is not said.
    pub audience: Option<Vec<Role>>,
    /// How important it is, from 0 (entirely optional) to 1 (required). Written within that range.
    pub priority: Option<f64>,
    /// When it was last modified, in ISO 8601, since 2025-06-18.
    pub last_modified: Option<String>,
}

/// An image that stands for a server, a tool, a resource or a prompt, since 2025-11-25.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Icon {
    /// An `http(s):` or `data:` URI.
    pub src: String,
    /// The MIME type, where the source's own is missing or generic.
    pub mime_type: Option<String>,
    /// The sizes it is good for: `48x48`, or `any`. Absent means any size.
    pub sizes: Option<Vec<String>>,
    /// The background it is designed for. Absent means any.
    pub theme: Option<IconTheme>,
}

/// The background an [`Icon`] is designed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IconTheme {
    /// A light background.
    Light,
    /// A dark background.
    Dark,
}

/// What a client or a server says it is. Self-reported: for display and logs, not for decisions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Implementation {
    /// The name, for programs.
    pub name: String,
    /// The name, for people, since 2025-06-18.
    pub title: Option<String>,
    /// The version of the software.
    pub version: String,
    /// What it does, since 2025-11-25.
    pub description: Option<String>,
    /// Where to read more, since 2025-11-25.
    pub website_url: Option<String>,
    /// Its icons, since 2025-11-25.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub icons: Vec<Icon>,
}

impl Implementation {
    /// One with a name and a version.
    #[must_use]
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            ..Self::default()
        }
    }
}

/// One piece of content of a tool's result or a prompt's message.
///
/// What models exchange while sampling is the narrower [`SamplingContent`].
#[derive(Debug, Clone, PartialEq)]
pub enum ContentBlock {
    /// Text.
    Text(TextContent),
    /// An image.
    Image(ImageContent),
    /// Audio, since 2025-03-26; a text note before.
    Audio(AudioContent),
    /// A resource that can be read, since 2025-06-18; text with its URI before.
    ResourceLink(ResourceLink),
    /// A resource with its contents.
    Resource(EmbeddedResource),
}

impl ContentBlock {
    /// Text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(TextContent::new(text))
    }

    /// An image from base64 data and a MIME type such as `image/png`.
    #[must_use]
    pub fn image(data_base64: impl Into<String>, mime_type: impl Into<String>) -> Self {
        Self::Image(ImageContent {
            data: data_base64.into(),
            mime_type: mime_type.into(),
            annotations: None,
            meta: None,
        })
    }

    /// Audio from base64 data and a MIME type such as `audio/wav`.
    #[must_use]
    pub fn audio(data_base64: impl Into<String>, mime_type: impl Into<String>) -> Self {
        Self::Audio(AudioContent {
            data: data_base64.into(),
            mime_type: mime_type.into(),
            annotations: None,
            meta: None,
        })
    }

    /// A link to a resource.
    #[must_use]
    pub fn resource_link(link: impl Into<ResourceLink>) -> Self {
        Self::ResourceLink(link.into())
    }

    /// A resource with its contents.
    #[must_use]
    pub fn embedded(contents: impl Into<ResourceContents>) -> Self {
        Self::Resource(EmbeddedResource {
            resource: contents.into(),
            annotations: None,
            meta: None,
        })
    }

    /// The text, where it is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(content) => Some(&content.text),
            _ => None,
        }
    }
}

/// Text provided to or by a model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TextContent {
    /// The text.
    pub text: String,
    /// How it may be used.
    pub annotations: Option<Annotations>,
    /// Additional information, since 2025-06-18.
    pub meta: Option<Meta>,
}

impl TextContent {
    /// Text without annotations.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            annotations: None,
            meta: None,
        }
    }
}

/// An image provided to or by a model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ImageContent {
    /// The bytes, in base64.
    pub data: String,
    /// Their MIME type.
    pub mime_type: String,
    /// How it may be used.
    pub annotations: Option<Annotations>,
    /// Additional information, since 2025-06-18.
    pub meta: Option<Meta>,
}

/// Audio provided to or by a model, since 2025-03-26.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AudioContent {
    /// The bytes, in base64.
    pub data: String,
    /// Their MIME type.
    pub mime_type: String,
    /// How it may be used.
    pub annotations: Option<Annotations>,
    /// Additional information, since 2025-06-18.
    pub meta: Option<Meta>,
}

/// A resource that can be read, named in a result; it need not be in `resources/list`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResourceLink {
    /// The resource.
    pub resource: Resource,
}

impl From<Resource> for ResourceLink {
    fn from(resource: Resource) -> Self {
        Self { resource }
    }
}

/// The contents of a resource, put into a result or a message.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddedResource {
    /// The contents.
    pub resource: ResourceContents,
    /// How it may be used.
    pub annotations: Option<Annotations>,
    /// Additional information, since 2025-06-18.
    pub meta: Option<Meta>,
}

impl From<TextContent> for ContentBlock {
    fn from(content: TextContent) -> Self {
        Self::Text(content)
    }
}

impl From<ImageContent> for ContentBlock {
    fn from(content: ImageContent) -> Self {
        Self::Image(content)
    }
}

impl From<AudioContent> for ContentBlock {
    fn from(content: AudioContent) -> Self {
        Self::Audio(content)
    }
}

impl From<ResourceLink> for ContentBlock {
    fn from(content: ResourceLink) -> Self {
        Self::ResourceLink(content)
    }
}

impl From<EmbeddedResource> for ContentBlock {
    fn from(content: EmbeddedResource) -> Self {
        Self::Resource(content)
    }
}

impl<'de> Deserialize<'de> for ContentBlock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = AnyContent::deserialize(deserializer)?;
        fields.block().map_err(D::Error::custom)
    }
}

/// The members of every kind of content at once. `type` may stand anywhere in the object, so
/// reading all members and then choosing avoids holding the object in a buffer first.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AnyContent<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    annotations: Option<Annotations>,
    #[serde(rename = "_meta")]
    meta: Option<Meta>,
    text: Option<String>,
    data: Option<String>,
    mime_type: Option<String>,
    resource: Option<ResourceContents>,
    uri: Option<String>,
    name: Option<String>,
    title: Option<String>,
    description: Option<String>,
    size: Option<u64>,
    icons: Option<Vec<Icon>>,
    id: Option<String>,
    input: Option<Map<String, Value>>,
    tool_use_id: Option<String>,
    content: Option<Vec<ContentBlock>>,
    structured_content: Option<Box<RawValue>>,
    is_error: Option<bool>,
}

impl AnyContent<'_> {
    fn block(self) -> Result<ContentBlock, String> {
        match &*self.kind {
            "text" => Ok(ContentBlock::Text(self.into_text()?)),
            "image" => Ok(ContentBlock::Image(self.into_image()?)),
            "audio" => Ok(ContentBlock::Audio(self.into_audio()?)),
            "resource_link" => Ok(ContentBlock::ResourceLink(ResourceLink {
                resource: Resource {
                    uri: need(self.uri, "uri")?,
                    name: need(self.name, "name")?,
                    title: self.title,
                    description: self.description,
                    mime_type: self.mime_type,
                    annotations: self.annotations,
                    size: self.size,
                    icons: self.icons.unwrap_or_default(),
                    meta: self.meta,
                },
            })),
            "resource" => Ok(ContentBlock::Resource(EmbeddedResource {
                resource: need(self.resource, "resource")?,
                annotations: self.annotations,
                meta: self.meta,
            })),
            other => Err(format!("unknown content type {other:?}")),
        }
    }

    pub(crate) fn sampling(self) -> Result<SamplingContent, String> {
        match &*self.kind {
            "text" => Ok(SamplingContent::Text(self.into_text()?)),
            "image" => Ok(SamplingContent::Image(self.into_image()?)),
            "audio" => Ok(SamplingContent::Audio(self.into_audio()?)),
            "tool_use" => Ok(SamplingContent::ToolUse(ToolUseContent {
                id: need(self.id, "id")?,
                name: need(self.name, "name")?,
                input: need(self.input, "input")?,
                meta: self.meta,
            })),
            "tool_result" => Ok(SamplingContent::ToolResult(ToolResultContent {
                tool_use_id: need(self.tool_use_id, "toolUseId")?,
                content: need(self.content, "content")?,
                structured_content: self.structured_content,
                is_error: self.is_error,
                meta: self.meta,
            })),
            other => Err(format!("unknown content type {other:?}")),
        }
    }

    fn into_text(self) -> Result<TextContent, String> {
        Ok(TextContent {
            text: need(self.text, "text")?,
            annotations: self.annotations,
            meta: self.meta,
        })
    }

    fn into_image(self) -> Result<ImageContent, String> {
        Ok(ImageContent {
            data: need(self.data, "data")?,
            mime_type: need(self.mime_type, "mimeType")?,
            annotations: self.annotations,
            meta: self.meta,
        })
    }

    fn into_audio(self) -> Result<AudioContent, String> {
        Ok(AudioContent {
            data: need(self.data, "data")?,
            mime_type: need(self.mime_type, "mimeType")?,
            annotations: self.annotations,
            meta: self.meta,
        })
    }
}

fn need<T>(member: Option<T>, name: &str) -> Result<T, String> {
    member.ok_or_else(|| format!("content without its member `{name}`"))
}
