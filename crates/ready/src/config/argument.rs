//! Packs as arguments: `KIND:WHAT?key=value&key=value`, read as the tables of a file are.

use percent_encoding::percent_decode_str;
use schemars::SchemaGenerator;
use serde_json::Value as Json;

use super::kinds::Kind;
use super::nearest::did_you_mean;
use super::node::{Entry, Node, Span, Text, Value};
use super::problem::{Problem, Problems};
use super::source::Source;

/// Reads the form of an argument: which kind, and its table.
pub(super) fn parse(source: &Source) -> Result<(Kind, Node), Problems> {
    let text = source.text();
    let (name, rest) = match text.split_once(':') {
        Some((name, rest)) => (name, rest),
        None => (text, ""),
    };
    let Some(kind) = Kind::of(name) else {
        return Err(unknown(source, name).into());
    };
    let begin = text.len() - rest.len();
    let (what, query) = match rest.split_once('?') {
        Some((what, query)) => (what, Some(query)),
        None => (rest, None),
    };
    let mut problems = Problems::default();
    let mut entries = of_what(kind, what, begin, source, &mut problems);
    let mut at = begin + what.len() + 1;
    for pair in query.into_iter().flat_map(|query| query.split('&')) {
        let span = at..at + pair.len();
        at = span.end + 1;
        if !pair.is_empty() {
            let entry = of_pair(kind, pair, &span, source, &mut problems);
            add(&mut entries, entry, source, &mut problems);
        }
    }
    problems.into_result()?;
    Ok((kind, Node::new(0..text.len(), Value::Table(entries))))
}

fn unknown(source: &Source, name: &str) -> Problem {
    let kinds = Kind::ALL.iter().map(|kind| kind.name());
    let problem = Problem::new(
        source,
        &(0..name.len()),
        format!("there is no kind of pack `{name}`"),
    );
    if std::path::Path::new(source.text()).is_dir() && Kind::of("files").is_some() {
        return problem.next(format!(
            "to serve that directory: `files:{}`",
            source.text()
        ));
    }
    problem.maybe_next(did_you_mean(name, kinds))
}

/// The entries that `WHAT` stands for.
fn of_what(
    kind: Kind,
    what: &str,
    begin: usize,
    source: &Source,
    problems: &mut Problems,
) -> Vec<Entry> {
    let span = begin..begin + what.len();
    if what.is_empty() {
        return Vec::new();
    }
    match kind.what() {
        [] => {
            let reason = format!("`{}:` has nothing behind the colon", kind.name());
            problems.add(Problem::new(source, &span, reason));
            Vec::new()
        }
        [key] => vec![entry(key, what, &span)],
        keys => {
            let parts = what.splitn(keys.len(), '/');
            let mut at = begin;
            let entry = |(key, part): (&&str, &str)| {
                let span = at..at + part.len();
                at = span.end + 1;
                entry(key, part, &span)
            };
            keys.iter().zip(parts).map(entry).collect()
        }
    }
}

fn of_pair(kind: Kind, pair: &str, span: &Span, source: &Source, problems: &mut Problems) -> Entry {
    let (key, value) = match pair.split_once('=') {
        Some((key, value)) => (key, value),
        // A switch without a value is on.
        None => (pair, "true"),
    };
    let key_span = span.start..span.start + key.len();
    if is_secret(kind, key) {
        let reason = format!("`{key}` is a secret: other people on this machine see arguments");
        let variable = format!("{}_{}", kind.name(), key).to_uppercase();
        problems.add(Problem::new(source, &key_span, reason).next(format!(
            "write it into `wharf.toml` as `{key} = \"${{{variable}}}\"` or `{key} = \"${{file:PATH}}\"`"
        )));
    }
    let value_span = (key_span.end + 1).min(span.end)..span.end;
    Entry {
        key_span,
        ..entry(key, value, &value_span)
    }
}

fn add(entries: &mut Vec<Entry>, entry: Entry, source: &Source, problems: &mut Problems) {
    if entries.iter().any(|known| known.key == entry.key) {
        let reason = format!("`{}` is given twice", entry.key);
        problems.add(Problem::new(source, &entry.key_span, reason));
    } else {
        entries.push(entry);
    }
}

fn entry(key: &str, value: &str, span: &Span) -> Entry {
    let value = percent_decode_str(value).decode_utf8_lossy();
    let text = Text {
        loose: true,
        ..Text::plain(value)
    };
    Entry {
        key: key.to_owned(),
        key_span: span.clone(),
        node: Node::new(span.clone(), Value::Text(text)),
    }
}

/// Whether an option is one that nobody may see.
fn is_secret(kind: Kind, key: &str) -> bool {
    let schema = kind.schema(&mut SchemaGenerator::default());
    let property = schema.pointer(&format!("/properties/{key}"));
    property.and_then(|p| p.get("writeOnly")) == Some(&Json::Bool(true))
}
