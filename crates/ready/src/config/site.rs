//! [`Site`]: the open packs of a configuration, in a server's catalog.

use wharf::CatalogHandle;

use super::load::{Config, PackConfig};
use super::mask;
use super::problem::{Problem, Problems};
use crate::{Pack, Running, Surroundings};

/// The open packs of a configuration. Dropped, their work ends.
#[derive(Debug)]
#[must_use = "packs that are dropped are closed"]
pub struct Site {
    config: Config,
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    _running: Vec<Running>,
}

/// How much is served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Served {
    /// The kinds of packs, in their order.
    pub packs: Vec<String>,
}

impl Site {
    /// Opens all packs of a configuration and puts what they offer into a catalog.
    ///
    /// # Errors
    /// Every pack that cannot be opened.
    pub async fn open(config: Config, catalog: &CatalogHandle) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let mut open = Vec::new();
        for pack in &config.packs {
            let at = Surroundings {
                catalog: catalog.clone(),
                base: pack.base.clone(),
            };
            match pack.options.open(&at).await {
                Ok(Pack { items, running }) => {
                    let items = items.prefixed(&pack.common.prefix);
                    let added = catalog.update(|edit| edit.add_items(items));
                    if let Err(error) = added {
                        problems.add(problem(pack, error.message()));
                    }
                    open.push(Open { _running: running });
                }
                Err(error) => problems.add(problem(pack, &error.to_string())),
            }
        }
        problems.into_result()?;
        Ok(Self { config, open })
    }

    /// How much is served.
    pub fn served(&self) -> Served {
        debug_assert_eq!(self.open.len(), self.config.packs.len());
        let names = self.config.packs.iter().map(|pack| pack.options.kind().name());
        Served {
            packs: names.map(str::to_owned).collect(),
        }
    }
}

/// Why a pack cannot be opened, without the values of `${…}`.
fn problem(pack: &PackConfig, why: &str) -> Problem {
    let kind = pack.options.kind().name();
    let why = mask::reason(why, &pack.place.values.0)
        .unwrap_or_else(|| "for a reason that would show what `${…}` stands for".into());
    Problem::new(
        &pack.place.source,
        &pack.place.main,
        format!("the pack `{kind}` cannot be opened: {why}"),
    )
}
