//! Reading a stream of Server-Sent Events chunk by chunk.

use std::fmt;

use memchr::memchr2;

/// One event as it was dispatched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its type; `message` if the stream named none.
    pub event: String,
    /// The last event id in force, from this event or an earlier one; empty where the stream has
    /// set none, or has reset it.
    pub id: String,
    /// Its data, lines joined by `\n`.
    pub data: Vec<u8>,
}

/// Reads a stream in chunks of any size.
///
/// Handles a byte order mark, the three line ends, comments, and fields without a value. An `id`
/// with NUL in it and a `retry` that is not all digits are ignored, as are unknown fields. What
/// follows the last empty line when the stream ends is no event: drop the decoder, and keep
/// [`last_event_id`](Self::last_event_id) and [`retry_ms`](Self::retry_ms) for reconnecting.
///
/// Memory: at most the limit, about twice while an event is being put together.
///
/// ```
/// use wharf_protocol::sse::Decoder;
///
/// let mut decoder = Decoder::new(1024);
/// let mut chunk = b"id: 7\ndata: {}\n\ndata: ...".as_slice();
/// let event = decoder.next_event(&mut chunk).unwrap().unwrap();
/// assert_eq!((event.id.as_str(), event.data.as_slice()), ("7", b"{}".as_slice()));
/// assert!(decoder.next_event(&mut chunk).is_none());
/// ```
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    /// The beginning of a line whose end has not been read yet.
    line: Vec<u8>,
    /// The last line ended in `\r`: a `\n` now belongs to it.
    after_return: bool,
    /// How many bytes of the byte order mark have been seen; `None` past the start.
    mark: Option<usize>,
    skip: Skip,
    event: String,
    data: Vec<u8>,
    id: String,
    last_event_id: String,
    retry_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Skip {
    No,
    /// Inside a comment.
    Line,
    /// Inside an event that was too large; `true` once the current line has a byte.
    Event(bool),
}

const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

impl Decoder {
    /// A decoder whose events may have up to `limit` bytes: data, type and id together, and any
    /// one line. Comments do not count.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            after_return: false,
            mark: Some(0),
            skip: Skip::No,
            event: String::new(),
            data: Vec::new(),
            id: String::new(),
            last_event_id: String::new(),
            retry_ms: None,
        }
    }

    /// The next event, its bytes taken off the front of `chunk`; `None` when the chunk is used up
    /// and another one is due.
    ///
    /// # Errors
    /// [`EventTooLarge`], once for each event beyond the limit, as soon as it is known; the calls
    /// after it go on with the next event.
    pub fn next_event(&mut self, chunk: &mut &[u8]) -> Option<Result<Event, EventTooLarge>> {
        self.skip_mark(chunk);
        while !chunk.is_empty() {
            if self.after_return {
                self.after_return = false;
                if let Some(rest) = chunk.strip_prefix(b"\n") {
                    *chunk = rest;
                    continue;
                }
            }
            let Some(end) = memchr2(b'\n', b'\r', chunk) else {
                let rest = std::mem::take(chunk);
                return self.keep(rest).err().map(Err);
            };
            let (part, rest) = (&chunk[..end], &chunk[end + 1..]);
            self.after_return = chunk[end] == b'\r';
            *chunk = rest;
            match self.end_of_line(part) {
                Ok(None) => {}
                Ok(Some(event)) => return Some(Ok(event)),
                Err(error) => return Some(Err(error)),
            }
        }
        None
    }

    /// What to send as `Last-Event-ID` when reconnecting: the id in force at the last empty line.
    pub fn last_event_id(&self) -> Option<&str> {
        (!self.last_event_id.is_empty()).then_some(self.last_event_id.as_str())
    }

    /// How many milliseconds the stream wants its reader to wait before reconnecting, if it said.
    pub fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    fn skip_mark(&mut self, chunk: &mut &[u8]) {
        while let Some(seen) = self.mark {
            let Some(&byte) = chunk.first() else { return };
            if byte == MARK[seen] {
                *chunk = &chunk[1..];
                self.mark = (seen + 1 < MARK.len()).then_some(seen + 1);
            } else {
                // It only began like a mark: those bytes are the beginning of the first line.
                self.line.extend_from_slice(&MARK[..seen]);
                self.mark = None;
            }
        }
    }

    /// Takes the beginning, or a further part, of a line that goes on in the next chunk.
    fn keep(&mut self, part: &[u8]) -> Result<(), EventTooLarge> {
        if let Skip::Event(begun) = &mut self.skip {
            *begun |= !part.is_empty();
            return Ok(());
        }
        if self.skip == Skip::No && self.line.is_empty() && part.starts_with(b":") {
            self.skip = Skip::Line;
        }
        if self.skip == Skip::Line {
            return Ok(());
        }
        if self.exceeds(part) {
            return Err(self.give_up(Skip::Event(true)));
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    fn end_of_line(&mut self, part: &[u8]) -> Result<Option<Event>, EventTooLarge> {
        match self.skip {
            Skip::Event(begun) => {
                let blank = !begun && part.is_empty();
                self.skip = if blank { Skip::No } else { Skip::Event(false) };
                return Ok(None);
            }
            Skip::Line => {
                self.skip = Skip::No;
                return Ok(None);
            }
            Skip::No => {}
        }
        if self.line.is_empty() {
            if part.starts_with(b":") {
                return Ok(None);
            }
            if part.is_empty() {
                return Ok(self.dispatch());
            }
        }
        if self.exceeds(part) {
            return Err(self.give_up(Skip::Event(false)));
        }
        if self.line.is_empty() {
            self.field(part);
        } else {
            let mut line = std::mem::take(&mut self.line);
            line.extend_from_slice(part);
            self.field(&line);
            line.clear();
            self.line = line;
        }
        Ok(None)
    }

    fn exceeds(&self, part: &[u8]) -> bool {
        let held = self.data.len() + self.event.len() + self.id.len() + self.line.len();
        held + part.len() > self.limit
    }

    fn give_up(&mut self, skip: Skip) -> EventTooLarge {
        self.skip = skip;
        self.line = Vec::new();
        self.data = Vec::new();
        self.event.clear();
        self.id.clone_from(&self.last_event_id);
        EventTooLarge { limit: self.limit }
    }

    fn field(&mut self, line: &[u8]) {
        let (name, value) = match memchr::memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, [].as_slice()),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            b"event" => self.event = String::from_utf8_lossy(value).into_owned(),
            b"id" if !value.contains(&0) => {
                self.id = String::from_utf8_lossy(value).into_owned();
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                // Digits beyond 64 bits are a wait without end, and ignored.
                let digits = std::str::from_utf8(value).ok();
                self.retry_ms = digits
                    .and_then(|digits| digits.parse().ok())
                    .or(self.retry_ms);
            }
            _ => {}
        }
    }

    fn dispatch(&mut self) -> Option<Event> {
        self.last_event_id.clone_from(&self.id);
        let event = std::mem::take(&mut self.event);
        let mut data = std::mem::take(&mut self.data);
        // No data line at all; one with an empty value leaves a line end.
        data.pop()?;
        Some(Event {
            event: if event.is_empty() {
                "message".to_owned()
            } else {
                event
            },
            id: self.id.clone(),
            data,
        })
    }
}

