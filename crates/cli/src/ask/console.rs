//! [`Console`]: lines to and from a person.

use std::io::{self, BufRead as _, Write as _};

use crate::terminal;

/// The longest line that is read.
const MAX_LINE: u64 = 1 << 20;

/// Where a person reads and types.
pub(crate) trait Console {
    /// Shows a line.
    fn say(&mut self, line: &str) -> io::Result<()>;

    /// Shows a prompt and reads the line behind it. `None` at the end of the input (Ctrl-D).
    fn ask(&mut self, prompt: &str) -> io::Result<Option<String>>;
}

/// Standard input and standard error: standard output is for results.
#[derive(Debug)]
pub(crate) struct Terminal;

impl Console for Terminal {
    fn say(&mut self, line: &str) -> io::Result<()> {
        terminal::say(line);
        Ok(())
    }

    fn ask(&mut self, prompt: &str) -> io::Result<Option<String>> {
        {
            // Not held while the person types: who cancels is told so on the same stream.
            let mut stderr = anstream::stderr().lock();
            write!(stderr, "{prompt}")?;
            stderr.flush()?;
        }
        let mut line = String::new();
        let count = io::Read::take(io::stdin().lock(), MAX_LINE).read_line(&mut line)?;
        if count == 0 {
            self.say("")?;
            return Ok(None);
        }
        Ok(Some(line.trim_end_matches(['\n', '\r']).to_owned()))
    }
}

/// Lines that are typed one after the other, and all that was shown.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) typed: std::collections::VecDeque<String>,
    pub(crate) shown: String,
}

#[cfg(test)]
impl Script {
    pub(crate) fn new(typed: &[&str]) -> Self {
        Self {
            typed: typed.iter().map(|line| (*line).to_owned()).collect(),
            shown: String::new(),
        }
    }
}

#[cfg(test)]
impl Console for Script {
    fn say(&mut self, line: &str) -> io::Result<()> {
        self.shown
            .push_str(&anstream::adapter::strip_str(line).to_string());
        self.shown.push('\n');
        Ok(())
    }

    fn ask(&mut self, prompt: &str) -> io::Result<Option<String>> {
        let typed = self.typed.pop_front();
        let line = format!(
            "{}{}",
            anstream::adapter::strip_str(prompt),
            typed.as_deref().unwrap_or("^D")
        );
        self.say(&line)?;
        Ok(typed)
    }
}
