//! [`Site`]: the open packs of a configuration, in a server's catalog.

use std::path::PathBuf;

use wharf::{CatalogHandle, Changed, ServedPart};

use super::load::{Config, PackConfig};
use super::problem::{Problem, Problems};
use super::{mask, patterns, restart};
use crate::{Pack, Running, Surroundings};

/// The open packs of a configuration, which are what a server serves. Dropped, their work ends;
/// what they offered stays in the catalog.
#[derive(Debug)]
#[must_use = "packs that are dropped are closed"]
pub struct Site {
    catalog: CatalogHandle,
    config: Config,
    open: Vec<Open>,
}

/// A pack that is open.
#[derive(Debug)]
struct Open {
    config: PackConfig,
    /// Its part of the catalog.
    part: CatalogHandle,
    _running: Vec<Running>,
}

/// How much is served.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Served {
    /// What each pack is called: its kind, and what it serves.
    pub packs: Vec<String>,
    /// How many tools.
    pub tools: usize,
    /// How many resources and templates, without those that are listed page by page.
    pub resources: usize,
    /// How many prompts.
    pub prompts: usize,
    /// Whether clients may ask a model.
    pub model: bool,
}

/// What a reload did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reloaded {
    /// The packs that were opened, as [`Served::packs`] calls them.
    pub opened: Vec<String>,
    /// The packs that were closed.
    pub closed: Vec<String>,
    /// Which lists are different.
    pub changed: Changed,
    /// The keys whose change needs a restart.
    pub restart: Vec<&'static str>,
}

impl Reloaded {
    /// Whether there is anything to say.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

impl Site {
    /// Opens all packs of a configuration and serves what they offer in a catalog.
    ///
    /// # Errors
    /// Everything that is wrong with the packs, and what of them contradicts each other.
    pub async fn open(config: Config, catalog: &CatalogHandle) -> Result<Self, Problems> {
        let nothing = Config {
            packs: Vec::new(),
            ..config.clone()
        };
        let mut site = Self {
            catalog: catalog.clone(),
            config: nothing,
            open: Vec::new(),
        };
        site.reload(config).await?;
        Ok(site)
    }

    /// Serves another configuration: opens the packs that are new, keeps those that are the same,
    /// then changes the catalog at once, then closes what is not served any more. Sessions, calls
    /// and streams go on; a call that runs keeps what it began with.
    ///
    /// Not cancel safe: a reload that is dropped changes nothing, but may have opened packs.
    ///
    /// # Errors
    /// Everything that is wrong with it; then all is as before.
    pub async fn reload(&mut self, config: Config) -> Result<Reloaded, Problems> {
        let mut problems = Problems::default();
        let mut kept: Vec<Option<usize>> = Vec::new();
        let mut new: Vec<Open> = Vec::new();
        for pack in &config.packs {
            let same = self
                .open
                .iter()
                .enumerate()
                .position(|(index, open)| open.config == *pack && !kept.contains(&Some(index)));
            kept.push(same);
            if same.is_none() {
                match open(pack, &self.catalog).await {
                    Ok(open) => new.push(open),
                    Err(problem) => problems.add(problem),
                }
            }
        }
        if problems.is_empty() {
            self.check(&config, &kept, &new, &mut problems);
        }
        problems.into_result()?;

        let mut new = new.into_iter();
        let mut old: Vec<Option<Open>> = std::mem::take(&mut self.open)
            .into_iter()
            .map(Some)
            .collect();
        let mut opened = Vec::new();
        for (pack, kept) in config.packs.iter().zip(&kept) {
            let mut open = match kept {
                Some(index) => old.get_mut(*index).and_then(Option::take),
                None => new.next().inspect(|_| opened.push(pack.called())),
            };
            if let Some(open) = &mut open {
                open.config = pack.clone();
            }
            self.open.extend(open);
        }
        let changed = match self.serve(&config) {
            Ok(changed) => changed,
            Err(error) => {
                // The catalog is as it was, and so must be what is open.
                let now = std::mem::take(&mut self.open);
                self.open = restore(now, old, &kept);
                return Err(self.clash(&config, error.message()));
            }
        };
        let closed = old
            .iter()
            .flatten()
            .map(|open| open.config.called())
            .collect();
        // Only now, when nothing of it is served any more.
        drop(old);
        let restart = restart::needed(&self.config, &config);
        self.config = config;
        Ok(Reloaded {
            opened,
            closed,
            changed,
            restart,
        })
    }

    /// What can only be seen of all packs together.
    fn check(
        &self,
        config: &Config,
        kept: &[Option<usize>],
        new: &[Open],
        problems: &mut Problems,
    ) {
        let mut new = new.iter();
        let open = kept.iter().filter_map(|kept| match kept {
            Some(index) => self.open.get(*index),
            None => new.next(),
        });
        let parts: Vec<_> = config
            .packs
            .iter()
            .zip(open.map(|open| &open.part))
            .collect();
        patterns::check(config, &parts, problems);
    }

    fn serve(&self, config: &Config) -> wharf::Result<Changed> {
        let parts = self.open.iter().map(|open| {
            let filter = patterns::Filter::of(config, &open.config);
            ServedPart::new(open.part.clone()).admit(move |tool| filter.admits(tool))
        });
        self.catalog.set_parts(parts.collect::<Vec<_>>())
    }

    /// Two packs that cannot be served together for another reason than their tools.
    fn clash(&self, config: &Config, why: &str) -> Problems {
        match config.packs.last() {
            Some(last) => problem(last, why).next(PREFIX).into(),
            None => Problem::of_file(super::FILE_NAME, why).into(),
        }
    }

    /// How much is served.
    pub fn served(&self) -> Served {
        let catalog = self.catalog.load();
        Served {
            packs: self.open.iter().map(|open| open.config.called()).collect(),
            tools: catalog.tools().len(),
            resources: catalog.resources().len() + catalog.templates().len(),
            prompts: catalog.prompts().len(),
            model: catalog.model().is_some(),
        }
    }

    /// What is served.
    pub fn config(&self) -> &Config {
        &self.config
    }
}

/// What to do about two of the same name.
pub(super) const PREFIX: &str = "give one of them a `prefix`";

/// Puts packs back to where they were.
fn restore(now: Vec<Open>, mut old: Vec<Option<Open>>, kept: &[Option<usize>]) -> Vec<Open> {
    for (open, kept) in now.into_iter().zip(kept) {
        if let Some(place) = kept.and_then(|index| old.get_mut(index)) {
            *place = Some(open);
        }
    }
    old.into_iter().flatten().collect()
}

/// Opens one pack, aside from what is served.
async fn open(pack: &PackConfig, catalog: &CatalogHandle) -> Result<Open, Problem> {
    let part = catalog.part(&pack.common.prefix);
    let at = Surroundings {
        catalog: part.clone(),
        base: PathBuf::clone(&pack.base),
    };
    let opened = pack.options.open(&at).await;
    let Pack { items, running } = opened.map_err(|error| problem(pack, &error.to_string()))?;
    let added = part.update(|edit| edit.add_items(items));
    added.map_err(|error| problem(pack, error.message()))?;
    Ok(Open {
        config: pack.clone(),
        part,
        _running: running,
    })
}

/// Why a pack cannot be opened, without the values of `${…}`.
pub(super) fn problem(pack: &PackConfig, why: &str) -> Problem {
    let why = mask::reason(why, &pack.place.values.0)
        .unwrap_or_else(|| "for a reason that would show what `${…}` stands for".into());
    Problem::new(&pack.place.source, &pack.place.main, why)
}
