//! Server-Sent Events, written and read (WHATWG HTML, section 9.2; media type
//! `text/event-stream`).
//!
//! Written by the server's streams of every revision, read by the client's.

mod decoder;

pub use decoder::{Decoder, Event, EventTooLarge};

use memchr::memchr2;

/// Appends one event.
///
/// `event` is its type (`None`: `message`), `id` what a reconnecting client repeats as
/// `Last-Event-ID`, `retry_ms` how many milliseconds it waits before that. Data is cut at its line
/// ends, as the format wants; JSON as we write it has none. Empty data is written too: such an
/// event carries an id to the client before there is a message (spec 2025-11-25,
/// basic/transports).
///
/// Line ends and NUL in `event` and `id` are left out, so that neither can add a field.
pub fn write_event(
    out: &mut Vec<u8>,
    event: Option<&str>,
    id: Option<&str>,
    retry_ms: Option<u64>,
    data: &[u8],
) {
    out.reserve(data.len() + 32);
    if let Some(event) = event {
        field(out, b"event: ", event);
    }
    if let Some(id) = id {
        field(out, b"id: ", id);
    }
    if let Some(retry) = retry_ms {
        field(out, b"retry: ", &retry.to_string());
    }
    let mut rest = data;
    while let Some(end) = memchr2(b'\n', b'\r', rest) {
        data_line(out, &rest[..end]);
        let width = if rest[end..].starts_with(b"\r\n") {
            2
        } else {
            1
        };
        rest = &rest[end + width..];
    }
    data_line(out, rest);
    out.push(b'\n');
}

/// Appends a comment, which readers ignore: sent now and then, it keeps a quiet stream open.
///
/// Line ends in `text` are left out.
pub fn write_comment(out: &mut Vec<u8>, text: &str) {
    field(out, b":", text);
    out.push(b'\n');
}

fn field(out: &mut Vec<u8>, name: &[u8], value: &str) {
    out.extend_from_slice(name);
    out.extend(
        value
            .bytes()
            .filter(|byte| !matches!(byte, b'\n' | b'\r' | 0)),
    );
    out.push(b'\n');
}

fn data_line(out: &mut Vec<u8>, line: &[u8]) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(line);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(event: Option<&str>, id: Option<&str>, retry: Option<u64>, data: &str) -> String {
        let mut out = Vec::new();
        write_event(&mut out, event, id, retry, data.as_bytes());
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn events() {
        assert_eq!(written(None, None, None, "{}"), "data: {}\n\n");
        assert_eq!(
            written(Some("endpoint"), Some("7"), Some(1500), "/x"),
            "event: endpoint\nid: 7\nretry: 1500\ndata: /x\n\n"
        );
        assert_eq!(written(None, Some("a"), None, ""), "id: a\ndata: \n\n");
    }

    #[test]
    fn line_ends_in_data_make_lines() {
        assert_eq!(
            written(None, None, None, "a\nb\r\nc\rd\n"),
            "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n"
        );
    }

    #[test]
    fn neither_id_nor_type_can_add_a_field() {
        assert_eq!(
            written(Some("a\ndata: b"), Some("1\r\n\r\nid\0: 2"), None, "x"),
            "event: adata: b\nid: 1id: 2\ndata: x\n\n"
        );
    }

    #[test]
    fn comments() {
        let mut out = Vec::new();
        write_comment(&mut out, "");
        write_comment(&mut out, " a\ndata: b");
        assert_eq!(out, b":\n\n: adata: b\n\n");
    }
}
