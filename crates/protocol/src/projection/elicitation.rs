//! Elicitation: forms since 2025-06-18, pages since 2025-11-25.

use serde::{
    Serialize, Serializer,
    ser::{Error as _, SerializeMap},
};
use serde_json::{Map, Value};

use super::{ProjectMembers, Put, form};
use crate::{
    elicitation::{ElicitAction, ElicitParams, ElicitResult},
    meta::Meta,
    revision::Revision,
};

/// Since when there are pages, lists and modes.
const PAGES: Revision = Revision::V2025_11_25;

impl ProjectMembers for ElicitParams {
    /// There is no nearest thing to a question that cannot be asked, so writing it fails: a form
    /// before 2025-06-18, a page before 2025-11-25, and in 2025-11-25 a page without an
    /// `elicitation_id`.
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        let unknown = |what| {
            Err(M::Error::custom(format_args!(
                "{what} cannot be said in revision {revision}"
            )))
        };
        match self {
            Self::Form { .. } if revision < Revision::V2025_06_18 => unknown("elicitation"),
            Self::Url { .. } if revision < PAGES => unknown("elicitation of mode `url`"),
            Self::Form {
                message,
                requested_schema,
            } => {
                map.put_some("mode", (revision >= PAGES).then_some("form"))?;
                map.put("message", message)?;
                map.put(
                    "requestedSchema",
                    &form::requested_schema(requested_schema, revision),
                )
            }
            Self::Url {
                message,
                url,
                elicitation_id,
            } => {
                map.put("mode", "url")?;
                map.put("message", message)?;
                map.put("url", url)?;
                match elicitation_id {
                    Some(id) if revision == PAGES => map.put("elicitationId", id),
                    None if revision == PAGES => unknown("a page without an `elicitation_id`"),
                    _ => Ok(()),
                }
            }
        }
    }
}

impl ProjectMembers for ElicitResult {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("action", &self.action)?;
        let content = self.content.as_ref();
        map.put_some(
            "content",
            content
                .filter(|_| self.action == ElicitAction::Accept)
                .map(|content| Answers(content, revision)),
        )
    }

    fn meta(&self, revision: Revision) -> Option<&Meta> {
        self.meta.as_ref().filter(|_| !revision.is_modern())
    }
}

/// The values of a form that `revision` knows.
struct Answers<'a>(&'a Map<String, Value>, Revision);

impl Serialize for Answers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known = |value: &Value| match value {
            Value::String(_) | Value::Number(_) | Value::Bool(_) => true,
            Value::Array(items) => self.1 >= PAGES && items.iter().all(Value::is_string),
            Value::Null | Value::Object(_) => false,
        };
        serializer.collect_map(self.0.iter().filter(|(_, value)| known(value)))
    }
}
