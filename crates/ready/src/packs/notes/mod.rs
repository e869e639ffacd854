//! The notes pack: notes in an SQLite file, as resources `note:///{id}`, with tools to write and to
//! find them and a prompt that hands all of them to a model.

mod answer;
mod database;
mod listing;
mod options;
mod prompt;
mod resources;
mod search;
mod store;
mod tools;
mod watch;

use std::sync::Arc;

use wharf::Items;

pub use self::options::{Confirm, Format, Options};
use self::store::Store;
use crate::{Error, Pack, Result, Surroundings};

/// Opens the file of the notes, and makes it where there is none.
///
/// Several processes may have the same file open. What another one changes is in every answer from
/// then on, and clients are told of it within [two seconds](watch::EVERY).
///
/// # Errors
/// [`Error::is_invalid`]: limits that contradict each other, or a file of something else.
/// [`Error::is_unavailable`]: the file cannot be opened or made.
pub async fn open(options: &Options, at: &Surroundings) -> Result<Pack> {
    open_inner(options, at)
        .await
        .map_err(|error| error.context("notes"))
}

async fn open_inner(options: &Options, at: &Surroundings) -> Result<Pack, Error> {
    options.check()?;
    let place = options.place(at)?;
    let database = database::open(&place).await?;
    let store = Arc::new(Store::new(database, options.clone(), at.catalog.clone()));
    let items = Items::new()
        .and(tools::items(&store))
        .resource(resources::template(&store))
        .listing(listing::Notes(Arc::clone(&store)))
        .prompt(prompt::summarize(&store));
    let running = watch::running(&store, &place).await?;
    Ok(Pack { items, running })
}

#[cfg(test)]
mod tests;
