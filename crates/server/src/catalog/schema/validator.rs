//! A compiled schema, and what it says about a value that does not fit.

use std::fmt::Write as _;
use wharf_protocol::raw::RawJson;

use jsonschema::{PatternOptions, Retrieve, Uri};
use serde_json::Value;

use super::SchemaLimits;
use crate::error::{Error, Result};
use crate::handler::text::shown_up_to;

/// How many errors one message lists.
const MAX_ERRORS: usize = 3;
/// The longest text of one error, in characters.
const MAX_REASON: usize = 200;
/// The largest compiled pattern, in bytes.
const MAX_PATTERN: usize = 1 << 20;

/// A compiled JSON Schema (2020-12, or the dialect that its `$schema` names). Never reads another
/// document, and matches patterns in linear time.
#[derive(Debug)]
pub struct Validator {
    compiled: jsonschema::Validator,
    /// How deep a value may nest for its errors to be explained.
    ///
    /// To see whether a value fits takes time in proportion to it, but all errors of a schema that
    /// leads back into itself on several ways double with each level.
    explained_depth: usize,
}

/// How many ways through schema and value an explanation may follow.
const MAX_WAYS: usize = 1_000;

impl Validator {
    /// Compiles a schema.
    ///
    /// # Errors
    /// When it exceeds the limits, is no valid schema, refers to another document, or has a
    /// pattern that linear matching has no way to do (look-around, back-references).
    pub fn compile(schema: &Value, limits: &SchemaLimits) -> Result<Self> {
        let expanded = limits.check(schema)?;
        let compiled = jsonschema::options()
            .with_retriever(NoOtherDocuments)
            .with_pattern_options(
                PatternOptions::regex()
                    .size_limit(MAX_PATTERN)
                    .dfa_size_limit(MAX_PATTERN),
            )
            .build(schema)
            .map_err(|error| {
                Error::invalid_definition(format_args!(
                    "invalid schema: {}",
                    shown_up_to(&error.to_string(), 400)
                ))
            })?;
        let explained_depth = match expanded.recursions {
            0 | 1 => usize::MAX,
            ways => MAX_WAYS.ilog(ways) as usize,
        };
        Ok(Self {
            compiled,
            explained_depth,
        })
    }

    /// Checks a value.
    ///
    /// # Errors
    /// Which members do not fit and why, safe to show: of the value itself only names appear, escaped
    /// and cut.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        if self.compiled.is_valid(value) {
            return Ok(());
        }
        if is_deeper_than(value, self.explained_depth) {
            return Err(
                "the value does not fit the schema, and is nested too deeply to say where"
                    .to_owned(),
            );
        }
        let mut text = String::new();
        for (count, error) in self.compiled.iter_errors(value).enumerate() {
            if count == MAX_ERRORS {
                text.push_str("; and more");
                break;
            }
            if count > 0 {
                text.push_str("; ");
            }
            let path = dotted(error.instance_path().as_str());
            // The value is masked: it may be as large as the message, or a secret.
            let masked = error.masked_with("the value").to_string();
            let reason = shown_up_to(&masked, MAX_REASON);
            // Writing to a string cannot fail.
            let _ = match path.as_str() {
                "" => write!(text, "{reason}"),
                path => write!(text, "`{}`: {reason}", shown_up_to(path, MAX_REASON)),
            };
        }
        Err(text)
    }

    /// Checks raw JSON.
    ///
    /// # Errors
    /// As [`check`](Validator::check).
    pub fn check_raw(&self, json: RawJson<'_>) -> Result<(), String> {
        let value: Value = serde_json::from_str(json.get()).map_err(|error| error.to_string())?;
        self.check(&value)
    }
}

/// Whether a value nests deeper than this; a plain value has the depth 1.
fn is_deeper_than(value: &Value, depth: usize) -> bool {
    let Some(below) = depth.checked_sub(1) else {
        return true;
    };
    match value {
        Value::Array(items) => items.iter().any(|item| is_deeper_than(item, below)),
        Value::Object(members) => members.values().any(|member| is_deeper_than(member, below)),
        _ => false,
    }
}

/// `/user/tags/0` as `user.tags[0]`, which is how the first reading names fields too.
fn dotted(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if part.bytes().all(|b| b.is_ascii_digit()) && !part.is_empty() {
            let _ = write!(path, "[{part}]");
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&part);
        }
    }
    path
}

/// Refuses every document but the schema itself.
struct NoOtherDocuments;

impl Retrieve for NoOtherDocuments {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("it refers to another document, {uri}, and schemas are never fetched: put it into `$defs`").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn compile(schema: &Value) -> Result<Validator> {
        Validator::compile(schema, &SchemaLimits::default())
    }

