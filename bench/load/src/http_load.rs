//! Requests over many connections from one thread: each connection sends, waits, checks, sends.

use std::{
    io::{ErrorKind, Read, Write},
    net::SocketAddr,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token};

use crate::{
    http::{Answer, Reader, events},
    message::{
        Era, INITIALIZE, INITIALIZED, LEGACY, MODERN, Op, Pending, Verdict, agreed_revision,
        excerpt,
    },
    process::{Meter, Server},
    stats::{Errors, Phase},
};

/// No answer for this long ends a run.
const STALL: Duration = Duration::from_secs(15);

/// Where and how to ask.
#[derive(Clone, Debug)]
pub struct Target {
    pub addr: SocketAddr,
    pub path: &'static str,
    pub era: Era,
}

/// A connection that blocks: for handshakes, and where one answer is all that is wanted.
pub struct Client {
    stream: std::net::TcpStream,
    target: Target,
    reader: Reader,
    head: Vec<u8>,
    pub session: Option<String>,
    pub revision: String,
}

impl Client {
    /// Takes a fresh connection; shakes hands if the era has a handshake.
    pub fn open(stream: std::net::TcpStream, target: &Target) -> Result<Self, String> {
        let mut client = Self::bare(stream, target)?;
        if target.era == Era::Session {
            client.handshake()?;
        }
        Ok(client)
    }

    /// Takes a fresh connection as it is.
    pub fn bare(stream: std::net::TcpStream, target: &Target) -> Result<Self, String> {
        stream.set_nodelay(true).map_err(text)?;
        stream.set_read_timeout(Some(STALL)).map_err(text)?;
        let revision = if target.era == Era::Modern {
            MODERN
        } else {
            LEGACY
        }
        .to_owned();
        Ok(Self {
            stream,
            target: target.clone(),
            reader: Reader::new(),
            head: Vec::new(),
            session: None,
            revision,
        })
    }

    pub fn connect(target: &Target) -> Result<Self, String> {
        Self::open(
            std::net::TcpStream::connect(target.addr).map_err(text)?,
            target,
        )
    }

    /// Opens a session, which all later requests of this client use.
    pub fn handshake(&mut self) -> Result<(), String> {
        self.session = None;
        self.head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: ",
            self.target.path, self.target.addr
        )
        .into_bytes();
        let (session, revision) = self.exchange(INITIALIZE.as_bytes(), |answer| {
            let revision = with_message(answer, 0, agreed_revision)?;
            Ok((answer.session.map(str::to_owned), revision))
        })?;
        if session.is_none() {
            return Err("initialize was answered without a session id".into());
        }
        self.session = session;
        self.revision = revision;
        self.set_head(None);
        self.exchange(INITIALIZED.as_bytes(), |answer| match answer.status {
            200..=204 => Ok(()),
            status => Err(format!(
                "initialized was answered with {status}: {}",
                excerpt(answer.body)
            )),
        })
    }

    /// Writes the fixed part of the request, up to the value of Content-Length.
    fn set_head(&mut self, op: Option<Op>) {
        let mut head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMCP-Protocol-Version: {}\r\n",
            self.target.path, self.target.addr, self.revision
        );
        if let (Era::Modern, Some(op)) = (self.target.era, op) {
            head += &format!("Mcp-Method: {}\r\n", op.method());
            if let Some(name) = op.name() {
                head += &format!("Mcp-Name: {name}\r\n");
            }
        }
        if let Some(session) = &self.session {
            head += &format!("Mcp-Session-Id: {session}\r\n");
        }
        head += "Content-Length: ";
        self.head = head.into_bytes();
    }

    /// One whole operation.
    pub fn ask(&mut self, id: u64, op: Op) -> Result<(), String> {
        let mut pending = Pending::new(id, op);
        self.set_head(Some(op));
        loop {
            let mut body = Vec::new();
            pending.write(self.target.era, &mut body);
            if let Verdict::Done = self.exchange(&body, |answer| check(answer, &mut pending))? {
                return Ok(());
            }
        }
    }

    fn exchange<T>(
        &mut self,
        body: &[u8],
        read: impl FnOnce(&Answer<'_>) -> Result<T, String>,
    ) -> Result<T, String> {
        let mut request = self.head.clone();
        frame(&mut request, body);
        self.stream.write_all(&request).map_err(text)?;
        self.reader.clear();
        loop {
            match self.stream.read(self.reader.space()).map_err(text)? {
                0 => return Err("the server closed the connection".into()),
                read => self.reader.advance(read),
            }
            if let Some(answer) = self.reader.answer()? {
                return read(&answer);
            }
        }
    }
}

