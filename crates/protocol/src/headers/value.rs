//! Text in a header value: plain where it can be, Base64 between sentinels where it cannot.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const OPEN: &str = "=?base64?";
const CLOSE: &str = "?=";

/// Writes a text so that it is safe as the value of `Mcp-Name` or `Mcp-Param-…`.
///
/// Visible ASCII with spaces inside stays as it is. Everything else (other characters, control
/// characters, tabs, spaces at either end, and text that itself looks encoded) becomes
/// `=?base64?…?=` over its UTF-8 (spec 2026-07-28, basic/transports/streamable-http, "Value
/// Encoding").
pub fn encode_value(text: &str) -> Cow<'_, str> {
    let visible = text.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
    let padded = text.starts_with(' ') || text.ends_with(' ');
    let looks_encoded = text.starts_with(OPEN) && text.ends_with(CLOSE);
    if visible && !padded && !looks_encoded {
        return Cow::Borrowed(text);
    }
    let mut encoded = String::with_capacity(OPEN.len() + CLOSE.len() + text.len().div_ceil(3) * 4);
    encoded.push_str(OPEN);
    STANDARD.encode_string(text, &mut encoded);
    encoded.push_str(CLOSE);
    Cow::Owned(encoded)
}

/// Reads what [`encode_value`] wrote.
///
/// The text inside the sentinels may hold any character, line ends too: it is compared with the
/// body, never written to a header again. A value that lacks one of the sentinels is taken
/// literally.
///
/// # Errors
/// A raw value with a control character other than tab or with a byte above ASCII; Base64 that is
/// not canonical (alphabet, padding, unused bits); encoded bytes that are not UTF-8.
pub fn decode_value(value: &str) -> Result<Cow<'_, str>, HeaderValueError> {
    if !value
        .bytes()
        .all(|byte| matches!(byte, b'\t' | 0x20..=0x7e))
    {
        return Err(HeaderValueError::Character);
    }
    let Some(encoded) = value
        .strip_prefix(OPEN)
        .and_then(|rest| rest.strip_suffix(CLOSE))
    else {
        return Ok(Cow::Borrowed(value));
    };
    let bytes = STANDARD
        .decode(encoded)
        .map_err(|_| HeaderValueError::Base64)?;
    String::from_utf8(bytes)
        .map(Cow::Owned)
        .map_err(|_| HeaderValueError::Utf8)
}

/// Whether a text is a header field name: `1*tchar` of RFC 9110, section 5.6.2.
pub fn is_tchar_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b'!' | b'#'
                        | b'$'
                        | b'%'
                        | b'&'
                        | b'\''
                        | b'*'
                        | b'+'
                        | b'-'
                        | b'.'
                        | b'^'
                        | b'_'
                        | b'`'
                        | b'|'
                        | b'~'
                )
        })
}

/// Why a header value could not be read. Holds none of the client's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderValueError {
    /// A control character or a byte above ASCII in the raw value.
    Character,
    /// `=?base64?…?=` around something that is not canonical Base64.
    Base64,
    /// The encoded bytes are not UTF-8.
    Utf8,
}

impl fmt::Display for HeaderValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Character => "the header value contains characters that are not allowed",
            Self::Base64 => "the header value is not valid Base64 between `=?base64?` and `?=`",
            Self::Utf8 => "the Base64 of the header value does not hold UTF-8",
        })
    }
}

impl std::error::Error for HeaderValueError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_specification() {
        for (text, header) in [
            ("us-west1", "us-west1"),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ] {
            assert_eq!(encode_value(text), header);
            assert_eq!(decode_value(header).as_deref(), Ok(text));
        }
    }

    #[test]
    fn every_text_comes_back() {
        for text in [
            "",
            " ",
            "\t",
            "a b",
            "a\tb",
            "a ",
            "\r\n",
            "\0",
            "\u{7f}",
            "é",
            "=?base64?",
            "?=",
            "=?base64?=",
            "=?base64??=",
            "=?BASE64?x?=",
            "file:///a b/c",
            "\u{10ffff}",
        ] {
            let header = encode_value(text);
            assert!(
                header.bytes().all(|byte| matches!(byte, 0x20..=0x7e)),
                "{text:?}: {header:?}"
            );
            assert_eq!(
                header.trim(),
                header,
                "{text:?}: HTTP would trim {header:?}"
            );
            assert_eq!(decode_value(&header).as_deref(), Ok(text));
        }
    }

    #[test]
    fn plain_text_is_not_copied() {
        assert!(matches!(
            encode_value("get_weather"),
            Cow::Borrowed("get_weather")
        ));
        assert!(matches!(
            decode_value("get_weather"),
            Ok(Cow::Borrowed("get_weather"))
        ));
    }

    #[test]
    fn malformed_values_are_refused() {
        for (header, error) in [
            ("=?base64?SGVsbG8?=", HeaderValueError::Base64), // padding missing
            ("=?base64?SGVs!!!bG8=?=", HeaderValueError::Base64),
            ("=?base64?SGVsbG9=?=", HeaderValueError::Base64), // unused bits set
            ("=?base64?SGVsbG8=SGVsbG8=?=", HeaderValueError::Base64),
            ("=?base64?SGVs bG8=?=", HeaderValueError::Base64),
            ("=?base64?_-8=?=", HeaderValueError::Base64), // the URL alphabet
            ("=?base64?/w==?=", HeaderValueError::Utf8),
            ("a\r\nX-Evil: 1", HeaderValueError::Character),
            ("a\0", HeaderValueError::Character),
            ("caf\u{e9}", HeaderValueError::Character),
            ("a\u{7f}", HeaderValueError::Character),
        ] {
            assert_eq!(decode_value(header), Err(error), "{header:?}");
        }
    }

    #[test]
    fn half_a_sentinel_is_literal() {
        for header in [
            "SGVsbG8=",
            "=?base64?SGVsbG8=",
            "SGVsbG8=?=",
            "=?Base64?SGVsbG8=?=",
            "=?base64?=",
        ] {
            assert_eq!(decode_value(header).as_deref(), Ok(header));
        }
    }

    #[test]
    fn tokens() {
        for token in ["Region", "x", "a-b_c.d", "!#$%&'*+-.^_`|~09AZ"] {
            assert!(is_tchar_token(token), "{token}");
        }
        for other in [
            "", " ", "a b", "a:b", "a\r", "a\n", "é", "a/b", "(a)", "a\"", "a,", "{a}", "\u{7f}",
        ] {
            assert!(!is_tchar_token(other), "{other:?}");
        }
    }
}
