//! Values that stand for content: text, [`Json`], [`Image`], [`Audio`], [`Message`].

use std::borrow::Cow;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;
use wharf_protocol::content::{ContentBlock, EmbeddedResource, ResourceLink, Role, TextContent};
use wharf_protocol::resources::ResourceContents;

use crate::error::{Error, Result};

/// A value that is one or more blocks of content.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as content",
    label = "not content",
    note = "use text (`String`, `&str`), a number, `bool`, `Json<T>` with `T: Serialize`, `Image`, `Audio`, `ContentBlock`, `ResourceLink`, `EmbeddedResource`, or a `Vec`, `Option` or tuple of these",
    note = "wrap your own struct: `Json(value)`"
)]
pub trait IntoContent {
    /// Adds the value's blocks to `out`.
    ///
    /// # Errors
    /// When the value cannot be written as content, such as a map with keys that are not text.
    fn add_to(self, out: &mut Vec<ContentBlock>) -> Result<()>;
}

macro_rules! content_as_text {
    ($($type:ty),*) => {$(
        impl IntoContent for $type {
            fn add_to(self, out: &mut Vec<ContentBlock>) -> Result<()> {
                out.push(ContentBlock::text(self));
                Ok(())
            }
        }
    )*};
}
content_as_text!(String, &str, Cow<'_, str>, Box<str>);

macro_rules! content_by_display {
    ($($type:ty),*) => {$(
        impl IntoContent for $type {
            fn add_to(self, out: &mut Vec<ContentBlock>) -> Result<()> {
                out.push(ContentBlock::text(self.to_string()));
                Ok(())
            }
        }
    )*};
}
content_by_display!(
    i8,
    i16,
    i32,
    i64,
    i128,
    isize,
    u8,
    u16,
    u32,
    u64,
    u128,
    usize,
    f32,
    f64,
    bool,
    char,
    std::sync::Arc<str>
);

macro_rules! content_by_variant {
    ($($type:ident => $variant:ident),*) => {$(
        impl IntoContent for $type {
            fn add_to(self, out: &mut Vec<ContentBlock>) -> Result<()> {
                out.push(ContentBlock::$variant(self));
                Ok(())
            }
        }
    )*};
}
content_by_variant!(TextContent => Text, ResourceLink => ResourceLink, EmbeddedResource => Resource);

impl IntoContent for ContentBlock {
    fn add_to(self, out: &mut Vec<ContentBlock>) -> Result<()> {
        out.push(self);
        Ok(())
    }
}

impl IntoContent for ResourceContents {
    fn add_to(self, out: &mut Vec<ContentBlock>) -> Result<()> {
        out.push(ContentBlock::embedded(self));
        Ok(())
    }
}

impl IntoContent for () {
    fn add_to(self, _: &mut Vec<ContentBlock>) -> Result<()> {
        Ok(())
    }
}

impl<T: IntoContent> IntoContent for Option<T> {
    fn add_to(self, out: &mut Vec<ContentBlock>) -> Result<()> {
        self.map_or(Ok(()), |value| value.add_to(out))
    }
}

impl<T: IntoContent> IntoContent for Vec<T> {
    fn add_to(self, out: &mut Vec<ContentBlock>) -> Result<()> {
        out.reserve(self.len());
        self.into_iter().try_for_each(|value| value.add_to(out))
    }
}

macro_rules! content_tuples {
    ($(($($name:ident)+))*) => {$(
        impl<$($name: IntoContent),+> IntoContent for ($($name,)+) {
            #[allow(non_snake_case, reason = "the type parameters name the parts")]
            fn add_to(self, out: &mut Vec<ContentBlock>) -> Result<()> {
                let ($($name,)+) = self;
                $($name.add_to(out)?;)+
                Ok(())
            }
        }
    )*};
}
content_tuples!((A)(A B)(A B C)(A B C D)(A B C D E)(A B C D E F)(A B C D E F G)(A B C D E F G H));

/// A structured value: what it serialises to.
///
/// Returned from a tool it is the result's `structuredContent`, with the schema of `T` as the
/// tool's `outputSchema`, and its JSON is also sent as text for clients that know no structured
/// content. As content or in a resource it is its JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoContent for Json<T> {
    fn add_to(self, out: &mut Vec<ContentBlock>) -> Result<()> {
        out.push(ContentBlock::text(serde_json::to_string(&self.0)?));
        Ok(())
    }
}

