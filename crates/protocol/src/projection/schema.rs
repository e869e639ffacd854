//! Which JSON Schemas a tool may carry. The keywords inside are JSON Schema's own, and are passed
//! on whatever the revision; what differs is the outermost shape.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

use super::{Empty, Put};
use crate::revision::Revision;

/// The schema of a tool's arguments: always of `type` `object`, because arguments always are.
pub(super) struct Input<'a>(pub(super) &'a Value, pub(super) Revision);

impl Serialize for Input<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.put("type", "object")?;
        if let Value::Object(schema) = self.0 {
            put_keywords(&mut map, schema, self.1)?;
        }
        map.end()
    }
}

/// The schema of a tool's structured result, where `revision` can carry it: since 2025-06-18, and
/// before 2026-07-28 only one of `type` `object`.
pub(super) fn output(schema: &Value, revision: Revision) -> Option<impl Serialize> {
    let keywords = schema.as_object()?;
    let is_object = keywords.get("type").is_some_and(|it| it == "object");
    let known = revision.is_modern() || (revision >= Revision::V2025_06_18 && is_object);
    known.then_some(Output(keywords, revision))
}

struct Output<'a>(&'a Map<String, Value>, Revision);

impl Serialize for Output<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.put_some("type", self.0.get("type"))?;
        put_keywords(&mut map, self.0, self.1)?;
        map.end()
    }
}

/// All keywords but `type`, which the caller wrote.
fn put_keywords<M: SerializeMap>(
    map: &mut M,
    schema: &Map<String, Value>,
    revision: Revision,
) -> Result<(), M::Error> {
    for (keyword, value) in schema {
        match (keyword.as_str(), value) {
            ("type", _) => {}
            ("properties", Value::Object(properties)) if !revision.is_modern() => {
                map.put("properties", &Properties(properties))?;
            }
            _ => map.serialize_entry(keyword, value)?,
        }
    }
    Ok(())
}

/// Properties whose schemas are all objects: revisions before 2026-07-28 do not know the boolean
/// schemas `true` and `false`.
struct Properties<'a>(&'a Map<String, Value>);

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Nothing;
        impl Serialize for Nothing {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(Some(1))?;
                map.put("not", &Empty)?;
                map.end()
            }
        }
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, schema) in self.0 {
            match schema {
                Value::Object(schema) => map.serialize_entry(name, schema)?,
                Value::Bool(false) => map.serialize_entry(name, &Nothing)?,
                _ => map.serialize_entry(name, &Empty)?,
            }
        }
        map.end()
    }
}
