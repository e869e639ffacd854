//! Reads types from a [`Node`], with errors that know their place and show no value that was made
//! of `${…}`.

use std::fmt;

use serde::de::value::{StrDeserializer, StringDeserializer};
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer as _, Unexpected, Visitor};

use super::mask;
use super::node::{Entry, Node, Span, Text, Value};

/// Why a value does not fit its type.
#[derive(Debug)]
pub(super) struct Fault {
    /// Where: a key for one that is unknown, a table for one that is missing.
    pub(super) at: Option<Span>,
    pub(super) kind: FaultKind,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    UnknownKey {
        key: String,
        known: &'static [&'static str],
    },
    UnknownValue {
        given: Option<String>,
        known: &'static [&'static str],
    },
    Missing(&'static str),
    Type {
        found: &'static str,
        expected: String,
    },
    Other(String),
}

impl FaultKind {
    fn of_type(found: &'static str, expected: &dyn de::Expected) -> Self {
        let expected = match expected.to_string().as_str() {
            "a string" | "str" | "string" => "a text".to_owned(),
            "path string" => "a path".to_owned(),
            "a boolean" | "bool" => "true or false".to_owned(),
            "a sequence" => "a list".to_owned(),
            "u8" | "u16" | "u32" | "u64" | "usize" | "nonzero u32" | "nonzero usize" => {
                "an integer from 0 on".to_owned()
            }
            "i8" | "i16" | "i32" | "i64" | "isize" => "an integer".to_owned(),
            "f32" | "f64" => "a number".to_owned(),
            text if text.starts_with("struct ") => "a table".to_owned(),
            text => text.to_owned(),
        };
        Self::Type { found, expected }
    }
}

impl Fault {
    fn new(kind: FaultKind) -> Self {
        Self { at: None, kind }
    }

    fn at(mut self, place: &Span) -> Self {
        self.at.get_or_insert_with(|| place.clone());
        self
    }

    /// Says where, and leaves out what must not be said.
    fn about(self, node: &Node) -> Self {
        let known = self.at.is_some();
        let mut fault = self.at(&node.span);
        if known {
            return fault;
        }
        if let FaultKind::Type { found, .. } = &mut fault.kind {
            *found = node.kind();
        }
        if let Value::Text(text) = &node.value
            && !text.made_of.is_empty()
        {
            match &mut fault.kind {
                FaultKind::UnknownValue { given, .. } => *given = None,
                FaultKind::Other(why) => {
                    let hidden = || "the value does not fit".to_owned();
                    *why = mask::reason(why, &text.values()).unwrap_or_else(hidden);
                }
                _ => {}
            }
        }
        fault
    }
}

impl Text {
    /// The `${…}` and what they stand for.
    pub(super) fn values(&self) -> Vec<(String, String)> {
        let pair = |(name, value): &(String, zeroize::Zeroizing<String>)| {
            (name.clone(), value.to_string())
        };
        self.made_of.iter().map(pair).collect()
    }

    /// Whether it may be read as something else than text.
    fn is_loose(&self) -> bool {
        self.loose || !self.made_of.is_empty()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(FaultKind::Other(message.to_string()))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(FaultKind::of_type("another value", expected))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        match unexpected {
            Unexpected::Str(_) => Self::custom(format_args!("expected {expected}")),
            other => match FaultKind::of_type("", expected) {
                FaultKind::Type { expected, .. } => {
                    Self::custom(format_args!("this is {other}, and should be {expected}"))
                }
                kind => Self::new(kind),
            },
        }
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Self {
        Self::new(FaultKind::UnknownValue {
            given: Some(variant.to_owned()),
            known,
        })
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        Self::new(FaultKind::UnknownKey {
            key: field.to_owned(),
            known,
        })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(FaultKind::Missing(field))
    }
}

/// Reads text as a number or truth value, where text may stand for one.
macro_rules! loose {
    ($($method:ident => $visit:ident: $type:ty, $what:literal;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            match &self.value {
                Value::Text(text) if text.is_loose() => match text.text.trim().parse::<$type>() {
                    Ok(value) => visitor.$visit(value),
                    Err(_) => Err(Fault::new(FaultKind::of_type("a text", &$what))),
                }
                .map_err(|fault: Fault| fault.about(self)),
                _ => self.deserialize_any(visitor),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for &Node {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.value {
            Value::Text(text) => visitor.visit_str(&text.text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Date(date) => visitor.visit_str(date),
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            Value::Table(entries) => visitor.visit_map(Entries {
                rest: entries.iter(),
                current: None,
            }),
        }
        .map_err(|fault: Fault| fault.about(self))
    }

    loose! {
        deserialize_bool => visit_bool: bool, "a boolean";
        deserialize_i8 => visit_i64: i64, "i64";
        deserialize_i16 => visit_i64: i64, "i64";
        deserialize_i32 => visit_i64: i64, "i64";
        deserialize_i64 => visit_i64: i64, "i64";
        deserialize_u8 => visit_u64: u64, "u64";
        deserialize_u16 => visit_u64: u64, "u64";
        deserialize_u32 => visit_u64: u64, "u64";
        deserialize_u64 => visit_u64: u64, "u64";
        deserialize_f32 => visit_f64: f64, "f64";
        deserialize_f64 => visit_f64: f64, "f64";
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.value {
            Value::Text(text) if text.loose => {
                let parts = text
                    .text
                    .split(',')
                    .map(str::trim)
                    .filter(|p| !p.is_empty());
                let parts: Vec<&str> = parts.collect();
                visitor
                    .visit_seq(de::value::SeqDeserializer::new(parts.into_iter()))
                    .map_err(|fault: Fault| fault.about(self))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.value {
            Value::Text(text) => {
                let text: StrDeserializer<'_, Fault> = text.text.as_str().into_deserializer();
                text.deserialize_enum(name, variants, visitor)
            }
            Value::Table(entries) if entries.len() == 1 => {
                visitor.visit_enum(de::value::MapAccessDeserializer::new(Entries {
                    rest: entries.iter(),
                    current: None,
                }))
            }
            _ => Err(Fault::new(FaultKind::Type {
                found: "another value",
                expected: format!("one of {}", variants.join(", ")),
            })),
        }
        .map_err(|fault| fault.about(self))
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct
        identifier ignored_any
    }
}

struct Items<'a>(std::slice::Iter<'a, Node>);

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let read = |item: &Node| seed.deserialize(item).map_err(|fault| fault.about(item));
        self.0.next().map(read).transpose()
    }
}

struct Entries<'a> {
    rest: std::slice::Iter<'a, Entry>,
    current: Option<&'a Entry>,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        self.current = self.rest.next();
        let Some(entry) = self.current else {
            return Ok(None);
        };
        let key: StringDeserializer<Fault> = entry.key.clone().into_deserializer();
        let key = seed.deserialize(key);
        key.map(Some).map_err(|fault| fault.at(&entry.key_span))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        match self.current {
            Some(entry) => {
                let read = seed.deserialize(&entry.node);
                read.map_err(|fault| fault.about(&entry.node))
            }
            None => Err(de::Error::custom("a value without a key")),
        }
    }
}
