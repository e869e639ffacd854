//! The one result that is written more often than all others: text from a tool.
//!
//! What is written here is byte for byte what the general way writes; a test compares the two.

use memchr::memchr;

use super::{ResultFrame, ResultType};
use crate::content::{ContentBlock, TextContent};
use crate::meta::SERVER_INFO;
use crate::raw::plain_run;
use crate::tools::CallToolResult;

/// Appends a result that is nothing but text; `false`, and nothing is appended, if it is more.
pub(super) fn write_text_result(
    out: &mut Vec<u8>,
    result: &CallToolResult,
    frame: &ResultFrame<'_>,
) -> bool {
    let plain = |block: &ContentBlock| match block {
        ContentBlock::Text(text) => text.annotations.is_none() && text.meta.is_none(),
        _ => false,
    };
    let server_info = frame.server_info.map(|info| info.get());
    let fits = result.structured_content.is_none()
        && result.meta.is_none()
        && frame.result_type == ResultType::Complete
        && server_info.is_none_or(|info| memchr(b'\n', info.as_bytes()).is_none())
        && result.content.iter().all(plain);
    if !fits {
        return false;
    }
    let is_modern = frame.revision.is_modern();
    out.extend_from_slice(if is_modern {
        br#"{"resultType":"complete","content":["#
    } else {
        br#"{"content":["#
    });
    for (index, block) in result.content.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if let ContentBlock::Text(TextContent { text, .. }) = block {
            out.extend_from_slice(br#"{"type":"text","text":"#);
            write_string(out, text);
            out.push(b'}');
        }
    }
    out.push(b']');
    match result.is_error {
        None => {}
        Some(true) => out.extend_from_slice(br#","isError":true"#),
        Some(false) => out.extend_from_slice(br#","isError":false"#),
    }
    if let (true, Some(info)) = (is_modern, server_info) {
        out.extend_from_slice(br#","_meta":{""#);
        out.extend_from_slice(SERVER_INFO.as_bytes());
        out.extend_from_slice(br#"":"#);
        out.extend_from_slice(info.as_bytes());
        out.push(b'}');
    }
    out.push(b'}');
    true
}

/// Appends text as a JSON string; what needs no escape is copied in runs.
fn write_string(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    out.reserve(rest.len() + 2);
    out.push(b'"');
    loop {
        let run = plain_run(rest);
        let (plain, after) = rest.split_at(run);
        out.extend_from_slice(plain);
        let Some((special, after)) = after.split_first() else {
            break;
        };
        rest = after;
        let short = match special {
            b'"' => b'"',
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            control => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let digit = |nibble: u8| DIGITS[usize::from(nibble & 15)];
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[digit(control >> 4), digit(*control)]);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::projection::frame::write_framed;
    use crate::revision::Revision;

    #[test]
    fn both_ways_write_the_same() {
        let info = RawValue::from_string(r#"{"name":"s","version":"1"}"#.into()).unwrap();
        let every_byte: String = (0..0x80u8)
            .map(char::from)
            .chain("é世🌊\u{2028}".chars())
            .collect();
        let texts = [
            "",
            "3",
            "a\"b",
            "12345678",
            "1234567\\",
            &every_byte,
            "x\u{0}y\u{1f}",
        ];
        let mut results = vec![CallToolResult::default()];
        for is_error in [None, Some(true), Some(false)] {
            let blocks = |n: usize| texts.iter().take(n).map(|text| ContentBlock::text(*text));
            for n in 0..=texts.len() {
                let content = blocks(n).collect();
                results.push(CallToolResult {
                    content,
                    is_error,
                    ..CallToolResult::default()
                });
            }
        }
        for result in &results {
            for revision in Revision::ALL {
                for server_info in [None, Some(&*info)] {
                    let frame = ResultFrame::new(revision).server_info(server_info);
                    let (mut fast, mut slow) = (Vec::new(), Vec::new());
                    assert!(write_text_result(&mut fast, result, &frame));
                    write_framed(&mut slow, result, &frame).unwrap();
                    assert_eq!(String::from_utf8(fast), String::from_utf8(slow));
                }
            }
        }
    }

    #[test]
    fn what_is_more_than_text_takes_the_general_way() {
        let frame = ResultFrame::new(Revision::LATEST);
        let image = ContentBlock::image("aGk=", "image/png");
        let result = CallToolResult {
            content: vec![image],
            ..CallToolResult::default()
        };
        let mut out = b"before".to_vec();
        assert!(!write_text_result(&mut out, &result, &frame));
        assert_eq!(out, b"before");
    }
}
