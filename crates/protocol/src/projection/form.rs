//! The schema of an elicitation's form: the restricted subset of JSON Schema that a revision
//! knows, made from whatever a schema generator wrote.
//!
//! References and single alternatives are followed, "or null" is dropped, choices are found in
//! `enum`, `const`, `oneOf` and `anyOf`; further keywords are left out. A field that no revision
//! can show (an object, a free list) is left out, and is then not required either.

use std::{cell::Cell, collections::BTreeMap};

use serde_json::{Map, Value, json};

use crate::revision::Revision;

/// Since when choices have titles of their own, several may be made, and all fields have defaults.
const RICH: Revision = Revision::V2025_11_25;

/// How many schemas are looked into for one field, which also bounds how deep. Schemas may refer
/// to themselves, and a gateway passes on those of others. A field that takes more is left out.
const MAX_STEPS: usize = 256;

type Object = Map<String, Value>;

/// `schema` as `revision` can show it.
pub(super) fn requested_schema(schema: &Value, revision: Revision) -> Object {
    let mut form = Object::new();
    if let Some(dialect) = schema.get("$schema").filter(|it| it.is_string())
        && revision >= RICH
    {
        form.insert("$schema".to_owned(), dialect.clone());
    }
    form.insert("type".to_owned(), json!("object"));
    let mut fields = Object::new();
    for (name, property) in properties(schema) {
        if let Some(field) = Reader::new(schema).field(property, revision) {
            fields.insert(name.clone(), field.into());
        }
    }
    let required = schema.get("required").and_then(Value::as_array).map(|it| {
        it.iter()
            .filter(|name| name.as_str().is_some_and(|name| fields.contains_key(name)))
            .cloned()
            .collect()
    });
    form.insert("properties".to_owned(), fields.into());
    if let Some(required) = required {
        form.insert("required".to_owned(), Value::Array(required));
    }
    form
}

/// Brings the answer to a form back to its schema: where several choices may be made, but the
/// client could offer only one, the one becomes a list.
pub(crate) fn fit_answer(content: &mut Object, schema: &Value) {
    for (name, property) in properties(schema) {
        if let Some(value @ Value::String(_)) = content.get_mut(name)
            && text(&Reader::new(schema).flatten(property), "type") == Some("array")
        {
            *value = Value::Array(vec![value.take()]);
        }
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten()
}

/// The keywords of a schema and of what it refers to.
type Flat<'a> = BTreeMap<&'a str, &'a Value>;

/// One value of a choice, and how it is shown.
struct Choice<'a> {
    value: &'a str,
    title: Option<&'a str>,
}

/// What a kind of field may say, since when, and what its value must be.
type Keyword = (&'static str, Revision, fn(&Value) -> bool);

const FIRST: Revision = Revision::V2024_11_05;
const OF_BOOLEAN: &[Keyword] = &[("default", FIRST, Value::is_boolean)];
const OF_NUMBER: &[Keyword] = &[
    ("minimum", FIRST, Value::is_number),
    ("maximum", FIRST, Value::is_number),
    ("default", RICH, Value::is_number),
];
const OF_STRING: &[Keyword] = &[
    ("minLength", FIRST, Value::is_u64),
    ("maxLength", FIRST, Value::is_u64),
    ("format", FIRST, is_known_format),
    ("default", RICH, Value::is_string),
];
const OF_CHOICE: &[Keyword] = &[("default", RICH, Value::is_string)];
const OF_CHOICES: &[Keyword] = &[
    ("minItems", RICH, Value::is_u64),
    ("maxItems", RICH, Value::is_u64),
    ("default", RICH, is_strings),
];

fn is_known_format(format: &Value) -> bool {
    ["email", "uri", "date", "date-time"]
        .iter()
        .any(|known| format == known)
}

fn is_strings(value: &Value) -> bool {
    let items = value.as_array();
    items.is_some_and(|items| items.iter().all(Value::is_string))
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "null")
}

