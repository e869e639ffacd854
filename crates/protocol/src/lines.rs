//! Newline-delimited messages out of a stream of bytes (spec 2026-07-28, basic/transports/stdio).
//!
//! [`LineSplitter`] only splits: whether a line is UTF-8 and JSON is for the parser of messages.

use std::fmt;

use memchr::memchr;

/// Cuts chunks, as they are read, into lines.
///
/// A line that lies within one chunk is borrowed from it; only one that spans chunks is copied.
/// The line end is `\n`, and one `\r` before it is dropped. Empty lines are given too.
///
/// Memory: never more than the limit and one byte are kept, and no more than 64 KiB between lines.
///
/// ```
/// use wharf_protocol::lines::LineSplitter;
///
/// let mut splitter = LineSplitter::new(1024);
/// let mut lines = Vec::new();
/// for mut chunk in [b"{\"a\":1}\r\n{\"b\"".as_slice(), b":2}\n"] {
///     while let Some(line) = splitter.next_line(&mut chunk) {
///         lines.push(line.unwrap().to_vec());
///     }
/// }
/// assert_eq!(lines, [b"{\"a\":1}", b"{\"b\":2}"]);
/// ```
#[derive(Debug)]
pub struct LineSplitter {
    limit: usize,
    /// The beginning of a line whose end has not been read yet.
    kept: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    /// `kept` was lent as a whole line and is to be forgotten.
    Lent,
    /// The line was too long and was reported; what follows up to its end is dropped.
    Skipping,
}

/// What is kept allocated from one line to the next.
const IDLE_CAPACITY: usize = 64 * 1024;

impl LineSplitter {
    /// A splitter whose lines may have up to `limit` bytes, line end not counted.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            kept: Vec::new(),
            state: State::Reading,
        }
    }

    /// The next whole line, taken off the front of `chunk`; `None` when the chunk is used up and
    /// another one is due.
    ///
    /// # Errors
    /// [`LineTooLong`], once for each line beyond the limit, as soon as it is known; the calls
    /// after it go on with the next line.
    pub fn next_line<'a, 'c: 'a>(
        &'a mut self,
        chunk: &mut &'c [u8],
    ) -> Option<Result<&'a [u8], LineTooLong>> {
        if self.state == State::Lent {
            self.forget();
        }
        if self.state == State::Skipping {
            let Some(end) = memchr(b'\n', chunk) else {
                *chunk = &[];
                return None;
            };
            *chunk = &chunk[end + 1..];
            self.state = State::Reading;
        }
        let Some(end) = memchr(b'\n', chunk) else {
            let rest = std::mem::take(chunk);
            if self.exceeds(rest) {
                self.forget();
                self.state = State::Skipping;
                return Some(Err(LineTooLong { limit: self.limit }));
            }
            self.kept.extend_from_slice(rest);
            return None;
        };
        let (line, rest) = (&chunk[..end], &chunk[end + 1..]);
        *chunk = rest;
        if self.exceeds(line) {
            self.forget();
            return Some(Err(LineTooLong { limit: self.limit }));
        }
        if self.kept.is_empty() {
            return Some(Ok(without_return(line)));
        }
        self.kept.extend_from_slice(line);
        self.state = State::Lent;
        Some(Ok(without_return(&self.kept)))
    }

    /// What stands after the last line end, once the stream has ended; `None` if nothing does.
    pub fn finish(&mut self) -> Option<&[u8]> {
        if self.state == State::Lent {
            self.forget();
        }
        if self.kept.is_empty() {
            return None;
        }
        self.state = State::Lent;
        Some(without_return(&self.kept))
    }

    /// Whether the line so far and `more` are beyond the limit, even if a last `\r` is dropped.
    fn exceeds(&self, more: &[u8]) -> bool {
        let length = self.kept.len() + more.len();
        let last = more.last().or(self.kept.last());
        length > self.limit && !(length == self.limit + 1 && last == Some(&b'\r'))
    }

    fn forget(&mut self) {
        self.kept.clear();
        self.kept.shrink_to(IDLE_CAPACITY);
        self.state = State::Reading;
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A line had more bytes than the splitter's limit. The line is gone, the stream can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineTooLong {
    /// The limit, in bytes.
    pub limit: usize,
}

