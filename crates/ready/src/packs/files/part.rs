//! Parts of a file: a range of its lines, and where what was cut goes on.

use std::io::{self, BufRead, BufReader, Read};
use std::time::{Duration, Instant};

/// How far into a file lines are counted, in bytes.
const MAX_COUNTED: u64 = 256 * 1024 * 1024;

/// Which lines, counted from 1, both included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines {
    from: u64,
    to: u64,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            from: 1,
            to: u64::MAX,
        }
    }
}

impl Lines {
    /// # Errors
    /// They are none.
    pub(super) fn new(from: Option<u64>, to: Option<u64>) -> Result<Self, String> {
        let (from, to) = (from.unwrap_or(1), to.unwrap_or(u64::MAX));
        match (from, to) {
            (0, _) | (_, 0) => Err("lines are counted from 1".into()),
            _ if from > to => Err(format!("`from` ({from}) is after `to` ({to})")),
            _ => Ok(Self { from, to }),
        }
    }
}

/// What of the lines was read.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) bytes: Vec<u8>,
    lines: Lines,
    /// The last line of which something was read.
    last: u64,
    /// How many lines the file has, as far as they were counted.
    counted: u64,
    /// Whether the file goes on after what was counted.
    goes_on: bool,
    cut: Option<Cut>,
}

/// Where the bytes that may be read ended.
#[derive(Debug)]
enum Cut {
    /// Before this line.
    Line(u64),
    /// Within a line, at this byte of the file.
    Byte(u64),
}

/// Reads lines, up to `limit` bytes, and counts the others for as long as `time` lasts.
pub(super) fn lines(file: impl Read, lines: Lines, limit: u64, time: Duration) -> io::Result<Part> {
    let started = Instant::now();
    let mut file = BufReader::with_capacity(64 * 1024, file);
    let mut part = Part {
        bytes: Vec::new(),
        lines,
        last: 0,
        counted: 0,
        goes_on: false,
        cut: None,
    };
    // The line and the byte that come next.
    let (mut line, mut at, mut in_line) = (1, 0, false);
    loop {
        let chunk = file.fill_buf()?;
        if chunk.is_empty() {
            break;
        }
        if at >= MAX_COUNTED || started.elapsed() > time {
            part.goes_on = true;
            break;
        }
        let size = chunk.len();
        let mut rest = chunk;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest);
            let (this, after) = rest.split_at(end.map_or(rest.len(), |end| end + 1));
            if (lines.from..=lines.to).contains(&line) && part.cut.is_none() {
                part.take(this, line, at, limit);
            }
            at += this.len() as u64;
            in_line = end.is_none();
            line += u64::from(end.is_some());
            rest = after;
        }
        file.consume(size);
    }
    part.counted = line - 1 + u64::from(in_line);
    Ok(part)
}

impl Part {
    /// Adds bytes of a line, of which the first is byte `at` of the file.
    fn take(&mut self, bytes: &[u8], line: u64, at: u64, limit: u64) {
        let room = usize::try_from(limit).unwrap_or(usize::MAX) - self.bytes.len();
        if bytes.len() <= room {
            self.bytes.extend_from_slice(bytes);
            self.last = line;
            return;
        }
        if let Some(end) = memchr::memrchr(b'\n', &self.bytes) {
            self.bytes.truncate(end + 1);
            self.last = line - 1;
            self.cut = Some(Cut::Line(line));
            return;
        }
        // One line alone is too long: it is cut between two characters.
        self.bytes.extend_from_slice(&bytes[..room]);
        let before = self.bytes.len();
        self.bytes.truncate(before - unfinished(&self.bytes));
        let dropped = before - self.bytes.len();
        self.last = line;
        self.cut = Some(Cut::Byte(at + (room - dropped.min(room)) as u64));
    }

    /// What has to be said of the part, unless it is the whole file.
    pub(super) fn remark(&self) -> Option<String> {
        let Lines { from, to } = self.lines;
        let more = if self.goes_on { "more than " } else { "" };
        let counted = self.counted;
        if self.last == 0 {
            let why = match (self.goes_on, counted) {
                (true, _) => "counting stopped there; `offset` begins at a byte".to_owned(),
                (false, 0) => return Some("[the file is empty]".into()),
                (false, _) => format!("line {from} is after the end"),
            };
            return Some(format!("[the file has {more}{counted} lines: {why}]"));
        }
        let mut remark = format!("[lines {from} to {} of {more}{counted}", self.last);
        match self.cut {
            Some(Cut::Line(line)) => remark.push_str(&format!("; cut: go on with `from`: {line}")),
            Some(Cut::Byte(at)) => remark.push_str(&format!(
                "; line {} is cut: go on with `offset`: {at}",
                self.last
            )),
            None if self.goes_on || to < counted => {
                remark.push_str(&format!("; go on with `from`: {}", self.last + 1))
            }
            None => {}
        }
        Some(remark + "]")
    }
}

