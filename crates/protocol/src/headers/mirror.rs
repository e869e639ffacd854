//! A header against the argument that it mirrors.

use std::fmt;

use serde_json::Value;

use super::ParamKind;
use super::value::{HeaderValueError, decode_value};

/// 2^53 - 1: the largest integer that every JSON implementation keeps exactly.
const MAX_SAFE: u64 = (1 << 53) - 1;

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

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Integral {
    Safe(i64),
    /// An integer beyond the safe range.
    Unsafe,
    /// Not a JSON number, or one with a fraction.
    Not,
}

/// Reads a JSON number exactly, without rounding to a double first.
pub(super) fn integral(text: &str) -> Integral {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            let Ok(exponent) = exponent.parse::<i32>() else {
                return Integral::Not;
            };
            (mantissa, i64::from(exponent))
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
            (Some("7"), json!(-7), Integer, Err(Mismatch::Different)),
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
