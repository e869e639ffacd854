//! Text made the value that a schema asks for.

use serde_json::{Number, Value};

use super::schema::{Schema, plain};

/// Makes text what the schema asks for.
///
/// Where several types are allowed, the most particular one that the text fits is taken: `null`,
/// a boolean, a number that is written as numbers are, and text last.
///
/// # Errors
/// What was expected, in words.
pub(crate) fn coerce(text: &str, schema: Schema<'_>) -> Result<Value, String> {
    let expected = || Err(schema.expectation());
    if let Some(values) = schema.values() {
        let found = values.iter().find(|value| plain(value) == text);
        let null = text == "null" && schema.types().contains(&"null");
        return match found {
            Some(value) => Ok((*value).clone()),
            None if null => Ok(Value::Null),
            None => expected(),
        };
    }
    let types = schema.types();
    if types.is_empty() {
        return Ok(Value::String(text.to_owned()));
    }
    let allowed = |name: &str| types.contains(&name);
    let also_text = allowed("string");
    // Text that only happens to look like a number, such as 007, stays text where it may.
    let as_written = |number: &Number| !also_text || number.to_string() == text;
    if allowed("null") && text == "null" {
        return Ok(Value::Null);
    }
    if allowed("boolean")
        && let Ok(boolean) = text.parse()
    {
        return Ok(Value::Bool(boolean));
    }
    let number = allowed("integer").then(|| integer(text)).flatten();
    let number = number.or_else(|| {
        allowed("number")
            .then(|| serde_json::from_str(text.trim()).ok())
            .flatten()
    });
    if let Some(number) = number.filter(as_written) {
        return Ok(Value::Number(number));
    }
    for (name, begins) in [("array", '['), ("object", '{')] {
        if allowed(name) && text.trim_start().starts_with(begins) {
            match serde_json::from_str(text) {
                Ok(value) => return Ok(value),
                Err(_) if also_text => {}
                Err(error) => return Err(format!("{} ({error})", schema.expectation())),
            }
        }
    }
    if also_text {
        return Ok(Value::String(text.to_owned()));
    }
    if allowed("array")
        && let Some(items) = schema.items()
    {
        return Ok(Value::Array(vec![coerce(text, items)?]));
    }
    if allowed("array") {
        return Ok(Value::Array(vec![Value::String(text.to_owned())]));
    }
    expected()
}

/// A whole number, also one that is written with a fraction of nothing.
fn integer(text: &str) -> Option<Number> {
    let text = text.trim();
    let text = text.strip_prefix('+').unwrap_or(text);
    let whole = text
        .parse::<i64>()
        .map(Number::from)
        .or_else(|_| text.parse::<u64>().map(Number::from));
    whole.ok().or_else(|| {
        let number: f64 = serde_json::from_str(text).ok()?;
        // Up to here every whole number is exact.
        let exact = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
        exact.then(|| Number::from(number as i64))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_becomes_what_is_asked_for() {
        for (schema, text, expected) in [
            (json!({"type": "integer"}), "42", json!(42)),
            (json!({"type": "integer"}), "-7", json!(-7)),
            (json!({"type": "integer"}), "5.0", json!(5)),
            (json!({"type": "integer"}), "1e3", json!(1000)),
            (
                json!({"type": "integer"}),
                "18446744073709551615",
                json!(u64::MAX),
            ),
            (json!({"type": "number"}), "1.5", json!(1.5)),
            (json!({"type": "boolean"}), "true", json!(true)),
            (json!({"type": "string"}), "42", json!("42")),
            (json!({"type": "string"}), "null", json!("null")),
            (json!({"type": ["integer", "null"]}), "null", json!(null)),
            (json!({"type": ["integer", "string"]}), "42", json!(42)),
            (json!({"type": ["integer", "string"]}), "007", json!("007")),
            (json!({"type": ["boolean", "string"]}), "yes", json!("yes")),
            (json!({"enum": ["a", 1, null]}), "1", json!(1)),
            (json!({"enum": ["a", 1, null]}), "null", json!(null)),
            (
                json!({"type": "array", "items": {"type": "integer"}}),
                "1",
                json!([1]),
            ),
            (
                json!({"type": "array", "items": {"type": "integer"}}),
                "[1, 2]",
                json!([1, 2]),
            ),
            (json!({"type": "object"}), "{\"a\": 1}", json!({"a": 1})),
            (
                json!({"anyOf": [{"type": "object"}, {"type": "string"}]}),
                "{no",
                json!("{no"),
            ),
            (
                json!({"$ref": "#/$defs/N", "$defs": {"N": {"type": "number"}}}),
                "2",
                json!(2),
            ),
            (json!({}), "42", json!("42")),
            (json!(true), "x", json!("x")),
        ] {
            assert_eq!(
                coerce(text, Schema::new(&schema)),
                Ok(expected),
                "{text} as {schema}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_says_what_would() {
        for (schema, text, expected) in [
            (json!({"type": "integer"}), "4.5", "integer"),
            (json!({"type": "integer"}), "x", "integer"),
            (
                json!({"type": "integer"}),
                "99999999999999999999",
                "integer",
            ),
            (json!({"type": "number"}), "NaN", "number"),
            (json!({"type": "boolean"}), "1", "boolean"),
            (
                json!({"type": "string", "enum": ["low", "high"]}),
                "mid",
                "one of low, high",
            ),
            (json!({"type": "object"}), "x", "object"),
            (
                json!({"type": "array", "items": {"type": "integer"}}),
                "x",
                "integer",
            ),
        ] {
            assert_eq!(
                coerce(text, Schema::new(&schema)),
                Err(expected.into()),
                "{text} as {schema}"
            );
        }
        let broken = json!({"type": "object"});
        let error = coerce("{\"a\"", Schema::new(&broken)).expect_err("no JSON");
        assert!(error.starts_with("object (EOF"), "{error}");
    }
}
