//! [`Node`]: a value of the configuration that knows where it stands.
//!
//! Files and arguments become the same tree, from which the types are read. A node does not write
//! its text into `Debug`: it may be a secret.

use std::ops::Range;

use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::source::Source;

pub(super) type Span = Range<usize>;

/// A value and its place.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) value: Value,
}

#[derive(Clone)]
pub(super) enum Value {
    Text(Text),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Date(String),
    List(Vec<Node>),
    Table(Vec<Entry>),
}

/// A text; what it stands for, once `${…}` is resolved.
#[derive(Clone)]
pub(super) struct Text {
    pub(super) text: Zeroizing<String>,
    /// The `${…}` in it with their values.
    pub(super) made_of: Vec<(String, Zeroizing<String>)>,
    /// Whether it may stand for a number or a truth value: an argument has nothing but text.
    pub(super) loose: bool,
}

impl Text {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self {
            text: Zeroizing::new(text.into()),
            made_of: Vec::new(),
            loose: false,
        }
    }
}

/// A key and its value.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Span,
    pub(super) node: Node,
}

impl Node {
    pub(super) fn new(span: Span, value: Value) -> Self {
        Self { span, value }
    }

    /// Reads TOML. What can be read of a text with errors is read.
    pub(super) fn parse(source: &Source) -> (Self, Vec<toml::de::Error>) {
        let (table, errors) = DeTable::parse_recoverable(source.text());
        let span = table.span();
        (Self::new(span, of_table(table.get_ref())), errors)
    }

    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// Takes an entry out of a table.
    pub(super) fn take(&mut self, key: &str) -> Option<Entry> {
        let Value::Table(entries) = &mut self.value else {
            return None;
        };
        let index = entries.iter().position(|entry| entry.key == key)?;
        Some(entries.remove(index))
    }

    /// What it is, for whoever wrote it.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Text(_) => "a text",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a number",
            Value::Bool(_) => "a truth value",
            Value::Date(_) => "a date",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    /// Every text in it.
    pub(super) fn texts(&self) -> Vec<&Text> {
        match &self.value {
            Value::Text(text) => vec![text],
            Value::List(items) => items.iter().flat_map(Node::texts).collect(),
            Value::Table(entries) => entries.iter().flat_map(|e| e.node.texts()).collect(),
            _ => Vec::new(),
        }
    }

    /// Every text in it, with its place, to change.
    pub(super) fn each_text(&mut self, change: &mut impl FnMut(&Span, &mut Text)) {
        match &mut self.value {
            Value::Text(text) => change(&self.span, text),
            Value::List(items) => items.iter_mut().for_each(|item| item.each_text(change)),
            Value::Table(entries) => {
                entries.iter_mut().for_each(|e| e.node.each_text(change));
            }
            _ => {}
        }
    }

    /// Removes the node or the entry that has exactly this place; whether it was there.
    pub(super) fn remove(&mut self, place: &Span) -> bool {
        match &mut self.value {
            Value::List(items) => {
                let before = items.len();
                items.retain(|item| item.span != *place);
                items.len() < before || items.iter_mut().any(|item| item.remove(place))
            }
            Value::Table(entries) => {
                let before = entries.len();
                entries.retain(|e| e.key_span != *place && e.node.span != *place);
                entries.len() < before || entries.iter_mut().any(|e| e.node.remove(place))
            }
            _ => false,
        }
    }
}

fn of_value(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(Text::plain(text.as_ref())),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Float(number.as_str().parse().unwrap_or(f64::INFINITY)),
        },
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(items) => {
            let node = |item: &toml::Spanned<DeValue<'_>>| {
                Node::new(item.span(), of_value(item.get_ref()))
            };
            Value::List(items.iter().map(node).collect())
        }
        DeValue::Table(table) => of_table(table),
    }
}

fn of_table(table: &DeTable<'_>) -> Value {
    let entry = |(key, value): (
        &toml::Spanned<std::borrow::Cow<'_, str>>,
        &toml::Spanned<DeValue<'_>>,
    )| Entry {
        key: key.get_ref().to_string(),
        key_span: key.span(),
        node: Node::new(value.span(), of_value(value.get_ref())),
    };
    let mut entries: Vec<_> = table.iter().map(entry).collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    Value::Table(entries)
}
