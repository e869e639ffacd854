//! `x-mcp-header`: which arguments of a tool are mirrored into `Mcp-Param-…` headers.

use std::collections::HashSet;
use std::fmt;

use serde_json::{Map, Value};

use super::PARAM_PREFIX;
use super::mirror::{Integral, Mismatch, integral};
use super::value::{encode_value, is_tchar_token};

const ANNOTATION: &str = "x-mcp-header";

/// An argument that is mirrored into a header, as a tool's input schema declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamHeader {
    /// The full name of the header, lowercase: `mcp-param-region`.
    pub header: String,
    /// The names of the properties that lead from the arguments to the value.
    pub path: Vec<String>,
    /// The type that the schema gives the value.
    pub kind: ParamKind,
}

/// The type of a mirrored argument. `null` beside it (as in `["string", "null"]`) is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    /// Compared exactly.
    String,
    /// Compared as a number: `42.0` equals `42`.
    Integer,
    /// `true` or `false`.
    Boolean,
}

impl ParamHeader {
    /// The value at this path of a call's arguments, if there is one.
    pub fn value_in<'a>(&self, arguments: &'a Value) -> Option<&'a Value> {
        self.path
            .iter()
            .try_fold(arguments, |value, name| value.get(name))
    }

    /// What a client writes into the header for these arguments: `None` means no header.
    ///
    /// # Errors
    /// [`Mismatch::NotPrimitive`] and [`Mismatch::UnsafeInteger`]: such a value has no header.
    pub fn header_value(&self, arguments: &Value) -> Result<Option<String>, Mismatch> {
        Ok(match self.value_in(arguments) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(encode_value(text).into_owned()),
            Some(Value::Bool(value)) => Some(value.to_string()),
            Some(Value::Number(number)) => match integral(&number.to_string()) {
                Integral::Safe(value) => Some(value.to_string()),
                Integral::Unsafe => return Err(Mismatch::UnsafeInteger),
                Integral::Not => Some(number.to_string()),
            },
            Some(Value::Array(_) | Value::Object(_)) => return Err(Mismatch::NotPrimitive),
        })
    }
}

/// The arguments that a tool's input schema wants mirrored, in the schema's order.
///
/// # Errors
/// Any annotation that breaks a constraint makes the tool invalid: clients leave such a tool out
/// of `tools/list`, so a server should refuse to start with one. The annotation must be an HTTP
/// token, unique without regard to case, on a property of type string, integer or boolean that is
/// reached from the root through `properties` alone. A property whose type hides behind `$ref` or
/// `anyOf` has no such type: write the type in place.
pub fn param_headers(schema: &Value) -> Result<Vec<ParamHeader>, XMcpHeaderError> {
    let mut found = Vec::new();
    let mut taken = HashSet::new();
    // A stack of our own: a schema that was built and not parsed may be deeper than ours.
    let mut open = vec![Visit {
        schema,
        pointer: String::new(),
        path: Some(Vec::new()),
    }];
    while let Some(Visit {
        schema,
        pointer,
        path,
    }) = open.pop()
    {
        let Value::Object(members) = schema else {
            continue;
        };
        if let Some(annotation) = members.get(ANNOTATION) {
            let header =
                check(annotation, members, path.as_deref(), &mut taken).map_err(|reason| {
                    XMcpHeaderError {
                        pointer: pointer.clone(),
                        reason,
                    }
                })?;
            found.push(header);
        }
        let before = open.len();
        for (keyword, inner) in members {
            descend(keyword, inner, &pointer, path.as_deref(), &mut open);
        }
        open[before..].reverse();
    }
    Ok(found)
}

struct Visit<'a> {
    schema: &'a Value,
    pointer: String,
    /// The properties that lead here; `None` where no chain of `properties` does.
    path: Option<Vec<String>>,
}

fn descend<'a>(
    keyword: &str,
    inner: &'a Value,
    pointer: &str,
    path: Option<&[String]>,
    open: &mut Vec<Visit<'a>>,
) {
    match (keyword, inner) {
        // Data, in which a member of that name means nothing.
        ("default" | "const" | "enum" | "examples" | ANNOTATION, _) => {}
        // Maps from names of the author's choice to schemas: the names are not keywords.
        ("properties", Value::Object(map)) => {
            for (name, schema) in map {
                let path = path.map(|path| [path, std::slice::from_ref(name)].concat());
                open.push(Visit {
                    schema,
                    pointer: join(&join(pointer, keyword), name),
                    path,
                });
            }
        }
        (
            "patternProperties" | "$defs" | "definitions" | "dependentSchemas" | "dependencies",
            Value::Object(map),
        ) => {
            for (name, schema) in map {
                open.push(Visit {
                    schema,
                    pointer: join(&join(pointer, keyword), name),
                    path: None,
                });
            }
        }
        (_, Value::Array(list)) => {
            for (index, schema) in list.iter().enumerate() {
                let pointer = join(&join(pointer, keyword), &index.to_string());
                open.push(Visit {
                    schema,
                    pointer,
                    path: None,
                });
            }
        }
        // A schema, or a keyword unknown to us that a `$ref` may point into.
        (_, Value::Object(_)) => {
            open.push(Visit {
                schema: inner,
                pointer: join(pointer, keyword),
                path: None,
            });
        }
        _ => {}
    }
}

