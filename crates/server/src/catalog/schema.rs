//! Schemas: made from types, checked before they are used, compiled into validators.

mod limits;
mod validator;

use std::borrow::Cow;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

pub use limits::SchemaLimits;
pub use validator::Validator;

use crate::error::{Error, Result};

/// The JSON Schema (2020-12) of a type as it is read.
pub fn input_schema_of<T: JsonSchema>() -> Value {
    root(
        SchemaSettings::draft2020_12()
            .for_deserialize()
            .into_generator()
            .into_root_schema_for::<T>(),
    )
}

/// The JSON Schema (2020-12) of a type as it is written; `None` for a type that may be anything,
/// such as `serde_json::Value`.
pub fn output_schema_of<T: JsonSchema>() -> Option<Value> {
    let schema = root(
        SchemaSettings::draft2020_12()
            .for_serialize()
            .into_generator()
            .into_root_schema_for::<T>(),
    );
    schema
        .as_object()
        .is_some_and(|members| !members.is_empty())
        .then_some(schema)
}

/// Takes off what says nothing to a client: the dialect, which is the default one, and the name of
/// the Rust type.
fn root(schema: schemars::Schema) -> Value {
    let mut schema = schema.to_value();
    if let Some(members) = schema.as_object_mut() {
        members.shift_remove("$schema");
        members.shift_remove("title");
    }
    schema
}

/// Makes sure that a tool's input schema is what the specification asks for: an object schema of
/// `type: "object"` (specification 2026-07-28, server/tools, "Tool"). `properties` is added where
/// missing, because some clients cannot read a tool without it.
///
/// # Errors
/// When the schema is for something else than an object.
pub(crate) fn object_schema(schema: Value) -> Result<Value> {
    let mut members = match schema {
        Value::Object(members) => members,
        // `true` is the schema of `serde_json::Value`.
        Value::Bool(true) => Map::new(),
        other => {
            return Err(Error::invalid_definition(format_args!(
                "the input schema must be an object, not {other}"
            )));
        }
    };
    match members.get("type") {
        None => {
            members.shift_insert(0, "type".to_owned(), json!("object"));
        }
        Some(Value::String(kind)) if kind == "object" => {}
        Some(other) => {
            return Err(Error::invalid_definition(format_args!(
                "the arguments of a tool are an object, but its input schema has the type {other}: use a struct with named fields"
            )));
        }
    }
    if !members.contains_key("properties") {
        members.insert("properties".to_owned(), json!({}));
    }
    Ok(Value::Object(members))
}

/// Whether a schema made from a type says more than reading that type checks already.
///
/// Types, required and unknown fields, variants and the ranges of integers are checked by serde;
/// lengths, patterns, other bounds, uniqueness and conditions are not. `enum`, `const` and
/// `additionalProperties` are taken to come from the type: where they were put beside a type that
/// does not check them, the tool must say so ([`Tool::validate_arguments`](super::tool::Tool::validate_arguments)).
pub(crate) fn says_more_than_its_type(schema: &Value) -> bool {
    let Some(members) = schema.as_object() else {
        return false;
    };
    members
        .iter()
        .any(|(keyword, value)| match keyword.as_str() {
            "pattern" | "minLength" | "maxLength" | "exclusiveMinimum" | "exclusiveMaximum"
            | "multipleOf" | "uniqueItems" | "contains" | "minContains" | "maxContains"
            | "minProperties" | "maxProperties" | "propertyNames" | "patternProperties" | "not"
            | "if" | "then" | "else" | "dependentRequired" | "dependentSchemas"
            | "unevaluatedItems" => true,
            "minimum" => {
                integer_range(members).is_none_or(|(least, _)| as_integer(value) != Some(least))
            }
            "maximum" => {
                integer_range(members).is_none_or(|(_, most)| as_integer(value) != Some(most))
            }
            // A tuple has as many items as it has.
            "minItems" | "maxItems" => {
                members
                    .get("prefixItems")
                    .and_then(Value::as_array)
                    .map(Vec::len)
                    != value.as_u64().and_then(|count| usize::try_from(count).ok())
            }
            "properties" | "$defs" | "definitions" => value
                .as_object()
                .is_some_and(|all| all.values().any(says_more_than_its_type)),
            "prefixItems" | "anyOf" | "oneOf" | "allOf" => value
                .as_array()
                .is_some_and(|all| all.iter().any(says_more_than_its_type)),
            "items" | "additionalProperties" | "unevaluatedProperties" => {
                says_more_than_its_type(value)
            }
            _ => false,
        })
}

/// The range that the `format` of an integer type implies.
fn integer_range(members: &Map<String, Value>) -> Option<(i128, i128)> {
    Some(match members.get("format")?.as_str()? {
        "int8" => (i8::MIN.into(), i8::MAX.into()),
        "int16" => (i16::MIN.into(), i16::MAX.into()),
        "int32" => (i32::MIN.into(), i32::MAX.into()),
        "int64" | "int" => (i64::MIN.into(), i64::MAX.into()),
        "uint8" => (0, u8::MAX.into()),
        "uint16" => (0, u16::MAX.into()),
        "uint32" => (0, u32::MAX.into()),
        "uint64" | "uint" => (0, u64::MAX.into()),
        "uint128" => (0, i128::MAX),
        _ => return None,
    })
}

