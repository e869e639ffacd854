//! What a child writes to its standard error: shown as it comes, and the end of it remembered.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::ChildStderr;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::escape;

/// Read at once at most, in bytes.
const CHUNK: usize = 8 * 1024;
/// What is kept of a line, in bytes.
const LINE: usize = 4 * 1024;
/// What is remembered of the end, in bytes.
const TAIL: usize = 4 * 1024;
/// What of that gets into an error, in bytes.
const WORDS: usize = 1000;
/// Lines that are logged in a [`WINDOW`] at most.
const LINES: u32 = 100;
const WINDOW: Duration = Duration::from_secs(1);
/// Values that are shorter than this are no secrets, but parts of words.
const SECRET: usize = 4;

/// What becomes of what a server writes to its standard error. It is read in any case, so that a
/// server never waits for it, and the end of it stands in the error when the server exits.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Stderr {
    /// Each line becomes a `tracing` event at `info`: control characters are escaped, a line is
    /// cut at 300 characters, and of more than 100 lines in a second the rest are only counted.
    #[default]
    Log,
    /// The server has our own standard error. Errors can then not say what it wrote.
    Inherit,
    /// Nobody sees it.
    Discard,
    /// Each line is given to a function, without its end and cut at 4 KiB, otherwise as the server
    /// wrote it: **not** escaped, and with the secrets that are in it. The server waits when the
    /// function does. After a panic it is not called any more.
    Lines(Arc<dyn Fn(&str) + Send + Sync>),
}

impl fmt::Debug for Stderr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Log => "Log",
            Self::Inherit => "Inherit",
            Self::Discard => "Discard",
            Self::Lines(_) => "Lines(…)",
        })
    }
}

/// Reads until the end, whatever comes and however much of it.
pub(super) async fn read(
    mut stderr: ChildStderr,
    to: Stderr,
    last_words: Arc<LastWords>,
    program: String,
) {
    let mut chunk = vec![0; CHUNK];
    let mut line = Line::default();
    let mut sink = Sink::new(to, Arc::clone(&last_words), program);
    while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
        last_words.add(&chunk[..count]);
        if sink.wants_lines() {
            let mut rest = &chunk[..count];
            while let Some(end) = memchr::memchr(b'\n', rest) {
                line.add(&rest[..end]);
                sink.take(&mut line);
                rest = &rest[end + 1..];
            }
            line.add(rest);
        }
    }
    sink.take(&mut line);
    sink.report();
    last_words.end();
}

/// The beginning of a line that is not complete yet.
#[derive(Default)]
struct Line {
    bytes: Vec<u8>,
    cut: bool,
}

