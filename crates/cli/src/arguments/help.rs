//! The help of one tool, made from what the server says of it.

use std::fmt::Write as _;

use serde_json::Value;
use wharf_protocol::{TaskSupport, Tool};

use super::schema::{Schema, plain};
use crate::escape;
use crate::terminal::{LITERAL, STRONG, styled};

/// What a tool does and takes, for people.
pub(crate) fn help(tool: &Tool, target: &str) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_help(&mut out, tool, target);
    out
}

fn write_help(out: &mut String, tool: &Tool, target: &str) -> std::fmt::Result {
    let schema = Schema::new(&tool.input_schema);
    let name = escape::line(&tool.name);
    let title = tool
        .title
        .as_deref()
        .or_else(|| tool.annotations.as_ref()?.title.as_deref());
    match title.filter(|title| *title != tool.name) {
        Some(title) => writeln!(out, "{}: {}", styled(STRONG, &name), escape::line(title))?,
        None => writeln!(out, "{}", styled(STRONG, &name))?,
    }
    if let Some(description) = tool.description.as_deref() {
        writeln!(out, "\n{}", escape::text(description.trim()))?;
    }
    let command = format!("wharf call {} {}", word(target), word(&tool.name));
    write!(out, "\n{} {command}", styled(STRONG, "Usage:"))?;
    for argument in signature(tool) {
        write!(out, " {}", escape::line(&argument))?;
    }
    out.push('\n');

    let properties = schema.properties();
    if !properties.is_empty() {
        writeln!(out, "\n{}", styled(STRONG, "Arguments:"))?;
        let required = schema.required();
        write_properties(out, &properties, |name| required.contains(&name))?;
    }
    let result = tool.output_schema.as_ref().map(Schema::new);
    let result = result.map(Schema::properties).unwrap_or_default();
    if !result.is_empty() {
        writeln!(out, "\n{}", styled(STRONG, "Result:"))?;
        write_properties(out, &result, |_| false)?;
    }
    let hints = hints(tool);
    if !hints.is_empty() {
        writeln!(
            out,
            "\n{} {}",
            styled(STRONG, "The server says:"),
            hints.join(", ")
        )?;
    }
    writeln!(out, "\n{}", styled(STRONG, "Examples:"))?;
    write!(out, "  {command}")?;
    for (name, value) in example(schema) {
        write!(out, " {}", escape::line(&word(&format!("{name}{value}"))))?;
    }
    writeln!(out, "\n  {command} --input arguments.json")
}

/// How the arguments are given, in short: `a=INTEGER [b=TEXT]`.
pub(crate) fn signature(tool: &Tool) -> Vec<String> {
    let schema = Schema::new(&tool.input_schema);
    let required = schema.required();
    let describe = |(name, property): (&str, Schema<'_>)| {
        let argument = format!("{name}={}", placeholder(property));
        if required.contains(&name) {
            argument
        } else {
            format!("[{argument}]")
        }
    };
    schema.properties().into_iter().map(describe).collect()
}

fn placeholder(schema: Schema<'_>) -> String {
    if let Some(values) = schema.values() {
        let shown: Vec<_> = values.iter().map(|value| plain(value)).collect();
        let all = shown.join("|");
        return if all.len() <= 40 { all } else { "VALUE".into() };
    }
    let types = schema.types();
    let name = types
        .iter()
        .find(|name| **name != "null")
        .copied()
        .unwrap_or("value");
    match name {
        "string" => "TEXT".into(),
        "array" => match schema.items().map(Schema::types).as_deref() {
            Some(["string"]) => "TEXT…".into(),
            Some([one]) if !matches!(*one, "array" | "object") => {
                format!("{}…", one.to_uppercase())
            }
            _ => "LIST".into(),
        },
        other => other.to_uppercase(),
    }
}

