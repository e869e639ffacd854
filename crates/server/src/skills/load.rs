//! From a [`Skill`] to what is served of it: everything checked, every file with its digest.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

use super::{MANIFEST, Manifest, Skill, directory, frontmatter};
use crate::error::{Error, Result};
use crate::handler::text::shown_up_to;

/// How many files a skill may have (SEP-2640: 512 resources).
pub(super) const MAX_FILES: usize = 512;
/// How large they may be in all (SEP-2640: 16 MiB).
pub(super) const MAX_BYTES: usize = 16 << 20;
/// How deep its directories may nest.
pub(super) const MAX_DEPTH: usize = 16;

/// A [`Skill`] with all its files read and checked, as it is served. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LoadedSkill(Arc<Loaded>);

impl LoadedSkill {
    /// The URI of its `SKILL.md`, which names it in a server.
    pub fn uri(&self) -> String {
        self.0.uri()
    }

    /// What the skill is called.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The URIs of its files with their digests, that of `SKILL.md` first.
    pub fn files(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let files = self.0.files.iter();
        files.map(|file| (file.uri.as_str(), file.digest.as_str()))
    }

    /// Whether this is the other one or a clone of it, and not only like it.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether all files are the same.
    pub fn is_like(&self, other: &Self) -> bool {
        self.uri() == other.uri() && self.files().eq(other.files())
    }

    pub(super) fn loaded(&self) -> &Loaded {
        &self.0
    }
}

/// What is behind a [`LoadedSkill`].
#[derive(Debug)]
pub(super) struct Loaded {
    /// `skill://` and the skill's path.
    pub(super) root: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) frontmatter: Map<String, Value>,
    /// `SKILL.md` first, then by path.
    pub(super) files: Vec<File>,
}

#[derive(Debug)]
pub(super) struct File {
    pub(super) uri: String,
    /// The last part of its path.
    pub(super) name: String,
    pub(super) contents: Bytes,
    digest: String,
}

impl Loaded {
    /// The skill as `skills/list` and `skills/get` show it.
    pub(super) fn entry(&self) -> Value {
        let resources: Vec<_> = self
            .files
            .iter()
            .map(
                |file| json!({"uri": file.uri, "digest": file.digest, "size": file.contents.len()}),
            )
            .collect();
        json!({"uri": self.uri(), "frontmatter": self.frontmatter, "resources": resources})
    }

    /// The URI of its `SKILL.md`.
    pub(super) fn uri(&self) -> String {
        format!("{}/{MANIFEST}", self.root)
    }
}

/// Reads a skill's files and checks everything.
///
/// # Errors
/// [`Error::is_invalid_definition`], with the skill's name or directory.
pub(super) fn load(skill: Skill) -> Result<LoadedSkill> {
    let name = match (&skill.directory, &skill.manifest) {
        (Some(path), _) => path.to_string_lossy().into_owned(),
        (None, Some(manifest)) => text(&manifest.fields, "name").to_owned(),
        (None, None) => String::new(),
    };
    let loaded = try_load(skill).map_err(|why| {
        let name = shown_up_to(&name, 400);
        Error::invalid_definition(format_args!("skill `{name}`: {why}"))
    })?;
    Ok(LoadedSkill(Arc::new(loaded)))
}

