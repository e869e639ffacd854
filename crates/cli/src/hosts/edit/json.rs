//! Members of JSON objects, with comments or without.

use std::borrow::Cow;

use jsonc_parser::ast::{Object, ObjectProp, Value as Node};
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, parse_to_ast};
use serde_json::Value;

use super::layout::{Shape, before_blanks, indent_at, line_end, member, written};
use super::{Base, Put, Way};
use crate::hosts::read::json_options;
use crate::hosts::table::Format;

/// The whole of a text, which must be an object; `None` where there is nothing in it.
fn whole<'a>(format: Format, text: &'a str) -> Result<Option<Object<'a>>, String> {
    let options = json_options(format);
    let parsed = parse_to_ast(text, &CollectOptions::default(), &options);
    // Its own words may repeat the text.
    let parsed = parsed.map_err(|error| {
        let line = error.line_display();
        let column = error.column_display();
        format!("it is not JSON (line {line}, column {column})")
    })?;
    match parsed.value {
        None => Ok(None),
        Some(Node::Object(object)) => Ok(Some(object)),
        Some(_) => Err("it is JSON, but not an object".into()),
    }
}

/// A member by its name, which must be there once at most.
fn find<'o, 'a>(object: &'o Object<'a>, name: &str) -> Result<Option<&'o ObjectProp<'a>>, String> {
    let mut found = object
        .properties
        .iter()
        .filter(|property| property.name.as_str() == name);
    let first = found.next();
    match found.next() {
        None => Ok(first),
        Some(_) => Err(format!("it has {name:?} twice")),
    }
}

/// The objects on the way, from the whole on, as far as they are there.
fn walk<'o, 'a>(whole: &'o Object<'a>, section: &[&str]) -> Result<Vec<&'o Object<'a>>, String> {
    let mut way = vec![whole];
    let mut object = whole;
    for name in section {
        let Some(property) = find(object, name)? else {
            break;
        };
        let Node::Object(next) = &property.value else {
            return Err(format!("its `{name}` is not an object"));
        };
        object = next;
        way.push(object);
    }
    Ok(way)
}

/// A member that has the rest of the way in it.
fn nested(names: &[&str], value: &Value) -> Value {
    match names {
        [] => value.clone(),
        [first, rest @ ..] => {
            let members = [((*first).to_owned(), nested(rest, value))];
            Value::Object(members.into_iter().collect())
        }
    }
}

pub(super) fn put(format: Format, text: &str, way: Way<'_>, value: &Value) -> Result<Put, String> {
    let names = [way.section, &[way.name]].concat();
    let end = line_end(text);
    let Some(whole) = whole(format, text)? else {
        let shape = Shape::Lines {
            indent: "",
            step: "  ",
            end,
        };
        let object = written(&nested(&names, value), shape);
        // After comments, if that is what there is; a file that was not there ends its last line.
        let gap = match text.trim_end() {
            "" => "",
            _ if text.ends_with('\n') => "",
            _ => end,
        };
        let text_after = match text.trim_end() {
            "" => format!("{object}{end}"),
            _ => format!("{text}{gap}{object}{end}"),
        };
        return Ok(Put {
            text: text_after,
            base: Base {
                there: 0,
                inner: Some(text.to_owned()),
                around: None,
            },
        });
    };
    let there = walk(&whole, way.section)?;
    let Some(last) = there.last() else {
        return Err("it has nothing in it".into());
    };
    let mut base = Base {
        there: there.len(),
        inner: None,
        around: None,
    };
    let missing = &names[there.len() - 1..];
    if missing.len() == 1
        && let Some(property) = find(last, way.name)?
    {
        let at = property.value.range();
        let shape = shape_of_value(text, &whole, last, property, end);
        let mut text = text.to_owned();
        text.replace_range(at.start..at.end, &written(value, shape));
        return Ok(Put { text, base });
    }
    let [first, rest @ ..] = missing else {
        return Err("it has nothing in it".into());
    };
    let value = nested(rest, value);
    let step = step(text, &whole);
    let range = last.range();
    let text = if let Some(before) = last.properties.last() {
        let lead = before_blanks(text, before.start());
        let lead = &text[lead..before.start()];
        if lead.contains('\n') {
            let indent = indent_at(text, before.start());
            let step = inner_step(text, last).unwrap_or(step);
            let shape = Shape::Lines {
                indent,
                step: &step,
                end,
            };
            let added = format!("{end}{indent}{}", member(first, &value, shape));
            appended(text, last, before, &added, true)
        } else {
            let blank = blank(text, before);
            let shape = Shape::Line { blank };
            let added = format!("{blank}{}", member(first, &value, shape));
            appended(text, last, before, &added, false)
        }
    } else {
        let inner = &text[range.start + 1..range.end - 1];
        base.inner = Some(inner.to_owned());
        // In a text that is on one line the new member is on it too.
        let one_line = there.len() > 1 && !text.trim().contains('\n');
        let filled = if one_line && inner.trim().is_empty() {
            let blank = whole.properties.first().map_or(" ", |one| blank(text, one));
            member(first, &value, Shape::Line { blank })
        } else {
            let outer = indent_at(text, range.start);
            let indent = format!("{outer}{step}");
            let shape = Shape::Lines {
                indent: &indent,
                step: &step,
                end,
            };
            let added = member(first, &value, shape);
            format!("{}{end}{indent}{added}{end}{outer}", inner.trim_end())
        };
        let mut text = text.to_owned();
        text.replace_range(range.start + 1..range.end - 1, &filled);
        text
    };
    Ok(Put { text, base })
}