    fn wrong(schema: Value, value: Value) -> String {
        compile(&schema)
            .expect("a schema")
            .check(&value)
            .expect_err("does not fit")
    }

    #[test]
    fn errors_name_the_member_and_the_reason() {
        let schema = json!({
            "type": "object",
            "properties": {
                "name": {"type": "string", "minLength": 2, "pattern": "^[a-z]+$"},
                "tags": {"type": "array", "items": {"type": "object", "properties": {"n": {"maximum": 3}}}},
            },
            "required": ["name"],
        });
        assert_eq!(
            wrong(schema.clone(), json!({})),
            "\"name\" is a required property"
        );
        assert_eq!(
            wrong(
                schema.clone(),
                json!({"name": "ab", "tags": [{}, {"n": 4}]})
            ),
            "`tags[1].n`: the value is greater than the maximum of 3"
        );
        assert!(wrong(schema.clone(), json!({"name": "A"})).contains(
            "`name`: the value is shorter than 2 characters; `name`: the value does not match"
        ));
        compile(&schema)
            .expect("a schema")
            .check(&json!({"name": "ab"}))
            .expect("fits");
    }

    #[test]
    fn a_flood_of_errors_is_cut_and_client_bytes_are_escaped() {
        let schema = json!({"additionalProperties": {"type": "string"}});
        let many: serde_json::Map<String, Value> = (0..1_000)
            .map(|n| (format!("\u{1b}[{n}m"), json!(n)))
            .collect();
        let text = wrong(schema, Value::Object(many));
        assert!(
            text.ends_with("and more") && text.len() < 1_500 && !text.contains('\u{1b}'),
            "{text}"
        );
        let text = wrong(
            json!({"additionalProperties": false}),
            json!({"x".repeat(100_000): 1}),
        );
        assert!(text.len() < 1_000, "{}", text.len());
    }

    #[test]
    fn other_documents_are_never_fetched() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("non-blocking");
        let address = listener.local_addr().expect("bound");
        let refused = |reference: &str| {
            compile(&json!({"properties": {"a": {"$ref": reference}}}))
                .expect_err("refused")
                .to_string()
        };
        for reference in [
            format!("http://{address}/schema.json").as_str(),
            "file:///etc/passwd",
        ] {
            assert!(refused(reference).contains("never fetched"), "{reference}");
        }
        assert!(refused("other.json").contains("other.json"));
        let error =
            compile(&json!({"$schema": format!("http://{address}/dialect")})).expect_err("refused");
        assert!(error.is_invalid_definition(), "{error}");
        assert!(listener.accept().is_err(), "the canary was visited");
    }

    #[test]
    fn patterns_are_matched_in_linear_time() {
        let validator =
            compile(&json!({"type": "string", "pattern": "^(a+)+$"})).expect("a schema");
        let started = std::time::Instant::now();
        validator
            .check(&json!(format!("{}!", "a".repeat(100_000))))
            .expect_err("does not match");
        assert!(started.elapsed() < std::time::Duration::from_secs(5));
        assert!(
            compile(&json!({"pattern": "(?=a)b"})).is_err(),
            "look-around cannot be linear"
        );
        assert!(
            compile(&json!({"pattern": "((a{1000}){1000}){1000}"})).is_err(),
            "too large once compiled"
        );
    }

    #[test]
    fn errors_that_double_with_each_level_are_not_explained() {
        let branches: Vec<_> = (0..3)
            .map(|_| json!({"properties": {"x": {"$ref": "#"}}}))
            .collect();
        let nested = |depth| (0..depth).fold(json!("leaf"), |inner, _| json!({"x": inner}));
        for keyword in ["allOf", "anyOf", "oneOf"] {
            let schema = json!({"type": "object", keyword: branches});
            let validator = compile(&schema).expect("a schema");
            let started = std::time::Instant::now();
            let deep = validator.check(&nested(100)).expect_err("does not fit");
            assert!(deep.contains("too deeply"), "{deep}");
            let shallow = validator.check(&nested(1)).expect_err("does not fit");
            assert!(!shallow.contains("too deeply"), "{shallow}");
            assert!(
                started.elapsed() < std::time::Duration::from_secs(2),
                "{keyword}"
            );
        }
        let list = json!({"type": "object", "properties": {"x": {"$ref": "#"}}});
        let why = wrong(list, nested(60));
        assert!(why.contains("the value is not of type \"object\""), "{why}");
    }

    #[test]
    fn references_in_circles_end() {
        for schema in [
            json!({"$ref": "#"}),
            json!({"allOf": [{"$ref": "#"}]}),
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}}}),
        ] {
            if let Ok(validator) = compile(&schema) {
                let _ = validator.check(&json!({"a": [1, {"b": 2}]}));
            }
        }
    }
}
