//! How large a schema may be before it is compiled: a schema may come from elsewhere (a proxied
//! server, a configuration file), and a small one can stand for an enormous one.

use std::collections::HashMap;
use std::io;

use serde_json::Value;

use super::unescaped;
use crate::error::{Error, Result};

/// Bounds on one schema, checked before it is compiled.
///
/// No schema is ever fetched: a `$ref` to another document is refused whatever the limits. The time
/// of a validation grows with the schema's expanded size times the size of the arguments, which the
/// message limit bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaLimits {
    /// How deep objects and arrays may nest. Default: 64.
    pub max_depth: usize,
    /// How many values (objects, arrays, texts, numbers) a schema may have. Default: 20,000.
    pub max_nodes: usize,
    /// How many bytes of JSON a schema may have. Default: 1 MiB.
    pub max_bytes: usize,
    /// How many values a schema may have once every `$ref` is replaced by what it stands for,
    /// recursion counted once. Default: 200,000.
    pub max_expanded_nodes: usize,
}

impl Default for SchemaLimits {
    fn default() -> Self {
        Self {
            max_depth: 64,
            max_nodes: 20_000,
            max_bytes: 1 << 20,
            max_expanded_nodes: 200_000,
        }
    }
}

impl SchemaLimits {
    /// Checks a schema.
    ///
    /// # Errors
    /// Says which limit it exceeds, or that it refers to itself without end.
    pub(super) fn check(&self, schema: &Value) -> Result<Expanded> {
        self.check_shape(schema)?;
        // From here on the depth is bounded, so recursion is too.
        let mut bytes = Counter {
            left: self.max_bytes,
        };
        if serde_json::to_writer(&mut bytes, schema).is_err() {
            return Err(too(
                "large",
                format_args!("more than {} bytes", self.max_bytes),
            ));
        }
        let mut expansion = Expansion {
            root: schema,
            known: HashMap::new(),
        };
        let expanded = expansion.expand(schema, 0)?;
        if expanded.nodes > self.max_expanded_nodes {
            return Err(too(
                "large once its references are expanded",
                format_args!("more than {} values", self.max_expanded_nodes),
            ));
        }
        Ok(expanded)
    }

