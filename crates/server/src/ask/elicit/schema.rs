//! A type's schema, made into the schema of a form.

use std::fmt;

use serde_json::{Map, Value, json};

use super::{Shape, VALUE};

type Object = Map<String, Value>;

/// A type cannot be shown as a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElicitSchemaError {
    type_name: String,
    field: Option<String>,
    found: Found,
}

impl ElicitSchemaError {
    /// The field that cannot be shown; `None` if it is the type as a whole.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }
}

/// What stands where a field of a form should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Anything,
    Object,
    Map,
    List,
    DataEnum,
    NumberEnum,
    Nothing,
    Several,
}

impl fmt::Display for ElicitSchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}", self.type_name)?;
        if let Some(field) = &self.field {
            write!(f, ".{field}")?;
        }
        let found = match self.found {
            Found::Anything => "can be any JSON",
            Found::Object => "is an object within the form",
            Found::Map => "is a map",
            Found::List => "is a list of something else than the choices of an enum",
            Found::DataEnum => "is an enum whose variants hold data",
            Found::NumberEnum => "is an enum of other things than strings",
            Found::Nothing => "is always null",
            Found::Several => "can be of several types",
        };
        write!(
            f,
            "` {found}; a form for the user can only have fields that are strings, numbers, \
             booleans, enums without data, lists of such enums, or `Option`s of these"
        )
    }
}

impl std::error::Error for ElicitSchemaError {}

/// The form for a type with this schema.
pub(super) fn form(type_name: &str, root: &Value) -> Result<(Value, Shape), ElicitSchemaError> {
    let error = |field: Option<&str>, found| ElicitSchemaError {
        type_name: type_name.to_owned(),
        field: field.map(str::to_owned),
        found,
    };
    let (top, _) = resolve(root, root).map_err(|found| error(None, found))?;
    let mut properties = Object::new();
    let mut required = Vec::new();
    let shape = match top.get("type").and_then(Value::as_str) {
        Some("null") => Shape::Nothing,
        Some("object") => {
            let fields = fields_of(&top).map_err(|found| error(None, found))?;
            let needed = top.get("required").and_then(Value::as_array);
            for (name, schema) in fields {
                let (shown, optional) =
                    field(schema, root).map_err(|found| error(Some(name), found))?;
                properties.insert(name.clone(), shown.into());
                if !optional && needed.is_some_and(|needed| needed.iter().any(|one| one == name)) {
                    required.push(name.as_str());
                }
            }
            Shape::Fields
        }
        _ => {
            let (mut shown, optional) = field(root, root).map_err(|found| error(None, found))?;
            // That is the name of the type, not a title that somebody gave it.
            if shown.get("title").is_some_and(|title| title == type_name) {
                shown.shift_remove("title");
            }
            properties.insert(VALUE.to_owned(), shown.into());
            if !optional {
                required.push(VALUE);
            }
            Shape::Value
        }
    };
    let mut form = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        form["required"] = json!(required);
    }
    Ok((form, shape))
}

fn fields_of(top: &Object) -> Result<impl Iterator<Item = (&String, &Value)>, Found> {
    let properties = top.get("properties").and_then(Value::as_object);
    if ["oneOf", "anyOf", "allOf"]
        .iter()
        .any(|keyword| top.contains_key(*keyword))
    {
        return Err(Found::DataEnum);
    }
    let more = top
        .get("additionalProperties")
        .or(top.get("patternProperties"));
    if properties.is_none() && more.is_some_and(|more| *more != Value::Bool(false)) {
        return Err(Found::Map);
    }
    Ok(properties.into_iter().flatten())
}

