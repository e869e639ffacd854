//! [`Problem`]: what is wrong in a configuration, and where; [`Problems`]: all of it.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

use super::mask;
use super::source::Source;

/// Something that is wrong, with its place. Serialises for programs; shows no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// The file, as its path was given; absent for an argument.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1; 0 where the whole file is meant.
    #[serde(skip_serializing_if = "is_zero")]
    pub line: usize,
    /// The column, from 1 and in characters; 0 where the whole file is meant.
    #[serde(skip_serializing_if = "is_zero")]
    pub column: usize,
    /// What is wrong.
    pub reason: String,
    /// What can be done about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The line as it is written, with what may be a secret left out.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// How many characters of it are meant.
    #[serde(skip_serializing_if = "is_zero")]
    pub width: usize,
    /// Where the problem begins, to sort by.
    #[serde(skip)]
    start: usize,
}

impl Problem {
    pub(super) fn new(source: &Source, span: &Range<usize>, reason: impl fmt::Display) -> Self {
        let line = source.line(span);
        let masked = mask::line(line.text, line.column, line.width);
        Self {
            file: source.name().map(str::to_owned),
            line: line.number,
            column: line.column,
            reason: reason.to_string(),
            next: None,
            text: masked.text,
            width: masked.width,
            start: span.start,
        }
    }

    /// About a file as a whole.
    pub(super) fn of_file(path: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self {
            file: Some(path.into()),
            line: 0,
            column: 0,
            reason: reason.to_string(),
            next: None,
            text: String::new(),
            width: 0,
            start: 0,
        }
    }

    pub(super) fn next(mut self, step: impl Into<String>) -> Self {
        self.next = Some(step.into());
        self
    }

    pub(super) fn maybe_next(mut self, step: Option<String>) -> Self {
        self.next = step;
        self
    }

    /// The place: `wharf.toml:3:7`, or the argument itself.
    pub fn place(&self) -> String {
        match &self.file {
            Some(file) if self.line == 0 => file.clone(),
            Some(file) => format!("{file}:{}:{}", self.line, self.column),
            None => self.text.clone(),
        }
    }

    /// The lines beneath the reason: what is written, a caret, and the next step.
    pub fn details(&self) -> String {
        if self.line == 0 {
            return self
                .next
                .as_ref()
                .map_or_else(String::new, |next| format!("  = {next}"));
        }
        let number = match self.file {
            Some(_) => self.line.to_string(),
            None => String::new(),
        };
        let pad = " ".repeat(number.len());
        // A tab is as wide as the caret line makes it.
        let text = self.text.replace('\t', " ");
        // What is left out of the line is not pointed at.
        let before = (self.column - 1).min(text.chars().count());
        let (before, caret) = (" ".repeat(before), "^".repeat(self.width));
        let mut details = format!("  {number} | {text}\n  {pad} | {before}{caret}");
        if let Some(next) = &self.next {
            details.push_str(&format!("\n  {pad} = {next}"));
        }
        details
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place(), self.reason)?;
        match self.details() {
            details if details.is_empty() => Ok(()),
            details => write!(f, "\n{details}"),
        }
    }
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// All that is wrong, in the order of the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn add(&mut self, problem: Problem) {
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    pub(super) fn append(&mut self, other: Problems) {
        other.0.into_iter().for_each(|problem| self.add(problem));
    }

    /// Nothing, or everything that is wrong.
    pub(super) fn into_result(mut self) -> Result<(), Self> {
        self.0.sort_by(|a, b| {
            (a.file.is_none(), &a.file, a.start).cmp(&(b.file.is_none(), &b.file, b.start))
        });
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(self),
        }
    }

    /// One after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether all is well.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.iter().enumerate() {
            let line = if index == 0 { "" } else { "\n" };
            write!(f, "{line}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