fn write_properties(
    out: &mut String,
    properties: &[(&str, Schema<'_>)],
    is_required: impl Fn(&str) -> bool,
) -> std::fmt::Result {
    let names = properties
        .iter()
        .map(|(name, _)| escape::line(name).chars().count());
    let width = names.max().unwrap_or_default().min(28);
    for (name, schema) in properties {
        let mut facts = vec![schema.expectation(), schema.range()];
        if is_required(name) {
            facts.push("required".into());
        }
        if let Some(default) = schema
            .views()
            .into_iter()
            .find_map(|view| view.get("default"))
            .filter(|it| !it.is_null())
        {
            facts.push(format!("default {}", plain(default)));
        }
        facts.retain(|fact| !fact.is_empty());
        let name = escape::line(name);
        let gap = " ".repeat(width.saturating_sub(name.chars().count()));
        let facts = facts.join(", ");
        let said = schema.text("description").or_else(|| schema.text("title"));
        let mut said = said.unwrap_or_default().trim().lines();
        let first = match said.next() {
            Some(line) => format!("{} ({})", escape::line(line), escape::line(&facts)),
            None => escape::line(&facts).into_owned(),
        };
        writeln!(out, "  {}{gap}  {first}", styled(LITERAL, &name))?;
        for line in said {
            writeln!(out, "  {}  {}", " ".repeat(width), escape::line(line))?;
        }
        for (inner, schema) in schema.properties().into_iter().take(32) {
            let full = format!("{name}.{inner}");
            writeln!(
                out,
                "  {}  {}  {}",
                " ".repeat(width),
                styled(LITERAL, escape::line(&full)),
                escape::line(&schema.expectation())
            )?;
        }
    }
    Ok(())
}

/// What the server promises of the tool. Promises: nobody checks them.
fn hints(tool: &Tool) -> Vec<&'static str> {
    let hints = tool.annotations.clone().unwrap_or_default();
    let read_only = hints.read_only_hint == Some(true);
    let destructive = match hints.destructive_hint {
        Some(true) if !read_only => Some("may destroy something"),
        Some(false) if !read_only => Some("destroys nothing"),
        _ => None,
    };
    let task = match tool.execution.and_then(|execution| execution.task_support) {
        Some(TaskSupport::Required) => Some("runs as a task"),
        Some(TaskSupport::Optional) => Some("can run as a task"),
        _ => None,
    };
    [
        read_only.then_some("changes nothing"),
        destructive,
        (hints.idempotent_hint == Some(true)).then_some("calling it again changes nothing more"),
        (hints.open_world_hint == Some(false)).then_some("stays within the server"),
        task,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Arguments to try: the name, and the sign with a value.
fn example(schema: Schema<'_>) -> Vec<(String, String)> {
    let required = schema.required();
    let wanted = schema
        .properties()
        .into_iter()
        .filter(|(name, _)| required.contains(name));
    wanted
        .map(|(name, property)| (name.to_owned(), sample(property)))
        .collect()
}

fn sample(schema: Schema<'_>) -> String {
    let listed = |keyword: &str| {
        schema
            .views()
            .into_iter()
            .find_map(|view| view.get(keyword)?.as_array()?.first())
    };
    let default = || {
        schema
            .views()
            .into_iter()
            .find_map(|view| view.get("default"))
    };
    let said = listed("examples")
        .or_else(default)
        .filter(|value| !value.is_null())
        .cloned();
    let value = said.or_else(|| schema.values().map(|values| values[0].clone()));
    if let Some(value) = value {
        return match value {
            Value::Array(_) | Value::Object(_) => format!(":={value}"),
            plain_value => format!("={}", plain(&plain_value)),
        };
    }
    let minimum = schema
        .views()
        .into_iter()
        .find_map(|view| view.get("minimum"))
        .filter(|it| it.is_number());
    let types = schema.types();
    match types.iter().find(|name| **name != "null").copied() {
        Some("integer") => match minimum.and_then(Value::as_i64).filter(|least| *least > 0) {
            Some(least) => format!("={least}"),
            None => "=1".into(),
        },
        Some("number") => "=1.5".into(),
        Some("boolean") => "=true".into(),
        Some("array") => ":=[]".into(),
        Some("object") => ":={}".into(),
        _ => match schema.text("format") {
            Some("date") => "=2026-07-28".into(),
            Some("date-time") => "=2026-07-28T12:00:00Z".into(),
            Some("email") => "=ada@example.com".into(),
            Some("uri") => "=https://example.com".into(),
            _ => "=text".into(),
        },
    }
}

/// A word as a shell takes it.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@,%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    shell_words::quote(text).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tool() -> Tool {
        serde_json::from_value(json!({
            "name": "forecast", "title": "Forecast", "description": "The weather of tomorrow.\u{1b}[2J",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Where", "minLength": 1},
                    "days": {"type": "integer", "minimum": 1, "maximum": 14, "default": 3},
                    "unit": {"enum": ["c", "f"], "description": "Celsius or\nFahrenheit"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "near": {"type": "object", "properties": {"lat": {"type": "number"}}},
                },
                "required": ["city", "unit"],
            },
            "outputSchema": {"type": "object", "properties": {"text": {"type": "string"}}},
            "annotations": {"readOnlyHint": true, "openWorldHint": false},
        }))
        .expect("a tool")
    }

    #[test]
    fn a_tool_is_described() {
        let help = help(&tool(), "my server");
        let help = anstream::adapter::strip_str(&help).to_string();
        let expected = "\
forecast: Forecast

The weather of tomorrow.\\u{1b}[2J

Usage: wharf call 'my server' forecast city=TEXT [days=INTEGER] unit=c|f [tags=TEXT…] [near=OBJECT]

Arguments:
  city  Where (text, at least 1 characters, required)
  days  integer, 1 to 14, default 3
  unit  Celsius or (one of c, f, required)
        Fahrenheit
  tags  list of text
  near  object
        near.lat  number

Result:
  text  text

The server says: changes nothing, stays within the server

Examples:
  wharf call 'my server' forecast city=text unit=c
  wharf call 'my server' forecast --input arguments.json
";
        assert_eq!(help, expected);
    }

    #[test]
    fn a_tool_without_arguments() {
        let help = help(
            &Tool::new("now", json!({"type": "object"})),
            "http://127.0.0.1/mcp",
        );
        let help = anstream::adapter::strip_str(&help).to_string();
        assert!(
            help.starts_with("now\n\nUsage: wharf call http://127.0.0.1/mcp now\n\nExamples:"),
            "{help}"
        );
    }
}
