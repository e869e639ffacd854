//! The provider's answer, up to where it is too much.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use hyper::header::CONTENT_TYPE;

use super::Body;
use super::exchange::Exchange;
use super::fault::Fault;

/// The largest piece of a stream, in bytes: a line, or what stands between two empty lines.
pub(super) const MAX_EVENT: usize = 1 << 20;

/// Passes on what comes, as it comes.
pub(super) fn bounded(
    answer: reqwest::Response,
    exchange: Arc<Exchange>,
    max_bytes: usize,
) -> Body {
    let kind = answer.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let measure = Measure {
        left: max_bytes,
        max_bytes,
        event: 0,
        line_ended: false,
        unit: if kind.starts_with("text/event-stream") {
            Unit::Event
        } else if kind.starts_with("application/json") {
            Unit::Whole
        } else {
            Unit::Line
        },
    };
    let begin = Some((answer, exchange, measure));
    let stream = stream::unfold(begin, |state| async move {
        let (mut answer, exchange, mut measure) = state?;
        let next = tokio::select! {
            biased;
            () = exchange.dropped() => return Some((Err(io::ErrorKind::BrokenPipe.into()), None)),
            next = answer.chunk() => next,
        };
        let fault = match next {
            Ok(None) => return None,
            Ok(Some(chunk)) => match measure.take(&chunk) {
                Ok(()) => return Some((Ok(Frame::data(chunk)), Some((answer, exchange, measure)))),
                Err(fault) => fault,
            },
            Err(_) => Fault::BrokenOff,
        };
        exchange.fail(fault);
        Some((Err(io::ErrorKind::ConnectionAborted.into()), None))
    });
    StreamBody::new(stream).boxed_unsync()
}

struct Measure {
    left: usize,
    max_bytes: usize,
    /// How long the piece is that began and has not ended.
    event: usize,
    line_ended: bool,
    unit: Unit,
}

#[derive(Clone, Copy, PartialEq)]
enum Unit {
    /// Pieces end with an empty line.
    Event,
    /// Pieces are lines.
    Line,
    /// There are no pieces.
    Whole,
}

impl Measure {
    fn take(&mut self, chunk: &Bytes) -> Result<(), Fault> {
        self.left = match self.left.checked_sub(chunk.len()) {
            Some(left) => left,
            None => return Err(Fault::TooLarge(self.max_bytes)),
        };
        if self.unit == Unit::Whole {
            return Ok(());
        }
        for byte in chunk {
            match byte {
                b'\n' if self.line_ended || self.unit == Unit::Line => self.event = 0,
                b'\n' => self.line_ended = true,
                b'\r' => {}
                _ => self.line_ended = false,
            }
            self.event += 1;
            if self.event > MAX_EVENT {
                return Err(Fault::TooLong(MAX_EVENT));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(unit: Unit, pieces: &[&[u8]]) -> Result<(), Fault> {
        let mut measure = Measure {
            left: 4 * MAX_EVENT,
            max_bytes: 4 * MAX_EVENT,
            event: 0,
            line_ended: false,
            unit,
        };
        pieces
            .iter()
            .try_for_each(|piece| measure.take(&Bytes::copy_from_slice(piece)))
    }

    #[test]
    fn pieces_and_the_whole_have_an_end() {
        let much = vec![b'a'; MAX_EVENT - 10];
        let ended: [&[u8]; 6] = [&much, b"\r\n", b"\r\n", &much, b"\n\n", &much];
        assert_eq!(measured(Unit::Event, &ended), Ok(()));
        assert_eq!(measured(Unit::Whole, &ended), Ok(()));
        assert_eq!(
            measured(Unit::Line, &[&much, b"\n", &much, b"\n", &much]),
            Ok(())
        );
        let too_long = Err(Fault::TooLong(MAX_EVENT));
        assert_eq!(measured(Unit::Event, &[&much, b"\n", &much]), too_long);
        assert_eq!(measured(Unit::Line, &[&much, &much]), too_long);
        let too_large = Err(Fault::TooLarge(4 * MAX_EVENT));
        let all: [&[u8]; 10] = [
            &much, b"\n\n", &much, b"\n\n", &much, b"\n\n", &much, b"\n\n", &much, b"",
        ];
        assert_eq!(measured(Unit::Event, &all), too_large);
        assert_eq!(measured(Unit::Whole, &all), too_large);
    }
}
