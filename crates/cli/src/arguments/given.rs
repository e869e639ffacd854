//! [`Given`]: one argument as it was typed.

use std::io::Read as _;
use std::path::Path;

use serde_json::Value;

use crate::failure::Failure;

/// The largest file that becomes an argument.
const MAX_FILE: u64 = 64 << 20;

/// An argument as it was typed: `key=value`, `key:=JSON`, `key=@FILE`, `key:=@FILE`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Given {
    /// What stands before the sign. A dot goes into an object, unless the schema has the whole
    /// as one name.
    pub(crate) name: String,
    pub(crate) source: Source,
}

/// What stands behind the sign.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// Text, to be made what the schema says.
    Text(String),
    /// A value as it is.
    Json(Value),
}

impl Given {
    /// Reads a word, and the file that it names. `=@@x` is the text `@x`.
    pub(crate) fn parse(word: &str) -> Result<Self, Failure> {
        let form = || {
            Failure::new(format!("{word:?} is not an argument"))
                .next("write key=value, key:=JSON, or key=@FILE")
        };
        let (name, value) = word.split_once('=').ok_or_else(form)?;
        let (name, is_json) = match name.strip_suffix(':') {
            Some(name) => (name, true),
            None => (name, false),
        };
        if name.is_empty() {
            return Err(form());
        }
        let text = match value.strip_prefix('@') {
            Some(rest) if rest.starts_with('@') && !is_json => rest.to_owned(),
            Some(path) => read_file(path).map_err(|why| Failure::new(format!("{name}: {why}")))?,
            None => value.to_owned(),
        };
        let source = if is_json {
            let json = serde_json::from_str(&text);
            Source::Json(json.map_err(|error| {
                Failure::new(format!("{name}: what follows := is not JSON: {error}"))
                    .next(format!("for text write {name}=… without the colon"))
            })?)
        } else {
            Source::Text(text)
        };
        Ok(Self {
            name: name.to_owned(),
            source,
        })
    }
}

/// The text of a file, or of standard input for `-`.
///
/// # Errors
/// Why there is none, as the end of a sentence that begins with what it is for.
pub(crate) fn read_file(path: &str) -> Result<String, String> {
    let mut bytes = Vec::new();
    let (name, read) = if path == "-" {
        (
            "standard input".to_owned(),
            std::io::stdin()
                .lock()
                .take(MAX_FILE + 1)
                .read_to_end(&mut bytes),
        )
    } else {
        let file = std::fs::File::open(Path::new(path));
        (
            path.to_owned(),
            file.and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)),
        )
    };
    let size = read.map_err(|error| format!("{name} cannot be read: {error}"))?;
    if size as u64 > MAX_FILE {
        return Err(format!("{name} is larger than {} MiB", MAX_FILE >> 20));
    }
    String::from_utf8(bytes).map_err(|_| format!("{name} is not text in UTF-8"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_forms_of_an_argument() {
        let text = |text: &str| Source::Text(text.into());
        for (word, name, source) in [
            ("a=1", "a", text("1")),
            ("a=", "a", text("")),
            ("a=b=c", "a", text("b=c")),
            ("a==", "a", text("=")),
            ("url=http://x:=1", "url", text("http://x:=1")),
            ("a.b=x", "a.b", text("x")),
            ("a=@@me", "a", text("@me")),
            ("a:=[1, 2]", "a", Source::Json(json!([1, 2]))),
            ("a:=\"x\"", "a", Source::Json(json!("x"))),
        ] {
            assert_eq!(
                Given::parse(word).ok(),
                Some(Given {
                    name: name.into(),
                    source
                }),
                "{word}"
            );
        }
        for (word, expected) in [
            ("a", "write key=value"),
            ("=1", "write key=value"),
            (":=1", "write key=value"),
            ("a:=x", "not JSON"),
            ("a=@/no/such/file", "a: /no/such/file cannot be read"),
        ] {
            let failure = Given::parse(word).expect_err(word).to_string();
            assert!(failure.contains(expected), "{failure}");
        }
    }

    #[test]
    fn files() {
        let path = std::env::temp_dir().join(format!("wharf-given-{}.json", std::process::id()));
        std::fs::write(&path, "{\"x\": 1}\n").expect("a file");
        let given = |sign: &str| {
            Given::parse(&format!("a{sign}@{}", path.display()))
                .expect("a file")
                .source
        };
        assert_eq!(given("="), Source::Text("{\"x\": 1}\n".into()));
        assert_eq!(given(":="), Source::Json(json!({"x": 1})));
        std::fs::write(&path, [0xff, 0xfe]).expect("a file");
        let failure = Given::parse(&format!("a=@{}", path.display())).expect_err("no text");
        assert!(
            failure.to_string().contains("not text in UTF-8"),
            "{failure}"
        );
        std::fs::remove_file(path).expect("a file of ours");
    }
}
