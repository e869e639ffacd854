//! Requests over a child's standard streams, many in flight, answers in any order.

use std::{
    collections::HashMap,
    io::{ErrorKind, Read, Write},
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use mio::{
    Events, Interest, Poll, Token,
    unix::pipe::{Receiver, Sender},
};

use crate::{
    message::{
        Era, INITIALIZE, INITIALIZED, Op, Pending, Verdict, agreed_revision, excerpt, id_of,
    },
    process::{Meter, Server},
    stats::Phase,
};

const STALL: Duration = Duration::from_secs(15);

pub struct Pipes {
    input: Sender,
    output: Receiver,
    poll: Poll,
    era: Era,
    read: Vec<u8>,
    filled: usize,
    out: Vec<u8>,
    written: usize,
    next_id: u64,
    pub revision: String,
}

impl Pipes {
    /// Takes the streams of a server; shakes hands if the era has a handshake.
    pub fn open(server: &mut Server, era: Era) -> Result<Self, String> {
        let input = server.child.stdin.take().ok_or("no stdin")?;
        let output = server.child.stdout.take().ok_or("no stdout")?;
        // Our ends only: the child keeps its own, which block or not as it likes.
        let mut input = Sender::from(OwnedFd::from(input));
        let mut output = Receiver::from(OwnedFd::from(output));
        input.set_nonblocking(true).map_err(text)?;
        output.set_nonblocking(true).map_err(text)?;
        let poll = Poll::new().map_err(text)?;
        poll.registry()
            .register(&mut input, Token(0), Interest::WRITABLE)
            .map_err(text)?;
        poll.registry()
            .register(&mut output, Token(1), Interest::READABLE)
            .map_err(text)?;
        let mut pipes = Self {
            input,
            output,
            poll,
            era,
            read: vec![0; 256 << 10],
            filled: 0,
            out: Vec::new(),
            written: 0,
            next_id: 1,
            revision: crate::message::MODERN.to_owned(),
        };
        if era == Era::Session {
            pipes.line(INITIALIZE.as_bytes());
            let mut revision = None;
            pipes.until(|line| {
                if id_of(line) == Some(0) {
                    revision = Some(agreed_revision(line)?);
                }
                Ok(revision.is_some())
            })?;
            pipes.revision = revision.unwrap_or_default();
            pipes.line(INITIALIZED.as_bytes());
        }
        Ok(pipes)
    }

    /// One whole operation, alone on the pipe.
    pub fn ask(&mut self, op: Op) -> Result<(), String> {
        let mut pending = Pending::new(self.next_id, op);
        self.next_id += 1;
        loop {
            pending.write(self.era, &mut self.out);
            self.out.push(b'\n');
            let mut done = false;
            self.until(|line| match id_of(line) {
                None => Ok(false),
                Some(_) => {
                    done = matches!(pending.check(line)?, Verdict::Done);
                    Ok(true)
                }
            })?;
            if done {
                return Ok(());
            }
        }
    }

    /// Keeps `in_flight` requests on the way for `time`, then waits for the answers still due.
    pub fn run(
        &mut self,
        server: &Server,
        op: Op,
        in_flight: usize,
        time: Duration,
    ) -> Result<Phase, String> {
        let mut phase = Phase::default();
        let mut waiting: HashMap<u64, (Pending, Instant)> = HashMap::with_capacity(in_flight * 2);
        let meter = Meter::start(server);
        let start = Instant::now();
        let deadline = start + time;
        let mut out = std::mem::take(&mut self.out);
        let mut next_id = self.next_id;
        let era = self.era;
        let mut send = |out: &mut Vec<u8>, waiting: &mut HashMap<u64, (Pending, Instant)>, now| {
            let mut pending = Pending::new(next_id, op);
            pending.write(era, out);
            out.push(b'\n');
            waiting.insert(next_id, (pending, now));
            next_id += 1;
        };
        for _ in 0..in_flight {
            send(&mut out, &mut waiting, start);
        }
        self.out = out;
        let mut fresh = Vec::new();
        while !waiting.is_empty() {
            self.turn(|line, now| {
                let likely = likely_id(line).filter(|id| waiting.contains_key(id));
                let Some(id) = likely.or_else(|| id_of(line)) else {
                    if line.windows(8).any(|part| part == b"\"method\"") {
                        return Ok(());
                    }
                    return Err(format!("a line that answers nothing: {}", excerpt(line)));
                };
                let Some((mut pending, sent)) = waiting.remove(&id) else {
                    return Err(format!("an answer to no request: {}", excerpt(line)));
                };
                match pending.check(line) {
                    Ok(Verdict::Done) => phase.record(now - sent),
                    Ok(Verdict::More) => return Err("pages are not read here".into()),
                    Err(error) => phase.errors.add(error),
                }
                if now < deadline {
                    send(&mut fresh, &mut waiting, now);
                }
                Ok(())
            })?;
            self.out.append(&mut fresh);
            if phase.errors.count() > 100 && phase.errors.count() > phase.calls() {
                return Err(phase.errors.to_string());
            }
        }
        self.next_id = next_id;
        phase.used = meter.stop(server);
        Ok(phase)
    }

    fn line(&mut self, line: &[u8]) {
        self.out.extend_from_slice(line);
        self.out.push(b'\n');
    }

    /// Turns until `enough` says so of a line.
    fn until(
        &mut self,
        mut enough: impl FnMut(&[u8]) -> Result<bool, String>,
    ) -> Result<(), String> {
        let mut done = false;
        while !done {
            self.turn(|line, _| {
                done = done || enough(line)?;
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Writes what is due, waits once, and gives each whole line to `each`.
    fn turn(
        &mut self,
        mut each: impl FnMut(&[u8], Instant) -> Result<(), String>,
    ) -> Result<(), String> {
        self.flush()?;
        let mut events = Events::with_capacity(8);
        match self.poll.poll(&mut events, Some(STALL)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error.to_string()),
            Ok(()) if events.is_empty() => {
                return Err(format!("no answer for {} s", STALL.as_secs()));
            }
            Ok(()) => {}
        }
        loop {
            if self.filled == self.read.len() {
                self.read.resize(self.read.len() * 2, 0);
            }
            let room = self.read.len() - self.filled;
            let read = match self.output.read(&mut self.read[self.filled..]) {
                Ok(0) => return Err("the server closed its output".into()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.to_string()),
            };
            self.filled += read;
            let now = Instant::now();
            let mut start = 0;
            while let Some(end) = memchr::memchr(b'\n', &self.read[start..self.filled]) {
                let line = &self.read[start..start + end];
                if !line.trim_ascii().is_empty() {
                    each(line, now)?;
                }
                start += end + 1;
            }
            self.read.copy_within(start..self.filled, 0);
            self.filled -= start;
            // A pipe gives all it has, up to a page of its own: a small read has emptied it.
            if read < room && read < 4096 {
                break;
            }
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), String> {
        while self.written < self.out.len() {
            match self.input.write(&self.out[self.written..]) {
                Ok(written) => self.written += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("the server's input: {error}")),
            }
        }
        self.out.clear();
        self.written = 0;
        Ok(())
    }
}

/// The id by its looks, to find the request; the check of the answer reads the real one.
fn likely_id(line: &[u8]) -> Option<u64> {
    let start = memchr::memmem::find(line, b"\"id\":")? + 5;
    let digits = line[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    std::str::from_utf8(&line[start..start + digits])
        .ok()?
        .parse()
        .ok()
}

fn text(error: std::io::Error) -> String {
    error.to_string()
}
