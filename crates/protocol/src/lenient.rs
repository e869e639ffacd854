//! Reading what peers really send: `null` for "absent", and names from revisions still to come.

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::Value;

use crate::revision::Revision;

/// `null` is read as the default, as an absent member is. Several SDKs write `null` for "none".
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// A capability that is declared by being there, whatever its object holds.
pub(crate) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<IgnoredAny>::deserialize(deserializer)?.is_some())
}

/// The revisions we know of those that are named; the others are skipped, so that a peer that
/// speaks a newer one can still be talked to.
pub(crate) fn known_revisions<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Revision>, D::Error> {
    let names = Vec::<Value>::deserialize(deserializer)?;
    Ok(names
        .iter()
        .filter_map(|name| Revision::parse(name.as_str()?))
        .collect())
}
