//! [`Schema`]: finding one's way in a JSON Schema.

use serde_json::Value;

/// How many references and combinations deep a schema is followed. Schemas come from others, and
/// may refer to themselves.
const MAX_DEPTH: usize = 24;

/// A place in a schema, together with the whole that its references point into.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schema<'a> {
    root: &'a Value,
    node: &'a Value,
}

impl<'a> Schema<'a> {
    /// A whole schema.
    pub(crate) fn new(root: &'a Value) -> Self {
        Self { root, node: root }
    }

    /// One that allows everything.
    pub(crate) fn any() -> Schema<'static> {
        static ANY: Value = Value::Bool(true);
        Schema::new(&ANY)
    }

    fn at(self, node: &'a Value) -> Self {
        Self { node, ..self }
    }

    /// The keyword, where the place has it.
    pub(crate) fn get(self, keyword: &str) -> Option<&'a Value> {
        self.node.get(keyword)
    }

    /// Text of a keyword, here or where a reference leads.
    pub(crate) fn text(self, keyword: &str) -> Option<&'a str> {
        self.views()
            .into_iter()
            .find_map(|view| view.get(keyword)?.as_str())
    }

    /// What a reference within the schema points to.
    fn target(self, reference: &str) -> Option<Self> {
        let pointer = reference.strip_prefix('#')?;
        if pointer.is_empty() {
            return Some(self.at(self.root));
        }
        if let Some(node) = self.root.pointer(pointer) {
            return Some(self.at(node));
        }
        // `#name` is an `$anchor` in one of the definitions.
        let definitions = self
            .root
            .get("$defs")
            .or_else(|| self.root.get("definitions"))?
            .as_object()?;
        let node = definitions
            .values()
            .find(|node| node.get("$anchor").and_then(Value::as_str) == Some(pointer))?;
        Some(self.at(node))
    }

    /// This place and all that hold together with it: through `$ref` and `allOf`.
    pub(crate) fn views(self) -> Vec<Self> {
        let mut found = vec![self];
        let mut next = 0;
        while next < found.len() && found.len() < MAX_DEPTH {
            let view = found[next];
            next += 1;
            let reference = view.get("$ref").and_then(Value::as_str);
            found.extend(reference.and_then(|reference| view.target(reference)));
            let all = view.get("allOf").and_then(Value::as_array);
            found.extend(all.into_iter().flatten().map(|node| view.at(node)));
        }
        found.truncate(MAX_DEPTH);
        found
    }

    /// The alternatives, each of which is without alternatives of its own: of `anyOf` and
    /// `oneOf`, or this place alone.
    pub(crate) fn alternatives(self) -> Vec<Self> {
        let mut found = Vec::new();
        self.collect_alternatives(&mut found, 0);
        found
    }

    fn collect_alternatives(self, found: &mut Vec<Self>, depth: usize) {
        let views = self.views();
        let lists = views.iter().flat_map(|view| {
            let lists = ["anyOf", "oneOf"]
                .into_iter()
                .filter_map(|name| view.get(name)?.as_array());
            lists
                .flatten()
                .map(|node| view.at(node))
                .collect::<Vec<_>>()
        });
        let mut any = false;
        for alternative in lists {
            if depth < MAX_DEPTH && found.len() < 64 {
                any = true;
                alternative.collect_alternatives(found, depth + 1);
            }
        }
        if !any {
            found.push(self);
        }
    }

    /// The types that are allowed; empty where any is.
    pub(crate) fn types(self) -> Vec<&'a str> {
        let mut types: Vec<&str> = Vec::new();
        for alternative in self.alternatives() {
            for name in alternative.own_types() {
                if !types.contains(&name) {
                    types.push(name);
                }
            }
        }
        types
    }

    /// The types of one alternative, also where only its other keywords say them.
    pub(crate) fn own_types(self) -> Vec<&'a str> {
        for view in self.views() {
            match view.get("type") {
                Some(Value::String(name)) => return vec![name],
                Some(Value::Array(names)) => {
                    return names.iter().filter_map(Value::as_str).collect();
                }
                _ => {}
            }
        }
        if self
            .views()
            .iter()
            .any(|view| view.get("properties").is_some())
        {
            return vec!["object"];
        }
        if self.views().iter().any(|view| view.get("items").is_some()) {
            return vec!["array"];
        }
        Vec::new()
    }

    /// The values that are allowed, where they are listed, by `enum`, or by `const` in each
    /// alternative.
    pub(crate) fn values(self) -> Option<Vec<&'a Value>> {
        let mut values = Vec::new();
        for alternative in self.alternatives() {
            let listed = alternative
                .views()
                .into_iter()
                .find_map(|view| match view.get("const") {
                    Some(value) => Some(vec![value]),
                    None => Some(view.get("enum")?.as_array()?.iter().collect()),
                });
            match listed {
                Some(listed) => values.extend(listed),
                // "One of these, or null" still is a list.
                None if alternative.own_types() == ["null"] => {}
                None => return None,
            }
        }
        (!values.is_empty()).then_some(values)
    }

    /// The properties of an object, in the order of the schema.
    pub(crate) fn properties(self) -> Vec<(&'a str, Self)> {
        let mut found: Vec<(&str, Self)> = Vec::new();
        for alternative in self.alternatives() {
            for view in alternative.views().into_iter().chain(self.views()) {
                let properties = view.get("properties").and_then(Value::as_object);
                for (name, node) in properties.into_iter().flatten() {
                    if !found.iter().any(|(known, _)| known == name) {
                        found.push((name, view.at(node)));
                    }
                }
            }
        }
        found
    }

    /// The schema of one property; also one that is only allowed by `additionalProperties` or a
    /// pattern, which then may say anything.
    pub(crate) fn property(self, name: &str) -> Option<Self> {
        let named = self
            .properties()
            .into_iter()
            .find(|(known, _)| *known == name);
        if let Some((_, schema)) = named {
            return Some(schema);
        }
        let extra = |view: Self| {
            view.get("additionalProperties")
                .filter(|node| node.is_object())
                .map(|node| view.at(node))
        };
        self.alternatives()
            .into_iter()
            .flat_map(Self::views)
            .find_map(extra)
    }

    /// Whether an object may have properties that are not named. An object that names some and
    /// does not speak of others is taken to mean them all: a typing error is likelier than more.
    pub(crate) fn takes_more(self) -> bool {
        let alternatives = self.alternatives();
        let mut views = alternatives
            .iter()
            .flat_map(|alternative| alternative.views());
        let says = views.any(|view| {
            let open = |node: &Value| node.is_object() || node == &Value::Bool(true);
            view.get("additionalProperties").is_some_and(open)
                || view.get("patternProperties").is_some()
        });
        let closed = |view: Self| view.get("additionalProperties") == Some(&Value::Bool(false));
        says || (self.properties().is_empty() && !self.views().into_iter().any(closed))
    }

    /// The names of the properties that an object must have.
    pub(crate) fn required(self) -> Vec<&'a str> {
        let mut names = Vec::new();
        for view in self.views() {
            let list = view.get("required").and_then(Value::as_array);
            names.extend(list.into_iter().flatten().filter_map(Value::as_str));
        }
        names
    }

    /// The schema of the items of an array.
    pub(crate) fn items(self) -> Option<Self> {
        self.alternatives()
            .into_iter()
            .flat_map(Self::views)
            .find_map(|view| {
                let items = view.get("items").filter(|node| node.is_object())?;
                Some(view.at(items))
            })
    }

    /// What is wanted, in words: `integer`, `one of a, b`, `list of text`.
    pub(crate) fn expectation(self) -> String {
        if let Some(values) = self.values() {
            let shown: Vec<String> = values.iter().map(|value| plain(value)).collect();
            return match shown.len() {
                1 => shown[0].clone(),
                _ => format!("one of {}", shown.join(", ")),
            };
        }
        let name = |name: &str| match name {
            "array" => match self.items() {
                Some(items) if items.node != self.node => {
                    format!("list of {}", items.expectation_within(4))
                }
                _ => "list".into(),
            },
            "string" => match self.text("format") {
                Some(format) => format!("text ({format})"),
                None => "text".into(),
            },
            other => other.to_owned(),
        };
        let types = self.types();
        match types.as_slice() {
            [] => "any value".into(),
            types => types
                .iter()
                .map(|it| name(it))
                .collect::<Vec<_>>()
                .join(" or "),
        }
    }

    /// The same, and no deeper than that: a list may be one of itself.
    fn expectation_within(self, depth: usize) -> String {
        match (depth, self.own_types().as_slice()) {
            (0, _) | (_, ["array"]) => self.types().join(" or "),
            _ => self.expectation(),
        }
    }

    /// The range that is allowed, in words; empty where there is none.
    pub(crate) fn range(self) -> String {
        let number = |keyword: &str| {
            let all = self.alternatives().into_iter().flat_map(Self::views);
            all.filter_map(|view| view.get(keyword))
                .find(|value| value.is_number())
                .map(ToString::to_string)
        };
        let span = |least: Option<String>, most: Option<String>, unit: &str| match (least, most) {
            (Some(least), Some(most)) => format!("{least} to {most}{unit}"),
            (Some(least), None) => format!("at least {least}{unit}"),
            (None, Some(most)) => format!("at most {most}{unit}"),
            (None, None) => String::new(),
        };
        // What only repeats the width of an integer says nothing to a person.
        let small = |text: &String| text.trim_start_matches('-').len() < 10;
        let parts = [
            span(
                number("minimum").filter(small),
                number("maximum").filter(small),
                "",
            ),
            span(number("minLength"), number("maxLength"), " characters"),
            span(number("minItems"), number("maxItems"), " items"),
        ];
        parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// A value as a person types it.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schemas_as_generators_write_them() {
        for (schema, types, expectation) in [
            (json!({"type": "integer"}), vec!["integer"], "integer"),
            (
                json!({"type": ["string", "null"]}),
                vec!["string", "null"],
                "text or null",
            ),
            (
                json!({"anyOf": [{"type": "integer"}, {"type": "null"}]}),
                vec!["integer", "null"],
                "integer or null",
            ),
            (
                json!({"$ref": "#/$defs/L", "$defs": {"L": {"enum": ["a", "b"]}}}),
                vec![],
                "one of a, b",
            ),
            (
                json!({"oneOf": [{"const": "a"}, {"const": "b"}]}),
                vec![],
                "one of a, b",
            ),
            (
                json!({"anyOf": [{"$ref": "#/$defs/L"}, {"type": "null"}], "$defs": {"L": {"type": "string", "enum": ["a"]}}}),
                vec!["string", "null"],
                "a",
            ),
            (
                json!({"type": "array", "items": {"type": "string", "format": "uri"}}),
                vec!["array"],
                "list of text (uri)",
            ),
            (
                json!({"allOf": [{"type": "object"}]}),
                vec!["object"],
                "object",
            ),
            (json!({}), vec![], "any value"),
            (json!(true), vec![], "any value"),
        ] {
            let read = Schema::new(&schema);
            assert_eq!(
                (read.types(), read.expectation().as_str()),
                (types, expectation),
                "{schema}"
            );
        }
    }

    #[test]
    fn schemas_that_never_end() {
        for schema in [
            json!({"$ref": "#"}),
            json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}),
            json!({"allOf": [{"$ref": "#"}, {"$ref": "#"}]}),
            json!({"type": "array", "items": {"$ref": "#"}}),
            json!({"$ref": "#/no/such"}),
        ] {
            let read = Schema::new(&schema);
            let _ = (
                read.types(),
                read.expectation(),
                read.properties(),
                read.required(),
                read.values(),
                read.takes_more(),
            );
        }
    }
}