/// The text with a member behind the last one of an object.
fn appended(
    text: &str,
    object: &Object<'_>,
    last: &ObjectProp<'_>,
    added: &str,
    lines: bool,
) -> String {
    let comma = comma(text, last.end(), object.end() - 1);
    let behind = comma.map_or(last.end(), |comma| comma + 1);
    // A comment behind the last member belongs to it.
    let at = if lines {
        behind_comments(text, behind)
    } else {
        behind
    };
    let mut out = String::with_capacity(text.len() + added.len() + 1);
    match comma {
        Some(_) => {
            out.push_str(&text[..at]);
            out.push_str(added);
            out.push(',');
        }
        None => {
            out.push_str(&text[..last.end()]);
            out.push(',');
            out.push_str(&text[last.end()..at]);
            out.push_str(added);
        }
    }
    out.push_str(&text[at..]);
    out
}

/// The comma in a part of a text that has nothing else but blanks and comments.
fn comma(text: &str, from: usize, to: usize) -> Option<usize> {
    let mut at = from;
    while at < to {
        let rest = &text[at..to];
        if rest.starts_with(',') {
            return Some(at);
        }
        at += comment(rest).unwrap_or_else(|| rest.chars().next().map_or(1, char::len_utf8));
    }
    None
}

/// How long the comment is that a text begins with; one of a line ends before the line end.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        let end = text.find('\n').unwrap_or(text.len());
        return Some(text[..end].trim_end_matches('\r').len());
    }
    let inner = text.strip_prefix("/*")?;
    Some(inner.find("*/").map_or(text.len(), |end| end + 4))
}

/// Whether the last comment in a part of a text is one of a line, and ends with the part.
fn ends_line_comment(text: &str, from: usize, to: usize) -> bool {
    let mut at = from;
    while at < to {
        let rest = &text[at..];
        let length = comment(rest);
        if length.is_some_and(|length| rest.starts_with("//") && at + length >= to) {
            return true;
        }
        at += length.unwrap_or_else(|| rest.chars().next().map_or(1, char::len_utf8));
    }
    false
}

/// The end of the comments that stand behind a place, on its line.
fn behind_comments(text: &str, from: usize) -> usize {
    let mut end = from;
    loop {
        let rest = &text[end..];
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        match comment(&rest[blanks..]) {
            Some(length) if !rest[blanks..blanks + length].contains('\n') => {
                end += blanks + length;
            }
            _ => return end,
        }
    }
}

/// A step of indentation, as the whole has it.
fn step<'a>(text: &'a str, whole: &Object<'_>) -> Cow<'a, str> {
    inner_step(text, whole).unwrap_or(Cow::Borrowed("  "))
}

/// By how much the members of an object, or of the objects in it, stand further in.
fn inner_step<'a>(text: &'a str, object: &Object<'_>) -> Option<Cow<'a, str>> {
    let outer = indent_at(text, object.end() - 1);
    let of = |first: &ObjectProp<'_>, outer: &str| {
        let lead = &text[before_blanks(text, first.start())..first.start()];
        let inner = lead
            .contains('\n')
            .then(|| indent_at(text, first.start()))?;
        let step = inner.strip_prefix(outer)?;
        (!step.is_empty()).then_some(Cow::Borrowed(step))
    };
    let mut children = object.properties.iter().filter_map(|property| {
        let object = property.value.as_object()?;
        of(
            object.properties.first()?,
            indent_at(text, property.start()),
        )
    });
    let own = object.properties.first().and_then(|first| of(first, outer));
    children.next_back().or(own)
}

