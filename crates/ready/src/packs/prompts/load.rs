//! Reading a directory: every prompt in it, ready to be got.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::Environment;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use wharf::protocol::content::{ContentBlock, Role};
use wharf::protocol::prompts::PromptArgument;
use wharf::protocol::resources::ResourceContents;

use super::definition::{Definition, Wrong};
use super::directory::Directory;
use super::render::{self, MAX_OUTPUT};
use crate::{Error, Result};

/// How large a Markdown file may be, in bytes.
pub(super) const MAX_TEXT: usize = 1 << 20;
/// How large an embedded file may be, in bytes; and all of a directory's prompts together.
const MAX_RESOURCE: usize = 4 << 20;
const MAX_RESOURCES: usize = 64 << 20;

/// A prompt of a file.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) name: String,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) arguments: Vec<Given>,
    resources: Vec<ResourceContents>,
    /// The role of each message, and the name of its template.
    messages: Vec<(Role, String)>,
    engine: Arc<Environment<'static>>,
}

/// An argument, and what it is when it is not given.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) argument: PromptArgument,
    pub(super) default: String,
    pub(super) complete: Vec<String>,
}

/// What reading a directory came to.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// By their names.
    pub(super) prompts: BTreeMap<String, Arc<Loaded>>,
    /// Names of prompts whose file is broken.
    pub(super) broken: Vec<String>,
}

/// Reads all prompts. What is wrong is logged. Blocks.
///
/// # Errors
/// The directory cannot be read.
pub(super) fn read(path: &Path) -> Result<Read> {
    let cannot = |error: std::io::Error| {
        Error::unavailable(format_args!("cannot read `{}`", path.display())).because(error)
    };
    let directory = Arc::new(Directory::open(path).map_err(cannot)?);
    let (files, wrong) = directory.markdown().map_err(cannot)?;
    for wrong in wrong {
        tracing::warn!(directory = %path.display(), wrong = %shown(&wrong), "not all prompts were found");
    }
    let mut engine = render::engine(Arc::clone(&directory));
    let mut read = Read::default();
    let mut found = Vec::new();
    let mut left = MAX_RESOURCES;
    for file in files {
        let name = file.trim_end_matches(".md").to_owned();
        match prepare(&directory, &file, &mut engine, &mut left) {
            Ok(Some(prepared)) => found.push((name, prepared)),
            Ok(None) => {
                tracing::info!(file = %shown(&file), "no prompt, because it has no frontmatter")
            }
            Err(wrong) => {
                tracing::warn!(wrong = %shown(&wrong.to_string()), "a prompt is left out");
                read.broken.push(name);
            }
        }
    }
    let engine = Arc::new(engine);
    for (name, prepared) in found {
        let loaded = prepared.with(name, Arc::clone(&engine));
        read.prompts.insert(loaded.name.clone(), Arc::new(loaded));
    }
    Ok(read)
}

/// A prompt whose templates are in an engine that is still being filled.
struct Prepared {
    definition: Definition,
    resources: Vec<ResourceContents>,
    messages: Vec<(Role, String)>,
}

fn prepare(
    directory: &Directory,
    file: &str,
    engine: &mut Environment<'static>,
    left: &mut usize,
) -> Result<Option<Prepared>, Wrong> {
    let wrong = |line, why: String| Wrong {
        file: file.to_owned(),
        line,
        why,
    };
    let text = directory
        .read_text(file, MAX_TEXT)
        .map_err(|why| wrong(None, why))?;
    let Some(definition) = Definition::read(file, &text).transpose()? else {
        return Ok(None);
    };
    if !definition.unknown.is_empty() {
        let unknown = definition.unknown.join(", ");
        tracing::warn!(file = %shown(file), unknown = %shown(&unknown), "the frontmatter has what means nothing here");
    }
    let mut resources = Vec::new();
    for (place, path) in definition.front.resources.iter().enumerate() {
        let at = definition.line(&format!("resources[{place}]"));
        let contents = directory.read(path, MAX_RESOURCE.min(*left));
        let contents = contents
            .map_err(|why| wrong(at, format!("`{}` cannot be embedded: {why}", shown(path))))?;
        *left -= contents.len();
        resources.push(embedded(path, contents));
    }
    let mut messages = Vec::new();
    for (number, part) in definition.parts.iter().enumerate() {
        let name = format!("{file}#{number}");
        let added = engine.add_template_owned(name.clone(), part.source.clone());
        added.map_err(|error| render::wrong(&name, &error))?;
        check_names(&definition, engine, &name, &part.source)
            .map_err(|(at, why)| wrong(at, why))?;
        messages.push((part.role, name));
    }
    Ok(Some(Prepared {
        definition,
        resources,
        messages,
    }))
}

