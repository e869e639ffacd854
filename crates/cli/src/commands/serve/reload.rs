//! Keeps a server as its file says, while it runs.

use std::path::PathBuf;
use std::sync::Arc;

use wharf_ready::config::{Config, Given, Problems, Reloaded, Site, Watch};

use super::Args;
use super::operate::Operation;
use crate::failure::Failure;
use crate::log::Format;
use crate::show::problems::{count, say_problems};
use crate::signal::ReloadSignal;
use crate::terminal::{DIM, STRONG, say, styled};

/// What is served, and the work that keeps it so. Dropped, the packs are closed.
pub(super) struct Kept {
    _site: Option<Site>,
    keeper: Option<tokio::task::JoinHandle<()>>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(keeper) = &self.keeper {
            keeper.abort();
        }
    }
}

/// Begins to take changes of the file, if there is one.
pub(super) fn keep(
    site: Site,
    watch: Option<Watch>,
    operation: &Arc<Operation>,
    args: &Args,
) -> Result<Kept, Failure> {
    let given = args.given();
    let (Some(file), Some(watch)) = (given.file.clone(), watch) else {
        return Ok(Kept {
            _site: Some(site),
            keeper: None,
        });
    };
    let signal = ReloadSignal::new()
        .map_err(|error| Failure::new(format!("cannot wait for signals: {error}")))?;
    let keeper = Keeper {
        site,
        given,
        file,
        format: args.log_format,
        operation: Arc::clone(operation),
    };
    Ok(Kept {
        _site: None,
        keeper: Some(tokio::spawn(keeper.run(watch, signal))),
    })
}

struct Keeper {
    site: Site,
    given: Given,
    file: PathBuf,
    format: Format,
    operation: Arc<Operation>,
}

impl Keeper {
    async fn run(mut self, mut watch: Watch, mut signal: ReloadSignal) {
        loop {
            let asked = tokio::select! {
                () = watch.changed() => false,
                () = signal.wait() => true,
            };
            let reloaded = match Config::load(&self.given) {
                Ok(config) => self.site.reload(config).await,
                Err(problems) => Err(problems),
            };
            self.operation.reloaded(reloaded.is_ok());
            match reloaded {
                Ok(reloaded) => {
                    self.taken(&reloaded, asked);
                    self.operate().await;
                }
                Err(problems) => self.refused(&problems),
            }
        }
    }

    /// Has tokens and the like taken over too.
    async fn operate(&self) {
        let operation = Arc::clone(&self.operation);
        let settings = self.site.config().settings.clone();
        let work = tokio::task::spawn_blocking(move || operation.reload(Some(&settings)));
        if let Ok(Err(failure)) = work.await {
            match self.format {
                Format::Text => crate::terminal::error(failure),
                Format::Json => tracing::error!(error = %failure, "this stays as it was"),
            }
        }
    }

    fn taken(&self, reloaded: &Reloaded, asked: bool) {
        let file = self.file.display();
        let what = told(reloaded);
        match self.format {
            Format::Json => tracing::info!(%file, what, "the configuration was read again"),
            Format::Text if !reloaded.any() && !asked => {}
            Format::Text => say(format_args!(
                "{} {what}",
                styled(STRONG, format_args!("{file}:"))
            )),
        }
    }

    fn refused(&self, problems: &Problems) {
        let file = self.file.display();
        let count = count(problems);
        match self.format {
            Format::Text => {
                say_problems(problems);
                let why = format!("{file} has {count}: what was served before goes on");
                say(styled(DIM, why));
            }
            Format::Json => {
                for problem in problems {
                    let (place, reason) = (problem.place(), &problem.reason);
                    tracing::error!(
                        place,
                        reason,
                        next = problem.next,
                        "a problem of the configuration"
                    );
                }
                tracing::error!(%file, count, "the configuration is not taken: what was served before goes on");
            }
        }
    }
}

/// What is different, on one line.
fn told(reloaded: &Reloaded) -> String {
    let mut parts = Vec::new();
    for (what, packs) in [("opened", &reloaded.opened), ("closed", &reloaded.closed)] {
        if !packs.is_empty() {
            parts.push(format!("{what} {}", packs.join(", ")));
        }
    }
    let changed = reloaded.changed;
    let lists = [
        ("tools", changed.tools),
        ("resources", changed.resources),
        ("prompts", changed.prompts),
    ];
    let lists: Vec<_> = lists
        .iter()
        .filter_map(|(name, is)| is.then_some(*name))
        .collect();
    if !lists.is_empty() {
        parts.push(format!("other {}", lists.join(", ")));
    }
    if !reloaded.restart.is_empty() {
        let keys = reloaded.restart.join(", ");
        parts.push(format!("{keys}: only after a restart"));
    }
    match parts.is_empty() {
        true => "read again, nothing is different".to_owned(),
        false => parts.join("; "),
    }
}
