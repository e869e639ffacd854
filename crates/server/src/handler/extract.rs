//! What a handler is given: typed arguments, template variables, shared state.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use wharf_protocol::raw::RawJson;

use serde::Deserialize;
use serde::de::value::MapDeserializer;
use serde::de::{self, DeserializeOwned};
use serde_json::{Number, Value};

use super::CallError;
use super::text::{FromText, Text, TextError, shown, shown_up_to};
use crate::context::Context;
use crate::error::Error;

/// The longest text of one argument error, in characters.
const MAX_REASON: usize = 400;

/// Reads a tool's arguments from the client's bytes into their type, in one pass.
///
/// Where that fails they are read again, slowly, to say which field does not fit. That second
/// reading takes `5.0` as the integer 5, because for JSON Schema it is one (2020-12 validation,
/// 6.1.1) and some clients write integers so.
///
/// # Errors
/// [`CallError::Arguments`]: the path of the field and the reason, safe to show.
pub fn tool_arguments<A: DeserializeOwned>(arguments: RawJson<'_>) -> Result<A, CallError> {
    let json = arguments.get();
    // A struct would also be read from an array, by position.
    if !arguments.is_object() {
        return Err(CallError::Arguments(
            "invalid arguments: expected an object".to_owned(),
        ));
    }
    serde_json::from_str(json).or_else(|_| read_again(json))
}

#[cold]
fn read_again<A: DeserializeOwned>(json: &str) -> Result<A, CallError> {
    let mut raw = serde_json::Deserializer::from_str(json);
    let error = match serde_path_to_error::deserialize(&mut raw) {
        Ok(arguments) => return Ok(arguments),
        Err(error) => error,
    };
    // Only then: a value loses what the bytes may also be refused for, such as a field given twice.
    let is_float = error.inner().to_string().contains("floating point");
    let value = is_float
        .then(|| serde_json::from_str(json).ok())
        .flatten()
        .map(|Unambiguous(value)| value);
    let error = match value {
        Some(mut value) => {
            whole_floats_to_integers(&mut value);
            match serde_path_to_error::deserialize(&value) {
                Ok(arguments) => return Ok(arguments),
                Err(error) => error,
            }
        }
        None => error,
    };
    let path = error.path().to_string();
    let why = reason(error.inner());
    Err(CallError::Arguments(match path.as_str() {
        "." | "" => format!("invalid arguments: {why}"),
        path => format!("invalid argument `{}`: {why}", shown(path)),
    }))
}

/// A value in which no object has a member twice: a struct would refuse that, and so must the
/// second reading.
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
                let mut items = Vec::new();
                while let Some(Unambiguous(item)) = seq.next_element()? {
                    items.push(item);
                }
                Ok(items.into())
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut members = serde_json::Map::new();
                while let Some((name, Unambiguous(member))) = map.next_entry::<String, _>()? {
                    if members.contains_key(&name) {
                        let name = shown(&name);
                        return Err(de::Error::custom(format_args!("duplicate field `{name}`")));
                    }
                    members.insert(name, member);
                }
                Ok(members.into())
            }
        }

        deserializer.deserialize_any(Visitor).map(Self)
    }
}

fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    // Line and column are of the arguments alone: they would mislead who sees a whole message.
    let text = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(text, _)| text);
    shown_up_to(text, MAX_REASON).to_string()
}

fn whole_floats_to_integers(value: &mut Value) {
    /// Below this every integer has a float of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            if let Some(float) = number
                .as_f64()
                .filter(|f| f.fract() == 0.0 && f.abs() < EXACT)
            {
                #[allow(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
                let whole = float as i64;
                *number = Number::from(whole);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole_floats_to_integers),
        Value::Object(members) => members.values_mut().for_each(whole_floats_to_integers),
        _ => {}
    }
}

/// The arguments of a tool that takes none.
///
/// ```
/// use wharf_server::{Context, NoArguments, Tool};
///
/// let tool = Tool::new("now").handler(|_: NoArguments, _: Context| async { "noon" });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, schemars::JsonSchema)]
pub struct NoArguments {}

/// Something the server was given with `Server::state`, shared by all handlers.
///
/// ```
/// use wharf_server::State;
///
/// let names = State::new(vec!["Ada"]);
/// assert_eq!(names.len(), 1);
/// ```
#[derive(Debug)]
pub struct State<T: ?Sized>(pub Arc<T>);

