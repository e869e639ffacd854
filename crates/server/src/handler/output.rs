//! What a handler may return, and how it becomes a result.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use wharf_protocol::content::{ContentBlock, EmbeddedResource, ResourceLink, Role, TextContent};
use wharf_protocol::prompts::{GetPromptResult, PromptMessage};
use wharf_protocol::resources::{
    BlobResourceContents, ReadResourceResult, ResourceContents, TextResourceContents,
};
use wharf_protocol::tools::CallToolResult;

pub use super::content::{Audio, Image, IntoContent, Json, Message};
use crate::error::{Error, Result};

/// What a tool may return (specification 2026-07-28, server/tools, "Tool Result").
#[diagnostic::on_unimplemented(
    message = "a tool cannot return `{Self}`",
    label = "not a tool result",
    note = "return text (`String`, `&'static str`), a number, `bool`, `()`, `Json<T>` for a struct with `Serialize` and `JsonSchema`, `Image`, `Audio`, `ContentBlock`, `ResourceLink`, `EmbeddedResource`, `CallToolResult`, a `Vec`, `Option` or tuple of these, or a `Result` of one of these with an error that implements `Display`",
    note = "wrap your own struct: `Json(value)`"
)]
pub trait IntoToolResult {
    /// The schema that every structured result of this type fits, if it has structured results.
    fn output_schema() -> Option<Value> {
        None
    }

    /// Makes the result.
    ///
    /// # Errors
    /// The handler's own error, or a value that cannot be written as JSON.
    fn into_tool_result(self) -> Result<CallToolResult>;
}

macro_rules! tool_result_of_content {
    ($({$($generics:tt)*} $type:ty),* $(,)?) => {$(
        impl<$($generics)*> IntoToolResult for $type {
            fn into_tool_result(self) -> Result<CallToolResult> {
                let mut content = Vec::with_capacity(1);
                self.add_to(&mut content)?;
                Ok(CallToolResult { content, ..CallToolResult::default() })
            }
        }
    )*};
}
tool_result_of_content! {
    {} String, {} &str, {} Cow<'_, str>, {} Box<str>, {} std::sync::Arc<str>,
    {} i8, {} i16, {} i32, {} i64, {} i128, {} isize, {} u8, {} u16, {} u32, {} u64, {} u128, {} usize,
    {} f32, {} f64, {} bool, {} char, {} (),
    {} Image, {} Audio, {} TextContent, {} ResourceLink, {} EmbeddedResource, {} ResourceContents, {} ContentBlock,
    {T: IntoContent} Vec<T>,
    {A: IntoContent} (A,),
    {A: IntoContent, B: IntoContent} (A, B),
    {A: IntoContent, B: IntoContent, C: IntoContent} (A, B, C),
    {A: IntoContent, B: IntoContent, C: IntoContent, D: IntoContent} (A, B, C, D),
    {A: IntoContent, B: IntoContent, C: IntoContent, D: IntoContent, E: IntoContent} (A, B, C, D, E),
    {A: IntoContent, B: IntoContent, C: IntoContent, D: IntoContent, E: IntoContent, F: IntoContent} (A, B, C, D, E, F),
    {A: IntoContent, B: IntoContent, C: IntoContent, D: IntoContent, E: IntoContent, F: IntoContent, G: IntoContent} (A, B, C, D, E, F, G),
    {A: IntoContent, B: IntoContent, C: IntoContent, D: IntoContent, E: IntoContent, F: IntoContent, G: IntoContent, H: IntoContent} (A, B, C, D, E, F, G, H),
}

impl IntoToolResult for CallToolResult {
    fn into_tool_result(self) -> Result<CallToolResult> {
        Ok(self)
    }
}

impl<T: Serialize + JsonSchema> IntoToolResult for Json<T> {
    fn output_schema() -> Option<Value> {
        crate::catalog::schema::output_schema_of::<T>()
    }

    fn into_tool_result(self) -> Result<CallToolResult> {
        structured(&self.0)
    }
}

impl<T: IntoToolResult> IntoToolResult for Option<T> {
    // No schema: `None` is a result without structured content, which a tool with a schema must
    // not give.
    fn into_tool_result(self) -> Result<CallToolResult> {
        self.map_or_else(|| Ok(CallToolResult::default()), T::into_tool_result)
    }
}