fn try_load(skill: Skill) -> Result<Loaded, String> {
    let Skill {
        prefix,
        directory,
        manifest,
        files: mut added,
    } = skill;
    let mut files = match directory {
        Some(path) => directory::read(&path)?,
        None => Vec::new(),
    };
    files.append(&mut added);
    if let Some(manifest) = &manifest
        && !files.iter().any(|(path, _)| path == MANIFEST)
    {
        files.push((MANIFEST.to_owned(), manifest.write().into()));
    }
    let (_, text_of_manifest) = files
        .iter()
        .find(|(path, _)| path == MANIFEST)
        .ok_or("it has no `SKILL.md`")?;
    let fields = std::str::from_utf8(text_of_manifest)
        .map_err(|_| "it is not UTF-8".to_owned())
        .and_then(frontmatter::read)
        .map_err(|why| format!("`{MANIFEST}`: {why}"))?;
    check_fields(&fields, manifest.as_ref())?;
    check_files(&files)?;

    let name = text(&fields, "name").to_owned();
    let root = match prefix.as_str() {
        "" => format!("skill://{name}"),
        prefix => {
            check_prefix(prefix)?;
            format!("skill://{prefix}/{name}")
        }
    };
    let mut files: Vec<_> = files
        .into_iter()
        .map(|(path, contents)| File {
            uri: format!("{root}/{}", utf8_percent_encode(&path, ESCAPED)),
            name: path.rsplit('/').next().unwrap_or_default().to_owned(),
            digest: sha256(&contents),
            contents,
        })
        .collect();
    let manifest = format!("{root}/{MANIFEST}");
    files.sort_by(|a, b| (a.uri != manifest, &a.uri).cmp(&(b.uri != manifest, &b.uri)));
    Ok(Loaded {
        root,
        name,
        description: text(&fields, "description").to_owned(),
        frontmatter: fields,
        files,
    })
}

impl Manifest {
    /// The whole file. YAML 1.2 takes every JSON value as it is.
    fn write(&self) -> String {
        let mut out = String::from("---\n");
        for (name, value) in &self.fields {
            out.push_str(&format!("{}: {value}\n", Value::from(name.as_str())));
        }
        out.push_str("---\n");
        if !self.body.is_empty() {
            out.push('\n');
            out.push_str(&self.body);
        }
        out
    }
}

fn text<'f>(fields: &'f Map<String, Value>, name: &str) -> &'f str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What the format asks of a skill's name and description (agentskills.io, "Specification").
fn check_fields(fields: &Map<String, Value>, given: Option<&Manifest>) -> Result<(), String> {
    let name = text(fields, "name");
    let is_name = (1..=64).contains(&name.len())
        && name.split('-').all(|part| !part.is_empty())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !is_name {
        return Err(
            "its `name` must be 1 to 64 lower-case letters, digits and single hyphens between them"
                .into(),
        );
    }
    let description = text(fields, "description");
    if description.trim().is_empty() || description.chars().count() > 1024 {
        return Err("its `description` must be 1 to 1024 characters".into());
    }
    let differs =
        |name: &&str| given.is_some_and(|given| text(&given.fields, name) != text(fields, name));
    if let Some(name) = ["name", "description"].iter().find(|name| differs(name)) {
        return Err(format!("`{MANIFEST}` has another `{name}`"));
    }
    Ok(())
}

fn check_files(files: &[(String, Bytes)]) -> Result<(), String> {
    if files.len() > MAX_FILES {
        return Err(format!("it has more than {MAX_FILES} files"));
    }
    let bytes: usize = files.iter().map(|(_, contents)| contents.len()).sum();
    if bytes > MAX_BYTES {
        return Err(format!("it has more than {} MiB", MAX_BYTES >> 20));
    }
    let mut seen = HashSet::new();
    for (path, _) in files {
        let shown = shown_up_to(path, 200);
        let is_plain =
            |part: &str| !matches!(part, "" | "." | "..") && !part.contains(char::is_control);
        if !path.split('/').all(is_plain) || path.split('/').count() > MAX_DEPTH + 1 {
            return Err(format!("`{shown}` is not the path of a file in a skill"));
        }
        if !seen.insert(path.as_str()) {
            return Err(format!("`{shown}` is given twice"));
        }
    }
    // A file where another one has its directory could not be told from it.
    let blocked = files.iter().find(|(path, _)| {
        let ancestors = path.match_indices('/').map(|(end, _)| &path[..end]);
        ancestors
            .into_iter()
            .any(|ancestor| seen.contains(ancestor))
    });
    match blocked {
        Some((path, _)) => Err(format!(
            "`{}` is in a directory that is a file too",
            shown_up_to(path, 200)
        )),
        None => Ok(()),
    }
}

