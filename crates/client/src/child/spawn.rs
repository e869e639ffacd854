//! Starting a child.

use std::ffi::{OsStr, OsString};
use std::io::{Error as IoError, ErrorKind};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::watch;

use super::process::Process;
use super::stderr::{LastWords, Secrets, Stderr, read};
use super::supervise::{Supervised, supervise};
#[cfg(unix)]
use super::watchdog::Watchdog;
use super::{Child, Command, State};
use crate::error::{Error, Result, escape};

impl Command {
    /// Starts the server. Needs a Tokio runtime around it.
    pub(crate) fn spawn(&self) -> Result<(Arc<Child>, ChildStdin, ChildStdout)> {
        let environment = self.environment();
        let program = self.find(&environment)?;
        let mut command = tokio::process::Command::new(&program);
        command
            .args(&self.args)
            .env_clear()
            .envs(environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(match self.stderr {
                Stderr::Inherit => Stdio::inherit(),
                _ => Stdio::piped(),
            });
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }

        #[cfg(unix)]
        let mut watchdog = Watchdog::start()
            .inspect_err(|error| {
                tracing::warn!(%error, "no /bin/sh: if this process is killed, the server stays");
            })
            .ok();
        let process = Process::start(command);
        let mut process = process.map_err(|error| self.why_not(&program, error))?;
        #[cfg(unix)]
        if let Some(watchdog) = &mut watchdog {
            watchdog.watch(&process);
        }
        let (Some(stdin), Some(stdout), stderr) = process.streams() else {
            return Err(Error::unreachable("the server was started without streams"));
        };

        let private = self.private().map(|(_, value)| value);
        let last_words = Arc::new(LastWords::new(Secrets::new(private)));
        let program = self.program.to_string_lossy().into_owned();
        let reader = stderr.map(|stderr| {
            let (to, last_words) = (self.stderr.clone(), Arc::clone(&last_words));
            tokio::spawn(read(stderr, to, last_words, program.clone()))
        });
        if reader.is_none() {
            last_words.end();
        }
        let (stop, stopped) = watch::channel(false);
        let (publish, state) = watch::channel(State::default());
        let supervised = Supervised {
            process,
            #[cfg(unix)]
            watchdog,
            reader,
            grace: self.grace,
            state: publish,
        };
        tokio::spawn(supervise(supervised, stopped));
        let child = Child {
            program,
            last_words,
            state,
            stop,
        };
        Ok((Arc::new(child), stdin, stdout))
    }

    /// The program's path. Looked up here, because the error can say more, because only a path is
    /// started by the fast way of the standard library, and because Windows finds no `npx.cmd`.
    fn find(&self, environment: &[(OsString, OsString)]) -> Result<OsString> {
        if Path::new(&self.program).components().count() != 1
            || cfg!(unix) && has_slash(&self.program)
        {
            return Ok(self.program.clone());
        }
        let name = escape(&self.program.to_string_lossy());
        let path = environment.iter().rev().find(|(name, _)| is_path(name));
        let Some((_, path)) = path else {
            return Err(Error::unreachable(format!(
                "there is no PATH to look for the program `{name}` in; give its full path"
            )));
        };
        let here = std::env::current_dir().unwrap_or_default();
        which::which_in(&self.program, Some(path), here)
            .map(OsString::from)
            .map_err(|error| {
                let count = std::env::split_paths(path).count();
                let words = format!(
                    "there is no program `{name}` in any of the {count} directories of PATH; \
                     install it, or give its full path"
                );
                Error::unreachable(words).with_source(error)
            })
    }

    /// Why a program could not be started. The system says "not found" for three different things.
    fn why_not(&self, program: &OsStr, error: IoError) -> Error {
        let name = escape(&self.program.to_string_lossy());
        let dir = self.dir.as_deref().filter(|dir| !dir.is_dir());
        let words = if let Some(dir) = dir {
            let dir = escape(&dir.to_string_lossy());
            format!("the server cannot be started in `{dir}`: there is no such directory")
        } else if error.kind() == ErrorKind::NotFound {
            let place = self.dir.as_deref().unwrap_or_else(|| Path::new(""));
            if place.join(program).exists() {
                format!(
                    "`{name}` cannot be started: the interpreter in its first line is not there"
                )
            } else {
                format!("there is no program at `{name}`")
            }
        } else if error.kind() == ErrorKind::PermissionDenied {
            format!("`{name}` cannot be started: it may not be executed by this user")
        } else {
            format!("`{name}` cannot be started: {error}")
        };
        Error::unreachable(words).with_source(error)
    }
}

fn has_slash(program: &OsStr) -> bool {
    program.as_encoded_bytes().contains(&b'/')
}

fn is_path(name: &OsStr) -> bool {
    if cfg!(windows) {
        name.eq_ignore_ascii_case("PATH")
    } else {
        name == "PATH"
    }
}