/// Ends a head that stops before the value of Content-Length.
fn frame(out: &mut Vec<u8>, body: &[u8]) {
    out.extend_from_slice(itoa::Buffer::new().format(body.len()).as_bytes());
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(body);
}

fn check(answer: &Answer<'_>, pending: &mut Pending) -> Result<Verdict, String> {
    if answer.status != 200 {
        return Err(format!("HTTP {}: {}", answer.status, excerpt(answer.body)));
    }
    with_message(answer, pending.id, |message| pending.check(message))
}

/// Finds the JSON-RPC answer in a body or in a stream of events.
fn with_message<T>(
    answer: &Answer<'_>,
    id: u64,
    read: impl FnOnce(&[u8]) -> Result<T, String>,
) -> Result<T, String> {
    if !answer.sse {
        return read(answer.body);
    }
    let mut last = None;
    for data in events(answer.body) {
        // Notifications may come first; only they have no id.
        if crate::message::id_of(&data) == Some(id) {
            return read(&data);
        }
        last = Some(data);
    }
    Err(format!(
        "no answer in the stream; last event: {}",
        excerpt(&last.unwrap_or_default())
    ))
}

struct Connection {
    stream: mio::net::TcpStream,
    reader: Reader,
    head: Vec<u8>,
    out: Vec<u8>,
    written: usize,
    pending: Pending,
    sent: Instant,
    busy: bool,
}

/// The connections of one run; they live over its phases.
pub struct Load {
    target: Target,
    op: Op,
    poll: Poll,
    connections: Vec<Connection>,
    body: Vec<u8>,
    next_id: u64,
    pub revision: String,
}

impl Load {
    pub fn connect(target: &Target, op: Op, connections: usize) -> Result<Self, String> {
        let mut load = Self {
            target: target.clone(),
            op,
            poll: Poll::new().map_err(text)?,
            connections: Vec::new(),
            body: Vec::new(),
            next_id: 1,
            revision: String::new(),
        };
        for index in 0..connections {
            let connection = load.open(index)?;
            load.connections.push(connection);
        }
        Ok(load)
    }

    fn open(&mut self, index: usize) -> Result<Connection, String> {
        let mut client = Client::connect(&self.target)?;
        client.set_head(Some(self.op));
        client.stream.set_nonblocking(true).map_err(text)?;
        let mut stream = mio::net::TcpStream::from_std(client.stream);
        self.poll
            .registry()
            .register(
                &mut stream,
                Token(index),
                Interest::READABLE | Interest::WRITABLE,
            )
            .map_err(text)?;
        self.revision = client.revision;
        client.reader.clear();
        Ok(Connection {
            stream,
            reader: client.reader,
            head: client.head,
            out: Vec::new(),
            written: 0,
            pending: Pending::new(0, self.op),
            sent: Instant::now(),
            busy: false,
        })
    }

