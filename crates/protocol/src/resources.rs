//! Resources: data a client may read (spec 2026-07-28, server/resources).

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{
    content::{Annotations, Icon},
    meta::Meta,
};

/// A resource as `resources/list` describes it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// The URI it is read by.
    pub uri: String,
    /// The name, for programs.
    pub name: String,
    /// The name, for people, since 2025-06-18.
    pub title: Option<String>,
    /// What it is, for the model.
    pub description: Option<String>,
    /// Its MIME type, where it is known.
    pub mime_type: Option<String>,
    /// How it may be used.
    pub annotations: Option<Annotations>,
    /// The size of its raw contents in bytes, before base64, where it is known.
    pub size: Option<u64>,
    /// Its icons, since 2025-11-25.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub icons: Vec<Icon>,
    /// Additional information, since 2025-06-18.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}

impl Resource {
    /// One with a URI and a name.
    #[must_use]
    pub fn new(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            name: name.into(),
            ..Self::default()
        }
    }
}

/// A family of resources whose URIs follow one template (RFC 6570).
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceTemplate {
    /// The URI template.
    pub uri_template: String,
    /// The name, for programs.
    pub name: String,
    /// The name, for people, since 2025-06-18.
    pub title: Option<String>,
    /// What the template is for.
    pub description: Option<String>,
    /// The MIME type, where all resources of the family have the same.
    pub mime_type: Option<String>,
    /// How the resources may be used.
    pub annotations: Option<Annotations>,
    /// Its icons, since 2025-11-25.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub icons: Vec<Icon>,
    /// Additional information, since 2025-06-18.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}

impl ResourceTemplate {
    /// One with a URI template and a name.
    #[must_use]
    pub fn new(uri_template: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            uri_template: uri_template.into(),
            name: name.into(),
            ..Self::default()
        }
    }
}

/// The contents of a resource or of a part of it.
#[derive(Debug, Clone, PartialEq)]
pub enum ResourceContents {
    /// Text.
    Text(TextResourceContents),
    /// Bytes.
    Blob(BlobResourceContents),
}

impl ResourceContents {
    /// Text under a URI.
    #[must_use]
    pub fn text(uri: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Text(TextResourceContents {
            uri: uri.into(),
            text: text.into(),
            ..TextResourceContents::default()
        })
    }

    /// Bytes, in base64, under a URI.
    #[must_use]
    pub fn blob(uri: impl Into<String>, blob_base64: impl Into<String>) -> Self {
        Self::Blob(BlobResourceContents {
            uri: uri.into(),
            blob: blob_base64.into(),
            ..BlobResourceContents::default()
        })
    }

    /// The same, with its MIME type.
    ///
    /// ```
    /// use wharf_protocol::resources::ResourceContents;
    ///
    /// let page = ResourceContents::text("docs://start", "# Start").mime_type("text/markdown");
    /// # let _ = page;
    /// ```
    #[must_use]
    pub fn mime_type(mut self, mime_type: impl Into<String>) -> Self {
        let place = match &mut self {
            Self::Text(contents) => &mut contents.mime_type,
            Self::Blob(contents) => &mut contents.mime_type,
        };
        *place = Some(mime_type.into());
        self
    }

    /// The URI of what this is the contents of.
    #[must_use]
    pub fn uri(&self) -> &str {
        match self {
            Self::Text(contents) => &contents.uri,
            Self::Blob(contents) => &contents.uri,
        }
    }
}

/// Contents that are text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TextResourceContents {
    /// The URI.
    pub uri: String,
    /// The MIME type, where it is known.
    pub mime_type: Option<String>,
    /// The text.
    pub text: String,
    /// Additional information, since 2025-06-18.
    pub meta: Option<Meta>,
}

/// Contents that are bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BlobResourceContents {
    /// The URI.
    pub uri: String,
    /// The MIME type, where it is known.
    pub mime_type: Option<String>,
    /// The bytes, in base64.
    pub blob: String,
    /// Additional information, since 2025-06-18.
    pub meta: Option<Meta>,
}

impl From<TextResourceContents> for ResourceContents {
    fn from(contents: TextResourceContents) -> Self {
        Self::Text(contents)
    }
}

impl From<BlobResourceContents> for ResourceContents {
    fn from(contents: BlobResourceContents) -> Self {
        Self::Blob(contents)
    }
}

impl<'de> Deserialize<'de> for ResourceContents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Members {
            uri: String,
            mime_type: Option<String>,
            text: Option<String>,
            blob: Option<String>,
            #[serde(rename = "_meta")]
            meta: Option<Meta>,
        }
        let Members {
            uri,
            mime_type,
            text,
            blob,
            meta,
        } = Members::deserialize(deserializer)?;
        match (text, blob) {
            (Some(text), _) => Ok(Self::Text(TextResourceContents {
                uri,
                mime_type,
                text,
                meta,
            })),
            (None, Some(blob)) => Ok(Self::Blob(BlobResourceContents {
                uri,
                mime_type,
                blob,
                meta,
            })),
            (None, None) => Err(D::Error::custom(
                "resource contents without `text` and without `blob`",
            )),
        }
    }
}

/// The answer to `resources/list`: one page of resources.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListResourcesResult {
    /// The resources.
    pub resources: Vec<Resource>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<String>,
    /// Additional information.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}

/// The answer to `resources/templates/list`: one page of templates.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListResourceTemplatesResult {
    /// The templates.
    pub resource_templates: Vec<ResourceTemplate>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<String>,
    /// Additional information.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}

/// The answer to `resources/read`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadResourceResult {
    /// The contents; several where the URI stands for several resources.
    pub contents: Vec<ResourceContents>,
    /// Additional information.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}
