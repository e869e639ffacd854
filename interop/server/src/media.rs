//! Tools that answer with something else than text.

use wharf::protocol::content::{ContentBlock, ResourceLink};
use wharf::protocol::resources::Resource;
use wharf::protocol::resources::{ResourceContents, TextResourceContents};
use wharf::{Audio, Image, tool};

use crate::offered::ABOUT;

/// One blue pixel.
pub(crate) const PNG: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00, 0x00, 0x90, 0x77, 0x53,
    0xde, 0x00, 0x00, 0x00, 0x0c, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x10, 0x70, 0x38, 0x00,
    0x00, 0x01, 0x74, 0x01, 0x11, 0xbc, 0x29, 0x90, 0xc7, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e,
    0x44, 0xae, 0x42, 0x60, 0x82,
];

/// A tenth of a second of silence: mono, 8 bits, 8,000 samples a second.
fn wav() -> Vec<u8> {
    const RATE: u32 = 8_000;
    let samples = [0x80; RATE as usize / 10];
    let length = samples.len() as u32;
    let mut wav = Vec::with_capacity(samples.len() + 44);
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(length + 36).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend_from_slice(&RATE.to_le_bytes());
    wav.extend_from_slice(&RATE.to_le_bytes());
    wav.extend_from_slice(b"\x01\0\x08\0data");
    wav.extend_from_slice(&length.to_le_bytes());
    wav.extend_from_slice(&samples);
    wav
}

/// A picture.
#[tool(read_only)]
pub(crate) fn picture() -> Image {
    Image::png(PNG)
}

/// A sound.
#[tool(read_only)]
pub(crate) fn sound() -> Audio {
    Audio::new(wav(), "audio/wav")
}

/// A resource with its contents.
#[tool(read_only)]
pub(crate) fn embedded() -> ContentBlock {
    ContentBlock::embedded(ResourceContents::Text(TextResourceContents {
        uri: "wharf://about".into(),
        mime_type: Some("text/plain".into()),
        text: ABOUT.into(),
        meta: None,
    }))
}

/// A resource without its contents.
#[tool(read_only)]
pub(crate) fn link() -> ResourceLink {
    Resource::new("wharf://about", "about").into()
}
