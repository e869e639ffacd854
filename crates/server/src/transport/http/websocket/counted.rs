//! A connection that knows where in its messages it is, for the clock.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection that follows the frames that come in, and counts what goes out.
#[derive(Debug)]
pub(super) struct Counted<IO> {
    io: IO,
    frames: Frames,
    written: u64,
}

impl<IO> Counted<IO> {
    pub(super) fn new(io: IO) -> Self {
        Self {
            io,
            frames: Frames::default(),
            written: 0,
        }
    }

    /// Whether a message has begun to come in and is not complete.
    pub(super) fn is_within_message(&self) -> bool {
        self.frames.is_within_message()
    }

    /// Bytes that the client's side has taken.
    pub(super) fn written(&self) -> u64 {
        self.written
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Counted<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = ready!(Pin::new(&mut self.io).poll_read(cx, buffer));
        self.frames.follow(&buffer.filled()[before..]);
        Poll::Ready(result)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Counted<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.io).poll_write(cx, bytes))?;
        self.written += count as u64;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// Where in the client's frames we are (RFC 6455, section 5.2). Whether they are good ones is for
/// others to say.
#[derive(Debug, Default)]
struct Frames {
    head: [u8; 14],
    /// Bytes of the head that are here.
    have: usize,
    /// Bytes of the payload that are not.
    left: u64,
    /// A message in several frames has begun.
    fragmented: bool,
}

impl Frames {
    fn is_within_message(&self) -> bool {
        self.have > 0 || self.left > 0 || self.fragmented
    }

    fn follow(&mut self, mut bytes: &[u8]) {
        while let Some((&first, rest)) = bytes.split_first() {
            if self.left > 0 {
                let skipped = self.left.min(bytes.len() as u64);
                self.left -= skipped;
                bytes = &bytes[skipped as usize..];
                continue;
            }
            self.head[self.have] = first;
            self.have += 1;
            bytes = rest;
            if self.have >= 2 && self.have == self.head_length() {
                self.have = 0;
                self.left = self.payload_length();
                let (is_last, opcode) = (self.head[0] & 0x80 != 0, self.head[0] & 0x0f);
                // Control frames come between those of a message.
                if opcode < 8 {
                    self.fragmented = !is_last;
                }
            }
        }
    }

    fn head_length(&self) -> usize {
        let extended = match self.head[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if self.head[1] & 0x80 != 0 { 4 } else { 0 };
        2 + extended + mask
    }

    fn payload_length(&self) -> u64 {
        let bytes = match self.head[1] & 0x7f {
            126 => &self.head[2..4],
            127 => &self.head[2..10],
            short => return short.into(),
        };
        bytes
            .iter()
            .fold(0, |length, byte| length << 8 | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(head: u8, length: usize) -> Vec<u8> {
        let mut frame = match length {
            short @ ..126 => vec![head, 0x80 | short as u8],
            long => [&[head, 0xfe][..], &(long as u16).to_be_bytes()].concat(),
        };
        frame.extend_from_slice(&[1, 2, 3, 4]);
        frame.resize(frame.len() + length, 0x81);
        frame
    }

    #[test]
    fn only_whole_messages_leave_nothing_open() {
        let bytes = [
            frame(0x81, 5),
            frame(0x89, 0),
            frame(0x81, 300),
            frame(0x81, 0),
        ];
        let ends: Vec<usize> = bytes
            .iter()
            .scan(0, |end, frame| {
                *end += frame.len();
                Some(*end)
            })
            .collect();
        let bytes = bytes.concat();
        // However the bytes are cut.
        for step in [1, 2, 3, 7, 100] {
            let mut frames = Frames::default();
            let mut end = 0;
            for piece in bytes.chunks(step) {
                frames.follow(piece);
                end += piece.len();
                assert_eq!(frames.is_within_message(), !ends.contains(&end), "{end}");
            }
        }
    }

    #[test]
    fn a_message_in_frames_is_open_until_its_last() {
        let mut frames = Frames::default();
        for (bytes, open) in [
            (frame(0x01, 3), true),
            (frame(0x8a, 3), true),
            (frame(0x00, 200), true),
            (frame(0x80, 0), false),
        ] {
            frames.follow(&bytes);
            assert_eq!(frames.is_within_message(), open);
        }
    }
}
