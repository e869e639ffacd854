//! Arguments put together.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::coerce;
use super::given::{Given, Source};
use super::nearest::nearest;
use super::schema::Schema;
use crate::failure::Failure;

/// Puts arguments together on top of `base`, as the tool's schema wants them.
///
/// # Errors
/// Names the argument, and what it should be.
pub(crate) fn arguments(
    base: Map<String, Value>,
    given: &[Given],
    schema: Schema<'_>,
) -> Result<Map<String, Value>, Failure> {
    let mut whole = Value::Object(base);
    // The places that were given on this command line, as opposed to those of the base.
    let mut places: Vec<String> = Vec::new();
    for given in given {
        // A name with a dot may be one name.
        let path: Vec<&str> = if schema
            .properties()
            .iter()
            .any(|(name, _)| *name == given.name)
        {
            vec![&given.name]
        } else {
            given.name.split('.').collect()
        };
        if path.iter().any(|step| step.is_empty()) {
            return Err(Failure::new(format!(
                "{}: a name is missing beside a dot",
                given.name
            )));
        }
        let again = places.contains(&given.name);
        put(&mut whole, &path, given, schema, again)?;
        places.push(given.name.clone());
    }
    match whole {
        Value::Object(members) => Ok(members),
        // It began as an object, and members are only ever put into it.
        _ => Ok(Map::new()),
    }
}

/// Puts one argument where it belongs.
fn put(
    at: &mut Value,
    path: &[&str],
    given: &Given,
    schema: Schema<'_>,
    again: bool,
) -> Result<(), Failure> {
    let Some((step, rest)) = path.split_first() else {
        return set(at, given, schema, again);
    };
    if at.is_array()
        || (at.is_null() && schema.types() == ["array"] && step.parse::<usize>().is_ok())
    {
        if at.is_null() {
            *at = json!([]);
        }
        let items = schema.items();
        let length = at.as_array().map_or(0, Vec::len);
        let index = step.parse::<usize>().ok().filter(|index| *index <= length);
        let index = index.ok_or_else(|| {
            Failure::new(format!(
                "{}: {step} is not a place in a list of {length}",
                given.name
            ))
        })?;
        if let Value::Array(list) = at {
            if index == length {
                list.push(Value::Null);
            }
            return put(
                &mut list[index],
                rest,
                given,
                items.unwrap_or(Schema::any()),
                again,
            );
        }
    }
    if at.is_null() {
        *at = json!({});
    }
    let Value::Object(members) = at else {
        return Err(Failure::new(format!(
            "{}: there is a value already, into which nothing can be put",
            given.name
        )));
    };
    let inner = schema.property(step);
    if inner.is_none() && !schema.takes_more() {
        return Err(unknown(step, given, schema));
    }
    let place = members.entry(*step).or_insert(Value::Null);
    put(place, rest, given, inner.unwrap_or(Schema::any()), again)
}

fn set(at: &mut Value, given: &Given, schema: Schema<'_>, again: bool) -> Result<(), Failure> {
    let value = match &given.source {
        Source::Json(value) => value.clone(),
        Source::Text(text) => coerce(text, schema).map_err(|expected| {
            let shown: String = text.chars().take(60).collect();
            let more = if shown.len() < text.len() { "…" } else { "" };
            Failure::new(format!(
                "{}: {:?} is not {}",
                given.name,
                format!("{shown}{more}"),
                article(&expected)
            ))
        })?,
    };
    if !again {
        *at = value;
        return Ok(());
    }
    match at {
        Value::Array(list) if schema.types().contains(&"array") => {
            match value {
                Value::Array(more) => list.extend(more),
                one => list.push(one),
            }
            Ok(())
        }
        _ => Err(Failure::new(format!(
            "{} is given twice, and it is not a list",
            given.name
        ))),
    }
}

/// `an integer`, `one of a, b`.
fn article(expected: &str) -> String {
    let first = expected.split(' ').next().unwrap_or_default();
    match first {
        "integer" | "object" => format!("an {expected}"),
        "number" | "boolean" | "list" => format!("a {expected}"),
        _ => expected.to_owned(),
    }
}

fn unknown(step: &str, given: &Given, schema: Schema<'_>) -> Failure {
    let names: Vec<&str> = schema
        .properties()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let what = if step == given.name {
        format!("there is no argument {step}")
    } else {
        format!("{}: there is no {step}", given.name)
    };
    let failure = Failure::new(what);
    let close = nearest(step, names.iter().copied());
    match (close.as_slice(), names.as_slice()) {
        (_, []) => failure.next("it takes none"),
        ([], names) => failure.next(format!("it takes {}", names.join(", "))),
        (close, _) => failure.next(format!("did you mean {}?", close.join(" or "))),
    }
}

/// Whether everything is there that the schema requires.
pub(crate) fn check_required(
    tool: &str,
    arguments: &Map<String, Value>,
    schema: Schema<'_>,
) -> Result<(), Failure> {
    let missing: Vec<String> = schema
        .required()
        .into_iter()
        .filter(|name| !arguments.contains_key(*name))
        .map(|name| match schema.property(name) {
            Some(property) => format!("{name} ({})", property.expectation()),
            None => name.to_owned(),
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("{tool} needs {}", missing.join(", "))))
}