/// A field as the form shows it, and whether it may be left empty.
fn field(schema: &Value, root: &Value) -> Result<(Object, bool), Found> {
    let (schema, nullable) = resolve(schema, root)?;
    let mut shown = Object::new();
    let kind = schema.get("type").and_then(Value::as_str);
    let choices = choices_of(&schema, root)?;
    let kind = if choices.is_some() {
        "string"
    } else {
        kind.ok_or_else(|| without_type(&schema))?
    };
    shown.insert("type".into(), kind.into());
    copy(&schema, &mut shown, "title", Value::is_string);
    copy(&schema, &mut shown, "description", Value::is_string);
    match kind {
        "string" => match choices {
            Some(choices) => {
                copy(&schema, &mut shown, "default", |value| choices.has(value));
                choices.write(&mut shown, "oneOf");
            }
            None => {
                copy(&schema, &mut shown, "minLength", Value::is_u64);
                copy(&schema, &mut shown, "maxLength", Value::is_u64);
                copy(&schema, &mut shown, "format", is_known_format);
                copy(&schema, &mut shown, "default", Value::is_string);
            }
        },
        "integer" | "number" => {
            bound(&schema, &mut shown, kind, "minimum", "exclusiveMinimum", 1);
            bound(&schema, &mut shown, kind, "maximum", "exclusiveMaximum", -1);
            copy(&schema, &mut shown, "default", Value::is_number);
        }
        "boolean" => copy(&schema, &mut shown, "default", Value::is_boolean),
        "array" => {
            let (items, _) =
                resolve(schema.get("items").ok_or(Found::List)?, root).map_err(|_| Found::List)?;
            let choices = choices_of(&items, root).ok().flatten().ok_or(Found::List)?;
            copy(&schema, &mut shown, "minItems", Value::is_u64);
            copy(&schema, &mut shown, "maxItems", Value::is_u64);
            let all = |list: &Value| {
                list.as_array()
                    .is_some_and(|list| list.iter().all(|value| choices.has(value)))
            };
            copy(&schema, &mut shown, "default", all);
            let mut items = Object::new();
            if choices.0.iter().all(|choice| choice.title.is_none()) {
                items.insert("type".into(), "string".into());
            }
            choices.write(&mut items, "anyOf");
            shown.insert("items".into(), items.into());
        }
        "object" => {
            return Err(match fields_of(&schema) {
                Ok(_) => Found::Object,
                Err(found) => found,
            });
        }
        _ => return Err(Found::Nothing),
    }
    Ok((shown, nullable))
}

fn without_type(schema: &Object) -> Found {
    if schema.contains_key("enum") || schema.contains_key("const") {
        Found::NumberEnum
    } else if ["type", "oneOf", "anyOf", "allOf"]
        .iter()
        .any(|keyword| schema.contains_key(*keyword))
    {
        Found::Several
    } else {
        Found::Anything
    }
}

/// Copies a keyword whose value is what the form expects of it, and drops it otherwise.
fn copy(from: &Object, to: &mut Object, keyword: &str, fits: impl Fn(&Value) -> bool) {
    if let Some(value) = from.get(keyword).filter(|value| fits(value)) {
        to.insert(keyword.to_owned(), value.clone());
    }
}

fn is_known_format(format: &Value) -> bool {
    matches!(
        format.as_str(),
        Some("email" | "uri" | "date" | "date-time")
    )
}

/// A bound, inclusive. Forms know no exclusive ones: with integers the next one is meant, with
/// others the bound itself is shown and the answer checked.
fn bound(from: &Object, to: &mut Object, kind: &str, keyword: &str, exclusive: &str, step: i64) {
    copy(from, to, keyword, Value::is_number);
    if to.contains_key(keyword) {
        return;
    }
    let Some(value) = from.get(exclusive).filter(|value| value.is_number()) else {
        return;
    };
    let next = value.as_i64().and_then(|value| value.checked_add(step));
    let shown = match next {
        Some(next) if kind == "integer" => next.into(),
        _ => value.clone(),
    };
    to.insert(keyword.to_owned(), shown);
}

/// What can be chosen.
struct Choices(Vec<Choice>);

struct Choice {
    value: String,
    title: Option<String>,
}

impl Choices {
    fn has(&self, value: &Value) -> bool {
        self.0.iter().any(|choice| *value == choice.value)
    }

    /// Writes them as `enum`, or under `titled` if any has a title.
    fn write(&self, to: &mut Object, titled: &str) {
        let Self(choices) = self;
        if choices.iter().all(|choice| choice.title.is_none()) {
            let values: Vec<&str> = choices.iter().map(|choice| choice.value.as_str()).collect();
            to.insert("enum".into(), json!(values));
            return;
        }
        let titles: Vec<Value> = choices
            .iter()
            .map(|Choice { value, title }| json!({"const": value, "title": title.as_ref().unwrap_or(value)}))
            .collect();
        to.insert(titled.to_owned(), titles.into());
    }
}

