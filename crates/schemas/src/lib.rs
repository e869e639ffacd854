//! The specification's own schemas, for tests, and a check that is stricter than they are: no member
//! may be written that they do not name.
//!
//! Revisions are named as on the wire, so that this crate needs none of ours, and no mistake of
//! theirs can hide itself here.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "for tests: what cannot be read must fail them"
)]

mod message;

use std::{
    collections::HashMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// The folder with `REVISION/schema.json`: `WHARF_SPEC`, or `../shared/spec` beside the workspace.
/// `None`, said aloud, where there is none.
pub fn folder() -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = std::env::var_os("WHARF_SPEC")
        .map_or_else(|| workspace.join("../shared/spec"), PathBuf::from);
    if folder.join("2026-07-28/schema.json").is_file() {
        return Some(folder);
    }
    // Not by `eprintln!`, which the test harness keeps to itself.
    let line = format!(
        "skipped: no schemas at {} (set WHARF_SPEC to the folder that holds REVISION/schema.json)\n",
        folder.display()
    );
    let _ = std::io::stderr().write_all(line.as_bytes());
    None
}

/// The schema of one revision.
#[derive(Debug)]
pub struct Spec {
    root: Value,
    definitions: &'static str,
    /// By pointer: to make one takes longer than to use it.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Spec {
    /// Reads `REVISION/schema.json` in a folder.
    pub fn read(folder: &Path, revision: &str) -> Self {
        let path = folder.join(revision).join("schema.json");
        let root: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let definitions = if root.get("$defs").is_some() {
            "$defs"
        } else {
            "definitions"
        };
        Self {
            root,
            definitions,
            validators: Mutex::default(),
        }
    }

    /// The pointer of the first of these definitions that this revision has.
    pub fn find(&self, names: &[&str]) -> Option<String> {
        names
            .iter()
            .map(|name| format!("/{}/{name}", self.definitions))
            .find(|pointer| self.root.pointer(pointer).is_some())
    }

    /// What is wrong with `instance` as the definition at `pointer`; empty where nothing is.
    pub fn faults(&self, pointer: &str, instance: &Value) -> Vec<String> {
        let validator = self.validator(pointer);
        let mut faults: Vec<_> = validator
            .iter_errors(instance)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        let definition = self.root.pointer(pointer).unwrap();
        self.unnamed(definition, instance, "", &mut faults);
        faults
    }

    fn validator(&self, pointer: &str) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap();
        if let Some(validator) = validators.get(pointer) {
            return Arc::clone(validator);
        }
        let mut schema = json!({
            "$schema": self.root["$schema"],
            "allOf": [{ "$ref": format!("#{pointer}") }],
        });
        schema[self.definitions] = self.root[self.definitions].clone();
        let validator = Arc::new(jsonschema::validator_for(&schema).unwrap());
        validators.insert(pointer.to_owned(), Arc::clone(&validator));
        validator
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema.get("$ref").and_then(Value::as_str) {
            Some(to) => self.resolve(self.root.pointer(to.trim_start_matches('#')).unwrap()),
            None => schema,
        }
    }

    /// Members of `instance` that `schema` does not name. An object without any named member, or
    /// with `additionalProperties`, is free; so is `_meta`, and a tool's JSON Schema, whose
    /// keywords are not the protocol's.
    fn unnamed(&self, schema: &Value, instance: &Value, at: &str, faults: &mut Vec<String>) {
        let schema = self.resolve(schema);
        for keyword in ["anyOf", "oneOf"] {
            if let Some(branches) = schema.get(keyword).and_then(Value::as_array) {
                let least = branches
                    .iter()
                    .filter(|branch| self.may_be(branch, instance))
                    .map(|branch| {
                        let mut faults = Vec::new();
                        self.unnamed(branch, instance, at, &mut faults);
                        faults
                    })
                    .min_by_key(Vec::len);
                match least {
                    Some(least) => faults.extend(least),
                    None => faults.push(format!("{at}: fits no branch of {keyword}")),
                }
            }
        }
        // What is said of one thing in several parts counts as said in one.
        let mut parts = vec![schema];
        let all_of = schema.get("allOf").and_then(Value::as_array);
        parts.extend(all_of.into_iter().flatten().map(|part| self.resolve(part)));
        match instance {
            Value::Array(items) => {
                for schema in parts.iter().filter_map(|part| part.get("items")) {
                    for (index, item) in items.iter().enumerate() {
                        self.unnamed(schema, item, &format!("{at}/{index}"), faults);
                    }
                }
            }
            Value::Object(members) => self.unnamed_members(&parts, members, at, faults),
            _ => {}
        }
    }

    fn unnamed_members(
        &self,
        parts: &[&Value],
        members: &Map<String, Value>,
        at: &str,
        faults: &mut Vec<String>,
    ) {
        let properties: Vec<_> = parts
            .iter()
            .filter_map(|part| part.get("properties").and_then(Value::as_object))
            .filter(|properties| !properties.is_empty())
            .collect();
        let free = parts
            .iter()
            .find_map(|part| part.get("additionalProperties"));
        for (name, member) in members {
            let at = format!("{at}/{name}");
            let mut named = properties
                .iter()
                .filter_map(|them| them.get(name))
                .peekable();
            if named.peek().is_some() {
                if name != "inputSchema" && name != "outputSchema" {
                    named.for_each(|schema| self.unnamed(schema, member, &at, faults));
                }
            } else if let Some(schema) = free {
                self.unnamed(schema, member, &at, faults);
            } else if name == "extensions"
                && properties
                    .iter()
                    .any(|them| them.contains_key("experimental"))
            {
                // Capabilities of any revision may have it (SEP-2133).
            } else if !properties.is_empty() && !at.contains("/_meta/") {
                faults.push(format!("{at}: not named by the schema"));
            }
        }
    }

    /// Whether a branch could be meant: its type, its constants and its required members agree.
    fn may_be(&self, branch: &Value, instance: &Value) -> bool {
        let branch = self.resolve(branch);
        if let Some(branches) = branch.get("anyOf").and_then(Value::as_array) {
            return branches.iter().any(|branch| self.may_be(branch, instance));
        }
        let is = |name: &Value| match name.as_str() {
            Some("object") => instance.is_object(),
            Some("array") => instance.is_array(),
            Some("string") => instance.is_string(),
            Some("integer" | "number") => instance.is_number(),
            Some("boolean") => instance.is_boolean(),
            Some("null") => instance.is_null(),
            _ => true,
        };
        let typed = match branch.get("type") {
            Some(Value::Array(names)) => names.iter().any(is),
            Some(name) => is(name),
            None => true,
        };
        let required = branch.get("required").and_then(Value::as_array);
        let complete = required.into_iter().flatten().all(|name| {
            name.as_str()
                .is_some_and(|name| instance.get(name).is_some())
        });
        let properties = branch.get("properties").and_then(Value::as_object);
        let constant = properties.into_iter().flatten().all(|(name, schema)| {
            let wanted = schema.get("const");
            wanted.is_none() || instance.get(name).is_none_or(|value| Some(value) == wanted)
        });
        typed && complete && constant
    }
}
