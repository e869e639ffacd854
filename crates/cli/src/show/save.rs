//! [`Saver`]: content that a terminal cannot show, put into files.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::failure::Failure;

/// Base64 as servers write it: with or without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Where files go: where the person said, or into a new temporary directory.
#[derive(Debug)]
pub(crate) struct Saver {
    wanted: Option<PathBuf>,
    directory: Option<PathBuf>,
    count: usize,
}

impl Saver {
    pub(crate) fn new(wanted: Option<PathBuf>) -> Self {
        Self {
            wanted,
            directory: None,
            count: 0,
        }
    }

    /// Whether the person said where results go.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted.is_some()
    }

    /// Puts bytes into a file of their own, named after `name` and the type where the person did
    /// not say, and gives the path.
    pub(crate) fn save(
        &mut self,
        bytes: &[u8],
        name: &str,
        mime: Option<&str>,
    ) -> Result<PathBuf, Failure> {
        self.count += 1;
        let path = match &self.wanted {
            Some(wanted) if self.count == 1 => wanted.clone(),
            Some(wanted) => numbered(wanted, self.count),
            None => {
                let number = if self.count == 1 {
                    String::new()
                } else {
                    format!("-{}", self.count)
                };
                self.directory()?
                    .join(format!("{name}{number}.{}", extension(mime)))
            }
        };
        let fail = |error: std::io::Error| {
            Failure::new(format!("{} cannot be written: {error}", path.display()))
        };
        let mut options = std::fs::OpenOptions::new();
        options.write(true);
        if self.wanted.is_some() {
            options.create(true).truncate(true);
        } else {
            options.create_new(true);
        }
        options
            .open(&path)
            .and_then(|mut file| file.write_all(bytes))
            .map_err(fail)?;
        Ok(path)
    }

    /// A directory that is new, so that nobody else put anything there.
    fn directory(&mut self) -> Result<PathBuf, Failure> {
        if let Some(directory) = &self.directory {
            return Ok(directory.clone());
        }
        let base = std::env::temp_dir();
        let mut number = std::process::id().wrapping_mul(0x9e37_79b1);
        for _ in 0..64 {
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let directory = base.join(format!("wharf-{number:08x}"));
            match private_directory(&directory) {
                Ok(()) => {
                    self.directory = Some(directory.clone());
                    return Ok(directory);
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(Failure::new(format!(
                        "{} cannot be made: {error}",
                        directory.display()
                    ))
                    .next("say with -o where the file goes"));
                }
            }
        }
        Err(
            Failure::new(format!("no name is free in {}", base.display()))
                .next("say with -o where the file goes"),
        )
    }
}

fn private_directory(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// `a-2.png` for `a.png`.
fn numbered(path: &Path, number: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path
        .extension()
        .map(|extension| format!(".{}", extension.to_string_lossy()));
    path.with_file_name(format!("{stem}-{number}{}", extension.unwrap_or_default()))
}

/// Bytes from base64. Line ends in it are not an error.
pub(super) fn decode(base64: &str) -> Result<Vec<u8>, String> {
    let compact: String = base64
        .chars()
        .filter(|c| !c.is_ascii_whitespace())
        .collect();
    BASE64
        .decode(compact)
        .map_err(|error| format!("its base64 is broken: {error}"))
}

/// The usual end of the name of a file of this type.
fn extension(mime: Option<&str>) -> &'static str {
    let mime = mime
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    match mime.to_ascii_lowercase().as_str() {
        "image/png" => "png",
        "image/jpeg" | "image/jpg" => "jpg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        "image/svg+xml" => "svg",
        "image/bmp" => "bmp",
        "image/avif" => "avif",
        "audio/wav" | "audio/x-wav" | "audio/wave" => "wav",
        "audio/mpeg" | "audio/mp3" => "mp3",
        "audio/ogg" => "ogg",
        "audio/flac" => "flac",
        "audio/mp4" | "audio/aac" | "audio/m4a" => "m4a",
        "audio/webm" | "video/webm" => "webm",
        "video/mp4" => "mp4",
        "application/pdf" => "pdf",
        "application/zip" => "zip",
        "application/gzip" => "gz",
        "application/json" => "json",
        "text/html" => "html",
        "text/csv" => "csv",
        "text/markdown" => "md",
        other if other.starts_with("text/") => "txt",
        _ => "bin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_and_never_overwritten_unasked() {
        let mut saver = Saver::new(None);
        let first = saver
            .save(b"one", "image", Some("image/png"))
            .expect("a file");
        let second = saver
            .save(b"two", "image", Some("image/svg+xml; charset=utf-8"))
            .expect("a file");
        assert_eq!(first.file_name().expect("a name"), "image.png");
        assert_eq!(second.file_name().expect("a name"), "image-2.svg");
        assert_eq!(std::fs::read(&first).expect("the file"), b"one");
        let directory = first.parent().expect("a directory").to_owned();
        let mut other = Saver::new(None);
        let third = other.save(b"x", "image", None).expect("a file");
        assert_ne!(third.parent(), Some(directory.as_path()));
        let mut wanted = Saver::new(Some(directory.join("out.tar.png")));
        assert!(wanted.is_wanted());
        wanted.save(b"1", "image", None).expect("a file");
        let again = wanted.save(b"2", "image", None).expect("a file");
        assert_eq!(again, directory.join("out.tar-2.png"));
        for path in [&directory, third.parent().expect("a directory")] as [&Path; 2] {
            std::fs::remove_dir_all(path).expect("a directory of ours");
        }
    }

    #[test]
    fn base64_as_servers_write_it() {
        for text in ["aGk=", "aGk", "a\nGk=\n"] {
            assert_eq!(decode(text).as_deref(), Ok(&b"hi"[..]), "{text:?}");
        }
        decode("a*").expect_err("broken");
    }
}
