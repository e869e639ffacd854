//! Tables of TOML: an entry is a table of its own, at the end of the file.

use std::ops::Range;

use serde_json::Value;
use toml_edit::{Document, Item, Table};

use super::layout::line_end;
use super::{Base, Put, Way};

fn parse(text: &str) -> Result<Document<&str>, String> {
    Document::parse(text).map_err(|error| {
        // Its own words go over several lines and repeat the file, secrets and all.
        let line = error.span().map_or(1, |span| {
            1 + text[..span.start.min(text.len())].matches('\n').count()
        });
        format!("it is not TOML (line {line})")
    })
}

/// The table of an entry. `None` where there is none.
fn entry<'d>(document: &'d Document<&str>, way: Way<'_>) -> Result<Option<&'d Item>, String> {
    let mut table: &Table = document.as_table();
    for name in way.section {
        table = match table.get(name) {
            None => return Ok(None),
            Some(Item::Table(next)) => next,
            Some(Item::Value(toml_edit::Value::InlineTable(_))) => {
                return Err(format!(
                    "its `{name}` is written in braces, and tables cannot be added to that; write `[{name}.…]` instead"
                ));
            }
            Some(_) => return Err(format!("its `{name}` is not a table")),
        };
    }
    Ok(table.get(way.name))
}

pub(super) fn put(text: &str, way: Way<'_>, value: &Value) -> Result<Put, String> {
    let document = parse(text)?;
    let end = line_end(text);
    let block = block(way, value, end);
    let old = entry(&document, way)?;
    let there = usize::from(old.is_some());
    let base = |inner: Option<&str>, around: Option<(String, String)>| Base {
        there,
        inner: inner.map(str::to_owned),
        around,
    };
    if let Some(old) = old {
        let range = extent(text, old)?;
        let mut text = text.to_owned();
        text.replace_range(range, &block);
        return Ok(Put {
            text,
            base: base(None, None),
        });
    }
    if text.trim().is_empty() {
        return Ok(Put {
            text: format!("{block}{end}"),
            base: base(Some(text), None),
        });
    }
    // A blank line before it; the last line ends as it did.
    let (before, after) = match text.ends_with('\n') {
        true if text.ends_with(&format!("{end}{end}")) => (String::new(), end.to_owned()),
        true => (end.to_owned(), end.to_owned()),
        false => (format!("{end}{end}"), String::new()),
    };
    Ok(Put {
        text: format!("{text}{before}{block}{after}"),
        base: base(None, Some((before, after))),
    })
}

pub(super) fn take(text: &str, way: Way<'_>, base: Option<&Base>) -> Result<String, String> {
    let document = parse(text)?;
    let Some(item) = entry(&document, way)? else {
        return Err(format!("it has no {:?}", way.name));
    };
    let Range { mut start, mut end } = extent(text, item)?;
    let rest = |start: usize, end: usize| format!("{}{}", &text[..start], &text[end..]);
    match base {
        Some(Base {
            inner: Some(inner), ..
        }) if rest(start, end).trim().is_empty() => return Ok(inner.clone()),
        Some(Base {
            around: Some((before, after)),
            ..
        }) => {
            if text[..start].ends_with(before.as_str()) {
                start -= before.len();
            }
            if text[end..].starts_with(after.as_str()) {
                end += after.len();
            }
        }
        _ => {
            // The line as a whole, and the blank line before it.
            let line = line_end(text);
            if text[end..].starts_with(line) {
                end += line.len();
            }
            if text[..start].ends_with(&format!("{line}{line}")) {
                start -= line.len();
            }
        }
    }
    Ok(rest(start, end))
}

/// Where an entry stands: from its header to the end of its last line, without the line end.
fn extent(text: &str, item: &Item) -> Result<Range<usize>, String> {
    let scattered = || "the entry is not one table with a `[…]` of its own".to_owned();
    let table = item.as_table().ok_or_else(scattered)?;
    let header = table.span().ok_or_else(scattered)?;
    let mut last = header.end;
    furthest(table, &mut last);
    let line = text[last..].find('\n').map_or(text.len(), |at| last + at);
    let line = text[..line].trim_end_matches('\r').len();
    Ok(header.start..line)
}

fn furthest(table: &Table, last: &mut usize) {
    for (_, item) in table.iter() {
        if let Some(span) = item.span() {
            *last = span.end.max(*last);
        }
        if let Some(table) = item.as_table() {
            furthest(table, last);
        }
    }
}

/// The table of an entry, without the end of its last line.
fn block(way: Way<'_>, value: &Value, end: &str) -> String {
    let mut header = way.section.to_vec();
    header.push(way.name);
    let header: Vec<_> = header.into_iter().map(key).collect();
    let mut lines = vec![format!("[{}]", header.join("."))];
    for (name, value) in value.as_object().into_iter().flatten() {
        lines.push(format!("{} = {}", key(name), written(value)));
    }
    lines.join(end)
}

fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        written(&Value::from(name))
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(written).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) if members.is_empty() => "{}".into(),
        Value::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{} = {}", key(name), written(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        // The escapes of JSON are escapes of TOML; one character has to be escaped there besides.
        other => other.to_string().replace('\u{7f}', "\\u007f"),
    }
}