/// A picture: its bytes and media type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub(crate) bytes: Bytes,
    pub(crate) mime_type: Cow<'static, str>,
}

impl Image {
    /// A picture of any media type.
    pub fn new(bytes: impl Into<Bytes>, mime_type: impl Into<Cow<'static, str>>) -> Self {
        Self {
            bytes: bytes.into(),
            mime_type: mime_type.into(),
        }
    }

    /// A PNG picture.
    pub fn png(bytes: impl Into<Bytes>) -> Self {
        Self::new(bytes, "image/png")
    }

    /// A JPEG picture.
    pub fn jpeg(bytes: impl Into<Bytes>) -> Self {
        Self::new(bytes, "image/jpeg")
    }

    /// A GIF picture.
    pub fn gif(bytes: impl Into<Bytes>) -> Self {
        Self::new(bytes, "image/gif")
    }

    /// A WebP picture.
    pub fn webp(bytes: impl Into<Bytes>) -> Self {
        Self::new(bytes, "image/webp")
    }

    /// Reads a PNG, JPEG, GIF or WebP file; its first bytes say which it is, its name does not
    /// matter. Reads at once: from async code of a busy server, read the bytes with tokio and use
    /// [`Image::detect`].
    ///
    /// # Errors
    /// When the file cannot be read or is none of these.
    pub fn file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes =
            std::fs::read(path).map_err(|error| Error::from(error).context(path.display()))?;
        Self::detect(bytes).map_err(|error| error.context(path.display()))
    }

    /// A PNG, JPEG, GIF or WebP picture; its first bytes say which.
    ///
    /// # Errors
    /// When the bytes are none of these.
    pub fn detect(bytes: impl Into<Bytes>) -> Result<Self> {
        let bytes = bytes.into();
        let mime_type = match &bytes[..] {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => "image/png",
            [0xff, 0xd8, 0xff, ..] => "image/jpeg",
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => "image/gif",
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => "image/webp",
            _ => {
                return Err(Error::new(
                    "not a PNG, JPEG, GIF or WebP picture: name its media type with `Image::new`",
                ));
            }
        };
        Ok(Self::new(bytes, mime_type))
    }

    /// The picture's bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The picture's media type.
    pub fn mime_type(&self) -> &str {
        &self.mime_type
    }
}

impl IntoContent for Image {
    fn add_to(self, out: &mut Vec<ContentBlock>) -> Result<()> {
        out.push(ContentBlock::image(
            STANDARD.encode(&self.bytes),
            self.mime_type,
        ));
        Ok(())
    }
}

/// A sound: its bytes and media type. Revisions before 2025-03-26 have no audio: their clients get
/// a note in text instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audio {
    pub(crate) bytes: Bytes,
    pub(crate) mime_type: Cow<'static, str>,
}

impl Audio {
    /// A sound of any media type.
    pub fn new(bytes: impl Into<Bytes>, mime_type: impl Into<Cow<'static, str>>) -> Self {
        Self {
            bytes: bytes.into(),
            mime_type: mime_type.into(),
        }
    }

    /// A WAV sound.
    pub fn wav(bytes: impl Into<Bytes>) -> Self {
        Self::new(bytes, "audio/wav")
    }

    /// An MP3 sound.
    pub fn mp3(bytes: impl Into<Bytes>) -> Self {
        Self::new(bytes, "audio/mpeg")
    }

    /// An Ogg sound.
    pub fn ogg(bytes: impl Into<Bytes>) -> Self {
        Self::new(bytes, "audio/ogg")
    }

    /// A FLAC sound.
    pub fn flac(bytes: impl Into<Bytes>) -> Self {
        Self::new(bytes, "audio/flac")
    }

