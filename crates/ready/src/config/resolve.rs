//! `${ENV}`, `${ENV:-default}` and `${file:PATH}` in texts: what they stand for, found once, when
//! the configuration is loaded.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::node::{Node, Span, Text};
use super::problem::{Problem, Problems};
use super::source::Source;

/// The largest file that `${file:…}` takes, in bytes.
const MAX_FILE: u64 = 64 * 1024;

/// Where variables and files are found.
pub(super) struct Outside<'a> {
    /// The value of an environment variable.
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
    /// Where relative paths begin.
    pub(super) base: &'a Path,
}

/// Puts values in the place of every `${…}`. A text whose value cannot be had is left as it is,
/// and a problem.
pub(super) fn resolve(node: &mut Node, source: &Source, outside: &Outside<'_>) -> Problems {
    let mut problems = Problems::default();
    node.each_text(&mut |span, text| {
        if !text.text.contains("${") {
            return;
        }
        match expand(&text.text, outside) {
            Ok((value, made_of)) => {
                text.text = value;
                text.made_of = made_of;
            }
            Err(wrong) => {
                let at = wrong.place(source, span);
                problems.add(Problem::new(source, &at, wrong.reason).next(wrong.next));
            }
        }
    });
    problems
}

struct Wrong {
    /// The `${…}` as it is written, to find its place; nothing for one that does not end.
    written: Option<String>,
    reason: String,
    next: String,
}

impl Wrong {
    /// The `${…}` itself, where it is written in the text as it is; or the whole text.
    fn place(&self, source: &Source, span: &Span) -> Span {
        let text = source.text().get(span.clone()).unwrap_or_default();
        let found = match &self.written {
            Some(written) => text.find(written).map(|at| at..at + written.len()),
            None => text.rfind("${").map(|at| at..text.len()),
        };
        match found {
            Some(found) => span.start + found.start..span.start + found.end,
            None => span.clone(),
        }
    }
}

type Made = (Zeroizing<String>, Vec<(String, Zeroizing<String>)>);

fn expand(text: &str, outside: &Outside<'_>) -> Result<Made, Wrong> {
    let mut value = Zeroizing::new(String::with_capacity(text.len()));
    let mut made_of = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        // `$${` is a `${` that is meant as it is written.
        if rest[..at].ends_with('$') {
            value.push_str(&rest[..at - 1]);
            value.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        value.push_str(&rest[..at]);
        let inner = &rest[at + 2..];
        let Some(end) = inner.find('}') else {
            return Err(Wrong {
                written: None,
                reason: "`${` has no `}`".into(),
                next: "write `$${` for a `${` that is meant as it is".into(),
            });
        };
        let (name, found) = one(&inner[..end], outside)?;
        value.push_str(&found);
        made_of.push((format!("${{{name}}}"), found));
        rest = &inner[end + 1..];
    }
    value.push_str(rest);
    Ok((value, made_of))
}

/// What one `${…}` is called and stands for.
fn one(inner: &str, outside: &Outside<'_>) -> Result<(String, Zeroizing<String>), Wrong> {
    let wrong = |reason: String, next: String| Wrong {
        written: Some(format!("${{{inner}}}")),
        reason,
        next,
    };
    if let Some(path) = inner.strip_prefix("file:") {
        let found = read(path, outside.base);
        let next = || "it is a text file with the value and nothing else".to_owned();
        return match found {
            Ok(text) => Ok((inner.to_owned(), text)),
            Err(why) => Err(wrong(
                format!("the file `{path}` cannot be read: {why}"),
                next(),
            )),
        };
    }
    let (name, default) = match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        let next = "write `${NAME}`, `${NAME:-default}` or `${file:PATH}`, and `$${` for a `${` that is meant as it is";
        return Err(wrong(
            format!("`${{{inner}}}` names no variable"),
            next.into(),
        ));
    }
    let found = (outside.env)(name).filter(|value| !value.is_empty() || default.is_none());
    match found.or_else(|| default.map(str::to_owned)) {
        Some(value) => Ok((name.to_owned(), Zeroizing::new(value))),
        None => Err(wrong(
            format!("the environment variable `{name}` is not set"),
            format!("set it, or give a default: `${{{name}:-…}}`"),
        )),
    }
}

