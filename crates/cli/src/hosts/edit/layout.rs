//! How a text is laid out: its line ends, its indentation, what stands around a place.

use serde_json::Value;

/// The byte order mark that a text may begin with, and the rest.
pub(super) fn mark(text: &str) -> (&'static str, &str) {
    match text.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", text),
    }
}

/// The line end of a text: that of its first line.
pub(super) fn line_end(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// The blanks that the line of a place begins with.
pub(super) fn indent_at(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line = &text[start..];
    let end = line.find(|c| c != ' ' && c != '\t').unwrap_or(line.len());
    &line[..end]
}

/// The end of what stands before the blanks that end at a place.
pub(super) fn before_blanks(text: &str, at: usize) -> usize {
    text[..at].trim_end_matches([' ', '\t', '\r', '\n']).len()
}

/// How an object or a list is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape<'a> {
    /// A member a line: the indentation of the object's own line, a step of it, the line end.
    Lines {
        indent: &'a str,
        step: &'a str,
        end: &'a str,
    },
    /// All on one line, with blanks after colons and commas or without.
    Line { blank: &'a str },
}

/// JSON in a shape. Lists stay on a line.
pub(super) fn written(value: &Value, shape: Shape<'_>) -> String {
    let Value::Object(members) = value else {
        let Value::Array(items) = value else {
            return value.to_string();
        };
        let blank = match shape {
            Shape::Lines { .. } => " ",
            Shape::Line { blank } => blank,
        };
        let items: Vec<_> = items
            .iter()
            .map(|item| written(item, Shape::Line { blank }))
            .collect();
        return format!("[{}]", items.join(&format!(",{blank}")));
    };
    if members.is_empty() {
        return "{}".into();
    }
    match shape {
        Shape::Line { blank } => {
            let members: Vec<_> = members
                .iter()
                .map(|(name, value)| member(name, value, shape))
                .collect();
            format!("{{{}}}", members.join(&format!(",{blank}")))
        }
        Shape::Lines { indent, step, end } => {
            let inner = format!("{indent}{step}");
            let shape = Shape::Lines {
                indent: &inner,
                step,
                end,
            };
            let members: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{end}{inner}{}", member(name, value, shape)))
                .collect();
            format!("{{{}{end}{indent}}}", members.join(","))
        }
    }
}

/// `"name": value`.
pub(super) fn member(name: &str, value: &Value, shape: Shape<'_>) -> String {
    let blank = match shape {
        Shape::Lines { .. } => " ",
        Shape::Line { blank } => blank,
    };
    let name = Value::from(name);
    format!("{name}:{blank}{}", written(value, shape))
}
