//! The model, written for one revision.
//!
//! Every type of the model is written through [`at`]: what a revision does not know is left out,
//! or turned into the nearest thing it has. What is written validates against that revision's
//! schema and carries no member that the schema does not name. The files below are split by what
//! makes them change:
//!
//! | file | what changes it |
//! |---|---|
//! | `fast` | what is written most often, written by hand |
//! | `frame` | what every result carries besides its own members |
//! | `content` | kinds of content |
//! | `tools` | tools and their results; `schema`: which JSON Schemas a revision allows |
//! | `listing` | resources, prompts, completion |
//! | `lifecycle` | capabilities and the beginning of a connection |
//! | `notices` | what notifications carry |
//! | `sampling`, `elicitation`, `form`, `input` | what a server asks of a client |
//! | `tasks` | tasks in their two forms |

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};
use serde_json::value::RawValue;

use crate::{content::Icon, meta::Meta, revision::Revision};

mod content;
mod elicitation;
mod fast;
mod form;
mod frame;
mod input;
mod lifecycle;
mod listing;
mod notices;
mod sampling;
mod schema;
mod tasks;
mod tools;

pub(crate) use form::fit_answer;
pub use frame::{CacheHint, CacheScope, ResultFrame, ResultType, write_result};

/// A value of the model together with the revision it is written for.
#[derive(Debug)]
pub struct At<'a, T: ?Sized> {
    /// What is written.
    pub value: &'a T,
    /// For whom.
    pub revision: Revision,
}

/// `value`, to be serialised for `revision`. The result writes straight into the serialiser.
///
/// ```
/// use wharf_protocol::{ContentBlock, Resource, Revision, projection::at};
///
/// let link = ContentBlock::resource_link(Resource::new("file:///a.txt", "a"));
/// assert_eq!(
///     serde_json::to_string(&at(&link, Revision::V2025_06_18)).unwrap(),
///     r#"{"type":"resource_link","uri":"file:///a.txt","name":"a"}"#,
/// );
/// assert_eq!(
///     serde_json::to_string(&at(&link, Revision::V2025_03_26)).unwrap(),
///     r#"{"type":"text","text":"a: file:///a.txt"}"#,
/// );
/// ```
pub const fn at<T: ?Sized>(value: &T, revision: Revision) -> At<'_, T> {
    At { value, revision }
}

impl<T: ?Sized> Clone for At<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for At<'_, T> {}

/// A type of the model that is written as a JSON object.
///
/// [`Serialize`] for [`At`] and [`write_result`] both follow from it.
pub trait ProjectMembers {
    /// Whether a modern result of this type must say how long it may be cached
    /// (spec 2026-07-28, server/utilities/caching).
    const CACHEABLE: bool = false;

    /// Writes the members that `revision` knows, all but `_meta`.
    ///
    /// # Errors
    /// Those of the serialiser, and where the type as a whole cannot be said in `revision`.
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error>;

    /// Writes the whole result in a faster way than member by member, where there is one for this
    /// value; `false`, and nothing is written, where there is none.
    #[doc(hidden)]
    fn write_fast(&self, out: &mut Vec<u8>, frame: &ResultFrame<'_>) -> bool {
        let _ = (out, frame);
        false
    }

    /// The `_meta` of this value, where `revision` has room for it.
    fn meta(&self, revision: Revision) -> Option<&Meta> {
        let _ = revision;
        None
    }
}

impl<T: ProjectMembers + ?Sized> Serialize for At<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.value.members(self.revision, &mut map)?;
        map.put_some("_meta", self.value.meta(self.revision))?;
        map.end()
    }
}

/// A list of values, each written for one revision.
struct Each<'a, T>(&'a [T], Revision);

impl<T: ProjectMembers> Serialize for Each<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.0.len()))?;
        for value in self.0 {
            seq.serialize_element(&at(value, self.1))?;
        }
        seq.end()
    }
}

/// Writing members one by one.
trait Put: SerializeMap {
    fn put<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Self::Error> {
        self.serialize_entry(name, value)
    }