fn check_prefix(prefix: &str) -> Result<(), String> {
    let is_plain = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&b))
    };
    if prefix.split('/').all(is_plain) && prefix.len() <= 1024 {
        return Ok(());
    }
    Err("the path that it is under must be segments of a URI with `/` between them".into())
}

/// Everything but `/` and what a segment of a path may have (RFC 3986, 3.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// The digest of a file, as entries have it.
pub fn sha256(contents: &[u8]) -> String {
    let mut out = String::from("sha256:");
    for byte in digest(&SHA256, contents).as_ref() {
        out.push_str(&format!("{byte:02x}"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skill() -> Skill {
        Skill::new("refunds", "Refunds: \"how\"\nto — do them")
    }

    #[test]
    fn a_skill_made_of_parts_reads_as_it_was_written() {
        let loaded = load(
            skill()
                .field(
                    "metadata",
                    json!({"version": "1", "n": [1, null, {"a": "b: c"}]}),
                )
                .instructions("# Do it\n")
                .file("b/ü 1.md", "x")
                .file("a.md", "abc")
                .under("acme/billing"),
        )
        .expect("a skill");
        let loaded = loaded.loaded();
        let files: Vec<_> = loaded.files.iter().map(|f| f.uri.as_str()).collect();
        assert_eq!(
            files,
            [
                "skill://acme/billing/refunds/SKILL.md",
                "skill://acme/billing/refunds/a.md",
                "skill://acme/billing/refunds/b/%C3%BC%201.md"
            ]
        );
        let entry = loaded.entry();
        assert_eq!(entry["uri"], files[0]);
        assert_eq!(
            entry["frontmatter"],
            json!({"name": "refunds", "description": "Refunds: \"how\"\nto — do them",
                "metadata": {"version": "1", "n": [1, null, {"a": "b: c"}]}})
        );
        // The digest of "abc" (FIPS 180-2, B.1).
        let abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(
            entry["resources"][1],
            json!({"uri": files[1], "digest": abc, "size": 3})
        );
        assert!(loaded.files[0].contents.ends_with(b"---\n\n# Do it\n"));
    }

    #[test]
    fn a_broken_skill_is_refused() {
        let long = "d".repeat(1025);
        for (skill, why) in [
            (Skill::new("Refunds", "x"), "`name`"),
            (Skill::new("", "x"), "`name`"),
            (Skill::new("a--b", "x"), "`name`"),
            (Skill::new("-a", "x"), "`name`"),
            (Skill::new("a".repeat(65), "x"), "`name`"),
            (Skill::new("a", " "), "`description`"),
            (Skill::new("a", long), "`description`"),
            (Skill::new("a", "x").file("../b", ""), "not the path"),
            (Skill::new("a", "x").file("/b", ""), "not the path"),
            (Skill::new("a", "x").file("b//c", ""), "not the path"),
            (Skill::new("a", "x").file("b", "").file("b", ""), "twice"),
            (
                Skill::new("a", "x").file("b", "").file("b/c", ""),
                "a file too",
            ),
            (Skill::new("a", "x").under("x//y"), "segments"),
            (Skill::new("a", "x").under("x/.."), "segments"),
            (Skill::new("a", "x").under("x?"), "segments"),
            (Skill::new("a", "x").file("SKILL.md", "# No"), "frontmatter"),
            (Skill::new("a", "x").file("SKILL.md", &b"\xff"[..]), "UTF-8"),
            (
                Skill::new("a", "x").file("SKILL.md", "---\nname: b\ndescription: x\n---\n"),
                "another `name`",
            ),
            (Skill::dir("/nowhere/at/all"), "nowhere"),
        ] {
            let error = load(skill).expect_err(why);
            assert!(
                error.is_invalid_definition() && error.message().contains(why),
                "{error}"
            );
        }
        let whole = "---\nname: a\ndescription: x\nlicense: MIT\n---\n";
        let loaded = load(Skill::new("a", "x").file("SKILL.md", whole)).expect("it agrees");
        let loaded = loaded.loaded();
        assert_eq!(loaded.frontmatter["license"], "MIT");
        assert_eq!(loaded.files[0].contents, whole);
    }
}