    fn check_shape(&self, schema: &Value) -> Result<()> {
        let mut nodes = 0;
        let mut open = vec![(schema, 1)];
        while let Some((value, depth)) = open.pop() {
            nodes += 1;
            if nodes > self.max_nodes {
                return Err(too(
                    "large",
                    format_args!("more than {} values", self.max_nodes),
                ));
            }
            if depth > self.max_depth {
                return Err(too(
                    "deep",
                    format_args!("more than {} levels", self.max_depth),
                ));
            }
            match value {
                Value::Array(items) => open.extend(items.iter().map(|item| (item, depth + 1))),
                Value::Object(members) => {
                    open.extend(members.values().map(|member| (member, depth + 1)))
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn too(what: &str, how: std::fmt::Arguments<'_>) -> Error {
    Error::invalid_definition(format_args!("the schema is too {what}: {how}"))
}

/// A writer that only counts, and fails when it has counted enough.
struct Counter {
    left: usize,
}

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self
            .left
            .checked_sub(bytes.len())
            .ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a schema becomes when each `$ref` is replaced by what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Expanded {
    /// How many values there are then, recursion counted once.
    pub(super) nodes: usize,
    /// On how many ways a part of the schema leads back into itself: what one level of a value may
    /// multiply the work on the next one by. 0 for a schema without recursion.
    pub(super) recursions: usize,
}

impl Expanded {
    const ONE: Self = Self {
        nodes: 1,
        recursions: 0,
    };

    fn add(&mut self, part: Self) {
        self.nodes = self.nodes.saturating_add(part.nodes);
        self.recursions = self.recursions.saturating_add(part.recursions);
    }
}

/// Expands values, each once.
struct Expansion<'s> {
    root: &'s Value,
    known: HashMap<*const Value, Option<Expanded>>,
}

/// How many references may lead on to each other. Longer chains would make validation recurse as
/// deep.
const MAX_CHAIN: usize = 128;

impl<'s> Expansion<'s> {
    fn expand(&mut self, value: &'s Value, chain: usize) -> Result<Expanded> {
        if !(value.is_array() || value.is_object()) {
            return Ok(Expanded::ONE);
        }
        if chain > MAX_CHAIN {
            return Err(too(
                "deep",
                format_args!("more than {MAX_CHAIN} references lead on to each other"),
            ));
        }
        match self.known.get(&std::ptr::from_ref(value)) {
            Some(Some(known)) => return Ok(*known),
            // Inside itself: recursion, which ends where the value that is validated ends.
            Some(None) => {
                return Ok(Expanded {
                    nodes: 1,
                    recursions: 1,
                });
            }
            None => {}
        }
        self.known.insert(value, None);
        let mut all = Expanded::ONE;
        match value {
            Value::Array(items) => {
                for item in items {
                    all.add(self.expand(item, chain)?);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    let mut part = self.expand(member, chain)?;
                    if name == "$defs" || name == "definitions" {
                        // Definitions lead nowhere unless something refers to them.
                        part.recursions = 0;
                    }
                    all.add(part);
                    let is_reference = name == "$ref" || name == "$dynamicRef";
                    let target = member
                        .as_str()
                        .filter(|_| is_reference)
                        .and_then(|text| self.target(text));
                    if let Some(target) = target {
                        all.add(self.expand(target, chain + 1)?);
                    }
                }
            }
            _ => {}
        }
        self.known.insert(value, Some(all));
        Ok(all)
    }

    fn target(&self, reference: &str) -> Option<&'s Value> {
        let fragment = reference.strip_prefix('#')?;
        self.root.pointer(&unescaped(fragment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(schema: &Value) -> String {
        let error = SchemaLimits::default().check(schema).expect_err("a bomb");
        assert!(error.is_invalid_definition());
        error.to_string()
    }

    #[test]
    fn ordinary_schemas_pass() {
        let list = json!({"type": "object", "properties": {"next": {"$ref": "#"}, "value": {"type": "string"}}});
        SchemaLimits::default()
            .check(&list)
            .expect("recursion through a property is fine");
    }

    #[test]
    fn ways_back_into_a_schema_are_counted() {
        let recursions = |schema: &Value| {
            let expanded = SchemaLimits::default().check(schema);
            expanded.expect("a schema").recursions
        };
        let tree = json!({
            "properties": {"tree": {"$ref": "#/$defs/node"}},
            "$defs": {"node": {"properties": {"children": {"items": {"$ref": "#/$defs/node"}}}}},
        });
        assert_eq!(recursions(&tree), 1);
        let twice = json!({"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}], "$defs": {
            "a": {"allOf": [{"$ref": "#/$defs/b"}, {"$ref": "#/$defs/b"}]},
            "b": {"properties": {"x": {"$ref": "#"}}},
        }});
        assert_eq!(recursions(&twice), 4);
        assert_eq!(
            recursions(&json!({"$ref": "#/$defs/a", "$defs": {"a": {}}})),
            0
        );
    }

    #[test]
    fn deep_schemas_are_refused() {
        // `json!` would serialise what is inside again for each level.
        let deep = (0..5_000).fold(json!({}), |inner, _| Value::Array(vec![inner]));
        assert!(refused(&deep).contains("too deep"));
    }

    #[test]
    fn wide_schemas_are_refused() {
        assert!(refused(&json!({"enum": vec![0; 30_000]})).contains("more than 20000 values"));
        assert!(refused(&json!({"description": "x".repeat(2 << 20)})).contains("bytes"));
    }

    #[test]
    fn references_that_double_are_refused() {
        let mut definitions = serde_json::Map::new();
        definitions.insert("d0".into(), json!({"type": "string"}));
        for n in 1..40 {
            let below = json!({"$ref": format!("#/$defs/d{}", n - 1)});
            definitions.insert(format!("d{n}"), json!({"allOf": [below, below]}));
        }
        let bomb = json!({"$defs": definitions, "$ref": "#/$defs/d39"});
        assert!(refused(&bomb).contains("expanded"));
    }

    #[test]
    fn long_chains_of_references_are_refused() {
        let definitions: serde_json::Map<String, Value> = (0..5_000)
            .map(|n| {
                (
                    format!("d{n}"),
                    json!({"$ref": format!("#/$defs/d{}", n + 1)}),
                )
            })
            .collect();
        assert!(
            refused(&json!({"$ref": "#/$defs/d0", "$defs": definitions}))
                .contains("lead on to each other")
        );
    }
}