fn join(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn check(
    annotation: &Value,
    members: &Map<String, Value>,
    path: Option<&[String]>,
    taken: &mut HashSet<String>,
) -> Result<ParamHeader, XMcpHeaderReason> {
    let name = annotation.as_str().ok_or(XMcpHeaderReason::NotText)?;
    if !is_tchar_token(name) {
        return Err(XMcpHeaderReason::NotToken);
    }
    let path = path
        .filter(|path| !path.is_empty())
        .ok_or(XMcpHeaderReason::Unreachable)?;
    let kind = members
        .get("type")
        .and_then(kind_of)
        .ok_or(XMcpHeaderReason::NotPrimitive)?;
    let header = format!("{PARAM_PREFIX}{}", name.to_ascii_lowercase());
    if !taken.insert(header.clone()) {
        return Err(XMcpHeaderReason::Duplicate);
    }
    Ok(ParamHeader {
        header,
        path: path.to_vec(),
        kind,
    })
}

fn kind_of(declared: &Value) -> Option<ParamKind> {
    match declared {
        Value::String(name) => match name.as_str() {
            "string" => Some(ParamKind::String),
            "integer" => Some(ParamKind::Integer),
            "boolean" => Some(ParamKind::Boolean),
            _ => None,
        },
        Value::Array(names) => match names.as_slice() {
            [one] => kind_of(one),
            [one, null] | [null, one] if null == "null" => kind_of(one),
            _ => None,
        },
        _ => None,
    }
}

/// Which annotation makes a tool invalid, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XMcpHeaderError {
    pointer: String,
    reason: XMcpHeaderReason,
}

impl XMcpHeaderError {
    /// Where the annotated schema is: a JSON pointer into the input schema.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// Which constraint it breaks.
    pub fn reason(&self) -> XMcpHeaderReason {
        self.reason
    }
}

/// The constraint that an `x-mcp-header` breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XMcpHeaderReason {
    /// Its value is not a string.
    NotText,
    /// Its value is empty or has a character that header names do not have.
    NotToken,
    /// The same name twice, without regard to case.
    Duplicate,
    /// The property is not plainly a string, an integer or a boolean.
    NotPrimitive,
    /// It is not on a property that `properties` alone lead to.
    Unreachable,
}

impl fmt::Display for XMcpHeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.reason {
            XMcpHeaderReason::NotText => "its value must be a string",
            XMcpHeaderReason::NotToken => {
                "its value must be an HTTP token: letters, digits and !#$%&'*+-.^_`|~"
            }
            XMcpHeaderReason::Duplicate => "the same name is used twice (case does not count)",
            XMcpHeaderReason::NotPrimitive => {
                "the property must have, in place, the type string, integer or boolean"
            }
            XMcpHeaderReason::Unreachable => {
                "it must be on a property that is reached through `properties` alone"
            }
        };
        // Debug form: property names are the author's, or a foreign server's.
        write!(f, "x-mcp-header at {:?}: {why}", self.pointer)
    }
}

impl std::error::Error for XMcpHeaderError {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reason(schema: Value) -> XMcpHeaderReason {
        param_headers(&schema)
            .expect_err("must be refused")
            .reason()
    }

    fn property(schema: Value) -> Value {
        json!({"type": "object", "properties": {"a": schema}})
    }

    #[test]
    fn the_example_of_the_specification() {
        let schema = json!({
            "type": "object",
            "properties": {
                "region": {"type": "string", "x-mcp-header": "Region"},
                "query": {"type": "string"}
            },
            "required": ["region", "query"]
        });
        let found = param_headers(&schema).expect("valid");
        assert_eq!(
            found,
            [ParamHeader {
                header: "mcp-param-region".into(),
                path: vec!["region".into()],
                kind: ParamKind::String
            }]
        );
    }

    #[test]
    fn nested_properties_in_the_order_of_the_schema() {
        let schema = json!({"type": "object", "properties": {
            "z": {"type": "integer", "x-mcp-header": "Z"},
            "a": {"type": "object", "properties": {
                "b": {"type": ["boolean", "null"], "x-mcp-header": "B"},
                "c": {"type": ["null", "string"], "x-mcp-header": "C"},
            }},
            "m": {"type": "string", "x-mcp-header": "M"},
        }});
        let found = param_headers(&schema).expect("valid");
        let names: Vec<_> = found
            .iter()
            .map(|h| (h.header.as_str(), h.path.join("."), h.kind))
            .collect();
        assert_eq!(
            names,
            [
                ("mcp-param-z", "z".to_owned(), ParamKind::Integer),
                ("mcp-param-b", "a.b".to_owned(), ParamKind::Boolean),
                ("mcp-param-c", "a.c".to_owned(), ParamKind::String),
                ("mcp-param-m", "m".to_owned(), ParamKind::String),
            ]
        );
        let arguments = json!({"a": {"b": true, "c": null}, "m": "é"});
        assert_eq!(found[1].header_value(&arguments), Ok(Some("true".into())));
        assert_eq!(found[2].header_value(&arguments), Ok(None));
        assert_eq!(found[0].header_value(&arguments), Ok(None));
        assert_eq!(
            found[3].header_value(&arguments),
            Ok(Some("=?base64?w6k=?=".into()))
        );
    }

