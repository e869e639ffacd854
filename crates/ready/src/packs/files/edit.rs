//! The tool `edit`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use similar::TextDiff;
use wharf::{Context, Tool};

use super::fault::{Fault, Result};
use super::list::exact;
use super::open::{Files, blocking};
use super::reach::{LastLink, Stamp};
use super::read::whole;
use super::shown::{Size, cut, quoted, shown};
use super::told::Told;
use super::write::changes;

/// How much of a diff is shown, in bytes.
const MAX_DIFF: usize = 64 * 1024;

/// How long the smallest diff is looked for; then a larger one is given.
const DIFF_TIME: Duration = Duration::from_millis(500);

/// What `edit` is asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The file: a path relative to the served directory, or its URI
    path: String,
    /// The replacements, done one after the other: all of them or none
    #[schemars(length(min = 1, max = 100))]
    edits: Vec<Replacement>,
    /// Whether to show only what would change
    #[serde(default)]
    dry_run: bool,
}

/// One replacement.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Replacement {
    /// The text that is there, exactly, with enough around it to be found only once
    old: String,
    /// What to put in its place
    new: String,
    /// Whether to replace every occurrence
    #[serde(default)]
    all: bool,
}

/// What `edit` answers.
#[derive(Debug, Serialize, JsonSchema)]
struct Edited {
    /// The path, relative to the served directory
    path: String,
    /// How many places were replaced
    replaced: usize,
    /// The changes as a unified diff
    diff: String,
    /// Whether the diff is longer than what is shown
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    diff_cut: bool,
    /// Whether the file was written
    written: bool,
}

pub(super) fn tool(files: &Arc<Files>) -> Tool {
    let shared = Arc::clone(files);
    Tool::new("edit")
        .title("Edit a file")
        .description(format!(
            "Replace exact pieces of text in a file of up to {}, all at once, and show the change \
             as a diff. Each piece must occur once, or be replaced everywhere with `all`. \
             `dry_run` shows the diff without writing.",
            Size(files.max_bytes)
        ))
        .annotations(changes(false))
        .handler(move |arguments: Arguments, ctx: Context| {
            let files = Arc::clone(&shared);
            async move {
                let edited = blocking(&files, move |files| files.edit(&arguments)).await?;
                if edited.value.written {
                    files.tell(&ctx, Path::new(&edited.value.path), false);
                }
                Ok::<_, Fault>(edited)
            }
        })
}

impl Files {
    fn edit(&self, arguments: &Arguments) -> Result<Told<Edited>> {
        let place = self.names.read(&arguments.path)?;
        let _changing = self.changing();
        let reached = self.reach(&place, LastLink::Follow)?;
        self.check_change(&reached)?;
        let (mut file, about) = self.open_file(&reached)?;
        let path = quoted(reached.place.as_path());
        let bytes = whole(&mut file, about.len(), self.max_bytes, &reached.place)?;
        if bytes.len() as u64 > self.max_bytes {
            return Err(Fault::failed(format_args!(
                "{path} is larger than what can be edited ({})",
                Size(self.max_bytes)
            )));
        }
        let before = String::from_utf8(bytes);
        let before =
            before.map_err(|_| Fault::failed(format_args!("{path} is no text (UTF-8)")))?;
        let mut after = before.clone();
        let mut replaced = 0;
        for (count, edit) in arguments.edits.iter().enumerate() {
            let (text, times) = edit.apply(&after, self.max_bytes).map_err(|why| {
                Fault::failed(format_args!(
                    "{path} is unchanged: edit {} of {}: {why}",
                    count + 1,
                    arguments.edits.len()
                ))
            })?;
            (after, replaced) = (text, replaced + times);
        }
        self.check_size(after.len())?;
        let written = !arguments.dry_run && after != before;
        if written {
            // Somebody else may have written it meanwhile: their change is not lost.
            let now = reached.parent.symlink_metadata(&reached.name);
            if !now.is_ok_and(|now| Stamp::of(&now) == Stamp::of(&about)) {
                return Err(Fault::failed(format_args!(
                    "{path} was changed by somebody else: read it again"
                )));
            }
            self.put(&reached, after.as_bytes())?;
        }
        let (diff, diff_cut) = diff(&shown(reached.place.as_path()), &before, &after);
        let mut text = diff.clone();
        if diff_cut {
            text.push_str("[the diff is longer]\n");
        }
        text.push_str(match (written, arguments.dry_run) {
            (true, _) => "[written]",
            (false, true) => "[dry run: nothing was written]",
            (false, false) => "[nothing changed]",
        });
        let (path, _) = exact(reached.place.as_path());
        Ok(Told {
            text,
            value: Edited {
                path,
                replaced,
                diff,
                diff_cut,
                written,
            },
        })
    }
}

impl Replacement {
    /// The text with the replacement made, and how often.
    fn apply(&self, text: &str, limit: u64) -> Result<(String, usize), String> {
        if self.old.is_empty() {
            return Err("`old` is empty".into());
        }
        let (mut old, mut new) = (self.old.clone(), self.new.clone());
        let mut found = text.matches(&*old).count();
        if found == 0 && text.contains("\r\n") && !old.contains('\r') {
            // Models write line feeds alone; the file keeps its line ends.
            old = old.replace('\n', "\r\n");
            new = new.replace("\r\n", "\n").replace('\n', "\r\n");
            found = text.matches(&*old).count();
        }
        match found {
            0 => {
                return Err(
                    "`old` is not in the file: it must be there exactly, blanks included".into(),
                );
            }
            1 => {}
            _ if self.all => {}
            _ => {
                let lines: Vec<String> = text
                    .match_indices(&*old)
                    .take(5)
                    .map(|(at, _)| (1 + text[..at].matches('\n').count()).to_string())
                    .collect();
                return Err(format!(
                    "`old` is there {found} times (lines {}{}): give more of what is around it, or `all`",
                    lines.join(", "),
                    if found > 5 { ", …" } else { "" }
                ));
            }
        }
        let grown =
            (text.len() - found * old.len()).saturating_add(found.saturating_mul(new.len()));
        if grown as u64 > limit {
            return Err(format!(
                "the file would be larger than one call may write ({})",
                Size(limit)
            ));
        }
        Ok((text.replace(&*old, &new), found))
    }
}

/// A unified diff, and whether it was cut.
fn diff(path: &str, before: &str, after: &str) -> (String, bool) {
    if before == after {
        return (String::new(), false);
    }
    let diff = TextDiff::configure()
        .timeout(DIFF_TIME)
        .diff_lines(before, after);
    let diff = diff
        .unified_diff()
        .header(&format!("a/{path}"), &format!("b/{path}"))
        .to_string();
    let shown = cut(&diff, MAX_DIFF);
    let is_cut = shown.len() < diff.len();
    let end = if is_cut {
        shown.rfind('\n').map_or(0, |end| end + 1)
    } else {
        shown.len()
    };
    (shown[..end].to_owned(), is_cut)
}
