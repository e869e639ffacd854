//! The skills pack: a directory of skills, as resources under `skill://` and in the lists of the
//! extension `io.modelcontextprotocol/skills`.

mod options;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use wharf::{CatalogHandle, Items, LoadedSkill, Skill};

pub use self::options::Options;
use super::reload::{self, Reload};
use crate::{Error, Pack, Result, Surroundings};

/// Reads the skills of a directory: every directory in it that holds a `SKILL.md`, or the directory
/// itself if it is a skill.
///
/// A skill that is broken is logged and left out; the others are served. When something changes
/// beneath the directory, it is read again, and clients are told of what is different: a skill that
/// is broken then is served as it was.
///
/// # Errors
/// [`Error::is_unavailable`]: the directory cannot be read. [`Error::is_invalid`]: `under` is no
/// path of a URI.
pub async fn open(options: &Options, at: &Surroundings) -> Result<Pack> {
    let place = Place {
        path: at.path(&options.path),
        under: options.under.clone().unwrap_or_default(),
    };
    check(&place.under).map_err(|error| error.context("skills"))?;
    let skills = place.read(&[]).await;
    let skills = skills.map_err(|error| error.context("skills"))?;
    let mut items = Items::new();
    items.skills = Some(skills.iter().map(|known| known.skill.clone()).collect());
    let mut pack = Pack::from(items);
    if options.watch {
        let path = place.path.clone();
        let served = Served {
            place,
            catalog: at.catalog.clone(),
            skills,
            own: Vec::new(),
        };
        pack.running.extend(reload::watching(&path, served));
    }
    Ok(pack)
}

/// A skill is loaded under the prefix, to see whether any can be.
fn check(under: &str) -> Result<()> {
    let probe = Skill::new("probe", "A probe.").under(under);
    probe.load().map(drop).map_err(|_| {
        Error::invalid(
            "`under` must be segments of a URI with `/` between them, such as `acme/billing`",
        )
    })
}

#[derive(Debug, Clone)]
struct Place {
    path: PathBuf,
    under: String,
}

impl Place {
    /// Reads all skills. One that is broken stays what it was before.
    async fn read(&self, before: &[Known]) -> Result<Vec<Known>> {
        let (place, before) = (self.clone(), before.to_vec());
        let reading = tokio::task::spawn_blocking(move || place.read_now(&before)).await;
        reading.map_err(|error| Error::unavailable("they could not be read").because(error))?
    }

    fn read_now(&self, before: &[Known]) -> Result<Vec<Known>> {
        let mut all: Vec<Known> = Vec::new();
        for skill in found(&self.path)? {
            let directory = skill.directory().map(Path::to_owned).unwrap_or_default();
            let known = before.iter().find(|known| known.directory == directory);
            let skill = match (skill.under(&self.under).load(), known) {
                // The same as before is the one of before, so that it is known again.
                (Ok(skill), Some(known)) if known.skill.is_like(&skill) => known.skill.clone(),
                (Ok(skill), _) => skill,
                (Err(error), Some(known)) => {
                    tracing::warn!(%error, "a skill is served as it was");
                    known.skill.clone()
                }
                (Err(error), None) => {
                    tracing::warn!(%error, "a skill is left out");
                    continue;
                }
            };
            if all.iter().any(|other| other.skill.uri() == skill.uri()) {
                tracing::warn!(
                    skill = skill.name(),
                    "a skill of this name is there already"
                );
                continue;
            }
            all.push(Known { directory, skill });
        }
        Ok(all)
    }
}

/// A skill, and where it was read.
#[derive(Debug, Clone)]
struct Known {
    directory: PathBuf,
    skill: LoadedSkill,
}

fn found(path: &Path) -> Result<Vec<Skill>> {
    if path.join("SKILL.md").is_file() {
        return Ok(vec![Skill::dir(path)]);
    }
    Skill::all_in(path).map_err(|error| Error::unavailable(error.message()))
}

/// What is served of a directory.
struct Served {
    place: Place,
    catalog: CatalogHandle,
    skills: Vec<Known>,
    /// Those that were put into the catalog here, and must be taken out of it at the end.
    own: Vec<LoadedSkill>,
}

impl Reload for Served {
    async fn reload(&mut self) {
        match self.place.read(&self.skills).await {
            Ok(skills) => self.serve(skills),
            Err(error) => tracing::warn!(%error, "skills are served as they were"),
        }
    }
}

impl Served {
    fn serve(&mut self, after: Vec<Known>) {
        let same = |a: &Known, b: &Known| a.skill.is(&b.skill);
        let new: Vec<&Known> = after
            .iter()
            .filter(|skill| !self.skills.iter().any(|known| same(known, skill)))
            .collect();
        let has = |uri: &str| after.iter().any(|known| known.skill.uri() == uri);
        let before = self.skills.iter().map(|known| known.skill.uri());
        let gone: Vec<String> = before.filter(|uri| !has(uri)).collect();
        if gone.is_empty() && new.is_empty() {
            return;
        }
        let updated = self.catalog.update(|edit| {
            for uri in &gone {
                edit.remove_skill(uri);
            }
            for known in &new {
                edit.add_skill(known.skill.clone());
            }
        });
        if let Err(error) = updated {
            tracing::warn!(%error, "skills are served as they were");
            return;
        }
        for uri in self.changed(&new) {
            self.catalog.notify_resource_updated(&uri);
        }
        self.own
            .extend(new.into_iter().map(|known| known.skill.clone()));
        self.own
            .retain(|own| after.iter().any(|known| known.skill.is(own)));
        self.skills = after;
    }

    /// Files that were there before and are not the same.
    fn changed(&self, new: &[&Known]) -> Vec<String> {
        let before = self.skills.iter().flat_map(|known| known.skill.files());
        let before: HashMap<&str, &str> = before.collect();
        let files = new.iter().flat_map(|known| known.skill.files());
        let changed =
            files.filter(|(uri, digest)| before.get(uri).is_some_and(|before| before != digest));
        changed.map(|(uri, _)| uri.to_owned()).collect()
    }
}

/// What was added after the start goes with the pack, unless somebody else has put theirs in place.
impl Drop for Served {
    fn drop(&mut self) {
        if self.own.is_empty() {
            return;
        }
        let removed = self.catalog.update(|edit| {
            let there = edit.skills().to_vec();
            let is_own = |skill: &&LoadedSkill| self.own.iter().any(|own| own.is(skill));
            for skill in there.iter().filter(is_own) {
                edit.remove_skill(&skill.uri());
            }
        });
        if let Err(error) = removed {
            tracing::debug!(%error, "skills were not taken away");
        }
    }
}

#[cfg(test)]
mod tests;
