//! JSON text that is known to be valid, and the scanner that knows it.

use std::borrow::Cow;
use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// One JSON value as the text it was sent as, not looked into yet.
///
/// Unlike `serde_json`'s `&RawValue` it can be cut out of a larger text that was scanned before,
/// without scanning it again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RawJson<'a>(&'a str);

impl<'a> RawJson<'a> {
    /// The object without members.
    pub const EMPTY_OBJECT: RawJson<'static> = RawJson("{}");

    /// Checks a text.
    ///
    /// # Errors
    /// [`NotJson`]: the text is not one JSON value, or it nests more than [`MAX_DEPTH`] levels.
    pub fn new(text: &'a str) -> Result<Self, NotJson> {
        let mut scanner = Scanner::new(text);
        let value = scanner
            .value()
            .and_then(|value| scanner.end().map(|()| value));
        match value {
            Ok(value) => Ok(value.of(text).unwrap_or(Self::EMPTY_OBJECT)),
            Err(Stop) => Err(scanner.failure()),
        }
    }

    /// Takes a text that was part of one that was scanned before. Whoever says so of another text
    /// gets errors later, and nothing worse.
    pub fn assume_valid(text: &'a str) -> Self {
        Self(text)
    }

    /// The text, without blanks around it.
    pub fn get(self) -> &'a str {
        self.0
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// Whether it is a string.
    pub fn is_string(self) -> bool {
        self.0.starts_with('"')
    }

    /// Whether it is an object.
    pub fn is_object(self) -> bool {
        self.0.starts_with('{')
    }

    /// The text of a string; `None` if it is not one. Copied only where it has escapes, which must
    /// be such that they make up text: no lone surrogates.
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        let inner = self.0.strip_prefix('"')?.strip_suffix('"')?;
        if inner.contains('\\') {
            serde_json::from_str(self.0).ok().map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(inner))
        }
    }

    /// Reads it as a type.
    ///
    /// # Errors
    /// Those of `serde_json`: the type does not fit.
    pub fn read<T: DeserializeOwned>(self) -> serde_json::Result<T> {
        serde_json::from_str(self.0)
    }

    /// The same, owned.
    pub fn to_raw_value(self) -> Box<RawValue> {
        RawValue::from_string(self.0.to_owned()).unwrap_or_default()
    }
}

impl<'a> From<&'a RawValue> for RawJson<'a> {
    fn from(raw: &'a RawValue) -> Self {
        Self(raw.get())
    }
}

impl fmt::Debug for RawJson<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// How deep values may nest, as in `serde_json`.
pub const MAX_DEPTH: u32 = 127;

/// A text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotJson {
    what: &'static str,
    at: usize,
}

impl fmt::Display for NotJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.what, self.at)
    }
}

impl std::error::Error for NotJson {}

/// Where a value stands in a text that was scanned; empty if it is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Whether there is nothing.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The value, in the text that was scanned.
    pub fn of(self, text: &str) -> Option<RawJson<'_>> {
        let value = text.get(self.start as usize..self.end as usize)?;
        (!value.is_empty()).then_some(RawJson(value))
    }
}

/// The name of a member, between its quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'a> {
    bytes: &'a [u8],
    escaped: bool,
}

impl<'a> Key<'a> {
    /// The name as it is meant: most have no escapes.
    #[inline]
    pub(crate) fn name(self) -> Cow<'a, [u8]> {
        if self.escaped {
            self.unescape()
        } else {
            Cow::Borrowed(self.bytes)
        }
    }

    #[cold]
    fn unescape(self) -> Cow<'a, [u8]> {
        // A key that makes up no text (a lone surrogate) is no key of ours.
        let quoted = [b"\"", self.bytes, b"\""].concat();
        serde_json::from_slice::<String>(&quoted)
            .map_or(Cow::Borrowed(self.bytes), |name| Cow::Owned(name.into()))
    }
}

/// Walks over JSON text once, checks it, and says where its parts are.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u32,
    failure: NotJson,
}

/// The text is not JSON: the scanner knows why. Kept out of every result on the way, most of which
/// then fit into registers.
#[derive(Debug)]
pub(crate) struct Stop;