    fn put_some<T: Serialize>(
        &mut self,
        name: &'static str,
        value: Option<T>,
    ) -> Result<(), Self::Error> {
        match value {
            Some(value) => self.serialize_entry(name, &value),
            None => Ok(()),
        }
    }

    fn put_at<T: ProjectMembers>(
        &mut self,
        name: &'static str,
        value: Option<&T>,
        revision: Revision,
    ) -> Result<(), Self::Error> {
        self.put_some(name, value.map(|value| at(value, revision)))
    }

    fn put_true(&mut self, name: &'static str, value: bool) -> Result<(), Self::Error> {
        if value {
            self.serialize_entry(name, &true)
        } else {
            Ok(())
        }
    }

    fn put_list<T: Serialize>(
        &mut self,
        name: &'static str,
        values: &[T],
    ) -> Result<(), Self::Error> {
        if values.is_empty() {
            Ok(())
        } else {
            self.serialize_entry(name, values)
        }
    }

    fn put_icons(&mut self, icons: &[Icon], revision: Revision) -> Result<(), Self::Error> {
        if icons.is_empty() || revision < Revision::V2025_11_25 {
            Ok(())
        } else {
            self.serialize_entry("icons", &Each(icons, revision))
        }
    }
}

impl<M: SerializeMap> Put for M {}

/// `value`, where `revision` is `since` or later.
fn since<T>(since: Revision, revision: Revision, value: Option<T>) -> Option<T> {
    value.filter(|_| revision >= since)
}

/// The `_meta` of a type that has one since 2025-06-18.
fn nested_meta(meta: &Option<Meta>, revision: Revision) -> Option<&Meta> {
    since(Revision::V2025_06_18, revision, meta.as_ref())
}

/// An empty JSON object.
struct Empty;

impl Serialize for Empty {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_map(Some(0))?.end()
    }
}

/// A number: without a fraction where it has none, because peers may read it as an integer.
struct Number(f64);

impl Number {
    /// `None` for what JSON cannot say.
    fn finite(value: Option<f64>) -> Option<Self> {
        value.filter(|value| value.is_finite()).map(Self)
    }

    /// Brought into the range from 0 to 1, which the schemas demand of priorities.
    fn priority(value: Option<f64>) -> Option<Self> {
        Self::finite(value.map(|value| value.clamp(0.0, 1.0)))
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Up to 2^53 every integer has a double of its own, so the conversion is exact.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if self.0.fract() == 0.0 && self.0.abs() <= EXACT {
            #[allow(clippy::cast_possible_truncation)] // within the range checked above
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

/// JSON that is passed on as it is, but on one line: stdio ends a message at a newline, and
/// outside of strings (which cannot hold one) a newline means no more than a space.
struct Raw<'a>(&'a RawValue);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json = self.0.get();
        if memchr::memchr2(b'\n', b'\r', json.as_bytes()).is_none() {
            return self.0.serialize(serializer);
        }
        let line = json.replace(['\n', '\r'], " ");
        RawValue::from_string(line)
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_integers_where_they_can_be() {
        for (value, json) in [
            (0.0, "0"),
            (1.0, "1"),
            (-3.0, "-3"),
            (0.5, "0.5"),
            (1e300, "1e+300"),
        ] {
            let number = Number::finite(Some(value)).map(|n| serde_json::to_string(&n));
            assert_eq!(
                number.map(Result::ok).unwrap_or_default().as_deref(),
                Some(json)
            );
        }
        assert!(Number::finite(Some(f64::NAN)).is_none());
        assert!(Number::finite(Some(f64::INFINITY)).is_none());
        assert_eq!(Number::priority(Some(7.0)).map(|n| n.0), Some(1.0));
        assert!(Number::priority(Some(f64::NAN)).is_none());
    }

    #[test]
    fn raw_json_is_written_on_one_line() {
        let raw: Box<RawValue> =
            serde_json::from_str("{\r\n \"a\": \"x\\ny\",\n \"b\": 1.10\n}").expect("JSON");
        let line = serde_json::to_string(&Raw(&raw)).expect("JSON");
        assert!(!line.contains(['\n', '\r']), "{line}");
        assert!(
            line.contains("\"x\\ny\"") && line.contains("1.10"),
            "{line}"
        );
    }
}
