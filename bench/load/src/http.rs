//! The least HTTP/1.1 that reads an answer off a kept-alive connection.

use crate::message::excerpt;

/// Collects the bytes of one answer at a time.
pub struct Reader {
    buf: Vec<u8>,
    filled: usize,
    head: Option<Head>,
    /// The body of a chunked answer, without the chunk lines.
    body: Vec<u8>,
    /// How far the chunks are read.
    at: usize,
}

struct Head {
    status: u16,
    framing: Framing,
    start: usize,
    sse: bool,
    close: bool,
    session: Option<String>,
}

#[derive(Clone, Copy)]
enum Framing {
    Length(usize),
    Chunked,
}

/// A whole answer, borrowed from its reader.
pub struct Answer<'a> {
    pub status: u16,
    pub sse: bool,
    pub close: bool,
    pub session: Option<&'a str>,
    pub body: &'a [u8],
}

impl Reader {
    pub fn new() -> Self {
        Self {
            buf: vec![0; 16 << 10],
            filled: 0,
            head: None,
            body: Vec::new(),
            at: 0,
        }
    }

    /// Where the next bytes go: read into it, then say how many with [`Self::advance`].
    pub fn space(&mut self) -> &mut [u8] {
        if self.filled == self.buf.len() {
            self.buf.resize(self.buf.len() * 2, 0);
        }
        &mut self.buf[self.filled..]
    }

    pub fn advance(&mut self, read: usize) {
        self.filled += read;
    }

    /// Makes room for the next answer.
    pub fn clear(&mut self) {
        self.filled = 0;
        self.at = 0;
        self.head = None;
        self.body.clear();
    }

    /// The answer, once all of it is there. An error means that the connection is useless.
    pub fn answer(&mut self) -> Result<Option<Answer<'_>>, String> {
        if self.head.is_none() {
            self.head = parse_head(&self.buf[..self.filled])?;
        }
        let Some(head) = &self.head else {
            return Ok(None);
        };
        let body = match head.framing {
            Framing::Length(length) => {
                let end = head.start + length;
                match self.filled {
                    filled if filled < end => return Ok(None),
                    filled if filled > end => return Err("bytes after the answer".into()),
                    _ => &self.buf[head.start..end],
                }
            }
            Framing::Chunked => {
                self.at = self.at.max(head.start);
                if !unchunk(&self.buf[..self.filled], &mut self.at, &mut self.body)? {
                    return Ok(None);
                }
                if self.at != self.filled {
                    return Err("bytes after the answer".into());
                }
                &self.body
            }
        };
        Ok(Some(Answer {
            status: head.status,
            sse: head.sse,
            close: head.close,
            session: head.session.as_deref(),
            body,
        }))
    }
}

fn parse_head(bytes: &[u8]) -> Result<Option<Head>, String> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let start = match response.parse(bytes) {
        Ok(httparse::Status::Complete(start)) => start,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(format!("not HTTP ({error}): {}", excerpt(bytes))),
    };
    let status = response.code.unwrap_or(0);
    let (mut framing, mut sse, mut close, mut session) = (None, false, false, None);
    for header in response.headers.iter() {
        let value = std::str::from_utf8(header.value).unwrap_or("").trim();
        if header.name.eq_ignore_ascii_case("content-length") {
            framing = Some(Framing::Length(
                value.parse().map_err(|_| "a bad Content-Length")?,
            ));
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            framing = Some(Framing::Chunked);
        } else if header.name.eq_ignore_ascii_case("content-type") {
            sse = value.starts_with("text/event-stream");
        } else if header.name.eq_ignore_ascii_case("connection") {
            close = value.eq_ignore_ascii_case("close");
        } else if header.name.eq_ignore_ascii_case("mcp-session-id") {
            session = Some(value.to_owned());
        }
    }
    let framing = match (framing, status) {
        (_, 100..=199 | 204 | 304) => Framing::Length(0),
        (Some(framing), _) => framing,
        (None, _) => return Err("an answer without a length".into()),
    };
    Ok(Some(Head {
        status,
        framing,
        start,
        sse,
        close,
        session,
    }))
}

/// Moves whole chunks to `body`; true once the last one is read.
fn unchunk(bytes: &[u8], at: &mut usize, body: &mut Vec<u8>) -> Result<bool, String> {
    loop {
        let rest = &bytes[*at..];
        let (line, size) = match httparse::parse_chunk_size(rest) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) => return Ok(false),
            Err(_) => return Err(format!("a bad chunk: {}", excerpt(rest))),
        };
        let end = line + usize::try_from(size).map_err(|_| "a huge chunk")?;
        if rest.len() < end + 2 {
            return Ok(false);
        }
        if &rest[end..end + 2] != b"\r\n" {
            return Err(format!("a bad chunk end: {}", excerpt(&rest[end..])));
        }
        body.extend_from_slice(&rest[line..end]);
        *at += end + 2;
        if size == 0 {
            return Ok(true);
        }
    }
}

/// The data of the events of a stream, empty ones left out.
pub fn events(body: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let mut lines = body
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut ended = false;
    std::iter::from_fn(move || {
        let mut data = Vec::new();
        while !ended {
            let Some(line) = lines.next() else {
                ended = true;
                break;
            };
            if let Some(value) = line.strip_prefix(b"data:") {
                if !data.is_empty() {
                    data.push(b'\n');
                }
                data.extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
            } else if line.is_empty() && !data.is_empty() {
                break;
            }
        }
        (!data.is_empty()).then_some(data)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parts: &[&[u8]]) -> Option<(u16, Vec<u8>)> {
        let mut reader = Reader::new();
        for part in parts {
            reader.space()[..part.len()].copy_from_slice(part);
            reader.advance(part.len());
            if let Some(answer) = reader.answer().expect("an answer") {
                return Some((answer.status, answer.body.to_vec()));
            }
        }
        None
    }

    #[test]
    fn a_length_is_waited_for() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n".as_slice();
        assert_eq!(read(&[head, b"ab"]), None);
        assert_eq!(read(&[head, b"ab", b"cd"]), Some((200, b"abcd".to_vec())));
    }

    #[test]
    fn chunks_may_be_cut_anywhere() {
        let all =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n";
        for cut in 1..all.len() {
            assert_eq!(
                read(&[&all[..cut], &all[cut..]]),
                Some((200, b"abcd".to_vec()))
            );
        }
    }

    #[test]
    fn events_join_their_lines() {
        let found: Vec<_> =
            events(b"id: 1\ndata:\n\ndata: a\r\ndata:b\r\n\r\n: x\n\ndata: c\n\n").collect();
        assert_eq!(found, [b"a\nb".to_vec(), b"c".to_vec()]);
    }
}
