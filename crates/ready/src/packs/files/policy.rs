//! [`Policy`]: what of the directory is there for clients.

use std::ffi::OsStr;
use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::options::Options;
use super::rules::Rules;

/// How the files begin that a write puts beside the one it replaces.
pub(super) const TEMPORARY: &str = ".wharf-tmp-";

/// What of the directory is there for clients. What is not there can be neither listed nor reached.
#[derive(Debug)]
pub(super) struct Policy {
    hidden: bool,
    ignore: bool,
    include: Option<GlobSet>,
    exclude: GlobSet,
}

impl Policy {
    /// # Errors
    /// Which glob is wrong, and why.
    pub(super) fn new(options: &Options) -> Result<Self, String> {
        let include = match options.include.is_empty() {
            true => None,
            false => Some(glob_set(&options.include, "include")?),
        };
        Ok(Self {
            hidden: options.hidden,
            ignore: options.ignore,
            include,
            exclude: glob_set(&options.exclude, "exclude")?,
        })
    }

    /// Whether ignore files are obeyed.
    pub(super) fn reads_rules(&self) -> bool {
        self.ignore
    }

    /// Why a path is not there, given that its directory is; `None` if it is.
    pub(super) fn hides(&self, path: &Path, is_dir: bool, rules: &Rules) -> Option<&'static str> {
        let name = path.file_name()?;
        if let Some(why) = self.hides_name(name) {
            return Some(why);
        }
        if self.exclude.is_match(path) {
            return Some("it is excluded from what is served");
        }
        if let (false, Some(include)) = (is_dir, &self.include)
            && !include.is_match(path)
        {
            return Some("it is not among the files that are served");
        }
        (self.ignore && rules.ignore(path, is_dir))
            .then_some("a .gitignore or .ignore file leaves it out")
    }

    fn hides_name(&self, name: &OsStr) -> Option<&'static str> {
        let name = name.as_encoded_bytes();
        if name.starts_with(b".") && !self.hidden {
            return Some("hidden files are not served");
        }
        let own = name.starts_with(TEMPORARY.as_bytes()) || (self.ignore && name == b".git");
        own.then_some("it is not served")
    }
}

/// A glob as a client or the options write it: without a slash it is about the name alone.
///
/// # Errors
/// Why it is wrong.
pub(super) fn glob(pattern: &str) -> Result<globset::Glob, String> {
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
    let everywhere = match pattern.trim_end_matches('/').contains('/') {
        true => pattern
            .trim_start_matches('/')
            .trim_end_matches('/')
            .to_owned(),
        false => format!("**/{}", pattern.trim_end_matches('/')),
    };
    if everywhere.len() > 1000 {
        return Err("a glob is longer than 1000 bytes".into());
    }
    GlobBuilder::new(&everywhere)
        .literal_separator(true)
        .build()
        .map_err(|error| error.kind().to_string())
}

fn glob_set(patterns: &[String], option: &str) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let wrong = |why| format!("`{option}`: the glob `{pattern}` is wrong: {why}");
        set.add(glob(pattern).map_err(wrong)?);
    }
    set.build().map_err(|error| format!("`{option}`: {error}"))
}
