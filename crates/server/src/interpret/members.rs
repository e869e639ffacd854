//! [`Members`]: the members of a JSON object, as they were written.

use indexmap::IndexMap;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

/// The members of a JSON object, in their order. Values stay the text that they were: what is
/// passed on is passed on as it came, numbers too.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Members(IndexMap<String, Box<RawValue>>);

impl Members {
    /// No members.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is a member of this name, whatever its value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A member as it is written; `None` if it is not there, or `null`.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&RawValue> {
        let raw = self.0.get(name)?;
        (raw.get() != "null").then_some(raw)
    }

    /// Reads a member; `None` if it is not there, or `null`.
    ///
    /// # Errors
    /// It is something else than a `T`.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> serde_json::Result<Option<T>> {
        let raw = self.raw(name);
        raw.map(|raw| serde_json::from_str(raw.get())).transpose()
    }

    /// Sets a member. What cannot be written as JSON is left out.
    pub fn set(&mut self, name: &str, value: impl Serialize) {
        match to_raw_value(&value) {
            Ok(raw) => {
                self.0.insert(name.to_owned(), raw);
            }
            Err(error) => tracing::error!(%error, member = name, "a member cannot be written"),
        }
    }

    /// The same, for building.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        self.set(name, value);
        self
    }

    /// Sets a member unless it is there already.
    pub fn set_default(&mut self, name: &str, value: impl Serialize) {
        if !self.has(name) {
            self.set(name, value);
        }
    }

    /// Takes a member out, as it is written; `None` if it was not there, or `null`.
    pub fn take(&mut self, name: &str) -> Option<Box<RawValue>> {
        let raw = self.0.shift_remove(name)?;
        (raw.get() != "null").then_some(raw)
    }

    /// All members, with their values as they are written.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0.iter().map(|(name, raw)| (name.as_str(), &**raw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_touched_stays_as_it_was_written() {
        let text = r#"{"b":1e400,"a":0.1000000000000000055,"n":null}"#;
        let mut members: Members = serde_json::from_str(text).expect("an object");
        assert_eq!(serde_json::to_string(&members).expect("JSON"), text);
        members.set("a", 1);
        members.set_default("b", 2);
        members.set_default("n", 3);
        assert!(members.has("n") && members.raw("n").is_none());
        let text = serde_json::to_string(&members).expect("JSON");
        assert_eq!(text, r#"{"b":1e400,"a":1,"n":null}"#);
        assert!(members.read::<String>("a").is_err());
        assert_eq!(members.read::<u8>("missing").expect("none"), None);
        assert_eq!(members.take("b").expect("there").get(), "1e400");
        assert!(!members.has("b"));
    }
}