impl<T> State<T> {
    /// Wraps a value, for calling a handler in a test.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T: Send + Sync + 'static> State<T> {
    /// The state of this type.
    ///
    /// # Errors
    /// When the server was not given one: a mistake of the program, not of the client.
    pub fn from_context(ctx: &Context) -> Result<Self, Error> {
        ctx.state().map(Self).ok_or_else(|| {
            Error::new(format_args!(
                "the server has no state of type `{}`: add it with `.state(…)`",
                std::any::type_name::<T>()
            ))
        })
    }
}

impl<T: ?Sized> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: ?Sized> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// The values that a URI gave the variables of its template, in the template's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables<'a>(Vec<(&'a str, String)>);

impl<'a> Variables<'a> {
    pub(crate) fn new(values: Vec<(&'a str, String)>) -> Self {
        Self(values)
    }

    /// The decoded text of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }

    /// A variable as a value of its type.
    ///
    /// # Errors
    /// [`Error::invalid_params`] naming the variable and what was expected.
    pub fn parse<T: FromText>(&self, name: &str) -> Result<T, Error> {
        T::from_text(self.get(name))
            .map_err(|why| Error::invalid_params(format_args!("invalid variable `{name}`: {why}")))
    }

    /// All names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// All variables as one struct, field by field.
    ///
    /// # Errors
    /// As [`parse`](Variables::parse).
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        read_fields("variable", self.iter())
    }
}

/// The arguments of a prompt: text by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PromptArguments(Vec<(String, String)>);

impl PromptArguments {
    /// Reads the `arguments` member of a `prompts/get`.
    ///
    /// # Errors
    /// [`Error::invalid_params`] when it is not an object of strings.
    pub fn parse_raw(arguments: Option<RawJson<'_>>) -> Result<Self, Error> {
        let Some(arguments) = arguments else {
            return Ok(Self::default());
        };
        let mut json = serde_json::Deserializer::from_str(arguments.get());
        serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            let why = reason(error.inner());
            Error::invalid_params(match path.as_str() {
                "." | "" => format!("invalid prompt arguments: {why}"),
                path => format!("invalid prompt argument `{}`: {why}", shown(path)),
            })
        })
    }

    /// The text of an argument.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// An argument as a value of its type.
    ///
    /// # Errors
    /// [`Error::invalid_params`] naming the argument and what was expected.
    pub fn parse<T: FromText>(&self, name: &str) -> Result<T, Error> {
        T::from_text(self.get(name)).map_err(|why| {
            Error::invalid_params(format_args!("invalid prompt argument `{name}`: {why}"))
        })
    }

    /// All names and values, as sent.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// All arguments as one struct, field by field.
    ///
    /// # Errors
    /// [`Error::invalid_params`] naming the argument and what was expected.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        read_fields("prompt argument", self.iter())
    }
}

impl FromIterator<(String, String)> for PromptArguments {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<'de> Deserialize<'de> for PromptArguments {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> de::Visitor<'de> for Pairs {
            type Value = PromptArguments;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_unit<E>(self) -> Result<PromptArguments, E> {
                Ok(PromptArguments::default())
            }

            fn visit_map<M: de::MapAccess<'de>>(
                self,
                mut map: M,
            ) -> Result<PromptArguments, M::Error> {
                let mut pairs = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, String>()? {
                    if pairs.iter().any(|(known, _)| *known == name) {
                        return Err(de::Error::custom(format_args!(
                            "`{}` is given twice",
                            shown(&name)
                        )));
                    }
                    pairs.push((name, value));
                }
                Ok(PromptArguments(pairs))
            }
        }
        deserializer.deserialize_any(Pairs)
    }
}