fn as_integer(value: &Value) -> Option<i128> {
    value
        .as_i64()
        .map(i128::from)
        .or_else(|| value.as_u64().map(i128::from))
}

/// The values that a schema lists: of `enum`, `const` and `boolean`, also behind `oneOf`, `anyOf` and
/// `$ref`s into `root`. What is not text is left out.
pub(crate) fn choices(schema: &Value, root: &Value) -> Vec<String> {
    /// An `Option` of a documented enum is three levels; what is deeper is no plain choice.
    const LEVELS: usize = 4;
    let mut found = Vec::new();
    add_choices(schema, root, LEVELS, &mut found);
    found
}

fn add_choices(schema: &Value, root: &Value, levels: usize, found: &mut Vec<String>) {
    let Some(levels) = levels.checked_sub(1) else {
        return;
    };
    let reference = schema.get("$ref").and_then(Value::as_str);
    let fragment = reference.and_then(|reference| reference.strip_prefix('#'));
    if let Some(target) = fragment.and_then(|fragment| root.pointer(&unescaped(fragment))) {
        add_choices(target, root, levels, found);
    }
    let listed = schema
        .get("enum")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    found.extend(
        listed
            .chain(schema.get("const"))
            .filter_map(Value::as_str)
            .map(str::to_owned),
    );
    for keyword in ["oneOf", "anyOf"] {
        for branch in schema
            .get(keyword)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            add_choices(branch, root, levels, found);
        }
    }
    let is_boolean = match schema.get("type") {
        Some(Value::String(kind)) => kind == "boolean",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "boolean"),
        _ => false,
    };
    if is_boolean {
        found.extend(["true".to_owned(), "false".to_owned()]);
    }
}

/// A JSON pointer out of a URI fragment.
pub(super) fn unescaped(fragment: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(fragment).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "only its schema is of interest")]
    struct Plain {
        a: i64,
        b: Option<u8>,
        c: Vec<(u32, f64)>,
        d: std::collections::BTreeMap<String, Color>,
        e: i16,
    }

    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "only its schema is of interest")]
    enum Color {
        Red,
        /// As the sky
        Blue,
    }

    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "only its schema is of interest")]
    struct Strict {
        #[schemars(length(min = 1))]
        name: String,
    }

    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "only its schema is of interest")]
    struct Ranged {
        inner: Vec<RangedItem>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "only its schema is of interest")]
    struct RangedItem {
        #[schemars(range(min = 1))]
        n: u32,
    }

    #[test]
    fn only_what_a_type_cannot_say_needs_a_validator() {
        assert!(!says_more_than_its_type(&input_schema_of::<Plain>()));
        assert!(says_more_than_its_type(&input_schema_of::<Strict>()));
        assert!(says_more_than_its_type(&input_schema_of::<Ranged>()));
        assert!(says_more_than_its_type(&input_schema_of::<
            std::collections::BTreeSet<u8>,
        >()));
        assert!(says_more_than_its_type(
            &json!({"properties": {"x": {"anyOf": [{"pattern": "a"}, {"type": "null"}]}}})
        ));
        assert!(
            !says_more_than_its_type(&json!({"properties": {"pattern": {"type": "string"}}})),
            "a field may have a keyword's name"
        );
        assert!(says_more_than_its_type(
            &json!({"type": "integer", "format": "uint8", "minimum": 0, "maximum": 9})
        ));
    }

    #[test]
    fn a_root_is_an_object_with_properties_and_without_noise() {
        let schema = object_schema(input_schema_of::<Plain>()).expect("an object");
        assert_eq!(schema["type"], "object");
        assert!(schema.get("$schema").is_none() && schema.get("title").is_none());
        assert_eq!(
            object_schema(json!(true)).expect("an object"),
            json!({"type": "object", "properties": {}})
        );
        assert_eq!(
            object_schema(json!({"oneOf": []})).expect("an object")["type"],
            "object"
        );
        for wrong in [
            input_schema_of::<Vec<u8>>(),
            input_schema_of::<i64>(),
            json!(3),
            json!({"type": ["object", "null"]}),
        ] {
            assert!(
                object_schema(wrong.clone())
                    .expect_err("an error")
                    .is_invalid_definition(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn choices_are_found_behind_references() {
        let schema = input_schema_of::<std::collections::BTreeMap<String, Color>>();
        assert_eq!(
            choices(&schema["additionalProperties"], &schema),
            ["Red", "Blue"]
        );
        let schema = input_schema_of::<Option<Color>>();
        assert_eq!(choices(&schema, &schema), ["Red", "Blue"]);
        let schema = input_schema_of::<Option<bool>>();
        assert_eq!(choices(&schema, &schema), ["true", "false"]);
        assert!(choices(&json!({"$ref": "#"}), &json!({"$ref": "#"})).is_empty());
    }
}
