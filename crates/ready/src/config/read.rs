//! [`Reading`]: reads types from nodes, and finds all that does not fit, not only the first.

use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::de::{Fault, FaultKind};
use super::nearest::did_you_mean;
use super::node::{Node, Span, Value};
use super::problem::{Problem, Problems};
use super::source::Source;

/// The most faults that are looked for in one part: each costs a reading.
const MOST: usize = 50;

/// A part of the configuration on its way into types.
pub(super) struct Reading<'a> {
    pub(super) source: &'a Source,
    /// What the part is called: `[http]`.
    pub(super) part: String,
    /// Keys of the part that another type reads.
    pub(super) others: &'a [&'a str],
    pub(super) problems: &'a mut Problems,
}

impl Reading<'_> {
    /// Reads a type. With faults: nothing, and all of them are problems.
    pub(super) fn read<T: DeserializeOwned + JsonSchema>(&mut self, node: &Node) -> Option<T> {
        let in_range = self.check_ranges::<T>(node);
        match T::deserialize(node) {
            Ok(value) => in_range.then_some(value),
            Err(fault) => {
                self.all(node.clone(), fault, |node| T::deserialize(node).err());
                None
            }
        }
    }

    /// Goes on without what has a fault, to find the others.
    fn all(&mut self, mut node: Node, first: Fault, again: impl Fn(&Node) -> Option<Fault>) {
        let mut fault = Some(first);
        let mut taken: Vec<String> = Vec::new();
        for _ in 0..MOST {
            let Some(Fault { at, kind }) = fault.take() else {
                return;
            };
            let at = at.unwrap_or_else(|| node.span.clone());
            if let FaultKind::Missing(name) = &kind {
                // Missing is also what was taken out.
                if !taken.iter().any(|key| key == name) {
                    self.add(&at, &kind);
                }
                return;
            }
            self.add(&at, &kind);
            if let Some(key) = key_at(&node, &at) {
                taken.push(key);
            }
            if !node.remove(&at) {
                return;
            }
            fault = again(&node);
        }
    }

    fn add(&mut self, at: &Span, kind: &FaultKind) {
        let part = &self.part;
        let problem = |reason: String| Problem::new(self.source, at, reason);
        let problem = match kind {
            FaultKind::UnknownKey { key, known } => {
                let known = known.iter().chain(self.others).copied();
                problem(format!("there is no key `{key}` in {part}"))
                    .maybe_next(did_you_mean(key, known))
            }
            FaultKind::UnknownValue { given, known } => {
                let reason = match given {
                    Some(given) => format!("`{given}` is none of the values"),
                    None => "what this stands for is none of the values".to_owned(),
                };
                let near =
                    did_you_mean(given.as_deref().unwrap_or_default(), known.iter().copied());
                problem(reason).maybe_next(near)
            }
            FaultKind::Missing(name) => {
                let next = match self.source.name() {
                    Some(_) => format!("add `{name} = …`"),
                    None => format!("write {}…`", part.trim_end_matches('`')),
                };
                problem(format!("{part} has no `{name}`")).next(next)
            }
            FaultKind::Type { found, expected } => {
                problem(format!("this is {found}, and should be {expected}"))
            }
            FaultKind::Other(why) => problem(why.clone()),
        };
        self.problems.add(problem);
    }

    /// Ranges that stand in the schema and that the type does not check.
    fn check_ranges<T: JsonSchema>(&mut self, node: &Node) -> bool {
        let schema = SchemaGenerator::default().into_root_schema_for::<T>();
        let mut fits = true;
        for entry in node.entries() {
            let number = match &entry.node.value {
                Value::Integer(number) => *number as f64,
                Value::Float(number) => *number,
                Value::Text(text) if text.loose || !text.made_of.is_empty() => {
                    match text.text.trim().parse() {
                        Ok(number) => number,
                        Err(_) => continue,
                    }
                }
                _ => continue,
            };
            let property = schema.pointer(&format!("/properties/{}", entry.key));
            let limit = |name: &str| property.and_then(|p| p.get(name)).and_then(Json::as_f64);
            let (low, high) = (limit("minimum"), limit("maximum"));
            let below = low.is_some_and(|low| number < low);
            let above = high.is_some_and(|high| number > high);
            // A type that takes no negative numbers says so itself.
            if (below && number >= 0.0) || above {
                let range = match (low, high) {
                    (Some(low), Some(high)) => format!("between {low} and {high}"),
                    (Some(low), None) => format!("at least {low}"),
                    (_, Some(high)) => format!("at most {high}"),
                    (None, None) => continue,
                };
                let reason = format!("`{}` must be {range}", entry.key);
                self.problems
                    .add(Problem::new(self.source, &entry.node.span, reason));
                fits = false;
            }
        }
        fits
    }
}

/// The key of the table whose value has this place.
fn key_at(node: &Node, at: &Span) -> Option<String> {
    let entry = node
        .entries()
        .iter()
        .find(|entry| entry.node.span == *at || entry.key_span == *at)?;
    Some(entry.key.clone())
}
