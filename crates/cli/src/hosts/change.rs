//! [`Change`]: what installing or uninstalling a server does to a host's file, before it is done.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::edit::{self, Way};
use super::entry::State;
use super::expand::Sources;
use super::ledger::{Ledger, Ours};
use super::mask::Secret;
use super::offer::Offer;
use super::places::Places;
use super::read::{self, Contents, entries, text};
use super::save;
use super::table::{At, File, Format, Host, Scope, Section};

/// A change of a file.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) host: &'static Host,
    pub(crate) scope: Scope,
    /// As it is named; it may be a link.
    pub(crate) path: PathBuf,
    /// The text before; `None` where there is no file.
    pub(crate) old: Option<String>,
    /// The text after; `None` where the file goes.
    pub(crate) new: Option<String>,
    /// What the person should know.
    pub(crate) warnings: Vec<String>,
    format: Format,
    /// Where the path leads.
    file: PathBuf,
    ours: Option<Ours>,
}

impl Change {
    /// Whether everything is as it shall be already.
    pub(crate) fn is_none(&self) -> bool {
        self.old == self.new
    }

    /// Where the file as it was is kept, if there was one and there will be one.
    pub(crate) fn backup(&self) -> Option<PathBuf> {
        (self.old.is_some() && self.new.is_some()).then(|| save::backup(&self.file))
    }

    /// The texts before and after without anything secret, for people to compare.
    pub(crate) fn shown(&self) -> (String, String) {
        let shown = |text: &Option<String>| {
            let text = text.as_deref().unwrap_or_default();
            super::hide::hidden(self.format, text)
        };
        (shown(&self.old), shown(&self.new))
    }