/// What a template asks for must be an argument, or something that every template has.
fn check_names(
    definition: &Definition,
    engine: &Environment<'static>,
    template: &str,
    source: &str,
) -> Result<(), (Option<usize>, String)> {
    let Ok(compiled) = engine.get_template(template) else {
        return Ok(());
    };
    let mut names: Vec<String> = compiled.undeclared_variables(false).into_iter().collect();
    names.sort();
    let is_known = |name: &String| {
        engine.globals().any(|(global, _)| global == name)
            || definition
                .front
                .arguments
                .iter()
                .any(|argument| argument.name == *name)
    };
    match names.iter().find(|name| !is_known(name)) {
        None => Ok(()),
        Some(name) => {
            let mut lines = source.lines().enumerate();
            let at = lines.find(|(_, line)| line.contains(name.as_str()));
            Err((
                at.map(|(before, _)| before + 1),
                format!("`{name}` is none of the prompt's arguments"),
            ))
        }
    }
}

impl Prepared {
    fn with(self, name: String, engine: Arc<Environment<'static>>) -> Loaded {
        let front = self.definition.front;
        let given = |argument: super::definition::Argument| Given {
            argument: PromptArgument {
                name: argument.name,
                title: argument.title,
                description: argument.description,
                required: Some(argument.required),
            },
            default: argument.default.map(|text| text.0).unwrap_or_default(),
            complete: argument.complete.into_iter().map(|text| text.0).collect(),
        };
        Loaded {
            name,
            title: front.title,
            description: front.description,
            arguments: front.arguments.into_iter().map(given).collect(),
            resources: self.resources,
            messages: self.messages,
            engine,
        }
    }
}

impl Loaded {
    /// The messages, for these arguments. Blocks.
    ///
    /// # Errors
    /// What the template does wrong, with its file and the line.
    pub(super) fn messages(
        &self,
        arguments: &BTreeMap<String, String>,
    ) -> Result<Vec<(Role, ContentBlock)>, Wrong> {
        let resources = self.resources.iter().cloned();
        let mut messages: Vec<_> = resources
            .map(|contents| (Role::User, ContentBlock::embedded(contents)))
            .collect();
        let mut left = MAX_OUTPUT;
        for (role, template) in &self.messages {
            let text = render::render(&self.engine, template, arguments, left)?;
            left = left.saturating_sub(text.len());
            if !text.is_empty() {
                messages.push((*role, ContentBlock::text(text)));
            }
        }
        Ok(messages)
    }
}

/// What a URI's path may have as it is (RFC 3986, 3.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

fn embedded(path: &str, contents: Vec<u8>) -> ResourceContents {
    let uri = format!("prompts:///{}", utf8_percent_encode(path, ESCAPED));
    let mime_type = match path.ends_with(".md") {
        true => Some("text/markdown"),
        false => mime_guess::from_path(path).first_raw(),
    };
    match String::from_utf8(contents) {
        Ok(text) => ResourceContents::text(uri, text).mime_type(mime_type.unwrap_or("text/plain")),
        Err(error) => ResourceContents::blob(uri, STANDARD.encode(error.as_bytes()))
            .mime_type(mime_type.unwrap_or("application/octet-stream")),
    }
}

/// Text of files, safe for a log or a message.
pub(super) fn shown(text: &str) -> String {
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    let mut out = String::new();
    for c in text.chars().take(400) {
        match is_odd(c) {
            true => out.extend(c.escape_unicode()),
            false => out.push(c),
        }
    }
    out
}