    /// Asks over all connections for `time`, then waits for the answers still due.
    pub fn run(&mut self, server: &Server, time: Duration) -> Result<Phase, String> {
        let mut events = Events::with_capacity(256);
        let mut phase = Phase::default();
        let meter = Meter::start(server);
        let start = Instant::now();
        let deadline = start + time;
        for index in 0..self.connections.len() {
            self.send_new(index, start);
            self.flush(index, &mut phase.errors)?;
        }
        let mut busy = self.connections.len();
        while busy > 0 {
            match self.poll.poll(&mut events, Some(STALL)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.to_string()),
                Ok(()) if events.is_empty() => {
                    return Err(format!("no answer for {} s", STALL.as_secs()));
                }
                Ok(()) => {}
            }
            for event in &events {
                let index = event.token().0;
                if event.is_writable()
                    && self.connections[index].written < self.connections[index].out.len()
                {
                    self.flush(index, &mut phase.errors)?;
                }
                if event.is_readable() && self.connections[index].busy {
                    busy -= usize::from(self.receive(index, deadline, &mut phase)?);
                }
            }
            if phase.errors.count() > 100 && phase.errors.count() > phase.calls() {
                return Err(phase.errors.to_string());
            }
        }
        phase.used = meter.stop(server);
        Ok(phase)
    }

    /// Reads what is there; true when this connection has stopped for the phase.
    fn receive(
        &mut self,
        index: usize,
        deadline: Instant,
        phase: &mut Phase,
    ) -> Result<bool, String> {
        let failure = loop {
            let connection = &mut self.connections[index];
            let space = connection.reader.space();
            let room = space.len();
            let read = match connection.stream.read(space) {
                Ok(0) => break "the server closed the connection before its answer".to_owned(),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => break error.to_string(),
            };
            connection.reader.advance(read);
            let verdict = match connection.reader.answer() {
                // A short read has emptied the socket; a full buffer has not.
                Ok(None) if read < room => return Ok(false),
                Ok(None) => continue,
                Ok(Some(answer)) => {
                    let verdict = check(&answer, &mut connection.pending);
                    if answer.close {
                        Err("the server will close the connection".into())
                    } else {
                        verdict
                    }
                }
                Err(error) => break error,
            };
            let now = Instant::now();
            connection.reader.clear();
            match verdict {
                Ok(Verdict::More) => {
                    self.send(index);
                    self.flush(index, &mut phase.errors)?;
                    return Ok(false);
                }
                Ok(Verdict::Done) => phase.record(now - self.connections[index].sent),
                Err(error) => phase.errors.add(error),
            }
            if now >= deadline {
                self.connections[index].busy = false;
                return Ok(true);
            }
            self.send_new(index, now);
            self.flush(index, &mut phase.errors)?;
            return Ok(false);
        };
        phase.errors.add(failure);
        if phase.errors.count() > 100 {
            return Err(phase.errors.to_string());
        }
        let fresh = self.open(index)?;
        self.connections[index] = fresh;
        let now = Instant::now();
        if now >= deadline {
            return Ok(true);
        }
        self.send_new(index, now);
        self.flush(index, &mut phase.errors)?;
        Ok(false)
    }

    fn send_new(&mut self, index: usize, now: Instant) {
        let connection = &mut self.connections[index];
        connection.pending = Pending::new(self.next_id, self.op);
        connection.sent = now;
        connection.busy = true;
        self.next_id += 1;
        self.send(index);
    }

    fn send(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        self.body.clear();
        connection.pending.write(self.target.era, &mut self.body);
        connection.out.clear();
        connection.written = 0;
        connection.out.extend_from_slice(&connection.head);
        frame(&mut connection.out, &self.body);
    }

    fn flush(&mut self, index: usize, errors: &mut Errors) -> Result<(), String> {
        let connection = &mut self.connections[index];
        while connection.written < connection.out.len() {
            match connection
                .stream
                .write(&connection.out[connection.written..])
            {
                Ok(written) => connection.written += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    // The read that follows sees the broken connection too, and replaces it.
                    errors.add(format!("a request could not be written: {error}"));
                    connection.written = connection.out.len();
                }
            }
        }
        Ok(())
    }
}

fn text(error: std::io::Error) -> String {
    error.to_string()
}
