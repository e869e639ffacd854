//! The starter as a pack, to serve it beside others.

use crate::{Pack, Result, Surroundings};

/// A small example of everything that a server can offer.
#[derive(Debug, Clone, PartialEq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {}

/// The starter's items.
///
/// # Errors
/// None.
pub async fn open(_: &Options, _: &Surroundings) -> Result<Pack> {
    Ok(crate::starter_items().into())
}