impl<'a> Scanner<'a> {
    /// `text` has less than 4 GiB.
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
            depth: 0,
            failure: NotJson { what: "", at: 0 },
        }
    }

    #[cold]
    #[inline(never)]
    fn fail<T>(&mut self, what: &'static str) -> Result<T, Stop> {
        self.failure = NotJson { what, at: self.at };
        Err(Stop)
    }

    /// What was wrong, after a [`Stop`].
    pub(crate) fn failure(&self) -> NotJson {
        self.failure
    }

    #[inline(always)]
    fn peek(&self) -> u8 {
        // No valid token starts with NUL.
        match self.bytes.get(self.at) {
            Some(byte) => *byte,
            None => 0,
        }
    }

    /// What comes next, after blanks.
    #[inline(always)]
    pub(crate) fn next_token(&mut self) -> u8 {
        loop {
            match self.peek() {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                token => return token,
            }
        }
    }

    /// Nothing but blanks may be left.
    pub(crate) fn end(&mut self) -> Result<(), Stop> {
        self.next_token();
        if self.at == self.bytes.len() {
            Ok(())
        } else {
            self.fail("something after the value")
        }
    }

    /// Where the scanner stands.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// What lies between a place before and where the scanner stands.
    pub(crate) fn since(&self, start: usize) -> Span {
        Span {
            start: start as u32,
            end: self.at as u32,
        }
    }

    /// Walks over one value.
    pub(crate) fn value(&mut self) -> Result<Span, Stop> {
        let token = self.next_token();
        let start = self.at;
        match token {
            b'"' => {
                self.string()?;
            }
            b'{' => self.object(|scanner, _| scanner.value().map(drop))?,
            b'[' => self.array(|_| ())?,
            b'-' | b'0'..=b'9' => self.number()?,
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => self.word("null")?,
            _ if self.at == self.bytes.len() => return self.fail("the text ends too early"),
            _ => return self.fail("unexpected character"),
        }
        Ok(self.since(start))
    }

    /// Walks over an object; `member` walks over the value of each key.
    pub(crate) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, Key<'a>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        self.enter()?;
        if self.next_token() == b'}' {
            return self.leave();
        }
        loop {
            if self.next_token() != b'"' {
                return self.fail("a member needs a name in quotes");
            }
            let key = self.key()?;
            if self.next_token() != b':' {
                return self.fail("`:` is missing");
            }
            self.at += 1;
            self.next_token();
            member(self, key)?;
            match self.next_token() {
                b',' => self.at += 1,
                b'}' => return self.leave(),
                _ => return self.fail("`,` or `}` is missing"),
            }
        }
    }

    /// Walks over an array; `item` is told where each value stands.
    pub(crate) fn array(&mut self, mut item: impl FnMut(Span)) -> Result<(), Stop> {
        self.enter()?;
        if self.next_token() == b']' {
            return self.leave();
        }
        loop {
            item(self.value()?);
            match self.next_token() {
                b',' => self.at += 1,
                b']' => return self.leave(),
                _ => return self.fail("`,` or `]` is missing"),
            }
        }
    }

    fn enter(&mut self) -> Result<(), Stop> {
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.fail("the value nests too deep")
        } else {
            Ok(())
        }
    }

    fn leave(&mut self) -> Result<(), Stop> {
        self.at += 1;
        self.depth -= 1;
        Ok(())
    }

    /// Walks over the name of a member.
    #[inline(always)]
    fn key(&mut self) -> Result<Key<'a>, Stop> {
        let start = self.at + 1;
        let escaped = self.string()?;
        let bytes = self.bytes.get(start..self.at - 1).unwrap_or_default();
        Ok(Key { bytes, escaped })
    }

    /// Walks over a string, eight bytes at a time; says whether it has escapes.
    fn string(&mut self) -> Result<bool, Stop> {
        let bytes = self.bytes;
        let mut at = self.at + 1;
        let mut escaped = false;
        loop {
            at += plain_run(bytes.get(at..).unwrap_or_default());
            match bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    self.at = at;
                    self.escape()?;
                    at = self.at;
                    escaped = true;
                }
                Some(_) => {
                    self.at = at;
                    return self.fail("control character in a string");
                }
                None => return self.fail("a string without its end"),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Stop> {
        self.at += 2;
        match self.bytes.get(self.at - 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            Some(b'u') => match self.bytes.get(self.at..self.at + 4) {
                Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => {
                    self.at += 4;
                    Ok(())
                }
                _ => self.fail("an escape needs four hexadecimal digits"),
            },
            _ => self.fail("unknown escape"),
        }
    }

    fn digits(&mut self) -> Result<(), Stop> {
        let start = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        if self.at == start {
            self.fail("a digit is missing")
        } else {
            Ok(())
        }
    }

    fn number(&mut self) -> Result<(), Stop> {
        if self.peek() == b'-' {
            self.at += 1;
        }
        if self.peek() == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.peek(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn word(&mut self, word: &'static str) -> Result<(), Stop> {
        if self.bytes.get(self.at..self.at + word.len()) != Some(word.as_bytes()) {
            return self.fail("unexpected character");
        }
        self.at += word.len();
        Ok(())
    }
}

/// How many bytes stand before the first quote, backslash or control character: what a string
/// holds as it is. Eight bytes at a time.
#[inline(always)]
pub(crate) fn plain_run(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let (chunks, tail) = bytes.as_chunks::<8>();
    let mut at = 0;
    for chunk in chunks {
        let word = u64::from_le_bytes(*chunk);
        // A byte's high bit appears where subtracting makes it fall below zero, and only then for
        // plain ASCII; what is above the lowest one may be wrong.
        let quotes = (word ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
        let backslashes = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
        let controls = word.wrapping_sub(ONES * 0x20);
        let special = (quotes | backslashes | controls) & !word & HIGHS;
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let special = tail
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
    at + special.unwrap_or(tail.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_json_is_decided_as_serde_json_does() {
        let texts = [
            "",
            " ",
            "null",
            "nul",
            "true ",
            "truee",
            "false",
            "0",
            "-0",
            "01",
            "1.",
            ".5",
            "1.5",
            "1e",
            "1e+",
            "1e5",
            "1E-05",
            "-",
            "--1",
            "+1",
            "1 2",
            "\"\"",
            "\"a",
            "\"\\\"",
            "\"\\n\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u00e9\"",
            "\"\t\"",
            "\"\u{7f}\"",
            "\"long enough to take eight at a time\"",
            "\"long enough \\\\ to take\\\" eight\"",
            "\"1234567\u{1}\"",
            "[]",
            "[",
            "]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[[],[[]]]",
            "{}",
            "{",
            "}",
            "{\"a\":1}",
            "{\"a\":1,}",
            "{\"a\"}",
            "{a:1}",
            "{'a':1}",
            "{\"a\" : [1 , {}] }",
            "{\"a\":1 \"b\":2}",
            "{1:2}",
            "\u{feff}{}",
            "\0",
            "{\"é\":\"世界世界世界\"}",
            "nan",
            "[\"\\",
            "\"\\u",
        ];
        for text in texts {
            let expected = serde_json::from_str::<&RawValue>(text)
                .map(RawValue::get)
                .ok();
            assert_eq!(
                RawJson::new(text).map(RawJson::get).ok(),
                expected,
                "{text:?}"
            );
        }
    }

    #[test]
    fn runs_of_plain_text_end_where_they_should() {
        for length in 0..20 {
            for special in [b'"', b'\\', b'\n', 0, 0x1f] {
                for at in 0..length {
                    let mut bytes = "aé~ \u{7f}世b".repeat(3).into_bytes()[..length].to_vec();
                    bytes[at] = special;
                    assert_eq!(plain_run(&bytes), at, "{bytes:?}");
                }
            }
            assert_eq!(
                plain_run(&"é!\u{7f}".repeat(8).as_bytes()[..length]),
                length
            );
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(RawJson::new(&nested(MAX_DEPTH as usize)).is_ok());
        assert!(RawJson::new(&nested(MAX_DEPTH as usize + 1)).is_err());
        assert!(RawJson::new(&"[".repeat(1_000_000)).is_err());
        assert!(RawJson::new(&"{\"a\":".repeat(1_000_000)).is_err());
    }

    #[test]
    fn strings_are_copied_only_for_escapes() {
        let read = |text| RawJson::new(text).unwrap().as_str();
        assert!(matches!(read("\"abc\""), Some(Cow::Borrowed("abc"))));
        assert_eq!(read("\"a\\u0062c\"").as_deref(), Some("abc"));
        assert_eq!(read("\"\\ud800\""), None);
        assert_eq!(read("7"), None);
    }
}
