//! From the text of a file to what it says: the frontmatter, and the messages.

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Value};
use wharf::__private::{Lines, cut_frontmatter, frontmatter_with_lines};
use wharf::protocol::content::Role;

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wrong {
    pub(super) file: String,
    pub(super) line: Option<usize>,
    pub(super) why: String,
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.why),
            None => write!(f, "{}: {}", self.file, self.why),
        }
    }
}

/// What a file says.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) front: Front,
    pub(super) lines: Lines,
    pub(super) parts: Vec<Part>,
    /// Keys that mean nothing here, with their lines.
    pub(super) unknown: Vec<String>,
}

/// The frontmatter.
#[derive(Debug, Deserialize)]
pub(super) struct Front {
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) arguments: Vec<Argument>,
    #[serde(default)]
    pub(super) resources: Vec<String>,
}

const KEYS: &[&str] = &["title", "description", "arguments", "resources"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Argument {
    pub(super) name: String,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) required: bool,
    pub(super) default: Option<Text>,
    #[serde(default)]
    pub(super) complete: Vec<Text>,
}

/// A text, for which YAML may have a number or a truth value.
#[derive(Debug)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            value @ (Value::Number(_) | Value::Bool(_)) => Ok(Self(value.to_string())),
            _ => Err(D::Error::custom("expected a text")),
        }
    }
}

/// One message, as a template.
#[derive(Debug, PartialEq)]
pub(super) struct Part {
    pub(super) role: Role,
    /// Preceded by as many empty lines as there are lines before it in the file, so that an error
    /// names the right one.
    pub(super) source: String,
}

impl Definition {
    /// Reads the text of a file; `None` for one without frontmatter, which is no prompt.
    pub(super) fn read(file: &str, text: &str) -> Option<Result<Self, Wrong>> {
        let body = text.len() - cut_frontmatter(text)?.1.len();
        Some(read(text, body).map_err(|(line, why)| Wrong {
            file: file.to_owned(),
            line,
            why,
        }))
    }

    /// The line of a value in the frontmatter.
    pub(super) fn line(&self, path: &str) -> Option<usize> {
        line(&self.lines, path)
    }
}

type At<T> = Result<T, (Option<usize>, String)>;

fn read(text: &str, body: usize) -> At<Definition> {
    let (fields, lines) = frontmatter_with_lines(text).map_err(|why| {
        // The reader of YAML says it in words.
        let rest = why.strip_prefix("its frontmatter: line ");
        let read = rest.and_then(|rest| rest.split_once(": "));
        let read = read.and_then(|(line, why)| Some((line.parse().ok()?, why)));
        match read {
            Some((line, why)) => (Some(line), format!("the frontmatter: {why}")),
            None => (Some(1), why),
        }
    })?;
    let unknown = unknown(&fields, &lines);
    let front: Front =
        serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
            let path = error.path().to_string();
            (line(&lines, &path), format!("`{path}`: {}", error.inner()))
        })?;
    for (place, argument) in front.arguments.iter().enumerate() {
        let at = |member: &str| line(&lines, &format!("arguments[{place}].{member}"));
        let name = &argument.name;
        if !is_name(name) {
            let why = "the name of an argument is letters, digits and `_`, not a digit first";
            return Err((at("name"), why.into()));
        }
        if front
            .arguments
            .iter()
            .take(place)
            .any(|other| other.name == *name)
        {
            return Err((at("name"), format!("the argument `{name}` is there twice")));
        }
        if argument.required && argument.default.is_some() {
            let why = format!("`{name}` must be given, so its default is never used");
            return Err((at("default"), why));
        }
    }
    let parts = parts(text, body)?;
    if parts.is_empty() {
        return Err((None, "there is no text after the frontmatter".into()));
    }
    Ok(Definition {
        front,
        lines,
        parts,
        unknown,
    })
}

fn unknown(fields: &Map<String, Value>, lines: &Lines) -> Vec<String> {
    let unknown = fields.keys().filter(|key| !KEYS.contains(&key.as_str()));
    unknown
        .map(|key| match line(lines, key) {
            Some(line) => format!("`{key}` (line {line})"),
            None => format!("`{key}`"),
        })
        .collect()
}

