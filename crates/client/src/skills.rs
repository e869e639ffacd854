//! Skills of a server: listed, loaded, and read with everything checked (SEP-2640, extension
//! `io.modelcontextprotocol/skills`).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Map, Value};
use wharf_protocol::resources::ResourceContents;
use wharf_server::__private::{cut_frontmatter, read_frontmatter, sha256};

use crate::client::{Client, Shared};
use crate::error::{Error, Result, escape};
use crate::lists::{Item, Pages};
use crate::message::Request;

/// The file that every skill has.
const MANIFEST: &str = "/SKILL.md";

/// What a server says of a skill: enough to show it and to ask for consent, without reading any of
/// its files.
///
/// A `name` is a label and not unique; a skill is identified by its server and its `uri`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct SkillEntry {
    /// The address of its `SKILL.md`.
    pub uri: String,
    /// What stands in front of `SKILL.md`: `name`, `description`, and whatever its author wrote.
    pub frontmatter: Map<String, Value>,
    /// All of its files. None where the server makes them up as they are read: then nothing can
    /// be verified but the frontmatter, and a host may decline such a skill.
    pub resources: Option<Vec<SkillFile>>,
}

/// A file of a skill.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SkillFile {
    /// Its address.
    pub uri: String,
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// Its size in bytes, where the server says it.
    pub size: Option<u64>,
}

impl SkillEntry {
    /// What it is called.
    pub fn name(&self) -> &str {
        self.field("name")
    }

    /// What it is for and when to use it. Written by the server: not to be trusted.
    pub fn description(&self) -> &str {
        self.field("description")
    }

    fn field(&self, name: &str) -> &str {
        let value = self.frontmatter.get(name).and_then(Value::as_str);
        value.unwrap_or_default()
    }

    /// The directory that its files are in.
    fn root(&self) -> &str {
        self.uri.strip_suffix(MANIFEST).unwrap_or(&self.uri)
    }

    /// The part of a file's address after the directory.
    fn path<'u>(&self, uri: &'u str) -> Option<&'u str> {
        uri.strip_prefix(self.root())?.strip_prefix('/')
    }

    fn file(&self, uri: &str) -> Option<&SkillFile> {
        self.resources.as_ref()?.iter().find(|file| file.uri == uri)
    }

    /// What an entry must be (SEP-2640, "Resource Mapping", "Resources").
    fn check(&self) -> Result<(), String> {
        let name = self.name();
        if self.description().is_empty() {
            return Err("a skill without a description".into());
        }
        let root = self.uri.strip_suffix(MANIFEST).unwrap_or_default();
        if name.is_empty() || root.rsplit('/').next() != Some(name) {
            return Err("the address of a skill must end with its name and `/SKILL.md`".into());
        }
        let Some(files) = &self.resources else {
            return Ok(());
        };
        if self.file(&self.uri).is_none() {
            return Err("the files of a skill must have its `SKILL.md` among them".into());
        }
        let mut seen = std::collections::HashSet::new();
        for file in files {
            if self.path(&file.uri).is_none() {
                return Err("a file of a skill must be in the skill's directory".into());
            }
            if !seen.insert(&file.uri) {
                return Err("a file of a skill must be named once".into());
            }
        }
        Ok(())
    }

    /// Whether these are the contents of a file of this skill.
    fn verify(&self, uri: &str, contents: &[u8]) -> Result<(), String> {
        if self.resources.is_none() {
            return Ok(());
        }
        let file = self.file(uri).ok_or("the skill has no such file")?;
        if let Some(size) = file.size
            && size != contents.len() as u64
        {
            return Err(format!(
                "it has {} bytes, and should have {size}",
                contents.len()
            ));
        }
        if sha256(contents) != file.digest {
            return Err("it has another digest than it should have".into());
        }
        Ok(())
    }
}

impl Item for SkillEntry {
    fn take(&self, _: &Shared) -> Result<(), String> {
        self.check()
    }
}

impl Client {
    /// The skills that the server lists, over all pages. There may be more than these:
    /// [`skill`](Self::skill) finds also those that are not listed. Nothing of them is read.
    pub fn skills(&self) -> Pages<SkillEntry> {
        Pages::new(self.shared(), "skills/list", "skills")
    }

    /// The skill whose `SKILL.md` has this address, listed or not. Nothing of it is read.
    ///
    /// # Errors
    /// What the server answers where it has no such skill, and [`Error::is_protocol`] where what
    /// it answers is none.
    pub async fn skill(&self, uri: &str) -> Result<SkillEntry> {
        #[derive(Deserialize)]
        struct Found {
            skill: SkillEntry,
        }
        let request = Request::new("skills/get").with("uri", uri)?;
        let Found { skill } = self.shared().ask(&request).await?;
        if skill.uri != uri {
            return Err(Error::protocol("the server answered with another skill"));
        }
        skill.check().map_err(Error::protocol)?;
        Ok(skill)
    }