fn text<'a>(schema: &Flat<'a>, keyword: &str) -> Option<&'a str> {
    schema.get(keyword)?.as_str()
}

fn array<'a>(schema: &Flat<'a>, keyword: &str) -> Option<&'a [Value]> {
    schema.get(keyword)?.as_array().map(Vec::as_slice)
}

/// A field of a kind: its title, its description, and its keywords as far as they fit.
fn named(kind: &str, schema: &Flat<'_>, keywords: &[Keyword], revision: Revision) -> Object {
    const OF_ALL: &[Keyword] = &[
        ("title", FIRST, Value::is_string),
        ("description", FIRST, Value::is_string),
    ];
    let mut field = Object::new();
    field.insert("type".to_owned(), kind.into());
    for (keyword, since, fits) in OF_ALL.iter().chain(keywords) {
        if let Some(value) = schema.get(keyword)
            && revision >= *since
            && fits(value)
        {
            field.insert((*keyword).to_owned(), (*value).clone());
        }
    }
    field
}

/// Puts one choice into a field.
fn put_choices(field: &mut Object, choices: &[Choice<'_>], revision: Revision) {
    let has_titles = choices.iter().any(|choice| choice.title.is_some());
    if has_titles && revision >= RICH {
        field.insert("oneOf".to_owned(), titled(choices));
        return;
    }
    if has_titles {
        put_named_choices(field, choices);
    } else {
        field.insert("enum".to_owned(), values(choices));
    }
}

/// The same with the names in a list of their own, as it was done before 2025-11-25.
fn put_named_choices(field: &mut Object, choices: &[Choice<'_>]) {
    field.insert("enum".to_owned(), values(choices));
    let names = choices.iter().map(Choice::shown).collect();
    field.insert("enumNames".to_owned(), names);
}

fn values(choices: &[Choice<'_>]) -> Value {
    choices.iter().map(|it| it.value).collect()
}

fn titled(choices: &[Choice<'_>]) -> Value {
    let titled = choices.iter();
    titled
        .map(|it| json!({ "const": it.value, "title": it.shown() }))
        .collect()
}

impl<'a> Choice<'a> {
    fn shown(&self) -> &'a str {
        self.title.unwrap_or(self.value)
    }
}

/// Reads one field of the schema of a form, within limits.
struct Reader<'a> {
    root: &'a Value,
    steps: Cell<usize>,
}

impl<'a> Reader<'a> {
    fn new(root: &'a Value) -> Self {
        let steps = Cell::new(MAX_STEPS);
        Self { root, steps }
    }

    fn field(&self, schema: &'a Value, revision: Revision) -> Option<Object> {
        let schema = &self.flatten(schema);
        let kind = text(schema, "type");
        if kind == Some("array") {
            let choices = self.choices(&self.flatten(schema.get("items")?))?;
            return Some(multiple_choice(schema, &choices, revision));
        }
        if kind.is_none_or(|kind| kind == "string")
            && let Some(choices) = self.choices(schema)
        {
            let mut field = named("string", schema, OF_CHOICE, revision);
            // A form that was written with `enumNames` keeps them: every revision knows them.
            if array(schema, "enum").is_some() && array(schema, "enumNames").is_some() {
                put_named_choices(&mut field, &choices);
            } else {
                put_choices(&mut field, &choices, revision);
            }
            return Some(field);
        }
        if self.steps.get() == 0 {
            return None;
        }
        match kind {
            Some("boolean") => Some(named("boolean", schema, OF_BOOLEAN, revision)),
            Some(kind @ ("number" | "integer")) => Some(named(kind, schema, OF_NUMBER, revision)),
            Some("string") | None => Some(named("string", schema, OF_STRING, revision)),
            Some(_) => None,
        }
    }

    /// The values that may be chosen; `None` where the schema does not list any.
    fn choices(&self, schema: &Flat<'a>) -> Option<Vec<Choice<'a>>> {
        if let Some(value) = text(schema, "const") {
            let title = text(schema, "title");
            return Some(vec![Choice { value, title }]);
        }
        let mut all = Vec::new();
        if let Some(values) = array(schema, "enum") {
            let names = array(schema, "enumNames").unwrap_or_default();
            for (at, value) in values.iter().enumerate() {
                let title = names.get(at).and_then(Value::as_str);
                all.extend(value.as_str().map(|value| Choice { value, title }));
            }
        } else {
            let alternatives = array(schema, "oneOf").or_else(|| array(schema, "anyOf"))?;
            for alternative in alternatives.iter().filter(|it| !is_null(it)) {
                let alternative = self.flatten(alternative);
                all.extend(self.choices(&alternative)?);
            }
        }
        (!all.is_empty()).then_some(all)
    }

    /// `schema` with everything it refers to put into it, its own keywords first, and without
    /// "or null". A boolean schema (`true`) says nothing, which in a form means any text.
    fn flatten(&self, schema: &'a Value) -> Flat<'a> {
        let mut flat = Flat::new();
        self.flatten_into(&mut flat, schema);
        flat
    }

    fn flatten_into(&self, flat: &mut Flat<'a>, schema: &'a Value) {
        let steps = self.steps.get();
        let Some(keywords) = schema.as_object() else {
            return;
        };
        if steps == 0 {
            return;
        }
        self.steps.set(steps - 1);
        let mut parts = Vec::new();
        for (keyword, value) in keywords {
            match (keyword.as_str(), value) {
                ("$ref", Value::String(to)) => {
                    let to = to.strip_prefix('#').and_then(|to| self.root.pointer(to));
                    parts.extend(to);
                }
                ("allOf", Value::Array(all)) => parts.extend(all),
                ("oneOf" | "anyOf", Value::Array(alternatives)) => {
                    let mut real = alternatives.iter().filter(|it| !is_null(it));
                    match (real.next(), real.next()) {
                        (Some(only), None) if only.get("const").is_none() => parts.push(only),
                        _ => _ = flat.entry(keyword).or_insert(value),
                    }
                }
                ("type", Value::Array(kinds)) => {
                    if let Some(kind) = kinds.iter().find(|kind| *kind != "null") {
                        flat.entry(keyword).or_insert(kind);
                    }
                }
                _ => _ = flat.entry(keyword).or_insert(value),
            }
        }
        for part in parts {
            self.flatten_into(flat, part);
        }
    }
}

/// Before 2025-11-25 only one choice can be made; [`fit_answer`] takes it as a list of one.
fn multiple_choice(schema: &Flat<'_>, choices: &[Choice<'_>], revision: Revision) -> Object {
    if revision < RICH {
        let mut field = named("string", schema, &[], revision);
        put_choices(&mut field, choices, revision);
        return field;
    }
    let mut field = named("array", schema, OF_CHOICES, revision);
    let has_titles = choices.iter().any(|choice| choice.title.is_some());
    let items = if has_titles {
        json!({ "anyOf": titled(choices) })
    } else {
        json!({ "type": "string", "enum": values(choices) })
    };
    field.insert("items".to_owned(), items);
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_that_refer_to_themselves_come_to_an_end() {
        let schema = json!({
            "$defs": {
                "Loop": { "oneOf": [{ "$ref": "#/$defs/Loop" }, { "$ref": "#/$defs/Loop" }] },
                "All": { "allOf": [
                    { "$ref": "#/$defs/All" }, { "$ref": "#/$defs/All" }, { "$ref": "#/$defs/All" }
                ] }
            },
            "properties": {
                "a": { "$ref": "#/$defs/Loop" },
                "b": { "$ref": "#/$defs/All" },
                "c": { "type": "array", "items": { "$ref": "#/$defs/Loop" } },
                "last": { "type": "boolean" }
            }
        });
        let form = requested_schema(&schema, Revision::LATEST);
        assert_eq!(form["properties"], json!({ "last": { "type": "boolean" } }));
    }
}
