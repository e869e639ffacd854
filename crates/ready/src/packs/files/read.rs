//! The tool `read`.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;
use cap_std::fs::File;
use schemars::JsonSchema;
use serde::Deserialize;
use wharf::protocol::content::ContentBlock;
use wharf::protocol::resources::Resource;
use wharf::{Audio, Image, IntoContent as _, Tool};

use super::fault::{Fault, Result};
use super::media;
use super::open::{Files, reading};
use super::part::{self, Lines};
use super::place::Place;
use super::reach::LastLink;
use super::shown::{Size, quoted};

/// What `read` is asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The file: a path relative to the served directory, or its URI
    path: String,
    /// The first line to read, counted from 1
    #[schemars(range(min = 1))]
    from: Option<u64>,
    /// The last line to read
    #[schemars(range(min = 1))]
    to: Option<u64>,
    /// The first byte to read, counted from 0, instead of lines; for files with very long lines
    offset: Option<u64>,
}

pub(super) fn tool(files: &Arc<Files>) -> Tool {
    let shared = Arc::clone(files);
    Tool::new("read")
        .title("Read a file")
        .description(format!(
            "Read a file: text as it is, pictures and sound as such. One call reads up to {}; \
             where more is left, the answer says how to go on. `from` and `to` read a range of \
             lines.",
            Size(files.max_bytes)
        ))
        .read_only()
        .idempotent()
        .open_world(false)
        .handler(move |arguments: Arguments, _| {
            let files = Arc::clone(&shared);
            async move {
                let place = files.names.read(&arguments.path)?;
                reading(&files, &place, move |files| files.read(&arguments)).await
            }
        })
}

impl Files {
    fn read(&self, arguments: &Arguments) -> Result<Vec<ContentBlock>> {
        let place = self.names.read(&arguments.path)?;
        let reached = self.reach(&place, LastLink::Follow)?;
        if reached.existing()?.is_dir() {
            return Err(Fault::failed(format_args!(
                "{} is a directory: `list` shows what is in it",
                quoted(reached.place.as_path())
            )));
        }
        let (mut file, about) = self.open_file(&reached)?;
        let place = &reached.place;
        match *arguments {
            Arguments {
                offset: Some(_),
                from,
                to,
                ..
            } if from.is_some() || to.is_some() => Err(Fault::failed(
                "`offset` counts bytes: give it without `from` and `to`",
            )),
            Arguments {
                offset: Some(offset),
                ..
            } => self.read_bytes(file, place, offset),
            Arguments {
                from: None,
                to: None,
                ..
            } => {
                if about.len() > self.max_bytes {
                    return self.read_lines(file, place, Lines::default());
                }
                let bytes = whole(&mut file, about.len(), self.max_bytes, place)?;
                // It may have grown since.
                if bytes.len() as u64 > self.max_bytes {
                    return self.read_lines(file, place, Lines::default());
                }
                match String::from_utf8(bytes) {
                    Ok(text) => Ok(vec![ContentBlock::text(text)]),
                    Err(error) => self.binary(place, error.into_bytes()),
                }
            }
            Arguments { from, to, .. } => {
                let lines = Lines::new(from, to).map_err(Fault::failed)?;
                self.read_lines(file, place, lines)
            }
        }
    }

    fn read_lines(&self, mut file: File, place: &Place, lines: Lines) -> Result<Vec<ContentBlock>> {
        let failed = |error| Fault::io(quoted(place.as_path()), &error);
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let part = part::lines(file, lines, self.max_bytes, self.max_time).map_err(failed)?;
        let remark = part.remark();
        let Ok(text) = String::from_utf8(part.bytes) else {
            return self.no_text(place);
        };
        Ok([Some(text), remark]
            .into_iter()
            .flatten()
            .map(ContentBlock::text)
            .collect())
    }

    fn read_bytes(&self, mut file: File, place: &Place, offset: u64) -> Result<Vec<ContentBlock>> {
        let failed = |error| Fault::io(quoted(place.as_path()), &error);
        let size = file.metadata().map_err(failed)?.len();
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(self.max_bytes)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        let Some((start, text)) = part::whole_characters(bytes) else {
            return self.no_text(place);
        };
        let start = offset + start;
        let end = start + text.len() as u64;
        let mut remark = format!("[bytes {start} to {end} of {size}");
        if end < size && !text.is_empty() {
            remark.push_str(&format!("; go on with `offset`: {end}"));
        }
        remark.push(']');
        Ok(vec![ContentBlock::text(text), ContentBlock::text(remark)])
    }

    /// A whole file that is no text.
    fn binary(&self, place: &Place, bytes: Vec<u8>) -> Result<Vec<ContentBlock>> {
        let media = media::binary_type(place.as_path());
        let bytes = Bytes::from(bytes);
        let mut content = Vec::new();
        let added = match Image::detect(bytes.clone()) {
            Ok(image) => image.add_to(&mut content),
            Err(_) if media.starts_with("audio/") => Audio::new(bytes, media).add_to(&mut content),
            Err(_) => return self.no_text(place),
        };
        added.map_err(|error| Fault::failed(error.message()))?;
        Ok(content)
    }

    fn no_text(&self, place: &Place) -> Result<Vec<ContentBlock>> {
        let media = media::binary_type(place.as_path());
        let remark = format!(
            "{} is no text (UTF-8) but {media}: its bytes can be read as the resource below",
            quoted(place.as_path())
        );
        let uri = self.names.uri(place.as_path());
        let name = place.names().next_back().and_then(|name| name.to_str());
        let link = uri.zip(name).map(|(uri, name)| {
            let mut file = Resource::new(uri, name);
            file.mime_type = Some(media.to_owned());
            ContentBlock::resource_link(file)
        });
        Ok([Some(ContentBlock::text(remark)), link]
            .into_iter()
            .flatten()
            .collect())
    }
}

/// The whole file, or one byte more than the limit.
pub(super) fn whole(file: &mut File, size: u64, limit: u64, place: &Place) -> Result<Vec<u8>> {
    let capacity = usize::try_from(size.min(limit)).unwrap_or(0) + 1;
    let mut bytes = Vec::with_capacity(capacity);
    let read = file.take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|error| Fault::io(quoted(place.as_path()), &error))?;
    Ok(bytes)
}
