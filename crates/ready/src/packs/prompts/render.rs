//! Templates: from the parts of a prompt and its arguments to messages.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use wharf::__private::cut_frontmatter;

use super::definition::Wrong;
use super::directory::Directory;
use super::load::MAX_TEXT;

/// How many instructions a template may take; a line of one takes a handful.
const FUEL: u64 = 500_000;
/// How long all messages of a prompt may be, in bytes.
pub(super) const MAX_OUTPUT: usize = 4 << 20;
/// How much may be included in all prompts of a directory, in bytes.
const MAX_INCLUDED: usize = 32 << 20;

/// An engine that finds includes beneath the directory, and nothing elsewhere.
pub(super) fn engine(directory: Arc<Directory>) -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    // Messages are text, whatever the file is called.
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    engine.set_fuel(Some(FUEL));
    // With it a few instructions could double a text again and again.
    engine.remove_global("namespace");
    let included = AtomicUsize::new(0);
    engine.set_loader(move |name| include(&directory, name, &included).map(Some));
    engine
}

fn include(directory: &Directory, name: &str, included: &AtomicUsize) -> Result<String, Error> {
    let cannot = |why: String| {
        Error::new(
            ErrorKind::InvalidOperation,
            format!("`{}` cannot be included: {why}", super::load::shown(name)),
        )
    };
    let text = directory.read_text(name, MAX_TEXT).map_err(cannot)?;
    if included.fetch_add(text.len(), Ordering::Relaxed) > MAX_INCLUDED {
        return Err(cannot("too much is included already".into()));
    }
    // The lines of the frontmatter stay, empty, so that errors name the right ones.
    Ok(match cut_frontmatter(&text) {
        Some((_, body)) => {
            let before = text.len() - body.len();
            let lines = text.get(..before).unwrap_or_default().matches('\n').count();
            format!("{}{}", "\n".repeat(lines), body.trim_end())
        }
        None => text.trim_end().to_owned(),
    })
}

/// Renders a template, of which at most `left` bytes may come out. Blocks while includes are read.
///
/// # Errors
/// With the file and the line; nothing of the arguments is in it.
pub(super) fn render(
    engine: &Environment<'_>,
    name: &str,
    arguments: &BTreeMap<String, String>,
    left: usize,
) -> Result<String, Wrong> {
    let mut out = Bounded {
        text: Vec::new(),
        left,
    };
    let arguments = minijinja::Value::from_pairs(arguments);
    let rendered = engine
        .get_template(name)
        .and_then(|template| template.render_captured_to(arguments, &mut out).map(drop));
    rendered.map_err(|error| wrong(name, &error))?;
    let text = String::from_utf8_lossy(&out.text);
    Ok(text.trim().to_owned())
}

/// What the engine says, with the file's own name.
pub(super) fn wrong(template: &str, error: &Error) -> Wrong {
    let mut deepest = error;
    // An error in what is included is said best by what is in there.
    while let Some(inner) =
        std::error::Error::source(deepest).and_then(|source| source.downcast_ref::<Error>())
    {
        deepest = inner;
    }
    let file = deepest.name().unwrap_or(template);
    let why = match deepest.kind() {
        ErrorKind::OutOfFuel => "the template runs for too long".to_owned(),
        ErrorKind::WriteFailure => format!("the messages are longer than {} MiB", MAX_OUTPUT >> 20),
        kind => match deepest.detail() {
            Some(detail) => format!("{kind}: {detail}"),
            None => kind.to_string(),
        },
    };
    Wrong {
        // Behind `#` is the number of the message.
        file: file.split('#').next().unwrap_or(file).to_owned(),
        line: deepest.line(),
        why,
    }
}

/// Takes so much and no more.
struct Bounded {
    text: Vec<u8>,
    left: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self
            .left
            .checked_sub(bytes.len())
            .ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