fn read_fields<'t, T: DeserializeOwned>(
    what: &str,
    fields: impl Iterator<Item = (&'t str, &'t str)>,
) -> Result<T, Error> {
    let map = MapDeserializer::<_, TextError>::new(fields.map(|(name, text)| (name, Text(text))));
    serde_path_to_error::deserialize(map).map_err(|error| {
        let path = error.path().to_string();
        Error::invalid_params(match path.as_str() {
            "." | "" => format!("invalid {what}s: {}", error.inner()),
            path => format!("invalid {what} `{}`: {}", shown(path), error.inner()),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Add {
        a: i64,
        b: i64,
        #[serde(default)]
        tags: Vec<String>,
    }

    fn read(json: &str) -> Result<Add, String> {
        let raw = RawJson::new(json).expect("test input is JSON");
        tool_arguments(raw).map_err(|error| error.to_string())
    }

    #[test]
    fn arguments_go_straight_into_their_type() {
        assert_eq!(
            read(r#"{"a":1,"b":2}"#),
            Ok(Add {
                a: 1,
                b: 2,
                tags: vec![]
            })
        );
    }

    #[test]
    fn an_argument_that_does_not_fit_is_named() {
        assert_eq!(
            read(r#"{"a":1,"b":"x"}"#).expect_err("an error"),
            "invalid argument `b`: invalid type: string \"x\", expected i64"
        );
        assert_eq!(
            read(r#"{"a":1}"#).expect_err("an error"),
            "invalid arguments: missing field `b`"
        );
        assert_eq!(
            read(r#"{"a":1,"b":2,"tags":["x",3]}"#).expect_err("an error"),
            "invalid argument `tags[1]`: invalid type: integer `3`, expected a string"
        );
        assert_eq!(
            read("[1,2]").expect_err("an error"),
            "invalid arguments: expected an object"
        );
    }

    #[test]
    fn a_field_given_twice_is_refused() {
        let error = read(r#"{"a":1,"b":2,"b":3}"#).expect_err("ambiguous");
        assert!(error.contains("duplicate field `b`"), "{error}");
    }

    #[test]
    fn a_whole_float_is_an_integer() {
        assert_eq!(
            read(r#"{"a":1.0,"b":2e0}"#),
            Ok(Add {
                a: 1,
                b: 2,
                tags: vec![]
            })
        );
        assert!(
            read(r#"{"a":1.5,"b":2}"#)
                .expect_err("an error")
                .starts_with("invalid argument `a`")
        );
        assert!(read(r#"{"a":1e300,"b":2}"#).is_err());
    }

    #[test]
    fn client_bytes_in_an_error_are_escaped_and_cut() {
        let long = format!(r#"{{"a":1,"b":"\u001b[31m{}"}}"#, "x".repeat(100_000));
        let error = read(&long).expect_err("an error");
        assert!(error.len() < 1_000 && !error.contains('\u{1b}'), "{error}");
    }

    #[test]
    fn prompt_arguments_are_strings() {
        let raw = |json: &str| PromptArguments::parse_raw(Some(RawJson::new(json).expect("JSON")));
        let read = raw(r#"{"n":"4","who":"Ada"}"#).expect("valid");
        assert_eq!(read.get("who"), Some("Ada"));
        assert_eq!(read.parse::<u8>("n").ok(), Some(4));
        assert_eq!(read.parse::<Option<u8>>("x").ok(), Some(None));
        assert_eq!(
            read.parse::<u8>("who").expect_err("an error").message(),
            "invalid prompt argument `who`: expected a whole number from 0 to 255, got \"Ada\""
        );
        let wrong = raw(r#"{"n":4}"#).expect_err("an error");
        assert!(wrong.is_invalid_params());
        assert_eq!(
            wrong.message(),
            "invalid prompt argument `n`: invalid type: integer `4`, expected a string"
        );
        assert!(
            raw(r#"{"n":"1","n":"2"}"#)
                .expect_err("an error")
                .message()
                .contains("twice")
        );
        assert!(raw("[]").is_err());
    }

    #[test]
    fn texts_become_a_struct() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Args {
            n: u8,
            who: Option<String>,
        }
        let of = |pairs: &[(&str, &str)]| -> Result<Args, Error> {
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect::<PromptArguments>()
                .read()
        };
        assert_eq!(of(&[("n", "4")]).ok(), Some(Args { n: 4, who: None }));
        assert_eq!(
            of(&[("n", "x")]).expect_err("an error").message(),
            "invalid prompt argument `n`: expected a whole number from 0 to 255, got \"x\""
        );
        assert_eq!(
            of(&[]).expect_err("an error").message(),
            "invalid prompt arguments: missing field `n`"
        );
    }
}