impl<T: IntoToolResult, E: fmt::Display + Send + 'static> IntoToolResult for Result<T, E> {
    fn output_schema() -> Option<Value> {
        T::output_schema()
    }

    fn into_tool_result(self) -> Result<CallToolResult> {
        self.map_err(Error::from_display)
            .and_then(T::into_tool_result)
    }
}

/// A result with structured content and its JSON as text, which clients that know no structured
/// content read (specification 2026-07-28, server/tools, "Structured Content").
///
/// # Errors
/// When the value cannot be written as JSON.
pub fn structured<T: Serialize + ?Sized>(value: &T) -> Result<CallToolResult> {
    let json: Box<RawValue> = serde_json::value::to_raw_value(value)?;
    Ok(CallToolResult {
        content: vec![ContentBlock::text(json.get())],
        structured_content: Some(json),
        ..CallToolResult::default()
    })
}

/// What a resource may return (specification 2026-07-28, server/resources, "Resource Contents").
#[diagnostic::on_unimplemented(
    message = "a resource cannot return `{Self}`",
    label = "not the contents of a resource",
    note = "return text (`String`, `&'static str`), bytes (`Vec<u8>`, `Bytes`), `Json<T>` with `T: Serialize`, `Image`, `Audio`, `ResourceContents`, a `Vec` of them, `ReadResourceResult`, `Option` (`None`: not found), or a `Result` of one of these with an error that implements `Display`"
)]
pub trait IntoResourceContents {
    /// Makes the contents of the resource `uri`; `mime_type` is the definition's.
    ///
    /// # Errors
    /// The handler's own error, or a value that cannot be written as JSON.
    fn into_resource_contents(
        self,
        uri: &str,
        mime_type: Option<&str>,
    ) -> Result<ReadResourceResult>;
}

fn one(contents: ResourceContents) -> Result<ReadResourceResult> {
    Ok(ReadResourceResult {
        contents: vec![contents],
        ..ReadResourceResult::default()
    })
}

fn text_contents(uri: &str, mime_type: &str, text: String) -> Result<ReadResourceResult> {
    one(ResourceContents::Text(TextResourceContents {
        uri: uri.to_owned(),
        mime_type: Some(mime_type.to_owned()),
        text,
        meta: None,
    }))
}

fn blob_contents(uri: &str, mime_type: &str, bytes: &[u8]) -> Result<ReadResourceResult> {
    one(ResourceContents::Blob(BlobResourceContents {
        uri: uri.to_owned(),
        mime_type: Some(mime_type.to_owned()),
        blob: STANDARD.encode(bytes),
        meta: None,
    }))
}

macro_rules! resource_text {
    ($($type:ty),*) => {$(
        impl IntoResourceContents for $type {
            fn into_resource_contents(self, uri: &str, mime_type: Option<&str>) -> Result<ReadResourceResult> {
                text_contents(uri, mime_type.unwrap_or("text/plain"), self.into())
            }
        }
    )*};
}
resource_text!(String, &str, Cow<'_, str>, Box<str>);

macro_rules! resource_bytes {
    ($($type:ty),*) => {$(
        impl IntoResourceContents for $type {
            fn into_resource_contents(self, uri: &str, mime_type: Option<&str>) -> Result<ReadResourceResult> {
                blob_contents(uri, mime_type.unwrap_or("application/octet-stream"), self.as_ref())
            }
        }
    )*};
}
resource_bytes!(Vec<u8>, Bytes, &[u8], Cow<'_, [u8]>);

macro_rules! resource_media {
    ($($type:ty),*) => {$(
        impl IntoResourceContents for $type {
            fn into_resource_contents(self, uri: &str, _: Option<&str>) -> Result<ReadResourceResult> {
                blob_contents(uri, &self.mime_type, &self.bytes)
            }
        }
    )*};
}
resource_media!(Image, Audio);

impl<T: Serialize> IntoResourceContents for Json<T> {
    fn into_resource_contents(
        self,
        uri: &str,
        mime_type: Option<&str>,
    ) -> Result<ReadResourceResult> {
        let json = serde_json::to_string(&self.0)?;
        text_contents(uri, mime_type.unwrap_or("application/json"), json)
    }
}

impl IntoResourceContents for ResourceContents {
    fn into_resource_contents(self, _: &str, _: Option<&str>) -> Result<ReadResourceResult> {
        one(self)
    }
}

impl IntoResourceContents for Vec<ResourceContents> {
    fn into_resource_contents(self, _: &str, _: Option<&str>) -> Result<ReadResourceResult> {
        Ok(ReadResourceResult {
            contents: self,
            ..ReadResourceResult::default()
        })
    }
}

impl IntoResourceContents for ReadResourceResult {
    fn into_resource_contents(self, _: &str, _: Option<&str>) -> Result<ReadResourceResult> {
        Ok(self)
    }
}

impl<T: IntoResourceContents> IntoResourceContents for Option<T> {
    fn into_resource_contents(
        self,
        uri: &str,
        mime_type: Option<&str>,
    ) -> Result<ReadResourceResult> {
        self.ok_or_else(|| Error::not_found(uri))?
            .into_resource_contents(uri, mime_type)
    }
}

impl<T: IntoResourceContents, E: fmt::Display + Send + 'static> IntoResourceContents
    for Result<T, E>
{
    fn into_resource_contents(
        self,
        uri: &str,
        mime_type: Option<&str>,
    ) -> Result<ReadResourceResult> {
        self.map_err(Error::from_display)?
            .into_resource_contents(uri, mime_type)
    }
}

/// What a prompt may return (specification 2026-07-28, server/prompts).
#[diagnostic::on_unimplemented(
    message = "a prompt cannot return `{Self}`",
    label = "not the messages of a prompt",
    note = "return text (`String`, `&'static str`: one message of the user), `Message`, a `Vec` or array of them, `Vec<PromptMessage>`, `GetPromptResult`, or a `Result` of one of these with an error that implements `Display`"
)]
pub trait IntoPromptResult {
    /// Makes the messages.
    ///
    /// # Errors
    /// The handler's own error, or content that cannot be written.
    fn into_prompt_result(self) -> Result<GetPromptResult>;
}

