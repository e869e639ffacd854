//! [`AuditLog`]: who did what, and what came of it, as a line of JSON for each request.
//!
//! There is no argument, result or token in it, and nothing that a client wrote stands there
//! unescaped or uncut. Lines are written by a thread of its own: a request puts its line into a
//! queue and goes on.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::handler::text::shown_up_to;
use crate::observe::{Answered, Observer, Outcome, Refused};

/// Lines that wait to be written. A line has at most 4 KiB.
const QUEUE: usize = 4096;
/// Characters of a name that somebody else has chosen.
const NAME: usize = 128;
/// How long the end of the server waits for what is still to be written.
const LAST: Duration = Duration::from_secs(2);

/// A log of all requests: give it to [`Server::observe`](crate::Server::observe).
///
/// A line is an object with `time`, `event` and, where they are known, for `"event": "request"`:
/// `principal` (issuer, subject, client), `session` (the same for all requests of one session; its
/// id cannot be had from it), `client` (what it calls itself), `transport`, `revision`, `method`,
/// `target` (the tool, the prompt, or the URI without user, password and query), `outcome`
/// ([`Outcome::as_str`]), `code` of an error, and `ms`. `"event": "refused"` is a caller who did not
/// prove who they are, with the address of the `peer`.
///
/// No request waits for the log. Where lines come faster than they are written, or cannot be
/// written because the disk is full, they are lost; that is counted ([`AuditLog::lost`]), said once
/// in the server's own log, and noted as `"event": "lost"` with the number of `lines` as soon as
/// something can be written again. Cheap to clone: all clones are one log.
#[derive(Clone)]
pub struct AuditLog {
    shared: Arc<Shared>,
}

struct Shared {
    queue: SyncSender<Order>,
    lost: Arc<AtomicU64>,
}

enum Order {
    Line(Vec<u8>),
    Reopen,
    /// Says when all before it is done.
    Flush(SyncSender<()>),
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLog").finish_non_exhaustive()
    }
}

impl AuditLog {
    /// Appends to a file, which is made if there is none; then nobody but its owner can read it.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn to_file(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let file = open(&path)?;
        Self::start(Sink::File {
            path,
            file,
            torn: false,
            failing: false,
        })
    }

    /// Writes the lines as `tracing` events of level info and target `wharf::audit`.
    ///
    /// # Errors
    /// There can be no more threads.
    pub fn to_tracing() -> Result<Self> {
        Self::start(Sink::Tracing)
    }

    fn start(mut sink: Sink) -> Result<Self> {
        let (queue, orders) = sync_channel(QUEUE);
        let lost = Arc::<AtomicU64>::default();
        let counter = Arc::clone(&lost);
        let thread = std::thread::Builder::new().name("audit".into());
        // It ends when the last handle is gone.
        let spawned = thread.spawn(move || sink.run(&orders, &counter));
        spawned.map_err(|error| Error::from(error).context("no thread for the audit log"))?;
        let shared = Arc::new(Shared { queue, lost });
        Ok(Self { shared })
    }

    /// Opens the file again, for who moves it away to keep it (`logrotate`). Where that fails, lines
    /// go on into the old one.
    pub fn reopen(&self) {
        // Waits for a place in the queue, which the thread makes.
        let _ = self.shared.queue.send(Order::Reopen);
    }

    /// Waits until everything so far is written, at most so long; `false` if it is not.
    pub fn flush(&self, time: Duration) -> bool {
        let (done, is_done) = sync_channel(1);
        let sent = self.shared.queue.try_send(Order::Flush(done));
        sent.is_ok() && is_done.recv_timeout(time).is_ok()
    }

    /// Lines that could not be written so far.
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }

    fn put(&self, line: &Map<String, Value>) {
        let mut bytes = Vec::with_capacity(320);
        // Writing to memory fails only for maps with keys that are no strings; there are none.
        let _ = serde_json::to_writer(&mut bytes, line);
        if self.shared.queue.try_send(Order::Line(bytes)).is_err() {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Observer for AuditLog {
    fn answered(&self, request: &Answered<'_>) {
        let mut line = begin("request");
        if let Some(principal) = request.principal() {
            let client = principal.client.as_deref().map(text);
            line.insert(
                "principal".into(),
                json!({"issuer": text(&principal.issuer), "subject": text(&principal.subject), "client": client}),
            );
        }
        let mut add = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                line.insert(name.into(), value);
            }
        };
        add("session", request.session().map(Value::from));
        add("client", request.client().map(|name| text(&name)));
        add("transport", Some(request.transport().as_str().into()));
        let revision = request.revision();
        add(
            "revision",
            revision.map(|revision| revision.as_str().into()),
        );
        add("method", Some(text(&request.method_name())));
        let target = request.target();
        add(
            "target",
            target.map(|target| text(&without_secrets(&target))),
        );
        let outcome = request.outcome();
        add("outcome", Some(outcome.as_str().into()));
        if let Outcome::Error(code) = outcome {
            add("code", Some(code.into()));
        }
        let micros = u32::try_from(request.elapsed().as_micros()).unwrap_or(u32::MAX);
        add("ms", Some((f64::from(micros) / 1000.0).into()));
        self.put(&line);
    }

    fn refused(&self, why: Refused, peer: Option<IpAddr>) {
        if why != Refused::Unauthorized {
            return;
        }
        let mut line = begin("refused");
        line.insert("reason".into(), why.as_str().into());
        if let Some(peer) = peer {
            line.insert("peer".into(), peer.to_string().into());
        }
        self.put(&line);
    }

    fn stopped(&self) {
        self.flush(LAST);
    }
}