/// Reads a file without the line end at its end.
fn read(path: &str, base: &Path) -> Result<Zeroizing<String>, String> {
    use std::io::Read as _;
    let path = at(path, base);
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    if file.metadata().is_ok_and(|about| about.is_dir()) {
        return Err("it is a directory".into());
    }
    let mut text = Zeroizing::new(String::new());
    let read = file.take(MAX_FILE + 1).read_to_string(&mut text);
    match read {
        Err(error) => Err(error.to_string()),
        Ok(length) if length as u64 > MAX_FILE => Err(format!("it has more than {MAX_FILE} bytes")),
        Ok(_) => {
            let end = text.trim_end_matches(['\r', '\n']).len();
            text.truncate(end);
            Ok(text)
        }
    }
}

/// The place that a path means.
pub(super) fn at(path: &str, base: &Path) -> PathBuf {
    let place = crate::Surroundings {
        catalog: wharf::CatalogHandle::default(),
        base: base.to_owned(),
    };
    place.path(Path::new(path))
}

/// The values in a text, with what they are called, for [`mask::reason`](super::mask::reason).
pub(super) fn values(node: &Node) -> Vec<(String, String)> {
    node.texts().into_iter().flat_map(Text::values).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::node::Value;

    fn resolved(text: &str, base: &Path) -> Result<String, Problems> {
        let source = Source::file("wharf.toml", text);
        let (mut node, errors) = Node::parse(&source);
        assert!(errors.is_empty(), "{errors:?}");
        let env = |name: &str| match name {
            "NAME" => Some("Ada".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let outside = Outside { env: &env, base };
        resolve(&mut node, &source, &outside).into_result()?;
        match &node.get("a").expect("a").node.value {
            Value::Text(text) => Ok(text.text.to_string()),
            _ => panic!("no text"),
        }
    }

    #[test]
    fn texts_stand_for_variables_and_files() {
        let dir = std::env::temp_dir().join(format!("wharf-resolve-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a directory");
        std::fs::write(dir.join("secret"), "hunter2\r\n\n").expect("written");
        for (text, expected) in [
            ("plain", "plain"),
            ("${NAME}", "Ada"),
            ("Hi ${NAME}, ${NAME}!", "Hi Ada, Ada!"),
            ("${NOBODY:-Bob}", "Bob"),
            ("${EMPTY:-Bob}", "Bob"),
            ("${EMPTY}", ""),
            ("${NOBODY:-}", ""),
            ("${NAME:-Bob}", "Ada"),
            ("$${NAME}", "${NAME}"),
            ("$NAME {} $$ }", "$NAME {} $$ }"),
            ("$${${NAME}}", "${Ada}"),
            ("${file:secret}", "hunter2"),
        ] {
            let resolved = resolved(&format!("a = '{text}'"), &dir).expect(text);
            assert_eq!(resolved, expected, "{text}");
        }
        std::fs::remove_dir_all(dir).expect("removed");
    }

    #[test]
    fn what_cannot_be_found_is_a_problem_at_its_place() {
        let base = Path::new("/nowhere");
        for (text, column, width, reason) in [
            ("a = 'x ${NOBODY} y'", 8, 9, "variable `NOBODY` is not set"),
            ("a = '${NAME} ${'", 14, 3, "has no `}`"),
            ("a = '${a b}'", 6, 6, "names no variable"),
            ("a = '${}'", 6, 3, "names no variable"),
            ("a = '${file:x}'", 6, 9, "`x` cannot be read"),
            ("a = '${file:/}'", 6, 9, "cannot be read"),
        ] {
            let problems = resolved(text, base).expect_err(text);
            let problem = problems.iter().next().expect("a problem");
            assert!(problem.reason.contains(reason), "{problem}");
            assert_eq!(
                (problem.column, problem.width),
                (column, width),
                "{problem}"
            );
            assert!(problem.next.is_some());
        }
    }
}
