//! The llm pack: a language model that clients may ask.
//!
//! It answers `sampling/createMessage` of a client in every revision, and has the tool `ask_llm`.
//! What the model says goes to the client piece by piece, as progress, where the client asked for
//! progress. [`Llm`] is the same model without a server.

mod calls;
mod echo;
mod model;
mod names;
mod options;
mod provider;
mod relay;
mod remote;
mod request;
mod serve;

pub use model::{Answer, Llm};
pub use options::{Options, Provider};

use wharf::Items;

use crate::{Pack, Result, Surroundings};

/// Opens the pack. Nothing is sent to the provider before a client asks.
///
/// # Errors
/// Options that do not fit together, such as a provider without a model or a key.
pub async fn open(options: &Options, _: &Surroundings) -> Result<Pack> {
    Ok(items(Llm::new(options)?).into())
}

/// What a server with this model offers.
pub fn items(llm: Llm) -> Items {
    Items::new()
        .tool(serve::tool(&llm))
        .model(serve::Model(llm))
}

#[cfg(test)]
mod tests;
