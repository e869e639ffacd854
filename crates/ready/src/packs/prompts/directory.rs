//! The files of the directory, opened beneath a handle of it.

use std::io::Read as _;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

/// How many prompts a directory may have.
const MAX_FILES: usize = 1000;
/// How many entries are looked at to find them.
const MAX_ENTRIES: usize = 100_000;
/// How deep directories are looked into.
const MAX_DEPTH: usize = 8;

/// A handle: neither a link nor `..` nor a directory that is exchanged meanwhile leads out of it.
#[derive(Debug)]
pub(super) struct Directory(Dir);

impl Directory {
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        Dir::open_ambient_dir(path, ambient_authority()).map(Self)
    }

    /// The paths of all Markdown files, in order; and what was not looked at.
    pub(super) fn markdown(&self) -> std::io::Result<(Vec<String>, Vec<String>)> {
        let (mut found, mut wrong) = (Vec::new(), Vec::new());
        let mut entries = 0;
        let mut directories = vec![(String::new(), 0)];
        while let Some((at, depth)) = directories.pop() {
            let listed = self.0.read_dir(if at.is_empty() { "." } else { &at });
            let listed = match listed {
                Ok(listed) => listed,
                Err(error) if at.is_empty() => return Err(error),
                Err(error) => {
                    wrong.push(format!("`{at}`: {error}"));
                    continue;
                }
            };
            for entry in listed {
                let entry = entry?;
                entries += 1;
                if entries > MAX_ENTRIES {
                    wrong.push(format!("only the first {MAX_ENTRIES} files were looked at"));
                    found.sort();
                    return Ok((found, wrong));
                }
                let name = entry.file_name();
                let Some(name) = name.to_str() else {
                    wrong.push(format!("`{at}`: the name {name:?} is not UTF-8"));
                    continue;
                };
                if name.starts_with('.') {
                    continue;
                }
                let path = match at.as_str() {
                    "" => name.to_owned(),
                    at => format!("{at}/{name}"),
                };
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    match depth < MAX_DEPTH {
                        true => directories.push((path, depth + 1)),
                        false => {
                            wrong.push(format!("`{path}` is more than {MAX_DEPTH} levels deep"))
                        }
                    }
                } else if name.len() > 3 && name.ends_with(".md") {
                    found.push(path);
                }
            }
        }
        found.sort();
        if found.len() > MAX_FILES {
            wrong.push(format!(
                "of {} files only {MAX_FILES} are served",
                found.len()
            ));
            found.truncate(MAX_FILES);
        }
        Ok((found, wrong))
    }

    /// Reads a file of the directory.
    ///
    /// # Errors
    /// Why not, without the directory's own path.
    pub(super) fn read(&self, path: &str, most: usize) -> Result<Vec<u8>, String> {
        let is_plain = |part: &str| !part.is_empty() && !part.starts_with('.');
        if !path.split('/').all(is_plain) || path.contains(['\\', ':']) {
            return Err("it is not the path of a file in the directory".into());
        }
        let why = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => format!("it cannot be read: {error}"),
        };
        // Looked at before it is opened: opening a pipe would wait for somebody who writes.
        if !self.0.metadata(path).map_err(why)?.is_file() {
            return Err("it is not a file".into());
        }
        let file = self.0.open(path).map_err(why)?;
        let mut contents = Vec::new();
        let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
        file.take(limit).read_to_end(&mut contents).map_err(why)?;
        match contents.len() > most {
            true => Err(format!("it is larger than {} KiB", most >> 10)),
            false => Ok(contents),
        }
    }

    /// Reads a text of the directory.
    pub(super) fn read_text(&self, path: &str, most: usize) -> Result<String, String> {
        let contents = self.read(path, most)?;
        String::from_utf8(contents).map_err(|_| "it is not UTF-8".into())
    }
}