fn messages(messages: Vec<PromptMessage>) -> Result<GetPromptResult> {
    Ok(GetPromptResult {
        messages,
        ..GetPromptResult::default()
    })
}

macro_rules! prompt_of_content {
    ($($type:ty),*) => {$(
        impl IntoPromptResult for $type {
            fn into_prompt_result(self) -> Result<GetPromptResult> {
                Message::user(self).into_prompt_result()
            }
        }
    )*};
}
prompt_of_content!(
    String,
    &str,
    Cow<'_, str>,
    Image,
    Audio,
    ContentBlock,
    EmbeddedResource
);

impl Message {
    fn add_to(self, out: &mut Vec<PromptMessage>) -> Result<()> {
        let Message {
            role,
            content,
            failed,
        } = self;
        if let Some(reason) = failed {
            return Err(Error::new(reason));
        }
        out.extend(
            content
                .into_iter()
                .map(|content| PromptMessage { role, content }),
        );
        Ok(())
    }
}

impl IntoPromptResult for Message {
    fn into_prompt_result(self) -> Result<GetPromptResult> {
        [self].into_prompt_result()
    }
}

impl<const N: usize> IntoPromptResult for [Message; N] {
    fn into_prompt_result(self) -> Result<GetPromptResult> {
        let mut out = Vec::with_capacity(N);
        self.into_iter()
            .try_for_each(|message| message.add_to(&mut out))?;
        messages(out)
    }
}

impl IntoPromptResult for Vec<Message> {
    fn into_prompt_result(self) -> Result<GetPromptResult> {
        let mut out = Vec::with_capacity(self.len());
        self.into_iter()
            .try_for_each(|message| message.add_to(&mut out))?;
        messages(out)
    }
}

impl IntoPromptResult for PromptMessage {
    fn into_prompt_result(self) -> Result<GetPromptResult> {
        messages(vec![self])
    }
}

impl IntoPromptResult for Vec<PromptMessage> {
    fn into_prompt_result(self) -> Result<GetPromptResult> {
        messages(self)
    }
}

impl IntoPromptResult for GetPromptResult {
    fn into_prompt_result(self) -> Result<GetPromptResult> {
        Ok(self)
    }
}

impl<T: IntoPromptResult, E: fmt::Display + Send + 'static> IntoPromptResult for Result<T, E> {
    fn into_prompt_result(self) -> Result<GetPromptResult> {
        self.map_err(Error::from_display)
            .and_then(T::into_prompt_result)
    }
}

/// A prompt message of this role and content.
impl From<(Role, ContentBlock)> for Message {
    fn from((role, content): (Role, ContentBlock)) -> Self {
        Self {
            role,
            content: vec![content],
            failed: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Serialize, JsonSchema)]
    struct Sum {
        sum: i64,
    }

