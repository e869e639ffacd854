//! [`Skill`]: instructions for an agent with their files, served as resources under `skill://`
//! (SEP-2640, extension `io.modelcontextprotocol/skills`; the format is that of agentskills.io).

mod directory;
mod frontmatter;
mod load;
mod serve;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Map, Value};

pub use self::frontmatter::{
    Lines, cut as cut_frontmatter, read as read_frontmatter,
    read_with_lines as frontmatter_with_lines,
};
pub use self::load::LoadedSkill;
pub use self::load::sha256;
pub(crate) use self::serve::{Skills, extension};

use crate::error::{Error, Result};

/// The extension's identifier.
pub(crate) const ID: &str = "io.modelcontextprotocol/skills";
/// The file that every skill has.
const MANIFEST: &str = "SKILL.md";

/// A skill: a `SKILL.md` with instructions, and the files that go with it.
///
/// Each file is a resource: `skill://refunds/SKILL.md`, `skill://refunds/examples/email.md`. A
/// server with skills declares the extension `io.modelcontextprotocol/skills`, lists them with
/// their digests (`skills/list`, `skills/get`) and lists their directories
/// (`resources/directory/read`). `resources/list` has the `SKILL.md` of each, not its other files.
///
/// ```
/// use wharf_server::{Server, Skill};
///
/// let refunds = Skill::new("refunds", "Process refund requests per company policy")
///     .instructions("1. Look up the order.\n2. Answer as in `examples/email.md`.\n")
///     .file("examples/email.md", "Dear customer, …")
///     .under("acme/billing");
/// let server = Server::new("Shop").skill(refunds);
/// ```
///
/// # Limits
/// A skill has at most 512 files with 16 MiB in all, its directories nest at most 16 deep, and its
/// frontmatter has at most 64 KiB. They are read once, when the server starts or [`load`](Skill::load) is
/// called, and served from memory: what is read is what was digested, and no request ever reaches
/// the file system.
#[derive(Debug)]
#[must_use]
pub struct Skill {
    /// What is in front of the name: no, one or more segments.
    prefix: String,
    directory: Option<PathBuf>,
    manifest: Option<Manifest>,
    files: Vec<(String, Bytes)>,
}

/// A `SKILL.md` that is made of its parts.
#[derive(Debug)]
struct Manifest {
    fields: Map<String, Value>,
    body: String,
}

impl Skill {
    /// A skill with this name and description.
    ///
    /// A name has 1 to 64 lower-case letters, digits and single hyphens between them. The
    /// description says what the skill is for and when to use it, in at most 1024 characters.
    pub fn new(name: impl Into<String>, description: impl Into<String>) -> Self {
        let mut fields = Map::new();
        fields.insert("name".into(), name.into().into());
        fields.insert("description".into(), description.into().into());
        Self {
            prefix: String::new(),
            directory: None,
            manifest: Some(Manifest {
                fields,
                body: String::new(),
            }),
            files: Vec::new(),
        }
    }

    /// The skill in a directory, which holds a `SKILL.md`. Its name is the one in there.
    ///
    /// Everything beneath the directory is served, except what begins with a dot. A symbolic link
    /// is followed only to a file beneath the directory; any other one, and whatever is neither
    /// file nor directory, keeps the server from starting.
    pub fn dir(path: impl Into<PathBuf>) -> Self {
        Self {
            prefix: String::new(),
            directory: Some(path.into()),
            manifest: None,
            files: Vec::new(),
        }
    }

    /// The skills in a directory of skills: every directory in it that holds a `SKILL.md`, by name.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn all_in(path: impl AsRef<Path>) -> Result<Vec<Self>> {
        let path = path.as_ref();
        let entries = std::fs::read_dir(path).map_err(|error| {
            Error::invalid_definition(format_args!(
                "skills in `{}`: {error}",
                crate::handler::text::shown_up_to(&path.to_string_lossy(), 400)
            ))
        })?;
        let mut found = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if path.join(MANIFEST).is_file() {
                found.push(path);
            }
        }
        found.sort();
        Ok(found.into_iter().map(Self::dir).collect())
    }

    /// The directory that it is read from.
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// What `SKILL.md` says: Markdown, after the frontmatter.
    pub fn instructions(mut self, markdown: impl Into<String>) -> Self {
        if let Some(manifest) = &mut self.manifest {
            manifest.body = markdown.into();
        }
        self
    }

    /// Adds a field to the frontmatter of a skill made with [`new`](Skill::new), such as `license`
    /// or `metadata`.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        if let Some(manifest) = &mut self.manifest {
            manifest.fields.insert(name.into(), value.into());
        }
        self
    }

    /// Adds a file: its path in the skill, with `/` between directories, and what is in it. A file
    /// `SKILL.md` stands for the one that would be made; its frontmatter must have the name and
    /// description that the skill has.
    pub fn file(mut self, path: impl Into<String>, contents: impl Into<Bytes>) -> Self {
        self.files.push((path.into(), contents.into()));
        self
    }

    /// Reads the skill's files and checks everything. Blocks while it reads a directory.
    ///
    /// # Errors
    /// [`Error::is_invalid_definition`]: the skill cannot be read or served. Names the skill or its
    /// directory, and what is wrong.
    pub fn load(self) -> Result<LoadedSkill> {
        self::load::load(self)
    }

    /// Puts the skill under a path: `refunds` under `acme/billing` is
    /// `skill://acme/billing/refunds/SKILL.md`.
    pub fn under(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }
}

#[cfg(test)]
mod tests;
