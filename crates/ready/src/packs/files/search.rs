//! The tool `search`.

use std::fmt::Write as _;
use std::sync::Arc;

use globset::GlobMatcher;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wharf::Tool;

use super::dirs::Kind;
use super::fault::{Fault, Result};
use super::grep::{self, Found, Grep};
use super::list::{exact, matcher};
use super::open::{Files, Stop, walking};
use super::reach::{LastLink, open_regular};
use super::shown::shown;
use super::told::Told;
use super::walk::{How, MAX_DEPTH, Step, Walk};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// How many bytes of lines one answer holds.
const MAX_TEXT: usize = 256 * 1024;

/// What `search` is asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What to look for in the lines of files: a regular expression (Rust's syntax). Without it
    /// only names are searched
    text: Option<String>,
    /// Whether `text` is to be found as it is, instead of being a regular expression
    #[serde(default)]
    literal: bool,
    /// Whether upper and lower case of `text` and `name` are the same
    #[serde(default)]
    ignore_case: bool,
    /// Which files: a part of the name such as `draft`, or a glob such as `*.rs` or `src/**/*.rs`
    name: Option<String>,
    /// The directory to search in: a path relative to the served one, which is the default
    #[serde(default)]
    path: String,
    /// How many lines to show before and after each match
    #[serde(default)]
    #[schemars(range(min = 0, max = 20))]
    context: usize,
    /// How many matches to show at most. Default: 100
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<usize>,
}

/// What `search` answers.
#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The files with matches, by their paths
    files: Vec<FileMatches>,
    /// How many matches are shown; of names, how many files
    matches: usize,
    /// How many files were searched
    searched: u64,
    /// How many files were passed over, because they are binary or too large
    skipped: u64,
    /// Why there may be more than is shown
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<String>,
}

/// A file with what was found in it.
#[derive(Debug, Serialize, JsonSchema)]
struct FileMatches {
    /// The path, relative to the served directory
    path: String,
    /// Whether the name is not UTF-8, and therefore escaped in `path` and not to be read
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    escaped: bool,
    /// The matching lines, and those around them
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lines: Vec<grep::Line>,
}

pub(super) fn tool(files: &Arc<Files>) -> Tool {
    let shared = Arc::clone(files);
    Tool::new("search")
        .title("Search files")
        .description(
            "Find files by name, by a regular expression in their lines, or by both. Binary files \
             are passed over. What limits cut off is said in the answer.",
        )
        .read_only()
        .idempotent()
        .open_world(false)
        .handler(move |arguments: Arguments, _| {
            let files = Arc::clone(&shared);
            async move {
                let query = Query::new(&arguments)?;
                walking(&files, move |files, stop| {
                    files.search(&arguments, &query, stop)
                })
                .await
            }
        })
}

/// What is looked for.
struct Query {
    text: Option<RegexMatcher>,
    name: Option<Name>,
    limit: usize,
}

enum Name {
    Glob(GlobMatcher),
    Part { text: String, ignore_case: bool },
}

impl Query {
    fn new(arguments: &Arguments) -> Result<Self> {
        if arguments.text.is_none() && arguments.name.is_none() {
            return Err(Fault::failed(
                "give `text`, `name` or both: what to look for",
            ));
        }
        let name = arguments.name.as_deref();
        Ok(Self {
            text: arguments
                .text
                .as_deref()
                .map(|text| regex(text, arguments))
                .transpose()?,
            name: name
                .map(|name| Name::new(name, arguments.ignore_case))
                .transpose()?,
            limit: arguments.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT),
        })
    }
}

fn regex(text: &str, arguments: &Arguments) -> Result<RegexMatcher> {
    if text.is_empty() || text.len() > 10_000 {
        return Err(Fault::failed("`text` must have 1 to 10,000 bytes"));
    }
    RegexMatcherBuilder::new()
        .case_insensitive(arguments.ignore_case)
        .fixed_strings(arguments.literal)
        .line_terminator(Some(b'\n'))
        .size_limit(4 << 20)
        .dfa_size_limit(8 << 20)
        .build(text)
        .map_err(|error| {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default();
            Fault::failed(format_args!(
                "`text` is no regular expression that can be used: {}; with `literal` it is found as it is",
                shown(why)
            ))
        })
}

impl Name {
    fn new(name: &str, ignore_case: bool) -> Result<Self> {
        if name.contains(['*', '?', '[', '{', '/']) {
            return matcher(name).map(Self::Glob);
        }
        let text = if ignore_case {
            name.to_lowercase()
        } else {
            name.to_owned()
        };
        Ok(Self::Part { text, ignore_case })
    }