    fn text_of(result: &CallToolResult) -> Vec<&str> {
        result
            .content
            .iter()
            .map(|block| match block {
                ContentBlock::Text(text) => text.text.as_str(),
                other => panic!("not text: {other:?}"),
            })
            .collect()
    }

    #[test]
    fn a_tool_may_return_plain_values() {
        assert_eq!(text_of(&3_i64.into_tool_result().expect("a result")), ["3"]);
        assert_eq!(
            text_of(&("a", 1).into_tool_result().expect("a result")),
            ["a", "1"]
        );
        assert_eq!(
            text_of(&vec!["a", "b"].into_tool_result().expect("a result")),
            ["a", "b"]
        );
        assert!(().into_tool_result().expect("a result").content.is_empty());
        assert!(
            None::<String>
                .into_tool_result()
                .expect("a result")
                .content
                .is_empty()
        );
        assert_eq!(<String as IntoToolResult>::output_schema(), None);
    }

    #[test]
    fn json_is_structured_and_text_and_has_a_schema() {
        let result = Json(Sum { sum: 3 }).into_tool_result().expect("a result");
        assert_eq!(text_of(&result), [r#"{"sum":3}"#]);
        assert_eq!(
            result.structured_content.expect("structured").get(),
            r#"{"sum":3}"#
        );
        let schema = <Result<Json<Sum>, String>>::output_schema().expect("a schema");
        assert_eq!(schema["type"], "object");
        assert_eq!(schema["required"], json!(["sum"]));
        assert!(schema.get("$schema").is_none() && schema.get("title").is_none());
        assert_eq!(
            <Json<Value>>::output_schema(),
            None,
            "a value of any kind has no schema to fit"
        );
        assert_eq!(<Option<Json<Sum>>>::output_schema(), None);
    }

    #[test]
    fn an_error_of_any_kind_comes_through() {
        let failed: Result<String, &'static str> = Err("no");
        assert_eq!(
            failed.into_tool_result().expect_err("an error").message(),
            "no"
        );
        let failed: Result<String, Error> = Err(Error::protocol(-5, "code"));
        assert!(
            failed
                .into_tool_result()
                .expect_err("an error")
                .is_protocol()
        );
    }

    #[test]
    fn resource_contents_have_uri_and_type() {
        let text = "hi".into_resource_contents("a:b", None).expect("contents");
        assert_eq!(
            text.contents,
            [ResourceContents::Text(TextResourceContents {
                uri: "a:b".into(),
                mime_type: Some("text/plain".into()),
                text: "hi".into(),
                meta: None,
            })]
        );
        let blob = vec![0_u8, 1]
            .into_resource_contents("a:b", Some("x/y"))
            .expect("contents");
        assert_eq!(
            blob.contents,
            [ResourceContents::Blob(BlobResourceContents {
                uri: "a:b".into(),
                mime_type: Some("x/y".into()),
                blob: "AAE=".into(),
                meta: None,
            })]
        );
        let json = Json(json!({"a": 1}))
            .into_resource_contents("a:b", None)
            .expect("contents");
        assert!(
            matches!(&json.contents[..], [ResourceContents::Text(t)] if t.mime_type.as_deref() == Some("application/json") && t.text == r#"{"a":1}"#)
        );
        let image = Image::gif(&b"GIF89a"[..])
            .into_resource_contents("a:b", Some("x/y"))
            .expect("contents");
        assert!(
            matches!(&image.contents[..], [ResourceContents::Blob(b)] if b.mime_type.as_deref() == Some("image/gif"))
        );
        assert_eq!(
            None::<String>
                .into_resource_contents("a:b", None)
                .expect_err("an error")
                .not_found_uri(),
            Some("a:b")
        );
    }

    #[test]
    fn prompts_are_messages() {
        let one = "hi".into_prompt_result().expect("messages");
        assert_eq!(
            one.messages,
            [PromptMessage {
                role: Role::User,
                content: ContentBlock::text("hi")
            }]
        );
        let talk = [Message::user(("a", "b")), Message::assistant("c")]
            .into_prompt_result()
            .expect("messages");
        let roles: Vec<_> = talk.messages.iter().map(|message| message.role).collect();
        assert_eq!(roles, [Role::User, Role::User, Role::Assistant]);
        let broken = Message::user(Json(std::collections::BTreeMap::from([((1, 2), 3)])));
        assert!(vec![broken].into_prompt_result().is_err());
    }
}
