//! [`Field`]: one field of a form (spec 2026-07-28, client/elicitation, "Requested Schema").

use serde_json::{Map, Value};

use crate::arguments::{Schema, coerce};
use crate::escape;

/// What can be typed into a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Text {
        format: Option<String>,
        least: Option<u64>,
        most: Option<u64>,
    },
    Integer,
    Number,
    Boolean,
    /// One of these: value and title.
    Choice(Vec<(Value, String)>),
    /// Several of these.
    Choices {
        options: Vec<(Value, String)>,
        least: usize,
        most: usize,
    },
}

/// A field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) required: bool,
    pub(super) default: Option<Value>,
    pub(super) kind: Kind,
    minimum: Option<f64>,
    maximum: Option<f64>,
}

impl Field {
    pub(super) fn read(name: &str, schema: &Value, required: bool) -> Result<Self, String> {
        let text = |keyword: &str| {
            schema
                .get(keyword)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let count = |keyword: &str| schema.get(keyword).and_then(Value::as_u64);
        let kind = match (schema.get("type").and_then(Value::as_str), options(schema)) {
            (Some("array"), _) => {
                let items = schema.get("items").unwrap_or(&Value::Null);
                let options =
                    options(items).ok_or_else(|| format!("{name} is a list without choices"))?;
                let most =
                    usize::try_from(count("maxItems").unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
                Kind::Choices {
                    most: most.min(options.len()),
                    least: usize::try_from(count("minItems").unwrap_or(0)).unwrap_or(usize::MAX),
                    options,
                }
            }
            (_, Some(options)) => Kind::Choice(options),
            (Some("integer"), None) => Kind::Integer,
            (Some("number"), None) => Kind::Number,
            (Some("boolean"), None) => Kind::Boolean,
            (Some("string"), None) => Kind::Text {
                format: text("format"),
                least: count("minLength"),
                most: count("maxLength"),
            },
            (other, None) => {
                return Err(format!(
                    "{name} has the type {}",
                    other.unwrap_or("nobody knows")
                ));
            }
        };
        Ok(Self {
            name: name.to_owned(),
            title: text("title"),
            description: text("description"),
            required,
            default: schema
                .get("default")
                .filter(|value| !value.is_null())
                .cloned(),
            kind,
            minimum: schema.get("minimum").and_then(Value::as_f64),
            maximum: schema.get("maximum").and_then(Value::as_f64),
        })
    }

    /// What can be typed, in words; empty where anything can.
    pub(super) fn rule(&self) -> String {
        let span = |least: Option<String>, most: Option<String>| match (least, most) {
            (Some(least), Some(most)) => format!("{least} to {most}"),
            (Some(least), None) => format!("at least {least}"),
            (None, Some(most)) => format!("at most {most}"),
            (None, None) => String::new(),
        };
        let range = || {
            span(
                self.minimum.map(|it| it.to_string()),
                self.maximum.map(|it| it.to_string()),
            )
        };
        let join = |what: &str, more: String| {
            if more.is_empty() {
                what.to_owned()
            } else {
                format!("{what}, {more}")
            }
        };
        match &self.kind {
            Kind::Text {
                format,
                least,
                most,
            } => {
                let least = least.filter(|least| *least > 1).map(|it| it.to_string());
                let length = span(least, most.map(|it| it.to_string()));
                let length = if length.is_empty() {
                    length
                } else {
                    format!("{length} characters")
                };
                match format.as_deref() {
                    Some("email") => join("an email address", length),
                    Some("uri") => join("an address such as https://example.com", length),
                    Some("date") => join("a date such as 2026-07-28", length),
                    Some("date-time") => join("a time such as 2026-07-28T12:00:00Z", length),
                    Some(other) => join(&escape::line(other), length),
                    None => length,
                }
            }
            Kind::Integer => join("a whole number", range()),
            Kind::Number => join("a number", range()),
            Kind::Boolean => "yes or no".into(),
            Kind::Choice(_) => String::new(),
            Kind::Choices {
                least,
                most,
                options,
            } => match (*least, *most) {
                (0, most) if most == options.len() => {
                    "any number of them, separated by commas".into()
                }
                (least, most) if least == most => format!("{least} of them, separated by commas"),
                (0, most) => format!("at most {most} of them, separated by commas"),
                (least, most) if most == options.len() => {
                    format!("at least {least} of them, separated by commas")
                }
                (least, most) => format!("{least} to {most} of them, separated by commas"),
            },
        }
    }

    /// What was typed, as a value of this field.
    ///
    /// # Errors
    /// What was expected.
    pub(super) fn value(&self, typed: &str) -> Result<Value, String> {
        let wrong = || match &self.kind {
            Kind::Choice(options) => format!("one of {}", names(options)),
            Kind::Choices { options, .. } => format!("{} ({})", self.rule(), names(options)),
            _ => self.rule(),
        };
        let within = |value: Option<f64>| {
            let fits = |number: f64| {
                self.minimum.is_none_or(|least| number >= least)
                    && self.maximum.is_none_or(|most| number <= most)
            };
            value.is_some_and(fits)
        };
        match &self.kind {
            Kind::Text {
                format,
                least,
                most,
            } => {
                let length = typed.chars().count() as u64;
                let fits = least.is_none_or(|least| length >= least)
                    && most.is_none_or(|most| length <= most);
                if !fits
                    || !format
                        .as_deref()
                        .is_none_or(|format| has_format(typed, format))
                {
                    return Err(if length == 0 {
                        "something".into()
                    } else {
                        wrong()
                    });
                }
                Ok(Value::String(typed.to_owned()))
            }
            Kind::Integer | Kind::Number => {
                let name = if self.kind == Kind::Integer {
                    "integer"
                } else {
                    "number"
                };
                let schema = serde_json::json!({"type": name});
                let value = coerce(typed.trim(), Schema::new(&schema)).map_err(|_| wrong())?;
                if within(value.as_f64()) {
                    Ok(value)
                } else {
                    Err(wrong())
                }
            }
            Kind::Boolean => match typed.trim().to_lowercase().as_str() {
                "y" | "yes" | "true" => Ok(Value::Bool(true)),
                "n" | "no" | "false" => Ok(Value::Bool(false)),
                _ => Err(wrong()),
            },
            Kind::Choice(options) => chosen(options, typed).ok_or_else(wrong),
            Kind::Choices {
                options,
                least,
                most,
            } => {
                let mut values: Vec<Value> = Vec::new();
                for word in typed
                    .split(',')
                    .map(str::trim)
                    .filter(|word| !word.is_empty())
                {
                    let value = chosen(options, word).ok_or_else(wrong)?;
                    if !values.contains(&value) {
                        values.push(value);
                    }
                }
                if (*least..=*most).contains(&values.len()) {
                    Ok(Value::Array(values))
                } else {
                    Err(wrong())
                }
            }
        }
    }

    /// The choices, where there are any.
    pub(super) fn options(&self) -> &[(Value, String)] {
        match &self.kind {
            Kind::Choice(options) | Kind::Choices { options, .. } => options,
            _ => &[],
        }
    }
}

/// The choices of a schema, in each of the ways in which the revisions write them.
fn options(schema: &Value) -> Option<Vec<(Value, String)>> {
    let titled = ["oneOf", "anyOf"]
        .into_iter()
        .find_map(|name| schema.get(name)?.as_array());
    if let Some(choices) = titled {
        let read = |choice: &Value| {
            let value = choice.get("const")?.clone();
            let title = choice.get("title").and_then(Value::as_str);
            Some((
                value.clone(),
                title.map_or_else(|| plain(&value), str::to_owned),
            ))
        };
        return choices
            .iter()
            .map(read)
            .collect::<Option<Vec<_>>>()
            .filter(|all| !all.is_empty());
    }
    let values = schema
        .get("enum")?
        .as_array()
        .filter(|values| !values.is_empty())?;
    let titles = schema.get("enumNames").and_then(Value::as_array);
    let title = |at: usize| titles?.get(at)?.as_str().map(str::to_owned);
    let read =
        |(at, value): (usize, &Value)| (value.clone(), title(at).unwrap_or_else(|| plain(value)));
    Some(values.iter().enumerate().map(read).collect())
}

pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn names(options: &[(Value, String)]) -> String {
    options
        .iter()
        .map(|(value, _)| plain(value))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A choice by its value, its title, or its number in the list.
fn chosen(options: &[(Value, String)], typed: &str) -> Option<Value> {
    let typed = typed.trim();
    let exact = options.iter().find(|(value, _)| plain(value) == typed);
    let titled = || {
        options
            .iter()
            .find(|(_, title)| title.to_lowercase() == typed.to_lowercase())
    };
    let numbered = || options.get(typed.parse::<usize>().ok()?.checked_sub(1)?);
    exact
        .or_else(titled)
        .or_else(numbered)
        .map(|(value, _)| value.clone())
}

fn has_format(text: &str, format: &str) -> bool {
    match format {
        "email" => match text.rsplit_once('@') {
            Some((name, host)) => {
                let whole = !name.is_empty() && !host.starts_with('.') && !host.ends_with('.');
                whole && !host.is_empty() && !text.contains(char::is_whitespace)
            }
            None => false,
        },
        "uri" => match text.split_once(':') {
            Some((scheme, rest)) => {
                let mut letters = scheme.chars();
                let begins = letters.next().is_some_and(|c| c.is_ascii_alphabetic());
                let goes_on = letters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
                begins
                    && goes_on
                    && !rest.is_empty()
                    && !text.contains(|c: char| c.is_whitespace() || c.is_control())
            }
            None => false,
        },
        "date" => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        _ => true,
    }
}

/// The fields of a form, in its order.
pub(super) fn fields(schema: &Value) -> Result<Vec<Field>, String> {
    let empty = Map::new();
    let properties = match schema.get("properties") {
        None => &empty,
        Some(properties) => properties
            .as_object()
            .ok_or("its `properties` is not an object")?,
    };
    let required = schema.get("required").and_then(Value::as_array);
    let is_required =
        |name: &str| required.is_some_and(|list| list.iter().any(|item| item == name));
    properties
        .iter()
        .map(|(name, schema)| Field::read(name, schema, is_required(name)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(schema: Value, typed: &str) -> Result<Value, String> {
        Field::read("f", &schema, true)
            .expect("a field")
            .value(typed)
    }

    #[test]
    fn every_kind_of_field() {
        let one = json!({"type": "string", "oneOf": [{"const": "r", "title": "Red"}, {"const": "g", "title": "Green"}]});
        let old = json!({"type": "string", "enum": ["r", "g"], "enumNames": ["Red", "Green"]});
        let many = json!({"type": "array", "minItems": 1, "items": {"anyOf": [{"const": "r", "title": "Red"}, {"const": "g", "title": "Green"}]}});
        let few = json!({"type": "array", "maxItems": 1, "items": {"type": "string", "enum": ["r", "g"]}});
        for (schema, typed, expected) in [
            (json!({"type": "string"}), " x ", Some(json!(" x "))),
            (
                json!({"type": "string", "minLength": 2, "maxLength": 3}),
                "x",
                None,
            ),
            (
                json!({"type": "string", "minLength": 2, "maxLength": 3}),
                "äöü",
                Some(json!("äöü")),
            ),
            (
                json!({"type": "string", "format": "email"}),
                "ada@example.com",
                Some(json!("ada@example.com")),
            ),
            (json!({"type": "string", "format": "email"}), "ada", None),
            (
                json!({"type": "string", "format": "uri"}),
                "https://example.com",
                Some(json!("https://example.com")),
            ),
            (
                json!({"type": "string", "format": "uri"}),
                "example.com",
                None,
            ),
            (
                json!({"type": "string", "format": "date"}),
                "2026-02-28",
                Some(json!("2026-02-28")),
            ),
            (
                json!({"type": "string", "format": "date"}),
                "2026-02-30",
                None,
            ),
            (
                json!({"type": "string", "format": "date-time"}),
                "2026-02-28T12:00:00Z",
                Some(json!("2026-02-28T12:00:00Z")),
            ),
            (
                json!({"type": "string", "format": "date-time"}),
                "yesterday",
                None,
            ),
            (
                json!({"type": "integer", "minimum": 1, "maximum": 9}),
                "5",
                Some(json!(5)),
            ),
            (
                json!({"type": "integer", "minimum": 1, "maximum": 9}),
                "10",
                None,
            ),
            (json!({"type": "integer"}), "1.5", None),
            (json!({"type": "number"}), "1.5", Some(json!(1.5))),
            (json!({"type": "boolean"}), "Yes", Some(json!(true))),
            (json!({"type": "boolean"}), "maybe", None),
            (one.clone(), "g", Some(json!("g"))),
            (one.clone(), "green", Some(json!("g"))),
            (one.clone(), "1", Some(json!("r"))),
            (one, "3", None),
            (old, "Red", Some(json!("r"))),
            (many.clone(), "2, red", Some(json!(["g", "r"]))),
            (many.clone(), "", None),
            (many, "r, x", None),
            (few.clone(), "r, g", None),
            (few, "", Some(json!([]))),
        ] {
            assert_eq!(
                value(schema.clone(), typed).ok(),
                expected,
                "{typed:?} in {schema}"
            );
        }
        Field::read("f", &json!({"type": "object"}), true).expect_err("no field of a form");
    }
}