    fn fits(&self, step: &Step) -> bool {
        match self {
            Self::Glob(glob) => glob.is_match(&step.path),
            Self::Part { text, ignore_case } => {
                let name = step.path.file_name().unwrap_or_default().to_string_lossy();
                match ignore_case {
                    true => name.to_lowercase().contains(text),
                    false => name.contains(text),
                }
            }
        }
    }
}

impl Files {
    fn search(&self, arguments: &Arguments, query: &Query, stop: &Stop) -> Result<Told<Answer>> {
        let start = self.reach(&self.names.read(&arguments.path)?, LastLink::Follow)?;
        let how = How {
            depth: MAX_DEPTH,
            after: None,
            keep: false,
        };
        let mut walk = Walk::new(self, &start, how)?;
        let mut grep = Grep::new(arguments.context.min(20), MAX_TEXT);
        let mut answer = Answer {
            files: Vec::new(),
            matches: 0,
            searched: 0,
            skipped: 0,
            cut: None,
        };
        while let Some(step) = walk.next() {
            if stop.is_now() {
                answer.cut = Some(format!(
                    "the time of {} s is over: narrow it down with `path` or `name`",
                    self.max_time.as_secs()
                ));
                break;
            }
            if answer.matches >= query.limit || grep.is_full() {
                break;
            }
            if step.kind == Kind::File && query.name.as_ref().is_none_or(|name| name.fits(&step)) {
                self.look_into(&walk, &step, query, &mut grep, &mut answer);
            }
        }
        if answer.matches >= query.limit {
            let why = "matches are shown, and there may be more: narrow it down, or give a `limit`";
            answer.cut = Some(format!("{} {why}", query.limit));
        } else if grep.is_full() {
            answer.cut = Some("the answer is as long as it may be: narrow it down".into());
        }
        if walk.skipped > 0 || walk.is_cut() {
            let why = format!("{} directories could not be read in full", walk.skipped);
            answer.cut = Some(
                answer
                    .cut
                    .map_or(why.clone(), |cut| format!("{cut}; {why}")),
            );
        }
        Ok(Told {
            text: answer.text(query),
            value: answer,
        })
    }

    fn look_into(
        &self,
        walk: &Walk<'_>,
        step: &Step,
        query: &Query,
        grep: &mut Grep,
        answer: &mut Answer,
    ) {
        let (path, escaped) = exact(&step.path);
        let Some(text) = &query.text else {
            answer.searched += 1;
            answer.matches += 1;
            answer.files.push(FileMatches {
                path,
                escaped,
                lines: Vec::new(),
            });
            return;
        };
        let file = walk.dir().zip(step.path.file_name());
        // A file that went away, or that may not be read, is no reason to stop.
        let Some(Ok((file, about))) = file.map(|(dir, name)| open_regular(dir, name)) else {
            answer.skipped += 1;
            return;
        };
        if about.len() > grep::MAX_FILE || self.has_foreign_names(&about) {
            answer.skipped += 1;
            return;
        }
        match grep.search(text, file, query.limit - answer.matches) {
            Some(Found { matches, lines }) => {
                answer.searched += 1;
                if matches > 0 {
                    answer.matches += matches;
                    answer.files.push(FileMatches {
                        path,
                        escaped,
                        lines,
                    });
                }
            }
            None => answer.skipped += 1,
        }
    }
}

impl Answer {
    fn text(&self, query: &Query) -> String {
        let mut text = String::new();
        for file in &self.files {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}", shown(&file.path));
            let mut last = None;
            for line in &file.lines {
                if last.is_some_and(|last| last + 1 != line.line) {
                    text.push_str("  --\n");
                }
                last = Some(line.line);
                let mark = if line.matches { ':' } else { '-' };
                let _ = writeln!(text, "  {}{mark} {}", line.line, line.text);
            }
        }
        let searched = self.searched;
        let _ = match (&query.text, self.files.len()) {
            (Some(_), 0) => writeln!(text, "[nothing found in {searched} files]"),
            (Some(_), files) => writeln!(
                text,
                "[{} matches in {files} of {searched} files]",
                self.matches
            ),
            (None, files) => writeln!(text, "[{files} files]"),
        };
        if self.skipped > 0 {
            let _ = writeln!(text, "[passed over, binary or too large: {}]", self.skipped);
        }
        if let Some(cut) = &self.cut {
            let _ = writeln!(text, "[cut: {cut}]");
        }
        text
    }
}
