//! The prompts in a server, and how they change with the directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Semaphore;
use wharf::{
    Catalog, CatalogHandle, CatalogSettings, Context, Items, Message, Prompt, PromptArguments,
    PromptEntry,
};

use super::load::{self, Loaded, Read};
use crate::packs::reload::Reload;
use crate::{Error, Result};

/// How many prompts of a directory are rendered at once.
const AT_ONCE: usize = 4;
/// How long the arguments of a prompt may be together, in bytes.
const MAX_ARGUMENTS: usize = 1 << 20;

/// What is served of a directory.
pub(super) struct Served {
    path: PathBuf,
    catalog: CatalogHandle,
    prompts: BTreeMap<String, Arc<Loaded>>,
    /// Those that were put into the catalog here, and must be taken out of it at the end.
    own: BTreeMap<String, Arc<PromptEntry>>,
    places: Arc<Semaphore>,
}

impl Served {
    pub(super) async fn open(path: &Path, catalog: CatalogHandle) -> Result<Self> {
        Ok(Self {
            prompts: read(path).await?.prompts,
            path: path.to_owned(),
            catalog,
            own: BTreeMap::new(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    pub(super) fn items(&self) -> Items {
        let mut items = Items::new();
        for loaded in self.prompts.values() {
            items = items.prompt(prompt(loaded, &self.places));
        }
        items
    }

    fn serve(&mut self, read: Read) {
        let Read {
            prompts: mut after,
            broken,
        } = read;
        for name in broken {
            if let Some(before) = self.prompts.get(&name) {
                tracing::warn!(prompt = %load::shown(&name), "a prompt is served as it was");
                after.insert(name, Arc::clone(before));
            }
        }
        let gone = self
            .prompts
            .keys()
            .filter(|name| !after.contains_key(*name));
        let gone: Vec<String> = gone.cloned().collect();
        let mut added = BTreeMap::new();
        // All of them: what they include may be different, which nobody sees from here.
        let updated = self.catalog.update(|edit| {
            for name in &gone {
                edit.remove_prompt(name);
            }
            for (name, loaded) in &after {
                edit.add_prompt(prompt(loaded, &self.places));
                if let Some(entry) = edit.prompt(name) {
                    added.insert(name.clone(), Arc::clone(entry));
                }
            }
        });
        match updated {
            Ok(_) => (self.prompts, self.own) = (after, added),
            Err(error) => tracing::warn!(%error, "prompts are served as they were"),
        }
    }
}

impl Reload for Served {
    async fn reload(&mut self) {
        match read(&self.path).await {
            Ok(read) => self.serve(read),
            Err(error) => tracing::warn!(%error, "prompts are served as they were"),
        }
    }
}

/// What was added after the start goes with the pack, unless somebody else has put theirs in place.
impl Drop for Served {
    fn drop(&mut self) {
        if self.own.is_empty() {
            return;
        }
        let removed = self.catalog.update(|edit| {
            for (name, own) in &self.own {
                if edit
                    .prompt(name)
                    .is_some_and(|there| Arc::ptr_eq(there, own))
                {
                    edit.remove_prompt(name);
                }
            }
        });
        if let Err(error) = removed {
            tracing::debug!(%error, "prompts were not taken away");
        }
    }
}

async fn read(path: &Path) -> Result<Read> {
    let path = path.to_owned();
    let reading = tokio::task::spawn_blocking(move || {
        let mut read = load::read(&path)?;
        let refused = |name: &String, why: &wharf::Error| {
            tracing::warn!(prompt = %load::shown(name), %why, "a prompt is left out");
        };
        // One that the catalog would refuse must not take the others with it.
        read.prompts.retain(|name, loaded| match check(loaded) {
            Ok(()) => true,
            Err(why) => {
                refused(name, &why);
                false
            }
        });
        Ok(read)
    });
    let read = reading.await;
    read.map_err(|error| Error::unavailable("they could not be read").because(error))?
}

fn check(loaded: &Arc<Loaded>) -> wharf::Result<()> {
    let items = Items::new().prompt(prompt(loaded, &Arc::new(Semaphore::new(1))));
    Catalog::build(items, CatalogSettings::default()).map(drop)
}

fn prompt(loaded: &Arc<Loaded>, places: &Arc<Semaphore>) -> Prompt {
    let mut prompt = Prompt::new(&loaded.name);
    if let Some(title) = &loaded.title {
        prompt = prompt.title(title);
    }
    if let Some(description) = &loaded.description {
        prompt = prompt.description(description);
    }
    for given in &loaded.arguments {
        prompt = prompt
            .argument(given.argument.clone())
            .complete(&given.argument.name, &given.complete);
    }
    let (loaded, places) = (Arc::clone(loaded), Arc::clone(places));
    prompt.raw_handler(move |given: PromptArguments, _: Context| {
        let (loaded, places) = (Arc::clone(&loaded), Arc::clone(&places));
        async move { get(loaded, &places, &given).await }
    })
}

async fn get(
    loaded: Arc<Loaded>,
    places: &Arc<Semaphore>,
    given: &PromptArguments,
) -> wharf::Result<Vec<Message>> {
    let mut arguments = BTreeMap::new();
    for known in &loaded.arguments {
        let name = &known.argument.name;
        let value = given.get(name).unwrap_or(&known.default);
        arguments.insert(name.clone(), value.to_owned());
    }
    let bytes: usize = arguments.values().map(String::len).sum();
    if bytes > MAX_ARGUMENTS {
        return Err(wharf::Error::invalid_params(format_args!(
            "the arguments have {bytes} bytes, and may have {MAX_ARGUMENTS}"
        )));
    }
    let place = Arc::clone(places).acquire_owned().await?;
    let rendering = tokio::task::spawn_blocking(move || {
        // Kept until the end, also when nobody waits any more.
        let _place = place;
        loaded.messages(&arguments)
    });
    let messages = rendering.await?.map_err(|wrong| {
        let wrong = load::shown(&wrong.to_string());
        tracing::warn!(wrong, "a prompt cannot be made");
        wharf::Error::new(wrong)
    })?;
    Ok(messages.into_iter().map(Message::from).collect())
}
