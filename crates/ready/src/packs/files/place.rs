//! [`Place`]: a path inside the directory, and how clients write it.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::fault::{Fault, Result};
use super::shown::quoted_text;

/// The longest path that is taken, in bytes.
const MAX_PATH: usize = 4096;

/// What stands for itself in the path of a URI (RFC 3986, `pchar`), and `/`.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b':')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// A path inside the directory: names only, no `.`, no `..`, nothing in front. Empty for the
/// directory itself. That a path is one says nothing of where the names lead.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Place(PathBuf);

impl Place {
    /// Reads names that are separated by slashes.
    pub(super) fn parse(text: &str) -> Result<Self> {
        if text.len() > MAX_PATH {
            return Err(Fault::refused(format_args!(
                "the path is longer than {MAX_PATH} bytes"
            )));
        }
        if text.starts_with('/') {
            return Err(Fault::refused(format_args!(
                "{} lies outside: paths are relative to the directory that is served",
                quoted_text(text)
            )));
        }
        let mut path = PathBuf::new();
        for name in text.split('/') {
            match name {
                "" | "." => continue,
                ".." => {
                    return Err(Fault::refused(format_args!(
                        "{}: `..` is not taken; write the path from the directory that is served",
                        quoted_text(text)
                    )));
                }
                name => push(&mut path, name, text)?,
            }
        }
        Ok(Self(path))
    }

    /// What a walk has found: names that come from the directory itself.
    pub(super) fn found(path: PathBuf) -> Self {
        Self(path)
    }

    /// A path that a link was resolved to.
    pub(super) fn resolved(path: &Path) -> Option<Self> {
        let names = path.components().filter(|part| *part != Component::CurDir);
        let names: Option<PathBuf> = names
            .map(|part| match part {
                Component::Normal(name) => Some(name),
                _ => None,
            })
            .collect();
        names.map(Self)
    }

    pub(super) fn as_path(&self) -> &Path {
        &self.0
    }

    pub(super) fn names(&self) -> impl DoubleEndedIterator<Item = &OsStr> {
        self.0.iter()
    }

    pub(super) fn is_root(&self) -> bool {
        self.0.as_os_str().is_empty()
    }
}

fn push(path: &mut PathBuf, name: &str, text: &str) -> Result<()> {
    let wrong = |why: &str| Fault::refused(format_args!("{}: {why}", quoted_text(text)));
    if name.contains('\0') {
        return Err(wrong("a name has no NUL"));
    }
    if name.len() > 255 {
        return Err(wrong("a name is longer than 255 bytes"));
    }
    // What the system takes for more than a name: drives, streams, other separators.
    let mut parts = Path::new(name).components();
    let one = matches!(parts.next(), Some(Component::Normal(same)) if same == name);
    if !one || parts.next().is_some() || (cfg!(windows) && name.contains([':', '\\'])) {
        return Err(wrong("this is no plain name"));
    }
    path.push(name);
    Ok(())
}

/// How clients write the places of one directory.
#[derive(Debug)]
pub(super) struct Names {
    /// Where URIs begin; ends with `/`.
    uri: String,
    /// The real path of the directory.
    real: PathBuf,
}

impl Names {
    /// # Errors
    /// What is wrong with the URI.
    pub(super) fn new(uri: Option<&str>, real: PathBuf) -> Result<Self, String> {
        let uri = match uri {
            Some(uri) if !uri.ends_with('/') => format!("{uri}/"),
            Some(uri) => uri.to_owned(),
            None => file_uri(&real)?,
        };
        if url::Url::parse(&uri).is_err() || uri.contains(['{', '}', '?', '#']) {
            return Err(
                "a URI begins with a scheme, such as `docs:///`, and has no `{`, `}`, `?` or `#`"
                    .into(),
            );
        }
        Ok(Self { uri, real })
    }

    /// Where URIs begin.
    pub(super) fn base(&self) -> &str {
        &self.uri
    }

    /// The URI of a place, if its names are UTF-8.
    pub(super) fn uri(&self, path: &Path) -> Option<String> {
        Some(self.uri.clone() + &encoded(path)?)
    }

    /// Reads a URI of this directory.
    pub(super) fn read_uri(&self, uri: &str) -> Result<Place> {
        let rest = uri.strip_prefix(&self.uri).or_else(|| {
            // The directory itself, without the slash.
            (uri == self.uri.trim_end_matches('/')).then_some("")
        });
        let rest = rest.ok_or_else(|| {
            Fault::refused(format_args!(
                "{} lies outside: URIs begin with `{}`",
                quoted_text(uri),
                self.uri
            ))
        })?;
        decoded(rest)
    }