/// Arguments that are all text: those of prompts and templates.
pub(crate) fn texts(given: &[Given]) -> Result<BTreeMap<String, String>, Failure> {
    let mut texts = BTreeMap::new();
    for given in given {
        let text = match &given.source {
            Source::Text(text) => text.clone(),
            Source::Json(Value::String(text)) => text.clone(),
            Source::Json(other) => other.to_string(),
        };
        if texts.insert(given.name.clone(), text).is_some() {
            return Err(Failure::new(format!("{} is given twice", given.name)));
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Value {
        json!({
            "type": "object",
            "properties": {
                "count": {"type": "integer"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "ids": {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}]},
                "where": {"$ref": "#/$defs/Place"},
                "dotted.name": {"type": "boolean"},
                "people": {"type": "array", "items": {"$ref": "#/$defs/Person"}},
                "labels": {"type": "object", "additionalProperties": {"type": "integer"}},
                "level": {"enum": ["low", "high"]},
            },
            "required": ["count", "where"],
            "$defs": {
                "Place": {"type": "object", "properties": {"city": {"type": "string"}, "zip": {"type": "integer"}}},
                "Person": {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}},
            },
        })
    }

    fn build(words: &[&str]) -> Result<Value, String> {
        let schema = schema();
        let given: Result<Vec<_>, _> = words.iter().map(|word| Given::parse(word)).collect();
        let given = given.map_err(|failure| failure.to_string())?;
        let built = arguments(Map::new(), &given, Schema::new(&schema));
        built
            .map(Value::Object)
            .map_err(|failure| failure.to_string())
    }

    #[test]
    fn values_nested_and_repeated() {
        for (words, expected) in [
            (
                &["count=3", "level=low"][..],
                json!({"count": 3, "level": "low"}),
            ),
            (&["tags=a", "tags=b"], json!({"tags": ["a", "b"]})),
            (
                &["tags=[\"a\", \"b\"]", "tags=c"],
                json!({"tags": ["a", "b", "c"]}),
            ),
            (&["tags:=[\"a\"]"], json!({"tags": ["a"]})),
            (&["ids=1", "ids=2"], json!({"ids": [1, 2]})),
            (&["ids=null"], json!({"ids": null})),
            (
                &["where.city=Bern", "where.zip=3000"],
                json!({"where": {"city": "Bern", "zip": 3000}}),
            ),
            (&["dotted.name=true"], json!({"dotted.name": true})),
            (
                &["people.0.name=Ada", "people.0.age=36", "people.1.name=Alan"],
                json!({"people": [{"name": "Ada", "age": 36}, {"name": "Alan"}]}),
            ),
            (&["labels.x=1"], json!({"labels": {"x": 1}})),
        ] {
            assert_eq!(build(words), Ok(expected), "{words:?}");
        }
    }

    #[test]
    fn errors_name_the_argument_and_what_it_should_be() {
        for (words, expected) in [
            (&["count=three"][..], "count: \"three\" is not an integer"),
            (&["level=mid"], "level: \"mid\" is not one of low, high"),
            (
                &["cuont=3"],
                "there is no argument cuont; did you mean count?",
            ),
            (
                &["where.town=x"],
                "where.town: there is no town; it takes city, zip",
            ),
            (&["where.zip=x"], "where.zip: \"x\" is not an integer"),
            (
                &["count=1", "count=2"],
                "count is given twice, and it is not a list",
            ),
            (
                &["people.2.name=x"],
                "people.2.name: 2 is not a place in a list of 0",
            ),
            (
                &["where..zip=1"],
                "where..zip: a name is missing beside a dot",
            ),
            (
                &["count=1", "count.x=1"],
                "count.x: there is a value already, into which nothing can be put",
            ),
        ] {
            assert_eq!(build(words), Err(expected.to_owned()), "{words:?}");
        }
    }

    #[test]
    fn what_is_required_is_named() {
        let schema = schema();
        let built = build(&["level=low"]).expect("arguments");
        let built = built.as_object().expect("an object");
        let failure = check_required("plan", built, Schema::new(&schema)).expect_err("missing");
        assert_eq!(
            failure.to_string(),
            "plan needs count (integer), where (object)"
        );
    }

    #[test]
    fn words_replace_what_the_input_says() {
        let schema = schema();
        let Value::Object(base) = json!({"count": 1, "tags": ["a"], "extra": true}) else {
            unreachable!()
        };
        let given = [
            Given::parse("count=2").expect("an argument"),
            Given::parse("tags=b").expect("an argument"),
        ];
        let built = arguments(base, &given, Schema::new(&schema)).expect("arguments");
        assert_eq!(
            Value::Object(built),
            json!({"count": 2, "tags": ["b"], "extra": true})
        );
    }

    #[test]
    fn a_tool_without_a_schema_takes_anything() {
        let schema = json!({"type": "object"});
        let given = [Given::parse("a=1").expect("an argument")];
        let built = arguments(Map::new(), &given, Schema::new(&schema)).expect("arguments");
        assert_eq!(Value::Object(built), json!({"a": "1"}));
        let schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
        let failure =
            arguments(Map::new(), &given, Schema::new(&schema)).expect_err("none is taken");
        assert_eq!(failure.to_string(), "there is no argument a; it takes none");
    }
}
