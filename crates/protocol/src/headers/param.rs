//! `x-mcp-header`: arguments of a tool that are mirrored into `Mcp-Param-…` headers.

use std::collections::HashSet;
use std::fmt;

use serde_json::{Map, Value};

use super::PARAM_PREFIX;
use super::value::{HeaderValueError, decode_value, encode_value, is_tchar_token};

const ANNOTATION: &str = "x-mcp-header";
/// 2^53 - 1: the largest integer that every JSON implementation keeps exactly.
const MAX_SAFE: u64 = (1 << 53) - 1;

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

/// Compares a header with the argument that it mirrors.
///
/// No value or `null` in the body wants no header; any other value wants one. A value of another
/// type than the schema's is compared as its text: that it does not fit is for the validation of
/// arguments to say, with the name of the field (spec 2026-07-28,
/// basic/transports/streamable-http, "Server Behavior for Custom Headers").
///
/// # Errors
/// A [`Mismatch`], to be answered with `-32020` and HTTP 400.
pub fn matches(
    header_value: Option<&str>,
    body_value: Option<&Value>,
    kind: ParamKind,
) -> Result<(), Mismatch> {
    let body = body_value.filter(|value| !value.is_null());
    let (header, body) = match (header_value, body) {
        (None, None) => return Ok(()),
        (None, Some(_)) => return Err(Mismatch::Missing),
        (Some(_), None) => return Err(Mismatch::Unexpected),
        (Some(header), Some(body)) => (header, body),
    };
    let header = decode_value(header).map_err(Mismatch::Malformed)?;
    let equal = match body {
        Value::String(text) => *text == header,
        Value::Bool(value) => header == if *value { "true" } else { "false" },
        Value::Number(number) => {
            let text = number.to_string();
            match (kind, integral(&text)) {
                (ParamKind::Integer, Integral::Safe(value)) => {
                    integral(&header) == Integral::Safe(value)
                }
                (ParamKind::Integer, Integral::Unsafe) => return Err(Mismatch::UnsafeInteger),
                _ => text == header,
            }
        }
        _ => return Err(Mismatch::NotPrimitive),
    };
    if equal {
        Ok(())
    } else {
        Err(Mismatch::Different)
    }
}

/// How a header and the argument that it mirrors disagree. Holds none of the client's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    /// The body has a value and there is no header.
    Missing,
    /// There is a header and the body has no value, or `null`.
    Unexpected,
    /// The header cannot be read.
    Malformed(HeaderValueError),
    /// Both are there and differ.
    Different,
    /// The body has an integer beyond ±(2^53 − 1).
    UnsafeInteger,
    /// The body has an array or an object.
    NotPrimitive,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("the header is missing though the argument is given"),
            Self::Unexpected => f.write_str("the header is given though the argument is not"),
            Self::Malformed(error) => error.fmt(f),
            Self::Different => f.write_str("the header does not match the argument"),
            Self::UnsafeInteger => f.write_str("the argument is an integer beyond ±(2^53 - 1)"),
            Self::NotPrimitive => {
                f.write_str("the argument is not a string, an integer or a boolean")
            }
        }
    }
}

impl std::error::Error for Mismatch {}

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

#[derive(Debug, PartialEq, Eq)]
enum Integral {
    Safe(i64),
    /// An integer beyond the safe range.
    Unsafe,
    /// Not a JSON number, or one with a fraction.
    Not,
}

