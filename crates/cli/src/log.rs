//! Log lines, on standard error, that nobody else can write into.
//!
//! What a client sends ends up in log lines: names, ids, reasons. So characters that move the
//! cursor, end a line or turn the text around are written as escapes, in every field of every
//! event, whoever logs it.

use std::fmt::{self, Write as _};
use std::io;

use clap::ValueEnum;
use tracing::Level;
use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::{self, Writer};

use crate::failure::Failure;
use crate::terminal;

/// How log lines are written. (Values with help of their own would spread the help of every
/// option over three lines, so these have none.)
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    // For people.
    #[default]
    Text,
    // One JSON object a line, and nothing else on standard error.
    Json,
}

/// Starts logging, as `RUST_LOG` says.
pub(crate) fn start(format: Format) -> Result<(), Failure> {
    let filter = EnvFilter::builder()
        .with_default_directive(Level::INFO.into())
        .from_env()
        .map_err(|error| {
            Failure::new(format!("RUST_LOG cannot be read: {error}"))
                .next("give a level such as `debug`, or `wharf_server=debug,info`")
        })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    match format {
        Format::Text => builder
            .with_writer(io::stderr)
            .with_ansi(terminal::colour())
            .fmt_fields(format::debug_fn(field).delimited(" "))
            .init(),
        Format::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .with_writer(JsonLines(io::stderr))
            .init(),
    }
    Ok(())
}

/// Writes one field as text.
fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let mut writer = Escaping(writer);
    match field.name() {
        "message" => write!(writer, "{value:?}"),
        name => write!(writer, "{name}={value:?}"),
    }
}

/// Whether a character could change how the line around it is read.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Passes text on with dangerous characters escaped as Rust does: `\u{1b}`.
struct Escaping<'a, W>(&'a mut W);

impl<W: fmt::Write> fmt::Write for Escaping<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for piece in text.split_inclusive(is_dangerous) {
            match piece.chars().next_back().filter(|c| is_dangerous(*c)) {
                Some(c) => {
                    self.0.write_str(&piece[..piece.len() - c.len_utf8()])?;
                    write!(self.0, "{}", c.escape_unicode())?;
                }
                None => self.0.write_str(piece)?,
            }
        }
        Ok(())
    }
}

/// A destination of JSON lines. JSON itself escapes line ends and the escape character, but not
/// the other controls nor what turns text around; these stand only in strings, where `\u` is
/// understood.
struct JsonLines<M>(M);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for JsonLines<M> {
    type Writer = JsonLine<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        JsonLine(self.0.make_writer())
    }
}

struct JsonLine<W>(W);

impl<W: io::Write> io::Write for JsonLine<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(escape_json(bytes).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn escape_json(bytes: &[u8]) -> String {
    let mut line = String::with_capacity(bytes.len() + 16);
    for c in String::from_utf8_lossy(bytes).chars() {
        if c != '\n' && is_dangerous(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(line, "\\u{unit:04x}");
            }
        } else {
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIL: &str = "\u{1b}]0;x\u{7}\r\n\u{9b}2J\u{202e}\u{e0041}\u{7f}Ä{\"level\"";

    #[test]
    fn text_is_escaped_and_nothing_else_is() {
        let mut out = String::new();
        write!(Escaping(&mut out), "{EVIL}").expect("written");
        let expected = r#"\u{1b}]0;x\u{7}\u{d}\u{a}\u{9b}2J\u{202e}\u{e0041}\u{7f}Ä{"level""#;
        assert_eq!(out, expected);
    }

    #[test]
    fn json_stays_the_same_json() {
        let line = format!("{}\n", serde_json::json!({ "name": EVIL }));
        let escaped = escape_json(line.as_bytes());
        let (body, end) = escaped.split_at(escaped.len() - 1);
        assert_eq!(end, "\n");
        assert!(!body.chars().any(is_dangerous), "{body}");
        let back: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(back["name"], EVIL);
    }
}
