//! Revisions of the protocol: the one place that knows their names and their order.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A released revision of the Model Context Protocol, ordered from the oldest to the newest.
///
/// The revisions up to [`Revision::LATEST_LEGACY`] open a connection with `initialize`; the ones
/// after it carry the revision in every request (spec 2026-07-28, basic/lifecycle).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// `2024-11-05`: the first one.
    V2024_11_05,
    /// `2025-03-26`: Streamable HTTP, audio, tool annotations, completions capability.
    V2025_03_26,
    /// `2025-06-18`: structured results, resource links, elicitation, titles.
    V2025_06_18,
    /// `2025-11-25`: icons, URL elicitation, tools in sampling, tasks.
    V2025_11_25,
    /// `2026-07-28`: stateless requests, multi-round-trip results, subscriptions.
    V2026_07_28,
}

impl Revision {
    /// All revisions, oldest first.
    pub const ALL: [Self; 5] = [
        Self::V2024_11_05,
        Self::V2025_03_26,
        Self::V2025_06_18,
        Self::V2025_11_25,
        Self::V2026_07_28,
    ];

    /// The newest revision.
    pub const LATEST: Self = Self::V2026_07_28;

    /// The newest revision that is opened by `initialize`.
    pub const LATEST_LEGACY: Self = Self::V2025_11_25;

    /// The name on the wire, such as `2025-11-25`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The revision with this name on the wire; `None` when there is none.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|revision| revision.as_str() == name)
    }

    /// Whether requests carry the revision themselves, instead of a handshake before them.
    #[must_use]
    pub const fn is_modern(self) -> bool {
        matches!(self, Self::V2026_07_28)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Revision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Revision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl de::Visitor<'_> for Name {
            type Value = Revision;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a protocol revision, such as \"2025-11-25\"")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<Revision, E> {
                Revision::parse(name)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(name), &self))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_ordered() {
        for revision in Revision::ALL {
            assert_eq!(Revision::parse(revision.as_str()), Some(revision));
            let json = serde_json::to_string(&revision).expect("a string");
            assert_eq!(json, format!("\"{revision}\""));
            assert_eq!(
                serde_json::from_str::<Revision>(&json).expect("its own name"),
                revision
            );
        }
        assert!(
            Revision::ALL
                .windows(2)
                .all(|w| w[0] < w[1] && w[0].as_str() < w[1].as_str())
        );
        assert_eq!(Revision::parse("2025-11-2"), None);
        assert!(serde_json::from_str::<Revision>("\"2024-10-07\"").is_err());
    }

    #[test]
    fn only_the_newest_is_modern() {
        assert!(Revision::LATEST.is_modern());
        assert!(!Revision::LATEST_LEGACY.is_modern());
        assert_eq!(Revision::ALL.iter().filter(|r| r.is_modern()).count(), 1);
    }
}
