//! The frontmatter of a `SKILL.md` or another text: YAML, as JSON.
//!
//! Read event by event, so that what JSON cannot say, and what lets a short text stand for a long
//! one (aliases), is refused instead of guessed.

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Number, Value};

/// How long it may be, in bytes.
const MAX_BYTES: usize = 64 * 1024;
/// How deep its values may nest.
const MAX_DEPTH: usize = 32;

/// Reads the frontmatter at the beginning of a text.
///
/// # Errors
/// There is none, it is too long, or it says what JSON cannot.
pub fn read(text: &str) -> Result<Map<String, Value>, String> {
    read_and(text, None)
}

/// Where values begin in a text, by their paths as in `arguments[0].name`: numbers of lines, from 1.
pub type Lines = Vec<(String, usize)>;

/// How many values are remembered with their lines, and how long their paths may be.
const MAX_LINES: usize = 1000;
const MAX_PATH: usize = 200;

/// Reads the frontmatter at the beginning of a text, and remembers where everything stands.
///
/// # Errors
/// As [`read`].
pub fn read_with_lines(text: &str) -> Result<(Map<String, Value>, Lines), String> {
    let mut lines = Lines::new();
    let fields = read_and(text, Some(&mut lines))?;
    Ok((fields, lines))
}

fn read_and(text: &str, lines: Option<&mut Lines>) -> Result<Map<String, Value>, String> {
    let (yaml, _) =
        cut(text).ok_or("it does not begin with frontmatter between two lines `---`")?;
    if yaml.len() > MAX_BYTES {
        return Err(format!(
            "its frontmatter is longer than {} KiB",
            MAX_BYTES / 1024
        ));
    }
    match parse(yaml, lines).map_err(|why| format!("its frontmatter: {why}"))? {
        Value::Object(fields) => Ok(fields),
        _ => Err("its frontmatter is not a mapping".into()),
    }
}

/// The lines between the first line `---` and the next one; and what comes after that.
pub fn cut(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let rest = text
        .strip_prefix("---\n")
        .or_else(|| text.strip_prefix("---\r\n"))?;
    let mut start = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end_matches(['\n', '\r', ' ', '\t']) == "---" && line.starts_with("---") {
            return Some((rest.get(..start)?, rest.get(start + line.len()..)?));
        }
        start += line.len();
    }
    None
}

/// A collection that is being read.
enum Open {
    List(Vec<Value>),
    /// With the key whose value comes next.
    Object(Map<String, Value>, Option<String>),
}

/// The path of the value that comes next.
fn path(open: &[Open]) -> String {
    let mut path = String::new();
    for level in open {
        match level {
            Open::List(items) => path.push_str(&format!("[{}]", items.len())),
            Open::Object(_, key) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key.as_deref().unwrap_or_default());
            }
        }
    }
    path
}

fn parse(yaml: &str, mut lines: Option<&mut Lines>) -> Result<Value, String> {
    let mut open: Vec<Open> = Vec::new();
    let mut whole = None;
    for event in Parser::new_from_str(yaml) {
        let (event, span) = event.map_err(|error| {
            // The line `---` is before those that the parser sees.
            let (line, why) = (error.marker().line() + 1, error.info());
            format!("line {line}: {why}")
        })?;
        let is_key = matches!(open.last(), Some(Open::Object(_, None)));
        let is_value = matches!(
            event,
            Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..)
        );
        if let Some(lines) = &mut lines
            && is_value
            && !is_key
            && lines.len() < MAX_LINES
        {
            let path = path(&open);
            if path.len() <= MAX_PATH {
                lines.push((path, span.start.line() + 1));
            }
        }
        let done = match event {
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => continue,
            Event::Alias(_) => return Err("aliases are not supported".into()),
            Event::SequenceStart(_, tag) => {
                refuse(tag.as_deref())?;
                open.push(Open::List(Vec::new()));
                None
            }
            Event::MappingStart(_, tag) => {
                refuse(tag.as_deref())?;
                open.push(Open::Object(Map::new(), None));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(items)) => Some(Value::Array(items)),
                Some(Open::Object(members, _)) => Some(Value::Object(members)),
                None => None,
            },
            Event::Scalar(text, style, _, tag) => {
                if let Some(Open::Object(members, key @ None)) = open.last_mut() {
                    if members.contains_key(&*text) {
                        return Err(format!("`{}` is there twice", shown(&text)));
                    }
                    *key = Some(text.into_owned());
                    continue;
                }
                let is_text = match tag.as_deref() {
                    None => style != ScalarStyle::Plain,
                    Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => true,
                    tag => {
                        refuse(tag)?;
                        false
                    }
                };
                Some(if is_text {
                    Value::String(text.into_owned())
                } else {
                    plain(&text)?
                })
            }
        };
        if open.len() > MAX_DEPTH {
            return Err(format!("it nests more than {MAX_DEPTH} levels"));
        }
        let Some(value) = done else {
            // A collection as a key has no place in JSON.
            let parent = open.len().checked_sub(2).and_then(|place| open.get(place));
            if let Some(Open::Object(_, None)) = parent {
                return Err("keys must be text".into());
            }
            continue;
        };
        match open.last_mut() {
            Some(Open::List(items)) => items.push(value),
            Some(Open::Object(members, key)) => {
                members.insert(key.take().ok_or("keys must be text")?, value);
            }
            None if whole.is_some() => return Err("there is more than one document".into()),
            None => whole = Some(value),
        }
    }
    whole.ok_or_else(|| "it is empty".into())
}