fn begin(event: &str) -> Map<String, Value> {
    let mut line = Map::new();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let millis = i64::try_from(now.unwrap_or_default().as_millis()).unwrap_or(i64::MAX);
    let now = Timestamp::from_millisecond(millis).unwrap_or_default();
    line.insert("time".into(), now.to_string().into());
    line.insert("event".into(), event.into());
    line
}

/// Somebody else's text, escaped and cut.
fn text(text: &str) -> Value {
    shown_up_to(text, NAME).to_string().into()
}

/// A URI without what is not to be kept: user, password, query and fragment.
fn without_secrets(target: &str) -> std::borrow::Cow<'_, str> {
    let Some((scheme, rest)) = target.split_once("://") else {
        return target.into();
    };
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (kept, cut) = rest.split_at(end);
    let (authority, path) = kept.split_at(kept.find('/').unwrap_or(kept.len()));
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let more = if cut.is_empty() { "" } else { "?…" };
    format!("{scheme}://{host}{path}{more}").into()
}

fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path);
    file.map_err(|error| {
        Error::from(error).context(format!("cannot write the audit log {}", path.display()))
    })
}

/// Where lines go.
enum Sink {
    File {
        path: PathBuf,
        file: File,
        /// A line was written only in part.
        torn: bool,
        /// Nothing could be written the last time.
        failing: bool,
    },
    Tracing,
}

impl Sink {
    fn run(&mut self, orders: &Receiver<Order>, lost: &AtomicU64) {
        let mut noted = 0;
        while let Ok(order) = orders.recv() {
            match order {
                Order::Line(line) => {
                    let so_far = lost.load(Ordering::Relaxed);
                    if so_far > noted {
                        let mut line = begin("lost");
                        line.insert("lines".into(), (so_far - noted).into());
                        if self
                            .write(Value::from(line).to_string().into_bytes())
                            .is_ok()
                        {
                            noted = so_far;
                        }
                    }
                    if self.write(line).is_err() {
                        lost.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Order::Reopen => self.reopen(),
                Order::Flush(done) => drop(done.try_send(())),
            }
        }
    }

    fn write(&mut self, mut line: Vec<u8>) -> io::Result<()> {
        match self {
            Self::Tracing => {
                let line = String::from_utf8_lossy(&line);
                tracing::info!(target: "wharf::audit", "{line}");
                Ok(())
            }
            Self::File {
                path,
                file,
                torn,
                failing,
            } => {
                line.push(b'\n');
                if *torn {
                    line.insert(0, b'\n');
                }
                let written = file.write_all(&line);
                *torn = written.is_err();
                match &written {
                    Err(error) if !*failing => {
                        tracing::error!(path = %path.display(), %error, "the audit log cannot be written: requests go on without it");
                    }
                    Ok(()) if *failing => {
                        tracing::warn!(path = %path.display(), "the audit log is written again");
                    }
                    _ => {}
                }
                *failing = written.is_err();
                written
            }
        }
    }

    fn reopen(&mut self) {
        let Self::File {
            path, file, torn, ..
        } = self
        else {
            return;
        };
        match open(path) {
            Ok(opened) => {
                *file = opened;
                *torn = false;
            }
            Err(error) => tracing::error!(%error, "the audit log stays where it was"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_is_kept_without_its_secrets() {
        for (uri, kept) in [
            ("note:///7", "note:///7"),
            ("db://ada:secret@host/t?token=x#y", "db://host/t?…"),
            ("https://host?token=x", "https://host?…"),
            ("https://host/a@b", "https://host/a@b"),
            ("add", "add"),
        ] {
            assert_eq!(without_secrets(uri), kept);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_loses_lines_and_says_how_many() {
        let log = AuditLog::to_file("/dev/full").unwrap();
        for _ in 0..3 {
            log.put(&begin("request"));
        }
        assert!(log.flush(Duration::from_secs(10)));
        assert_eq!(log.lost(), 3);
    }

    #[test]
    fn lines_that_were_lost_are_noted() {
        let path = std::env::temp_dir().join(format!("wharf-audit-{}", std::process::id()));
        let log = AuditLog::to_file(&path).unwrap();
        log.shared.lost.fetch_add(7, Ordering::Relaxed);
        log.put(&begin("request"));
        assert!(log.flush(Duration::from_secs(10)));
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(
            (&lines[0]["event"], &lines[0]["lines"]),
            (&json!("lost"), &json!(7))
        );
        assert_eq!(lines[1]["event"], "request");
    }
}