    /// Loads a skill: reads its `SKILL.md` and checks that it is what the entry says.
    ///
    /// To be done when the skill is needed, and where a person agreed to it: not ahead.
    ///
    /// # Errors
    /// [`Error::is_unverified`] where digest, size or frontmatter differ: the skill has changed,
    /// or somebody changed it. [`skill`](Self::skill) gives the entry as it is by now.
    pub async fn load_skill(&self, entry: &SkillEntry) -> Result<LoadedSkill> {
        entry.check().map_err(Error::unverified)?;
        let contents = self.read_verified(entry, &entry.uri).await?;
        let differs = |why: &str| unverified(&entry.uri, why);
        let text = std::str::from_utf8(&contents).map_err(|_| differs("it is no text"))?;
        let fields = read_frontmatter(text).map_err(|why| differs(&why))?;
        if !same(&fields, &entry.frontmatter) {
            return Err(differs("its frontmatter is not what the entry says"));
        }
        Ok(LoadedSkill {
            client: self.clone(),
            entry: entry.clone(),
            text: text.to_owned(),
        })
    }

    async fn read_verified(&self, entry: &SkillEntry, uri: &str) -> Result<Bytes> {
        // What was kept of an earlier reading may be older than the entry.
        let result = self.read(uri).fresh().await?;
        let mut all = result.contents.into_iter();
        let contents = all.find(|contents| contents.uri() == uri);
        let contents: Bytes = match contents {
            Some(ResourceContents::Text(text)) => text.text.into(),
            Some(ResourceContents::Blob(blob)) => STANDARD
                .decode(blob.blob)
                .map_err(|_| unverified(uri, "its bytes are no base64"))?
                .into(),
            None => return Err(unverified(uri, "the server answered without it")),
        };
        entry
            .verify(uri, &contents)
            .map_err(|why| unverified(uri, &why))?;
        Ok(contents)
    }
}

fn unverified(uri: &str, why: &str) -> Error {
    Error::unverified(format!("{}: {}", escape(uri), escape(why)))
}

/// A skill that was loaded: its instructions, and the way to its files.
///
/// What it says comes from the server and is for a model, like the results of tools: nothing of
/// it is to be trusted more than the server is.
#[derive(Clone)]
pub struct LoadedSkill {
    client: Client,
    entry: SkillEntry,
    text: String,
}

impl LoadedSkill {
    /// What the server said of it.
    pub fn entry(&self) -> &SkillEntry {
        &self.entry
    }

    /// The whole `SKILL.md`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// `SKILL.md` after its frontmatter: Markdown.
    pub fn instructions(&self) -> &str {
        cut_frontmatter(&self.text).map_or(&self.text, |(_, instructions)| instructions)
    }

    /// Reads a file of the skill: by its path, as the instructions name it
    /// (`references/FORMS.md`), or by its address. Its digest and size are checked.
    ///
    /// # Errors
    /// [`Error::is_unverified`] where the skill has no such file, or the file is not what the
    /// entry says; nothing is asked of the server for a file that the skill does not have.
    pub async fn read(&self, path: &str) -> Result<Bytes> {
        let uri = self.resolve(path);
        let uri = uri.ok_or_else(|| unverified(path, "the skill has no such file"))?;
        self.client.read_verified(&self.entry, &uri).await
    }

    /// The address of a file that the instructions name.
    fn resolve(&self, path: &str) -> Option<String> {
        if self.entry.path(path).is_some() {
            return self.known(path);
        }
        let mut parts = Vec::new();
        for part in path.split('/') {
            match part {
                "" => return None,
                "." => {}
                ".." => drop(parts.pop()?),
                part => parts.push(part),
            }
        }
        let path = parts.join("/");
        let Some(files) = &self.entry.resources else {
            return Some(format!("{}/{path}", self.entry.root()));
        };
        // In Markdown a name may stand as it is, or escaped as in an address.
        let decoded = |text: &str| percent_decode_str(text).collect::<Vec<_>>();
        let wanted = decoded(&path);
        let mut files = files.iter();
        let found = files.find(|file| {
            let path_of_file = self.entry.path(&file.uri);
            path_of_file.is_some_and(|it| it == path || decoded(it) == wanted)
        });
        found.map(|file| file.uri.clone())
    }

    fn known(&self, uri: &str) -> Option<String> {
        let known = self.entry.resources.is_none() || self.entry.file(uri).is_some();
        known.then(|| uri.to_owned())
    }
}

impl fmt::Debug for LoadedSkill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedSkill")
            .field("uri", &self.entry.uri)
            .finish_non_exhaustive()
    }
}

/// Whether two frontmatters say the same. What one side writes as 1 the other may write as 1.0.
fn same(a: &Map<String, Value>, b: &Map<String, Value>) -> bool {
    a.len() == b.len()
        && a.iter()
            .all(|(name, value)| b.get(name).is_some_and(|other| same_value(value, other)))
}

fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => same(a, b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b))
        }
        (Value::Number(x), Value::Number(y)) => {
            a == b || (x.is_f64() || y.is_f64()) && x.as_f64() == y.as_f64()
        }
        _ => a == b,
    }
}