    /// Does it.
    ///
    /// # Errors
    /// Why not. The file is as it was then.
    pub(crate) fn apply(mut self, ledger: &mut Ledger) -> Result<(), String> {
        let before = ledger.of(&self.file).cloned();
        if self.old.is_none() {
            let made = save::folders(&self.file)?;
            if let Some(ours) = &mut self.ours {
                ours.made = Some(made);
            }
        }
        // First what we know of it: after a crash between the two an entry is noted that is not
        // there, which harms nobody.
        ledger.set(&self.file, self.ours.take())?;
        let private = self.scope != Scope::Project;
        let written = save::replace(
            &self.file,
            self.old.as_deref(),
            self.new.as_deref(),
            private,
        );
        if let Err(reason) = written {
            ledger.set(&self.file, before)?;
            return Err(reason);
        }
        if self.new.is_none() {
            // The file was ours, and so is what is beside it.
            let _ = std::fs::remove_file(save::backup(&self.file));
            let made = before.and_then(|ours| ours.made).unwrap_or_default();
            for folder in made.iter().rev() {
                // Only where nothing else is in it.
                if std::fs::remove_dir(folder).is_err() {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// A file of a host that entries are written to, as it is.
struct Found {
    host: &'static Host,
    file: &'static File,
    path: PathBuf,
    real: PathBuf,
    text: Option<String>,
    whole: Value,
    section: [&'static str; 1],
}

/// What a file means; one that has only comments is an empty object, as an empty one is.
fn parse(format: Format, text: &str) -> Result<Value, String> {
    // A file that says `null` is refused where it is edited.
    Ok(match read::parse(format, text)? {
        Value::Null => Value::Object(serde_json::Map::new()),
        whole => whole,
    })
}

/// Finds and reads the file of a host and scope.
fn find(places: &Places, host: &'static Host, scope: Scope) -> Result<Found, String> {
    let file = host
        .files
        .iter()
        .find(|file| file.scope == scope)
        .ok_or_else(|| {
            format!(
                "{} has no file of its own for a {}",
                host.name,
                scope.as_str()
            )
        })?;
    let path = match file.at {
        At::Person(path) => path(places),
        At::Project(path) => {
            let directories = places.project();
            let mut paths = directories.iter().map(|directory| directory.join(path));
            let nearest = paths.find(|path| path.exists());
            let root = directories
                .last()
                .copied()
                .filter(|root| root.join(".git").exists());
            nearest.unwrap_or_else(|| root.unwrap_or(&places.here).join(path))
        }
    };
    let section = match file.section {
        Section::Member(name) => [name],
        Section::OfProject => return Err("entries of one project cannot be written".into()),
    };
    let at = |reason: String| format!("{}: {reason}", places.shown(&path));
    let real = save::real(&path).map_err(at)?;
    let text = text(&real).map_err(at)?;
    let whole = match &text {
        Some(text) => parse(file.format, text).map_err(at)?,
        None => Value::Object(serde_json::Map::new()),
    };
    Ok(Found {
        host,
        file,
        path,
        real,
        text,
        whole,
        section,
    })
}

impl Found {
    fn way<'a>(&'a self, name: &'a str) -> Way<'a> {
        Way {
            section: &self.section,
            name,
        }
    }

    fn entry(&self, name: &str) -> Option<&Value> {
        self.whole.get(self.section[0])?.get(name)
    }

    fn at(&self, places: &Places, reason: &str) -> String {
        format!("{}: {reason}", places.shown(&self.path))
    }

    /// What is ours in it and still there.
    fn ours(&self, ledger: &Ledger) -> Option<Ours> {
        let mut ours = ledger.of(&self.real)?.clone();
        ours.entries.retain(|name, _| self.entry(name).is_some());
        (!ours.entries.is_empty()).then_some(ours)
    }

    fn change(self, new: Option<String>, ours: Option<Ours>) -> Change {
        Change {
            host: self.host,
            scope: self.file.scope,
            path: self.path,
            old: self.text,
            new,
            warnings: Vec::new(),
            format: self.file.format,
            file: self.real,
            ours,
        }
    }
}

/// Puts a server into a host's file.
///
/// # Errors
/// The host cannot have it, the file is not understood, or the name is taken and `force` is not
/// given.
pub(crate) fn install(
    places: &Places,
    ledger: &Ledger,
    (host, scope): (&'static Host, Scope),
    name: &str,
    offer: &Offer,
    force: bool,
) -> Result<Change, String> {
    let value = offer.entry(host)?;
    let found = find(places, host, scope)?;
    let old = found.text.clone().unwrap_or_default();
    let mut ours = found.ours(ledger);
    let taken = found.entry(name).cloned();
    let (text, base) = if taken.as_ref() == Some(&value) {
        (old.clone(), None)
    } else {
        let put = edit::put(found.file.format, &old, found.way(name), &value)
            .map_err(|reason| found.at(places, &reason))?;
        if taken.is_some() && !force {
            let reason = format!(
                "it has a server {name:?} already, and not this one; give this one another name with `--name`, or replace it with `--force`"
            );
            return Err(found.at(places, &reason));
        }
        (put.text, Some(put.base))
    };
    if let Some(base) = base {
        let around = base.around.clone();
        let ours = ours.get_or_insert_with(|| Ours {
            base: super::edit::Base {
                around: None,
                ..base
            },
            entries: std::collections::BTreeMap::new(),
            made: None,
        });
        if taken.is_none() || !ours.entries.contains_key(name) {
            ours.entries.insert(name.to_owned(), around);
        }
    }
    // The text must mean what it meant, and the entry besides.
    let whole = parse(found.file.format, &text).map_err(|reason| found.at(places, &reason))?;
    let mut expected = found.whole.clone();
    if let Some(section) = expected.as_object_mut().and_then(|members| {
        let section = members.entry(found.section[0]);
        section
            .or_insert_with(|| Value::Object(serde_json::Map::new()))
            .as_object_mut()
    }) {
        section.insert(name.to_owned(), value);
    }
    if whole != expected {
        return Err(found.at(
            places,
            "the entry cannot be added without changing the rest",
        ));
    }
    let mut warnings = Vec::new();
    if let Contents::Entries(entries) = entries(host, found.file, &whole, places)
        && let Some(entry) = entries.into_iter().find(|entry| entry.name == name)
    {
        match entry.state {
            State::Enabled => {}
            State::Disabled(reason) => {
                warnings.push(format!("{} does not use it: {reason}", host.name));
            }
            State::Broken(reason) => return Err(found.at(places, &reason)),
        }
    }
    if let Offer::Command { env, .. } = offer
        && !env.is_empty()
    {
        warnings.extend(exposed(places, &found, env));
    }
    let mut change = found.change(Some(text), ours);
    change.warnings = warnings;
    Ok(change)
}

/// What the person should know of values in a file.
fn exposed(places: &Places, found: &Found, env: &[(String, Secret)]) -> Vec<String> {
    let names: Vec<_> = env.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(", ");
    let path = places.shown(&found.path);
    let mut warnings = Vec::new();
    if let Some(mode) = save::mode_for_others(&found.real) {
        warnings.push(format!(
            "others on this machine can read {path} (mode {mode:o}), where the value of {names} stands; `chmod 600 {path}`"
        ));
    }
    if let Some(root) = versioned(&found.real) {
        warnings.push(format!(
            "{path} is under version control ({}), and the value of {names} stands in it; do not commit it",
            places.shown(&root)
        ));
    }
    let sources = Sources {
        places,
        syntax: found.host.variables,
        project: &places.here,
        answers: &|_| None,
    };
    for (name, Secret(value)) in env {
        if value.contains('$') && sources.text(value).as_ref() != Ok(value) {
            warnings.push(format!(
                "{} puts a variable in the place of the `$…` in {name}",
                found.host.name
            ));
        }
    }
    warnings
}

/// The root of the version control that a file is under.
fn versioned(file: &Path) -> Option<PathBuf> {
    let mut folders = file.ancestors().skip(1);
    folders
        .find(|folder| {
            [".git", ".hg", ".jj"]
                .iter()
                .any(|mark| folder.join(mark).exists())
        })
        .map(Path::to_owned)
}

/// Why a server is not taken out.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) reason: String,
    /// Whether the file is known to have it.
    pub(crate) has_it: bool,
}

/// Takes a server out of a host's file. `None` where it is not in it.
///
/// # Errors
/// The file is not understood, or the entry is not ours and `force` is not given.
pub(crate) fn uninstall(
    places: &Places,
    ledger: &Ledger,
    (host, scope): (&'static Host, Scope),
    name: &str,
    force: bool,
) -> Result<Option<Change>, Refused> {
    let refused = |has_it| move |reason| Refused { reason, has_it };
    let found = find(places, host, scope).map_err(refused(false))?;
    if found.entry(name).is_none() {
        return Ok(None);
    }
    let change = without(places, ledger, found, name, force).map_err(refused(true))?;
    Ok(Some(change))
}

/// The change that takes an entry out of a file that has it.
fn without(
    places: &Places,
    ledger: &Ledger,
    found: Found,
    name: &str,
    force: bool,
) -> Result<Change, String> {
    let mut ours = found.ours(ledger);
    let base = ours.as_ref().and_then(|ours| ours.base_of(name));
    if base.is_none() && !force {
        let reason = format!(
            "`wharf install` did not put {name:?} there on this machine; take it out all the same with `--force`"
        );
        return Err(found.at(places, &reason));
    }
    let old = found.text.clone().unwrap_or_default();
    let text = edit::take(found.file.format, &old, found.way(name), base.as_ref())
        .map_err(|reason| found.at(places, &reason))?;
    // The rest must mean what it meant.
    let rest = parse(found.file.format, &text).map_err(|reason| found.at(places, &reason))?;
    let without = |whole: &Value| {
        let mut whole = whole.clone();
        if let Some(members) = whole.as_object_mut() {
            let section = members
                .get_mut(found.section[0])
                .and_then(Value::as_object_mut);
            let empty = section.is_none_or(|section| {
                section.shift_remove(name);
                section.is_empty()
            });
            if empty {
                members.shift_remove(found.section[0]);
            }
        }
        whole
    };
    if rest
        .get(found.section[0])
        .and_then(|it| it.get(name))
        .is_some()
        || without(&rest) != without(&found.whole)
    {
        return Err(found.at(
            places,
            "the entry cannot be taken out without changing the rest",
        ));
    }
    let made = ours.as_ref().is_some_and(|ours| ours.made.is_some());
    if let Some(ours) = &mut ours {
        ours.entries.remove(name);
    }
    let ours = ours.filter(|ours| !ours.entries.is_empty());
    let new = (!made || ours.is_some() || !text.is_empty()).then_some(text);
    Ok(found.change(new, ours))
}
