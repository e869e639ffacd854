//! [`Lines`]: what a person types, or what comes through a pipe, line by line.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use tokio::sync::oneshot;

use crate::failure::{Exit, Failure};

/// The longest line that is read, in bytes.
const MAX: u64 = 1 << 20;

/// Lines of standard input.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// The line that is being read, since somebody asked for it.
    coming: Option<oneshot::Receiver<io::Result<Option<String>>>>,
}

impl Lines {
    /// Whether a person types them.
    pub(crate) fn are_typed() -> bool {
        io::stdin().is_terminal()
    }

    /// Shows a prompt to a person, and gives the line behind it; `None` at the end. Cancel safe:
    /// a line that is typed after that is the next one.
    pub(crate) async fn next(&mut self, prompt: &str) -> Result<Option<String>, Failure> {
        if Self::are_typed() {
            let mut stderr = anstream::stderr().lock();
            // Nobody is left to see it if that fails.
            let _ = write!(stderr, "{prompt}").and_then(|()| stderr.flush());
        }
        let coming = match &mut self.coming {
            Some(coming) => coming,
            none => none.insert(read()?),
        };
        let line = coming.await;
        self.coming = None;
        match line {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(error)) => Err(Failure::new(format!("cannot read standard input: {error}"))),
            Err(_) => Err(Failure::silent(Exit::Interrupted)),
        }
    }
}

/// Reads a line on a thread of its own, since reading cannot be waited for otherwise. The thread
/// ends with the line, or with the process.
fn read() -> Result<oneshot::Receiver<io::Result<Option<String>>>, Failure> {
    let (done, coming) = oneshot::channel();
    let started = std::thread::Builder::new()
        .name("line".into())
        .spawn(move || {
            // Nobody waits any more: the chat is over.
            let _ = done.send(line());
        });
    started.map_err(|error| Failure::new(format!("cannot read lines: {error}")))?;
    Ok(coming)
}

fn line() -> io::Result<Option<String>> {
    let mut line = String::new();
    let count = io::Read::take(io::stdin().lock(), MAX).read_line(&mut line)?;
    if count as u64 == MAX && !line.ends_with('\n') {
        let why = format!("a line is longer than {MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    Ok((count > 0).then(|| line.trim_end_matches(['\n', '\r']).to_owned()))
}
