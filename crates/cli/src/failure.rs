//! [`Failure`]: why a command did not do what it was asked, and what can be done about it.

use std::fmt;
use std::process::ExitCode;

/// How the process ends. The numbers are a promise: scripts test them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Ok = 0,
    /// Wrong usage, or an error of our own.
    Usage = 1,
    /// The server wants to know who is calling.
    Authorization = 3,
    /// Something is not reachable, or an address cannot be had.
    Unreachable = 4,
    /// The tool said that it failed.
    Tool = 5,
    /// Stopped by Ctrl-C, as shells write it.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Shown on one line: what was wrong, and the next step.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    message: String,
    next: Option<String>,
}

impl Failure {
    /// A failure that ends with code 1.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            message: message.into(),
            next: None,
        }
    }

    /// A failure that ends with code 4.
    pub(crate) fn unreachable(message: impl Into<String>) -> Self {
        Self::new(message).exit(Exit::Unreachable)
    }

    /// An end with a code and nothing to say: it is said already.
    pub(crate) fn silent(exit: Exit) -> Self {
        Self::new("").exit(exit)
    }

    /// The same with another code.
    pub(crate) fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Adds what to do about it.
    pub(crate) fn next(mut self, step: impl Into<String>) -> Self {
        self.next = Some(step.into());
        self
    }

    /// Adds what to do about it, where nothing is known yet.
    pub(crate) fn next_if_none(mut self, step: impl Into<String>) -> Self {
        self.next.get_or_insert_with(|| step.into());
        self
    }

    /// Whether there is nothing to say.
    pub(crate) fn is_silent(&self) -> bool {
        self.message.is_empty()
    }

    /// What standard output did not take. Whoever read from it may have seen enough.
    pub(crate) fn output(error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::silent(Exit::Ok);
        }
        Self::new(format!("cannot write to standard output: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.next {
            Some(next) => write!(f, "; {next}"),
            None => Ok(()),
        }
    }
}