/// Reads a JSON number exactly, without rounding to a double first.
fn integral(text: &str) -> Integral {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            // Five digits decide as well as more: no safe integer is that long.
            if !all_digits(digits) || digits.len() > 5 {
                return Integral::Not;
            }
            let Ok(exponent) = exponent.parse::<i64>() else {
                return Integral::Not;
            };
            (mantissa, exponent)
        }
        None => (rest, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) if all_digits(fraction) => (whole, fraction),
        Some(_) => return Integral::Not,
        None => (mantissa, ""),
    };
    if !all_digits(whole) || (whole.len() > 1 && whole.starts_with('0')) {
        return Integral::Not;
    }
    let digits = [whole, fraction].concat();
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Integral::Safe(0);
    }
    let zeros = (digits.len() - significant.len()) as i64 + exponent - fraction.len() as i64;
    if zeros < 0 {
        return Integral::Not;
    }
    if significant.len() as i64 + zeros > 16 {
        return Integral::Unsafe;
    }
    let value = significant
        .bytes()
        .fold(0, |value: u64, digit| value * 10 + u64::from(digit - b'0'))
        * 10u64.pow(zeros as u32);
    match i64::try_from(value) {
        Ok(value) if value.unsigned_abs() <= MAX_SAFE => {
            Integral::Safe(if negative { -value } else { value })
        }
        _ => Integral::Unsafe,
    }
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

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

    #[test]
    fn header_against_body() {
        use ParamKind::{Boolean, Integer, String};
        let cases = [
            (Some("us-west1"), json!("us-west1"), String, Ok(())),
            (
                Some("US-west1"),
                json!("us-west1"),
                String,
                Err(Mismatch::Different),
            ),
            (Some(""), json!(""), String, Ok(())),
            (Some("=?base64?SGVsbG8=?="), json!("Hello"), String, Ok(())),
            (
                Some("=?base64?SGVsbG8?="),
                json!("Hello"),
                String,
                Err(Mismatch::Malformed(HeaderValueError::Base64)),
            ),
            (
                Some("SGVsbG8="),
                json!("Hello"),
                String,
                Err(Mismatch::Different),
            ),
            (None, json!("a"), String, Err(Mismatch::Missing)),
            (None, json!(null), String, Ok(())),
            (Some("null"), json!(null), String, Err(Mismatch::Unexpected)),
            (Some(""), json!(null), String, Err(Mismatch::Unexpected)),
            (Some("42"), json!(42), Integer, Ok(())),
            (Some("42.0"), json!(42), Integer, Ok(())),
            (Some("42"), json!(42.0), Integer, Ok(())),
            (Some("4.2e1"), json!(42), Integer, Ok(())),
            (Some("=?base64?NDI=?="), json!(42), Integer, Ok(())),
            (Some("42.5"), json!(42), Integer, Err(Mismatch::Different)),
            (
                Some("42.00000000000000000001"),
                json!(42),
                Integer,
                Err(Mismatch::Different),
            ),
            (Some("042"), json!(42), Integer, Err(Mismatch::Different)),
            (Some("0x2a"), json!(42), Integer, Err(Mismatch::Different)),
            (Some("-0"), json!(0), Integer, Ok(())),
            (Some("-7"), json!(-7), Integer, Ok(())),
            (
                Some("9007199254740991"),
                json!(9_007_199_254_740_991i64),
                Integer,
                Ok(()),
            ),
            (
                Some("-9007199254740991"),
                json!(-9_007_199_254_740_991i64),
                Integer,
                Ok(()),
            ),
            (
                Some("9007199254740992"),
                json!(9_007_199_254_740_992i64),
                Integer,
                Err(Mismatch::UnsafeInteger),
            ),
            (
                Some("1e20"),
                json!(1e20),
                Integer,
                Err(Mismatch::UnsafeInteger),
            ),
            (Some("true"), json!(true), Boolean, Ok(())),
            (Some("True"), json!(true), Boolean, Err(Mismatch::Different)),
            (
                Some("true"),
                json!(false),
                Boolean,
                Err(Mismatch::Different),
            ),
            (Some("1"), json!(["1"]), String, Err(Mismatch::NotPrimitive)),
            // Arguments of the wrong type are for the schema to refuse.
            (Some("42"), json!(42), String, Ok(())),
            (Some("42"), json!("42"), Integer, Ok(())),
            (Some("1.5"), json!(1.5), Integer, Ok(())),
        ];
        for (header, body, kind, expected) in cases {
            assert_eq!(
                matches(header, Some(&body), kind),
                expected,
                "{header:?} {body} {kind:?}"
            );
        }
        assert_eq!(matches(None, None, String), Ok(()));
        assert_eq!(matches(Some("a"), None, String), Err(Mismatch::Unexpected));
    }

    #[test]
    fn numbers_are_read_exactly() {
        for (text, expected) in [
            ("0", Integral::Safe(0)),
            ("0.000", Integral::Safe(0)),
            ("0e99999", Integral::Safe(0)),
            ("1e3", Integral::Safe(1000)),
            ("1200e-2", Integral::Safe(12)),
            ("1.20E+1", Integral::Safe(12)),
            ("12e-1", Integral::Not),
            ("1e99999", Integral::Unsafe),
            ("1e-99999", Integral::Not),
            ("1e999999999999999999999", Integral::Not),
            ("99999999999999999999999", Integral::Unsafe),
            ("9999999999999999", Integral::Unsafe),
            ("", Integral::Not),
            ("-", Integral::Not),
            ("+1", Integral::Not),
            (" 1", Integral::Not),
            (".5", Integral::Not),
            ("1.", Integral::Not),
            ("1e", Integral::Not),
            ("1e+-1", Integral::Not),
            ("1_0", Integral::Not),
            ("NaN", Integral::Not),
            ("٣", Integral::Not),
        ] {
            assert_eq!(integral(text), expected, "{text}");
        }
    }
}