/// The line of a value, or of what it is in.
fn line(lines: &Lines, path: &str) -> Option<usize> {
    let mut path = path;
    loop {
        if let Some((_, line)) = lines.iter().find(|(known, _)| known == path) {
            return Some(*line);
        }
        path = &path[..path.rfind(['.', '['])?];
    }
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The messages of the body, which begins at this byte.
fn parts(text: &str, body: usize) -> At<Vec<Part>> {
    let before = text.get(..body).unwrap_or_default().matches('\n').count();
    let (mut parts, mut role, mut source) = (Vec::new(), Role::User, "\n".repeat(before));
    let mut fence: Option<&str> = None;
    let mut finish = |role, source: String| {
        if !source.trim().is_empty() {
            parts.push(Part { role, source });
        }
    };
    for (number, line) in text
        .get(body..)
        .unwrap_or_default()
        .split_inclusive('\n')
        .enumerate()
    {
        let number = before + number + 1;
        let plain = line.trim();
        match fence {
            Some(open) if plain.starts_with(open) => fence = None,
            None => {
                fence = ["```", "~~~"]
                    .into_iter()
                    .find(|open| plain.starts_with(open))
            }
            Some(_) => {}
        }
        match marker(plain).filter(|_| fence.is_none()) {
            None => source.push_str(line),
            Some(name) => {
                let next = match name {
                    "user" => Role::User,
                    "assistant" => Role::Assistant,
                    _ => {
                        let why = "a role is `user` or `assistant`".to_owned();
                        return Err((Some(number), why));
                    }
                };
                finish(role, std::mem::replace(&mut source, "\n".repeat(number)));
                role = next;
            }
        }
    }
    finish(role, source);
    Ok(parts)
}

/// The role in `<!-- role: assistant -->`, alone on its line.
fn marker(line: &str) -> Option<&str> {
    let inner = line.strip_prefix("<!--")?.strip_suffix("-->")?.trim();
    Some(inner.strip_prefix("role:")?.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts_of(body: &str) -> Vec<(Role, String)> {
        let text = format!("---\ntitle: x\n---\n{body}");
        let read = Definition::read("x.md", &text).expect("frontmatter");
        let parts = read.expect("a prompt").parts;
        parts
            .into_iter()
            .map(|part| (part.role, part.source.trim().to_owned()))
            .collect()
    }

    #[test]
    fn roles_divide_the_text() {
        let (user, assistant) = (Role::User, Role::Assistant);
        for (body, expected) in [
            ("Hello", vec![(user, "Hello")]),
            (
                "a\n<!-- role: assistant -->\nb\n<!--role:user-->\nc",
                vec![(user, "a"), (assistant, "b"), (user, "c")],
            ),
            ("<!-- role: assistant -->\nb", vec![(assistant, "b")]),
            (
                "```\n<!-- role: assistant -->\n```\n",
                vec![(user, "```\n<!-- role: assistant -->\n```")],
            ),
            (
                "so: <!-- role: assistant -->",
                vec![(user, "so: <!-- role: assistant -->")],
            ),
        ] {
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(role, text)| (role, text.to_owned()))
                .collect();
            assert_eq!(parts_of(body), expected, "{body}");
        }
    }

    #[test]
    fn a_part_keeps_its_lines() {
        let text = "---\ntitle: x\n---\na\n<!-- role: assistant -->\nb\n";
        let read = Definition::read("x.md", text).expect("frontmatter");
        let parts = read.expect("a prompt").parts;
        assert_eq!(parts[0].source, "\n\n\na\n");
        assert_eq!(parts[1].source, "\n\n\n\n\nb\n");
    }

    #[test]
    fn mistakes_have_their_lines() {
        for (text, line, why) in [
            ("---\ntitle: [\n---\nx", Some(3), "the frontmatter"),
            ("---\ntitle: &a 1\n---\nx", Some(2), "`title`: invalid type"),
            ("---\n- 1\n---\nx", Some(1), "not a mapping"),
            (
                "---\narguments:\n  - nam: x\n---\nx",
                Some(3),
                "unknown field `nam`",
            ),
            (
                "---\narguments:\n  - name: x\n    required: often\n---\nx",
                Some(4),
                "expected a boolean",
            ),
            ("---\narguments:\n  - name: x y\n---\nx", Some(3), "letters"),
            (
                "---\narguments:\n  - name: x\n  - name: x\n---\nx",
                Some(4),
                "twice",
            ),
            (
                "---\narguments:\n- name: x\n  required: true\n  default: 1\n---\nx",
                Some(5),
                "never used",
            ),
            ("---\ntitle: x\n---\n \n", None, "no text"),
            (
                "---\ntitle: x\n---\na\n<!-- role: system -->\nb",
                Some(5),
                "`user` or `assistant`",
            ),
        ] {
            let read = Definition::read("x.md", text).expect("frontmatter");
            let wrong = read.expect_err(why);
            assert!(wrong.why.contains(why), "{wrong}");
            assert_eq!(wrong.line, line, "{wrong}");
        }
        assert!(Definition::read("x.md", "# No frontmatter").is_none());
    }

    #[test]
    fn what_yaml_takes_for_numbers_is_text() {
        let text = "---\narguments:\n- name: x\n  default: 3\n  complete: [1.5, true, a]\ntags: [a]\n---\nx";
        let read = Definition::read("x.md", text).expect("frontmatter");
        let definition = read.expect("a prompt");
        let argument = &definition.front.arguments[0];
        assert_eq!(
            argument.default.as_ref().map(|text| text.0.as_str()),
            Some("3")
        );
        let complete: Vec<_> = argument
            .complete
            .iter()
            .map(|text| text.0.as_str())
            .collect();
        assert_eq!(complete, ["1.5", "true", "a"]);
        assert_eq!(definition.unknown, ["`tags` (line 6)"]);
    }
}