    /// The sound's bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The sound's media type.
    pub fn mime_type(&self) -> &str {
        &self.mime_type
    }
}

impl IntoContent for Audio {
    fn add_to(self, out: &mut Vec<ContentBlock>) -> Result<()> {
        out.push(ContentBlock::audio(
            STANDARD.encode(&self.bytes),
            self.mime_type,
        ));
        Ok(())
    }
}

/// A message of a prompt: who says it, and what.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub(crate) role: Role,
    pub(crate) content: Vec<ContentBlock>,
    // A constructor that could fail would burden every prompt for the rare value that cannot be
    // written; its error waits until the message is used.
    pub(crate) failed: Option<String>,
}

impl Message {
    /// Said by the user.
    pub fn user(content: impl IntoContent) -> Self {
        Self::new(Role::User, content)
    }

    /// Said by the model.
    pub fn assistant(content: impl IntoContent) -> Self {
        Self::new(Role::Assistant, content)
    }

    /// Said by this role. Content of several blocks becomes several messages of the same role,
    /// because a prompt's message holds one block.
    pub fn new(role: Role, content: impl IntoContent) -> Self {
        let mut blocks = Vec::with_capacity(1);
        let failed = content
            .add_to(&mut blocks)
            .err()
            .map(|error| error.to_string());
        Self {
            role,
            content: blocks,
            failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(value: impl IntoContent) -> Vec<ContentBlock> {
        let mut out = Vec::new();
        value.add_to(&mut out).expect("content");
        out
    }

    #[test]
    fn values_become_blocks_in_order() {
        assert_eq!(blocks("a"), [ContentBlock::text("a")]);
        assert_eq!(
            blocks(('x', 1.5, true)),
            [
                ContentBlock::text("x"),
                ContentBlock::text("1.5"),
                ContentBlock::text("true")
            ]
        );
        assert_eq!(
            blocks(vec![Some(1), None, Some(3)]),
            [ContentBlock::text("1"), ContentBlock::text("3")]
        );
        assert_eq!(blocks(Json(vec![1, 2])), [ContentBlock::text("[1,2]")]);
        assert!(blocks(()).is_empty());
        assert_eq!(
            blocks(Image::png(&b"abc"[..])),
            [ContentBlock::image("YWJj", "image/png")]
        );
        assert_eq!(
            blocks(Audio::wav(&b"abc"[..])),
            [ContentBlock::audio("YWJj", "audio/wav")]
        );
    }

    #[test]
    fn the_first_bytes_tell_the_picture() {
        let kinds: [(&[u8], &str); 4] = [
            (b"\x89PNG\r\n\x1a\n....", "image/png"),
            (b"\xff\xd8\xff\xe0", "image/jpeg"),
            (b"GIF89a..", "image/gif"),
            (b"RIFF\x01\x02\x03\x04WEBPVP8 ", "image/webp"),
        ];
        for (bytes, mime) in kinds {
            assert_eq!(Image::detect(bytes).expect(mime).mime_type(), mime);
        }
        assert!(Image::detect(&b"<svg/>"[..]).is_err());
        assert!(Image::detect(&b""[..]).is_err());
    }

    #[test]
    fn a_picture_is_read_from_a_file_whatever_its_name() {
        let path = std::env::temp_dir().join(format!("wharf-image-{}.txt", std::process::id()));
        std::fs::write(&path, b"GIF87a").expect("a temporary file");
        let image = Image::file(&path);
        std::fs::remove_file(&path).expect("the file was there");
        assert_eq!(image.expect("a picture").mime_type(), "image/gif");
        let missing = Image::file(&path).expect_err("an error");
        assert!(
            missing.source().is_some() && missing.message().contains("wharf-image"),
            "{missing}"
        );
    }

    #[test]
    fn a_value_that_cannot_be_written_is_an_error() {
        let map = std::collections::BTreeMap::from([((1, 2), 3)]);
        let mut out = Vec::new();
        assert!(Json(&map).add_to(&mut out).is_err());
        assert!(Message::user(Json(&map)).failed.is_some());
    }
}