    #[test]
    fn names_that_are_no_header_names() {
        for name in [
            "",
            "My Region",
            "Region:Primary",
            "Région",
            "Region\t1",
            "a\r\nb",
            "a\0",
        ] {
            assert_eq!(
                reason(property(json!({"type": "string", "x-mcp-header": name}))),
                XMcpHeaderReason::NotToken
            );
        }
        for value in [
            json!(1),
            json!(null),
            json!(["a"]),
            json!({"a": 1}),
            json!(true),
        ] {
            assert_eq!(
                reason(property(json!({"type": "string", "x-mcp-header": value}))),
                XMcpHeaderReason::NotText
            );
        }
    }

    #[test]
    fn types_that_have_no_header() {
        for schema in [
            json!({"type": "number"}),
            json!({"type": "object"}),
            json!({"type": "array", "items": {"type": "string"}}),
            json!({"type": "null"}),
            json!({"type": ["string", "integer"]}),
            json!({"type": ["string", "integer", "null"]}),
            json!({"type": ["null", "null"]}),
            json!({"type": []}),
            json!({"enum": ["a"]}),
            json!({"$ref": "#/$defs/A"}),
            json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
            json!({}),
        ] {
            let mut schema = schema;
            schema["x-mcp-header"] = json!("A");
            assert_eq!(
                reason(property(schema.clone())),
                XMcpHeaderReason::NotPrimitive,
                "{schema}"
            );
        }
    }

    #[test]
    fn the_same_name_twice() {
        for (one, two) in [("Region", "Region"), ("MyField", "myfield")] {
            let schema = json!({"properties": {
                "a": {"type": "string", "x-mcp-header": one},
                "b": {"properties": {"c": {"type": "string", "x-mcp-header": two}}},
            }});
            let error = param_headers(&schema).expect_err("twice");
            assert_eq!(error.reason(), XMcpHeaderReason::Duplicate);
            assert_eq!(error.pointer(), "/properties/b/properties/c");
        }
    }

    #[test]
    fn annotations_that_properties_do_not_lead_to() {
        let annotated = json!({"type": "string", "x-mcp-header": "A"});
        let inside = json!({"properties": {"a": annotated}});
        for schema in [
            annotated.clone(),
            json!({"$defs": {"A": annotated}}),
            json!({"definitions": {"A": inside}}),
            json!({"patternProperties": {"^a": annotated}}),
            json!({"additionalProperties": annotated}),
            json!({"unevaluatedProperties": annotated}),
            json!({"propertyNames": annotated}),
            json!({"dependentSchemas": {"a": inside}}),
            json!({"dependencies": {"a": inside}}),
            json!({"allOf": [inside]}),
            json!({"anyOf": [true, inside]}),
            json!({"oneOf": [inside]}),
            json!({"not": inside}),
            json!({"if": inside}),
            json!({"then": inside}),
            json!({"else": inside}),
            json!({"x-shared": {"A": annotated}}),
            property(json!({"type": "array", "items": annotated})),
            property(json!({"type": "array", "items": [annotated]})),
            property(json!({"type": "array", "prefixItems": [annotated]})),
            property(json!({"type": "array", "contains": annotated})),
            property(json!({"contentSchema": inside})),
            property(json!({"anyOf": [annotated, {"type": "null"}]})),
        ] {
            assert_eq!(
                reason(schema.clone()),
                XMcpHeaderReason::Unreachable,
                "{schema}"
            );
        }
    }

    #[test]
    fn what_only_looks_like_an_annotation() {
        for schema in [
            json!({"properties": {"x-mcp-header": {"type": "number"}}}),
            property(json!({"type": "object", "default": {"x-mcp-header": ""}})),
            property(json!({"const": {"x-mcp-header": ""}, "enum": [{"x-mcp-header": 1}]})),
            property(json!({"examples": [{"x-mcp-header": ""}]})),
            json!({"$defs": {"x-mcp-header": {"type": "number"}}}),
            json!(true),
            json!(null),
        ] {
            assert_eq!(param_headers(&schema), Ok(vec![]), "{schema}");
        }
    }

    #[test]
    fn a_schema_deeper_than_the_stack() {
        let mut schema = json!({"type": "string", "x-mcp-header": ""});
        for _ in 0..10_000 {
            schema = Value::Object(Map::from_iter([("not".to_owned(), schema)]));
        }
        let deep = param_headers(&schema);
        // Dropping it is recursive in serde_json and would be the failure of this test.
        std::mem::forget(schema);
        assert!(deep.is_err());
    }
}
