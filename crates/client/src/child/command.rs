//! [`Command`]: a server to start.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::Stderr;
use crate::error::{Error, Result};

/// Until `SIGTERM` is sent to a server whose input was closed.
const GRACE: Duration = Duration::from_secs(2);

/// Variables that a server sees unasked. What else is in our environment may be secret.
#[cfg(not(windows))]
const INHERITED: &[&str] = &[
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "TMPDIR",
];
#[cfg(windows)]
const INHERITED: &[&str] = &[
    "APPDATA",
    "COMSPEC",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "NUMBER_OF_PROCESSORS",
    "OS",
    "PATH",
    "PATHEXT",
    "PROCESSOR_ARCHITECTURE",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "PROGRAMFILES(X86)",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "USERDOMAIN",
    "USERNAME",
    "USERPROFILE",
    "WINDIR",
];

/// A server to start as a child process, which then speaks MCP over its standard streams (spec
/// 2026-07-28, `basic/transports/stdio`).
///
/// ```
/// use wharf_client::{Command, Stderr};
///
/// let server = Command::new("npx")
///     .args(["-y", "@example/weather-server"])
///     .env("API_KEY", "secret")
///     .inherit_env("HTTPS_PROXY")
///     .stderr(Stderr::Inherit);
/// # let _ = server;
/// ```
///
/// No shell takes part. The program is looked up in `PATH`: in the one given with
/// [`env`](Self::env), or else in ours.
///
/// # Environment
///
/// A server sees `PATH`, `HOME`, `USER`, `LOGNAME`, `SHELL`, `TERM`, `LANG`, `LC_*` and `TMPDIR`
/// (on Windows: what programs need there to start), the variables given with [`env`](Self::env),
/// and those let through with [`inherit_env`](Self::inherit_env). The values of the latter two are
/// taken out of what the server writes to its standard error before that gets into a log or an
/// error, if they have at least four bytes; `Debug` never shows them.
///
/// # How it ends
///
/// When the client is closed, the server's input is closed. What is still there after
/// [`shutdown_grace`](Self::shutdown_grace) gets `SIGTERM`, and two seconds later `SIGKILL`; both
/// go to the whole process group, whose leader the server is. If the server exits by itself, what
/// it leaves in its group is ended in the same way.
///
/// A client that is dropped ends its server as well, in the background. So does a process that is
/// killed, or whose runtime stops: a `/bin/sh` of its own for each server waits for that. On systems
/// without one, a server outlives a client that is killed. On Windows a job object holds the server
/// and what it starts together, and it ends with the client, however that ends; there are no
/// signals, so that all of them are ended at once after the grace.
///
/// What leaves the process group, by `setsid` for example, is not ended.
#[derive(Clone)]
pub struct Command {
    pub(super) program: OsString,
    pub(super) args: Vec<OsString>,
    given: Vec<(OsString, OsString)>,
    inherit: Vec<OsString>,
    pub(super) dir: Option<PathBuf>,
    pub(super) stderr: Stderr,
    pub(super) grace: Duration,
}

impl Command {
    /// A program, by name or path, without arguments.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            given: Vec::new(),
            inherit: Vec::new(),
            dir: None,
            stderr: Stderr::Log,
            grace: GRACE,
        }
    }

    /// A program and its arguments in one line, split into words as a shell does it, with quotes
    /// and backslashes. Nothing else of a shell is in it: no variables, no `~`, no `|`.
    ///
    /// # Errors
    ///
    /// An empty line, and a quote that is not closed ([`Error::is_usage`]).
    pub fn parse(line: &str) -> Result<Self> {
        let words = shell_words::split(line).map_err(|error| {
            Error::usage("the command line has a quote that is not closed").with_source(error)
        })?;
        let mut words = words.into_iter();
        let program = words.next().filter(|program| !program.is_empty());
        let program = program.ok_or_else(|| Error::usage("the command line names no program"))?;
        Ok(Self::new(program).args(words))
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Gives a variable to the server. The last value of a name counts.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.given.push((name.into(), value.into()));
        self
    }

    /// Lets one more variable of our own environment through, if it is set when the server is
    /// started.
    pub fn inherit_env(mut self, name: impl Into<OsString>) -> Self {
        self.inherit.push(name.into());
        self
    }

    /// Where the server is started; by default, where we are. A program that is named by a relative
    /// path is looked for in there.
    pub fn current_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// What becomes of what the server writes to its standard error.
    pub fn stderr(mut self, stderr: Stderr) -> Self {
        self.stderr = stderr;
        self
    }

    /// How long the server has to exit after its input was closed, until it gets `SIGTERM`. Two
    /// seconds by default.
    pub fn shutdown_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The whole environment of the server.
    pub(super) fn environment(&self) -> Vec<(OsString, OsString)> {
        let unasked = std::env::vars_os().filter(|(name, value)| {
            // A value that some shells would take for a function, and run.
            is_inherited(name) && !value.as_encoded_bytes().starts_with(b"()")
        });
        unasked.chain(self.private()).collect()
    }

    /// The part of the environment that only this server was given.
    pub(super) fn private(&self) -> impl Iterator<Item = (OsString, OsString)> {
        let inherited = self.inherit.iter().filter_map(|name| {
            let value = std::env::var_os(name)?;
            Some((name.clone(), value))
        });
        inherited.chain(self.given.iter().cloned())
    }
}

fn is_inherited(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    if cfg!(windows) {
        return INHERITED.iter().any(|it| name.eq_ignore_ascii_case(it));
    }
    INHERITED.contains(&name) || name.starts_with("LC_")
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.given.iter().map(|(name, _)| name).collect();
        f.debug_struct("Command")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("env", &names)
            .field("inherit_env", &self.inherit)
            .field("current_dir", &self.dir)
            .field("stderr", &self.stderr)
            .field("shutdown_grace", &self.grace)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_as_a_shell_does_it() {
        let command = Command::parse(r#"npx -y 'some server' --path="a b"  c\ d"#).unwrap();
        assert_eq!(command.program, "npx");
        assert_eq!(command.args, ["-y", "some server", "--path=a b", "c d"]);
    }

    #[test]
    fn a_line_that_is_no_command_says_why() {
        for (line, words) in [
            ("", "names no program"),
            ("  ", "names no program"),
            ("'' x", "names no program"),
            ("npx 'a", "quote"),
        ] {
            let error = Command::parse(line).unwrap_err();
            assert!(
                error.is_usage() && error.to_string().contains(words),
                "{line}: {error}"
            );
        }
    }

    #[test]
    fn debug_names_variables_and_hides_their_values() {
        let command = Command::new("server")
            .env("TOKEN", "hush")
            .inherit_env("HOME");
        let debug = format!("{command:?}");
        assert!(
            debug.contains("TOKEN") && !debug.contains("hush"),
            "{debug}"
        );
    }
}