/// The characters of a text of which the beginning and the end may be missing; with how many bytes
/// the first of them follows. `None` if it is no text.
pub(super) fn whole_characters(mut bytes: Vec<u8>) -> Option<(u64, String)> {
    bytes.truncate(bytes.len() - unfinished(&bytes));
    let start = bytes
        .iter()
        .take(3)
        .take_while(|byte| is_within(**byte))
        .count();
    bytes.drain(..start);
    Some((start as u64, String::from_utf8(bytes).ok()?))
}

/// How many bytes at the end are the beginning of a character.
fn unfinished(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(4) {
        let byte = bytes[bytes.len() - back];
        if is_within(byte) {
            continue;
        }
        let needs = match byte {
            0xc0..0xe0 => 2,
            0xe0..0xf0 => 3,
            0xf0.. => 4,
            _ => 1,
        };
        return if needs > back { back } else { 0 };
    }
    0
}

fn is_within(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        text: &str,
        from: Option<u64>,
        to: Option<u64>,
        limit: u64,
    ) -> (String, Option<String>) {
        let range = Lines::new(from, to).expect("lines");
        let part = lines(text.as_bytes(), range, limit, Duration::from_secs(60)).expect("read");
        let remark = part.remark();
        (String::from_utf8(part.bytes).expect("text"), remark)
    }

    #[test]
    fn ranges_say_what_is_left() {
        let text = "one\ntwo\nthree\nfour";
        for (from, to, limit, part, remark) in [
            (None, None, 100, text, "[lines 1 to 4 of 4]"),
            (
                Some(2),
                Some(3),
                100,
                "two\nthree\n",
                "[lines 2 to 3 of 4; go on with `from`: 4]",
            ),
            (Some(4), None, 100, "four", "[lines 4 to 4 of 4]"),
            (Some(3), Some(9), 100, "three\nfour", "[lines 3 to 4 of 4]"),
            (
                Some(5),
                None,
                100,
                "",
                "[the file has 4 lines: line 5 is after the end]",
            ),
            (
                None,
                None,
                9,
                "one\ntwo\n",
                "[lines 1 to 2 of 4; cut: go on with `from`: 3]",
            ),
            (
                Some(3),
                None,
                4,
                "thre",
                "[lines 3 to 3 of 4; line 3 is cut: go on with `offset`: 12]",
            ),
        ] {
            assert_eq!(
                read(text, from, to, limit),
                (part.to_owned(), Some(remark.to_owned()))
            );
        }
        assert_eq!(
            read("", None, None, 9).1.as_deref(),
            Some("[the file is empty]")
        );
        assert_eq!(
            read("a\n", None, None, 9).1.as_deref(),
            Some("[lines 1 to 1 of 1]")
        );
        for (from, to) in [(Some(0), None), (None, Some(0)), (Some(3), Some(2))] {
            Lines::new(from, to).expect_err("refused");
        }
    }

    #[test]
    fn a_long_line_goes_on_at_the_byte_where_it_was_cut() {
        let text = "é".repeat(200_000) + "\nend\n";
        let (part, remark) = read(&text, None, None, 100_001);
        assert_eq!(part.len(), 100_000, "cut between two characters");
        let remark = remark.expect("a remark");
        assert!(
            remark.contains("of 2; line 1 is cut: go on with `offset`: 100000]"),
            "{remark}"
        );
    }

    #[test]
    fn characters_are_not_torn() {
        let text = "aé€😀".as_bytes();
        for start in 0..text.len() {
            for end in start..=text.len() {
                let (skipped, read) = whole_characters(text[start..end].to_vec()).expect("text");
                let from = start + usize::try_from(skipped).expect("small");
                assert_eq!(read.as_bytes(), &text[from..from + read.len()]);
            }
        }
        assert!(whole_characters(b"a\xffb".to_vec()).is_none());
    }

    #[test]
    fn counting_ends_with_the_time() {
        let part = lines(&b"a\nb\n"[..], Lines::default(), 9, Duration::ZERO).expect("read");
        assert_eq!(
            part.remark().as_deref(),
            Some(
                "[the file has more than 0 lines: counting stopped there; `offset` begins at a byte]"
            )
        );
    }
}