    /// Reads the path that a tool was given: relative, absolute inside the directory, or a URI.
    pub(super) fn read(&self, text: &str) -> Result<Place> {
        let scheme = self.uri.split_once(':').map_or("", |(scheme, _)| scheme);
        let is_uri = |scheme: &str| {
            let rest = text.strip_prefix(scheme);
            rest.is_some_and(|rest| rest.starts_with("://"))
        };
        if is_uri(scheme) || is_uri("file") {
            return self.read_uri(text);
        }
        if text.starts_with('/')
            && let Ok(rest) = Path::new(text).strip_prefix(&self.real)
            && let Some(rest) = rest.to_str()
        {
            return Place::parse(rest);
        }
        Place::parse(text)
    }
}

/// A path as it stands in a URI, if its names are UTF-8.
pub(super) fn encoded(path: &Path) -> Option<String> {
    let mut text = String::new();
    for name in path {
        if !text.is_empty() {
            text.push('/');
        }
        text.extend(utf8_percent_encode(name.to_str()?, IN_PATH));
    }
    Some(text)
}

/// Reads what [`encoded`] writes.
pub(super) fn decoded(text: &str) -> Result<Place> {
    let path = percent_decode_str(text).decode_utf8();
    let path = path.map_err(|_| Fault::refused("the path of the URI is not UTF-8"))?;
    Place::parse(&path)
}

/// Where a list goes on after a path, exactly.
pub(super) fn cursor(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    percent_encoding::percent_encode(bytes, IN_PATH).to_string()
}

/// Reads what [`cursor`] writes; `None` if it is no such thing.
pub(super) fn read_cursor(text: &str) -> Option<Place> {
    let bytes: Vec<u8> = percent_decode_str(text).collect();
    #[cfg(unix)]
    let path: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(bytes);
    #[cfg(not(unix))]
    let path = std::ffi::OsString::from(String::from_utf8(bytes).ok()?);
    let place = Place::resolved(Path::new(&path))?;
    (!place.is_root() && text.len() <= 3 * MAX_PATH).then_some(place)
}

fn file_uri(real: &Path) -> Result<String, String> {
    let why = "its path cannot be written as a URI: set `uri`";
    let url = url::Url::from_directory_path(real).map_err(|()| why)?;
    let start = if cfg!(windows) { url.path() } else { "" };
    match encoded(real.strip_prefix("/").unwrap_or(Path::new(""))) {
        _ if cfg!(windows) => Ok(format!("file://{start}")),
        Some(path) if path.is_empty() => Ok("file:///".to_owned()),
        Some(path) => Ok(format!("file:///{path}/")),
        None => Err(why.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names::new(None, "/allowed dir".into()).expect("names")
    }

    #[test]
    fn paths_are_names_only() {
        for (text, place) in [
            ("", ""),
            (".", ""),
            ("a//b/./c/", "a/b/c"),
            ("-rf", "-rf"),
            ("a b#?.md", "a b#?.md"),
            ("...", "..."),
        ] {
            let read = Place::parse(text).expect("a place");
            assert_eq!(read.as_path(), Path::new(place), "{text}");
        }
        let long = "x".repeat(256);
        for text in [
            "..",
            "a/../b",
            "a/..",
            "/etc",
            "a\0b",
            &long,
            &"x/".repeat(3000),
        ] {
            assert!(
                matches!(Place::parse(text), Err(Fault::Refused(_))),
                "{text:?}"
            );
        }
    }

    #[test]
    fn what_is_inside_can_be_written_in_three_ways() {
        let names = names();
        assert_eq!(names.base(), "file:///allowed%20dir/");
        for text in [
            "a b/ü.md",
            "/allowed dir/a b/ü.md",
            "file:///allowed%20dir/a%20b/%C3%BC.md",
        ] {
            let place = names.read(text).expect("a place");
            assert_eq!(place.as_path(), Path::new("a b/ü.md"), "{text}");
            assert_eq!(
                names.uri(place.as_path()).as_deref(),
                Some("file:///allowed%20dir/a%20b/%C3%BC.md")
            );
        }
        for text in [
            "/allowed dir_evil/x",
            "/allowed dir/../x",
            "file:///allowed%20dir_evil/x",
            "file:///etc/passwd",
            "file:///allowed%20dir/%2e%2e/x",
            "file:///allowed%20dir/a%2f..%2f..%2fx",
            "file:///allowed%20dir/%FF",
            "file:///allowed%20dir/a%00b",
        ] {
            assert!(matches!(names.read(text), Err(Fault::Refused(_))), "{text}");
        }
    }

    #[test]
    fn a_uri_of_ones_own() {
        let names = Names::new(Some("docs:///x"), "/r".into()).expect("names");
        assert_eq!(
            names.uri(Path::new("a#b")).as_deref(),
            Some("docs:///x/a%23b")
        );
        assert!(
            names
                .read_uri("docs:///x")
                .is_ok_and(|place| place.is_root())
        );
        for wrong in ["no scheme", "a:{b}", "a:b?c"] {
            assert!(Names::new(Some(wrong), "/r".into()).is_err(), "{wrong}");
        }
    }
}