impl Line {
    fn add(&mut self, bytes: &[u8]) {
        let room = LINE - self.bytes.len();
        self.cut |= bytes.len() > room;
        self.bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// Where lines go.
struct Sink {
    to: Stderr,
    last_words: Arc<LastWords>,
    program: String,
    window: Instant,
    lines: u32,
    more: u64,
}

impl Sink {
    fn new(to: Stderr, last_words: Arc<LastWords>, program: String) -> Self {
        Self {
            to,
            last_words,
            program,
            window: Instant::now(),
            lines: 0,
            more: 0,
        }
    }

    fn wants_lines(&self) -> bool {
        matches!(self.to, Stderr::Log | Stderr::Lines(_))
    }

    /// Shows a line, and empties it.
    fn take(&mut self, line: &mut Line) {
        let cut = std::mem::take(&mut line.cut);
        if !line.bytes.trim_ascii().is_empty() {
            let text = line.bytes.strip_suffix(b"\r").unwrap_or(&line.bytes);
            self.show(text, cut);
        }
        line.bytes.clear();
    }

    fn show(&mut self, line: &[u8], cut: bool) {
        match &self.to {
            Stderr::Log => {
                if self.is_too_much() {
                    self.more += 1;
                    return;
                }
                let line = String::from_utf8_lossy(line);
                let line = self.last_words.secrets.hide(&line, cut);
                tracing::info!(server = %escape(&self.program), "{}", escape(&line));
            }
            Stderr::Lines(function) => {
                let line = String::from_utf8_lossy(line);
                if catch_unwind(AssertUnwindSafe(|| function(&line))).is_err() {
                    tracing::error!("the function for a server's standard error has panicked");
                    self.to = Stderr::Discard;
                }
            }
            Stderr::Inherit | Stderr::Discard => {}
        }
    }

    fn is_too_much(&mut self) -> bool {
        if self.lines < LINES {
            self.lines += 1;
            return false;
        }
        if self.window.elapsed() < WINDOW {
            return true;
        }
        self.report();
        self.window = Instant::now();
        self.lines = 1;
        false
    }

    fn report(&mut self) {
        let more = std::mem::take(&mut self.more);
        if more > 0 {
            let server = escape(&self.program);
            tracing::info!(%server, "{more} lines more were too many to be shown");
        }
    }
}

/// The end of what a server wrote.
pub(super) struct LastWords {
    tail: Mutex<Tail>,
    complete: watch::Sender<bool>,
    secrets: Secrets,
}

#[derive(Default)]
struct Tail {
    bytes: Vec<u8>,
    /// There was something before it.
    cut: bool,
}

impl LastWords {
    pub(super) fn new(secrets: Secrets) -> Self {
        Self {
            tail: Mutex::default(),
            complete: watch::Sender::new(false),
            secrets,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, bytes: &[u8]) {
        let mut tail = self.lock();
        tail.bytes.extend_from_slice(bytes);
        let too_many = tail.bytes.len().saturating_sub(TAIL);
        if too_many > 0 {
            tail.bytes.drain(..too_many);
            tail.cut = true;
        }
    }

    /// Nothing more will come.
    pub(super) fn end(&self) {
        self.complete.send_replace(true);
    }

    /// Waits until nothing more will come.
    pub(super) async fn complete(&self) {
        let _ = self.complete.subscribe().wait_for(|it| *it).await;
    }

    /// The last lines, escaped, without secrets.
    pub(super) fn get(&self) -> Option<String> {
        let text = {
            let tail = self.lock();
            let whole = String::from_utf8_lossy(&tail.bytes).into_owned();
            if tail.cut {
                self.secrets.skip_first(&whole).to_owned()
            } else {
                whole
            }
        };
        let text = self.secrets.hide(&text, false);
        let mut lines = Vec::new();
        let mut length = 0;
        for line in text.lines().rev() {
            let line = escape(line.trim_end());
            if line.is_empty() {
                continue;
            }
            length += line.len();
            if length > WORDS && !lines.is_empty() {
                lines.push("…".to_owned());
                break;
            }
            lines.push(line);
        }
        lines.reverse();
        (!lines.is_empty()).then(|| lines.join(" | "))
    }
}

/// Values that stand in no log and no error.
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    pub(super) fn new(values: impl Iterator<Item = OsString>) -> Self {
        let mut secrets = Vec::new();
        for value in values {
            let value = value.to_string_lossy();
            // A key of several lines is shown line by line.
            secrets.extend(
                value
                    .lines()
                    .map(str::trim)
                    .filter(|it| it.len() >= SECRET)
                    .map(str::to_owned),
            );
        }
        // What contains another one goes first.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Self(secrets)
    }

    /// The text without secrets. At the end of one that was `cut`, the beginning of a secret goes
    /// too.
    fn hide<'a>(&self, text: &'a str, cut: bool) -> Cow<'a, str> {
        let mut out = Cow::Borrowed(text);
        for secret in &self.0 {
            if out.contains(&**secret) {
                out = out.replace(&**secret, "***").into();
            }
            if cut {
                let ends = secret
                    .char_indices()
                    .map(|(at, _)| at)
                    .filter(|at| *at >= SECRET);
                if let Some(end) = ends.rev().find(|end| out.ends_with(&secret[..*end])) {
                    let keep = out.len() - end;
                    out = format!("{}***", &out[..keep]).into();
                }
            }
        }
        out
    }

    /// The text without the beginning that may be the end of a secret: a line, or if there is but
    /// one, as much as the longest secret has.
    fn skip_first<'a>(&self, text: &'a str) -> &'a str {
        if let Some((_, rest)) = text
            .split_once('\n')
            .filter(|(_, rest)| !rest.trim().is_empty())
        {
            return rest;
        }
        let longest = self.0.first().map_or(0, String::len);
        let start = (longest..text.len()).find(|at| text.is_char_boundary(*at));
        start.map_or("", |start| &text[start..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &[u8], secrets: &[&str]) -> Option<String> {
        let words = LastWords::new(Secrets::new(secrets.iter().map(OsString::from)));
        for chunk in text.chunks(1000) {
            words.add(chunk);
        }
        words.get()
    }

    #[test]
    fn the_last_lines_are_escaped_and_joined() {
        assert_eq!(words(b"\n \r\n", &[]), None);
        assert_eq!(
            words(b"a\x1b[31m\r\n\nb\xff\n", &[]).unwrap(),
            "a\\u{1b}[31m | b\u{fffd}"
        );
        let many: String = (0..10_000).map(|n| format!("line {n}\n")).collect();
        let shown = words(many.as_bytes(), &[]).unwrap();
        assert!(
            shown.starts_with("… | line") && shown.ends_with("| line 9999"),
            "{shown}"
        );
        assert!(shown.len() < 2 * WORDS);
    }

    #[test]
    fn a_secret_does_not_survive_being_cut() {
        assert_eq!(words(b"key=hush!", &["hush", "hush!"]).unwrap(), "key=***");
        assert_eq!(
            words(b"-a-\nline one\n", &["line one\nline two"]).unwrap(),
            "-a- | ***"
        );
        let secret = "0123456789abcdef";
        let long = format!("{}{}", secret, "x".repeat(TAIL - 5));
        assert!(!words(long.as_bytes(), &[secret]).unwrap().contains("bcdef"));
        let secrets = Secrets::new([OsString::from(secret)].into_iter());
        assert_eq!(secrets.hide("key=0123456", true), "key=***");
        assert_eq!(secrets.hide("key=0123456", false), "key=0123456");
    }

    #[test]
    fn one_line_without_end_is_shown_in_part() {
        let shown = words(&[b'x'; 100_000], &[]).unwrap();
        assert!(shown.starts_with("xxx") && shown.len() < 400);
    }
}