/// What stands after colons on the line of a member.
fn blank<'a>(text: &'a str, property: &ObjectProp<'_>) -> &'a str {
    let start = property.value.start();
    if text[..start].ends_with(' ') {
        " "
    } else {
        ""
    }
}

fn shape_of_value<'a>(
    text: &'a str,
    whole: &Object<'_>,
    parent: &Object<'_>,
    property: &ObjectProp<'_>,
    end: &'a str,
) -> Shape<'a> {
    let lead = &text[before_blanks(text, property.start())..property.start()];
    if !lead.contains('\n') {
        let blank = blank(text, property);
        return Shape::Line { blank };
    }
    let step = inner_step(text, parent).unwrap_or_else(|| step(text, whole));
    let step: &'a str = match step {
        Cow::Borrowed(step) => step,
        Cow::Owned(_) => "  ",
    };
    Shape::Lines {
        indent: indent_at(text, property.start()),
        step,
        end,
    }
}

pub(super) fn take(
    format: Format,
    text: &str,
    way: Way<'_>,
    base: Option<&Base>,
) -> Result<String, String> {
    let whole = whole(format, text)?.ok_or("it has nothing in it")?;
    let there = walk(&whole, way.section)?;
    let names = [way.section, &[way.name]].concat();
    if there.len() != names.len() || find(there[names.len() - 1], way.name)?.is_none() {
        return Err(format!("it has no {:?}", way.name));
    }
    // Up to the object that has something else in it, or that was there before.
    for (depth, object) in there.iter().enumerate().rev() {
        let name = names[depth];
        let position = object
            .properties
            .iter()
            .position(|property| property.name.as_str() == name);
        let position = position.ok_or("it has nothing in it")?;
        let property = &object.properties[position];
        let alone = object.properties.len() == 1;
        let Some(base) = base.filter(|_| alone) else {
            return Ok(without(text, object, position));
        };
        let range = object.range();
        let open = range.start + 1;
        let own_comma = comma(text, property.end(), range.end - 1);
        let behind = own_comma.map_or(property.end(), |comma| comma + 1);
        let before = &text[open..before_blanks(text, property.start()).max(open)];
        let after = &text[behind..range.end - 1];
        if depth + 1 > base.there {
            // Made by us: it goes as a whole, unless somebody wrote a comment in it.
            if !before.is_empty() || !after.trim().is_empty() {
                return Ok(without(text, object, position));
            }
            if depth == 0 {
                return Ok(restored(text, object, base));
            }
            continue;
        }
        if let Some(inner) = &base.inner
            && depth + 1 == base.there
            && before == inner.trim_end()
            && after.trim().is_empty()
        {
            let mut text = text.to_owned();
            text.replace_range(open..range.end - 1, inner);
            return Ok(text);
        }
        return Ok(without(text, object, position));
    }
    Err("it has nothing in it".into())
}

/// The text of a file that had no object, if all that was added to it is the object.
fn restored(text: &str, whole: &Object<'_>, base: &Base) -> String {
    let inner = base.inner.as_deref().unwrap_or_default();
    let (before, after) = (&text[..whole.start()], &text[whole.end()..]);
    if before.trim_end() == inner.trim_end() && after.trim().is_empty() {
        return inner.to_owned();
    }
    format!("{before}{{}}{after}")
}

/// The text without a member, its comma, and the blanks before it.
fn without(text: &str, object: &Object<'_>, position: usize) -> String {
    let property = &object.properties[position];
    let from = match position.checked_sub(1) {
        Some(previous) => object.properties[previous].end(),
        None => object.start() + 1,
    };
    let mut start = before_blanks(text, property.start());
    if ends_line_comment(text, from, start) {
        // The line end after it is all that ends it, unless there is one behind the member too.
        let behind = text[property.end()..].trim_start_matches([' ', '\t', ',']);
        if !behind.starts_with(['\r', '\n']) {
            start = property.start();
        }
    }
    let limit = match object.properties.get(position + 1) {
        Some(next) => next.start(),
        None => object.end() - 1,
    };
    let mut out = String::with_capacity(text.len());
    match comma(text, property.end(), limit) {
        Some(comma) => {
            out.push_str(&text[..start]);
            out.push_str(&text[comma + 1..]);
        }
        None => {
            // The last one: the comma before it goes too.
            let previous = position
                .checked_sub(1)
                .map(|previous| object.properties[previous].end());
            let previous = previous.and_then(|end| self::comma(text, end, property.start()));
            match previous {
                Some(comma) if comma < start => {
                    out.push_str(&text[..comma]);
                    out.push_str(&text[comma + 1..start]);
                }
                _ => out.push_str(&text[..start]),
            }
            out.push_str(&text[property.end()..]);
        }
    }
    out
}