/// The choices of a schema that is an enum of strings; `None` if it is no enum at all.
fn choices_of(schema: &Object, root: &Value) -> Result<Option<Choices>, Found> {
    let values = |schema: &Object| -> Option<Vec<Value>> {
        match (schema.get("enum"), schema.get("const")) {
            (Some(Value::Array(values)), _) => Some(values.clone()),
            (_, Some(value)) => Some(vec![value.clone()]),
            _ => None,
        }
    };
    let mut choices = Vec::new();
    let mut add = |values: Vec<Value>, title: Option<&str>| {
        for value in values {
            let Value::String(value) = value else {
                return Err(Found::NumberEnum);
            };
            choices.push(Choice {
                value,
                title: title.map(str::to_owned),
            });
        }
        Ok(())
    };
    if let Some(values) = values(schema) {
        add(values, None)?;
        return Ok(Some(Choices(choices)));
    }
    let Some(Value::Array(variants)) = schema.get("oneOf").or(schema.get("anyOf")) else {
        return Ok(None);
    };
    for variant in variants {
        let (variant, _) = resolve(variant, root)?;
        let Some(values) = values(&variant) else {
            let data = variant.get("type").and_then(Value::as_str) == Some("object");
            return Err(if data {
                Found::DataEnum
            } else {
                Found::Several
            });
        };
        // Several values in one variant are the ones that nobody has described.
        let text = |keyword: &str| variant.get(keyword).and_then(Value::as_str);
        let title = text("title")
            .or_else(|| text("description"))
            .filter(|_| values.len() == 1);
        add(values, title)?;
    }
    Ok(Some(Choices(choices)))
}

/// How many references and single-membered compositions are followed for one schema.
const MAX_STEPS: usize = 32;

/// A schema with its references and wrappers put in place, and whether `null` was one of its
/// types (and is no more). What is said around a reference goes before what is said behind it.
fn resolve(schema: &Value, root: &Value) -> Result<(Object, bool), Found> {
    let Value::Object(schema) = schema else {
        return Err(Found::Anything);
    };
    let mut schema = schema.clone();
    let mut nullable = false;
    for _ in 0..MAX_STEPS {
        let inner = if let Some(Value::String(reference)) = schema.shift_remove("$ref") {
            let pointer = reference.strip_prefix('#').ok_or(Found::Anything)?;
            root.pointer(pointer).ok_or(Found::Anything)?.clone()
        } else if let Some(inner) = only_member(&schema) {
            let (keyword, inner, with_null) = inner;
            nullable |= with_null;
            schema.shift_remove(keyword);
            inner
        } else {
            break;
        };
        let Value::Object(inner) = inner else {
            return Err(Found::Anything);
        };
        for (keyword, value) in inner {
            schema.entry(keyword).or_insert(value);
        }
    }
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        let before = types.len();
        types.retain(|one| one != "null");
        nullable |= types.len() < before;
        if let [one] = types.as_slice() {
            let one = one.clone();
            schema.insert("type".into(), one);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        let before = values.len();
        values.retain(|value| !value.is_null());
        nullable |= values.len() < before;
    }
    Ok((schema, nullable))
}

/// The one schema that a composition comes down to, and whether `null` stood beside it.
fn only_member(schema: &Object) -> Option<(&'static str, Value, bool)> {
    ["anyOf", "oneOf", "allOf"].into_iter().find_map(|keyword| {
        let members = schema.get(keyword)?.as_array()?;
        let is_null = |member: &&Value| member.get("type").is_some_and(|kind| kind == "null");
        let mut others = members.iter().filter(|member| !is_null(member));
        match (others.next(), others.next()) {
            // A single choice stays one: it may have a title of its own.
            (Some(only), None) if members.len() > 1 || only.get("const").is_none() => {
                Some((keyword, only.clone(), members.len() > 1))
            }
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests;