fn refuse(tag: Option<&Tag>) -> Result<(), String> {
    match tag {
        None => Ok(()),
        Some(tag) => Err(format!("the tag `{}` is not supported", shown(&tag.suffix))),
    }
}

fn shown(text: &str) -> String {
    crate::handler::text::shown(text).to_string()
}

/// A scalar without quotes, by YAML's core schema (YAML 1.2.2, 10.3.2).
fn plain(text: &str) -> Result<Value, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ => {
            let digits = text.trim_start_matches(['-', '+']);
            if matches!(digits, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
                return Err(format!("JSON has no number `{}`", shown(text)));
            }
            number(text).map_or_else(|| text.into(), Value::Number)
        }
    })
}

fn number(text: &str) -> Option<Number> {
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let all_digits = digits.chars().all(|c| c.is_digit(radix));
            return u64::from_str_radix(digits, radix)
                .ok()
                .filter(|_| all_digits)
                .map(Number::from);
        }
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (
            mantissa,
            Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)),
        ),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let well_formed = match fraction {
        Some(fraction) if whole.is_empty() => is_number(fraction),
        Some(fraction) => is_number(whole) && (fraction.is_empty() || is_number(fraction)),
        None => is_number(whole),
    };
    if !well_formed || !exponent.is_none_or(is_number) {
        return None;
    }
    if fraction.is_none() && exponent.is_none() {
        let text = text.strip_prefix('+').unwrap_or(text);
        let exact = text.parse::<i64>().map(Number::from);
        if let Ok(exact) = exact.or_else(|_| text.parse::<u64>().map(Number::from)) {
            return Some(exact);
        }
    }
    Number::from_f64(text.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(yaml: &str) -> Result<Value, String> {
        read(&format!("---\n{yaml}\n---\n# Body\n---\n")).map(Value::from)
    }

    #[test]
    fn values_and_errors_have_their_lines() {
        let text = "---\n# words\ntitle: A\narguments:\n  - name: x\n    complete: [a, b]\n---\n";
        let (_, lines) = read_with_lines(text).expect("frontmatter");
        let expected = [
            ("", 3),
            ("title", 3),
            ("arguments", 5),
            ("arguments[0]", 5),
            ("arguments[0].name", 5),
            ("arguments[0].complete", 6),
            ("arguments[0].complete[0]", 6),
            ("arguments[0].complete[1]", 6),
        ];
        let lines: Vec<_> = lines
            .iter()
            .map(|(path, line)| (path.as_str(), *line))
            .collect();
        assert_eq!(lines, expected);
        let error = read("---\na: 1\nb: [\n---\n").expect_err("broken");
        assert!(error.starts_with("its frontmatter: line "), "{error}");
    }

    #[test]
    fn fields_keep_their_types() {
        let yaml = "name: refunds\ndescription: >-\n  Two\n  lines\nlicense: \"1\"\n\
                    metadata:\n  version: 1.0\n  n: 007\n  hex: 0x1F\n  none: ~\n  yes: yes\n  \
                    on: true\n  day: 2026-01-02\n  big: 18446744073709551615\n  exp: -1.5e3\n\
                    tools: [a, 'b', \"c\\n\"]\ntext: !!str 5\nempty:\n";
        assert_eq!(
            of(yaml).expect("YAML"),
            json!({"name": "refunds", "description": "Two lines", "license": "1",
                "metadata": {"version": 1.0, "n": 7, "hex": 31, "none": null, "yes": "yes",
                    "on": true, "day": "2026-01-02", "big": u64::MAX, "exp": -1500.0},
                "tools": ["a", "b", "c\n"], "text": "5", "empty": null})
        );
    }

    #[test]
    fn what_looks_like_a_number_is_one_only_if_it_is() {
        for text in [
            "1.2.3", "-", "+", ".", "1e", "e1", "0x", "0xg", "0o8", "0x+1", "1_000", "--1", "1 2",
        ] {
            assert_eq!(plain(text), Ok(text.into()), "{text}");
        }
        for (text, value) in [
            ("+1", json!(1)),
            (".5", json!(0.5)),
            ("1.", json!(1.0)),
            ("-0", json!(0)),
            ("1e2", json!(100.0)),
        ] {
            assert_eq!(plain(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn it_begins_with_the_first_line() {
        assert!(read("\u{feff}---\r\nname: a\r\n---  \r\n").is_ok());
        assert!(read("---\nname: a\n---").is_ok(), "nothing need follow");
        for text in [
            "",
            "# Title\n---\na: b\n---\n",
            "---\nname: a\n",
            " ---\na: b\n---\n",
            "---\na: b\n----\n",
        ] {
            let why = read(text).expect_err(text);
            assert!(why.contains("does not begin with frontmatter"), "{why}");
        }
    }

    #[test]
    fn what_json_cannot_say_is_refused() {
        let deep = format!("a: {}1{}", "[".repeat(40), "]".repeat(40));
        let long = format!("a: {}", "x".repeat(MAX_BYTES));
        for (yaml, why) in [
            ("a: &x 1\nb: *x", "aliases"),
            ("a: 1\na: 2", "`a` is there twice"),
            ("- a", "not a mapping"),
            ("? [a]\n: b", "keys must be text"),
            ("? {a: b}\n: c", "keys must be text"),
            ("a: .inf", "no number"),
            ("a: !secret b", "tag `secret`"),
            ("a: [", "its frontmatter"),
            ("", "it is empty"),
            (&deep, "nests more than"),
            (&long, "longer than 64 KiB"),
        ] {
            let error = of(yaml).expect_err(yaml);
            assert!(error.contains(why), "{yaml:.40}: {error}");
        }
    }
}
