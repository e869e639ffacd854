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

use crate::escape::{self, Escaping};
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
    start_with(format, Level::INFO)
}

/// Starts logging for people, from this level on unless `RUST_LOG` says otherwise.
pub(crate) fn start_at(level: Level) -> Result<(), Failure> {
    start_with(Format::Text, level)
}

fn start_with(format: Format, level: Level) -> Result<(), Failure> {
    let filter = EnvFilter::builder()
        .with_default_directive(level.into())
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
        let line = String::from_utf8_lossy(bytes);
        self.0.write_all(escape::json(&line).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