impl fmt::Display for LineTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a line is longer than {} bytes", self.limit)
    }
}

impl std::error::Error for LineTooLong {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every line as text, or `!` for one that was too long.
    fn split(limit: usize, chunks: &[&[u8]]) -> Vec<String> {
        let mut splitter = LineSplitter::new(limit);
        let mut lines = Vec::new();
        for chunk in chunks {
            let mut chunk = *chunk;
            while let Some(line) = splitter.next_line(&mut chunk) {
                lines.push(line.map_or("!".into(), |line| {
                    String::from_utf8_lossy(line).into_owned()
                }));
            }
            assert!(chunk.is_empty());
            assert!(splitter.kept.len() <= limit + 1);
        }
        if let Some(line) = splitter.finish() {
            lines.push(format!("{}$", String::from_utf8_lossy(line)));
        }
        assert_eq!(splitter.finish(), None);
        lines
    }

    #[test]
    fn wherever_the_stream_is_cut() {
        let cases: [(&[u8], &[&str]); 9] = [
            (b"", &[]),
            (b"abc\n", &["abc"]),
            (b"abc\r\nde\n", &["abc", "de"]),
            (b"\n\r\n\n", &["", "", ""]),
            (b"a\rb\n\r\r\n", &["a\rb", "\r"]),
            (b"12345678\n12345678\r\n1\n", &["12345678", "12345678", "1"]),
            (b"123456789\n1\n", &["!", "1"]),
            (
                b"12345678\rx\n1\n1234567890123456789\r\n2\nrest\r",
                &["!", "1", "!", "2", "rest$"],
            ),
            (b"123456789", &["!"]),
        ];
        for (bytes, lines) in cases {
            assert_eq!(split(8, &[bytes]), lines, "{bytes:?}");
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(split(8, &single), lines, "{bytes:?} byte by byte");
            for cut in 0..=bytes.len() {
                let (one, two) = bytes.split_at(cut);
                assert_eq!(split(8, &[one, two]), lines, "{bytes:?} cut at {cut}");
                assert_eq!(
                    split(8, &[one, b"", two]),
                    lines,
                    "{bytes:?} cut twice at {cut}"
                );
            }
        }
    }

    #[test]
    fn lines_within_a_chunk_are_borrowed_from_it() {
        let bytes = b"one\ntwo\r\nthr";
        let mut chunk = bytes.as_slice();
        let mut splitter = LineSplitter::new(100);
        let first = splitter
            .next_line(&mut chunk)
            .map(|line| line.map(<[u8]>::as_ptr));
        assert_eq!(first, Some(Ok(bytes.as_ptr())));
        let second = splitter
            .next_line(&mut chunk)
            .map(|line| line.map(<[u8]>::as_ptr));
        assert_eq!(second, Some(Ok(bytes[4..].as_ptr())));
        assert_eq!(splitter.kept.capacity(), 0);
    }

    #[test]
    fn a_line_without_end_is_reported_once_and_takes_no_memory() {
        let mut splitter = LineSplitter::new(1 << 20);
        let chunk = [b'x'; 64 * 1024];
        let mut reported = 0;
        for _ in 0..1000 {
            let mut rest = chunk.as_slice();
            while let Some(line) = splitter.next_line(&mut rest) {
                assert_eq!(line, Err(LineTooLong { limit: 1 << 20 }));
                reported += 1;
            }
            assert!(splitter.kept.capacity() <= 2 << 20);
        }
        assert_eq!(reported, 1);
        assert!(splitter.kept.capacity() <= IDLE_CAPACITY);
        let mut rest = b"\nnext\n".as_slice();
        assert_eq!(splitter.next_line(&mut rest), Some(Ok(b"next".as_slice())));
    }
}