/// An event had more bytes than the decoder's limit. The event is gone, the stream can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTooLarge {
    /// The limit, in bytes.
    pub limit: usize,
}

impl fmt::Display for EventTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a server-sent event is larger than {} bytes", self.limit)
    }
}

impl std::error::Error for EventTooLarge {}

#[cfg(test)]
mod tests {
    use super::super::write_event;
    use super::*;

    /// Every event as `type|id|data`, or `!` for one that was too large.
    fn decode(decoder: &mut Decoder, chunks: &[&[u8]]) -> Vec<String> {
        let mut events = Vec::new();
        for chunk in chunks {
            let mut chunk = *chunk;
            while let Some(event) = decoder.next_event(&mut chunk) {
                events.push(event.map_or("!".into(), |event| {
                    format!(
                        "{}|{}|{}",
                        event.event,
                        event.id,
                        String::from_utf8_lossy(&event.data)
                    )
                }));
            }
            assert!(chunk.is_empty());
            assert!(decoder.line.len() + decoder.data.len() <= 2 * decoder.limit);
        }
        events
    }

    #[test]
    fn wherever_the_stream_is_cut() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("data: a\n\n", &["message||a"]),
            // Examples of the standard.
            (
                "data: YHOO\ndata: +2\ndata: 10\n\n",
                &["message||YHOO\n+2\n10"],
            ),
            (
                ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
                &[
                    "message|1|first event",
                    "message||second event",
                    "message|| third event",
                ],
            ),
            ("data\n\ndata\ndata\n\ndata:", &["message||", "message||\n"]),
            (
                "data:test\n\ndata: test\n\n",
                &["message||test", "message||test"],
            ),
            // Line ends.
            (
                "data: a\r\n\r\ndata: b\r\rdata: c\n\ndata: d\r\n\n",
                &["message||a", "message||b", "message||c", "message||d"],
            ),
            (
                "\r\n\r\n\n\r\rdata: a\r\ndata: b\r\n\r\n",
                &["message||a\nb"],
            ),
            // The mark, once and at the start only.
            ("\u{feff}data: a\n\n\u{feff}data: b\n\n", &["message||a"]),
            ("\u{feff}\u{feff}data: a\n\n", &[]),
            // Types last for one event, ids for all that follow.
            (
                "event: x\nid: 1\ndata: a\n\ndata: b\n\n",
                &["x|1|a", "message|1|b"],
            ),
            ("event: x\n\ndata: b\n\n", &["message||b"]),
            ("id: 1\n\ndata: b\n\n", &["message|1|b"]),
            ("id: 1\ndata: a\nid: 2\0\n\n", &["message|1|a"]),
            ("event\ndata: a\n\n", &["message||a"]),
            // What is not a field.
            (":data: a\n\n: \n:\ndata: b\n:x\n\n", &["message||b"]),
            ("Data: a\n data: b\nfoo: c\nfoo\n\n", &[]),
            ("data: a:b\n\n", &["message||a:b"]),
            // Comments, and events that never end, of any length.
            (
                ":1234567890123456789012345678901234567890\ndata: a\n\n",
                &["message||a"],
            ),
            (
                "data: 12345678901234567890123456\n\n",
                &["message||12345678901234567890123456"],
            ),
            (
                "data: 123456789012345678901234567\n\ndata: b\n\n",
                &["!", "message||b"],
            ),
            (
                "id: 1\n\nid: 2\ndata: 123456789012345678901234567890123\r\ndata: x\r\n: y\r\n\r\ndata: b\n\n",
                &["!", "message|1|b"],
            ),
            (
                "data: 1234567890\ndata: 1234567890\ndata: 1234567890\ndata: 1234567890\n\ndata: b\n\n",
                &["!", "message||b"],
            ),
            (
                "data: 123456789012345678901234567890123\nx\ndata: c\n\ndata: b\n\n",
                &["!", "message||b"],
            ),
            ("data: 123456789012345678901234567890123", &["!"]),
        ];
        for (stream, expected) in cases {
            let bytes = stream.as_bytes();
            assert_eq!(
                decode(&mut Decoder::new(32), &[bytes]),
                *expected,
                "{stream:?}"
            );
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(
                decode(&mut Decoder::new(32), &single),
                *expected,
                "{stream:?} byte by byte"
            );
            for cut in 0..=bytes.len() {
                let (one, two) = bytes.split_at(cut);
                let events = decode(&mut Decoder::new(32), &[one, b"", two]);
                assert_eq!(events, *expected, "{stream:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn half_a_mark_is_the_beginning_of_a_line() {
        let events = decode(
            &mut Decoder::new(32),
            &[b"\xef\xbb", b"data: a\n\ndata: b\n\n"],
        );
        assert_eq!(events, ["message||b"]);
    }

    #[test]
    fn retry_is_digits_only() {
        for (value, expected) in [
            ("1500", Some(1500)),
            ("0", Some(0)),
            ("", Some(7)),
            ("+1", Some(7)),
            ("-1", Some(7)),
            ("1.5", Some(7)),
            ("1e3", Some(7)),
            ("1 ", Some(7)),
            ("99999999999999999999999", Some(7)),
        ] {
            let mut decoder = Decoder::new(64);
            assert_eq!(decoder.retry_ms(), None);
            decode(
                &mut decoder,
                &[format!("retry: 7\nretry: {value}\n").as_bytes()],
            );
            assert_eq!(decoder.retry_ms(), expected, "{value:?}");
        }
    }

    #[test]
    fn the_id_counts_from_the_empty_line_on() {
        let mut decoder = Decoder::new(64);
        decode(&mut decoder, &[b"id: 1\ndata:\n\nid: 2\ndata: x"]);
        assert_eq!(decoder.last_event_id(), Some("1"));
        decode(&mut decoder, &[b"\n\n"]);
        assert_eq!(decoder.last_event_id(), Some("2"));
        decode(&mut decoder, &[b"id\n\n"]);
        assert_eq!(decoder.last_event_id(), None);
    }

    #[test]
    fn what_is_written_is_read() {
        for data in ["", "{}", "a\nb", "a\r\nb\rc", "\n", " x", ": x"] {
            let mut out = Vec::new();
            write_event(
                &mut out,
                Some("endpoint"),
                Some("s-1"),
                Some(3),
                data.as_bytes(),
            );
            let mut chunk = out.as_slice();
            let event = Decoder::new(64).next_event(&mut chunk);
            let expected = Event {
                event: "endpoint".into(),
                id: "s-1".into(),
                data: data.replace("\r\n", "\n").replace('\r', "\n").into_bytes(),
            };
            assert_eq!(event, Some(Ok(expected)), "{data:?}");
        }
    }

    #[test]
    fn an_event_without_end_takes_no_memory() {
        let mut decoder = Decoder::new(1 << 16);
        let events = decode(
            &mut decoder,
            &vec![b"data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n".as_slice(); 100_000],
        );
        assert_eq!(events, ["!"]);
        assert_eq!(decoder.data.capacity(), 0);
        let comments = decode(
            &mut Decoder::new(16),
            &vec![b":xxxxxxxxxxxxxxxxxxxx".as_slice(); 1000],
        );
        assert_eq!(comments, Vec::<String>::new());
    }
}
