//! A host's file without its secrets, for people to look at.

use std::ops::Range;

use jsonc_parser::ast::Value as Json;
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, parse_to_ast};
use toml_edit::{Document, Item, Value as Toml};

use super::mask::{HIDDEN, is_secret, is_token, shown_url};
use super::read::json_options;
use super::table::Format;

/// A text with `…` in the place of what may be secret: values of variables and headers, what is
/// named like a secret, what follows an option that is, passwords in addresses, and what begins
/// like a well-known kind of token. A text that is not understood is not shown.
pub(super) fn hidden(format: Format, text: &str) -> String {
    let mut places = Vec::new();
    let known = match format {
        Format::Json | Format::Commented => json(format, text),
        Format::Toml => toml(text),
    };
    let Some(node) = known else {
        return "…\n".into();
    };
    hide(&node, false, &mut places);
    places.sort_by_key(|(range, _)| range.start);
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for (range, shown) in places {
        out.push_str(&text[end..range.start]);
        out.push('"');
        out.push_str(&shown);
        out.push('"');
        end = range.end;
    }
    out.push_str(&text[end..]);
    tokens(&out)
}

/// Tokens that stand in comments.
fn tokens(text: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(|c| !word(c)) {
        let name = piece.trim_end_matches(|c| !word(c));
        if name.len() >= 12 && is_token(name) {
            out.push_str(HIDDEN);
            out.push_str(&piece[name.len()..]);
        } else {
            out.push_str(piece);
        }
    }
    out
}

/// What a value is made of, whatever it is written in.
enum Node {
    Text(Range<usize>, String),
    Other(Range<usize>),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

/// Members whose values are nobody's business.
const PRIVATE: &[&str] = &["env", "headers", "http_headers"];

fn hide(node: &Node, secret: bool, places: &mut Vec<(Range<usize>, String)>) {
    match node {
        Node::Other(range) => {
            if secret {
                places.push((range.clone(), HIDDEN.into()));
            }
        }
        Node::Text(range, text) => {
            if secret || is_token(text) {
                places.push((range.clone(), HIDDEN.into()));
            } else if text.contains("://") {
                let shown = shown_url(text);
                if shown != *text {
                    places.push((range.clone(), shown.replace(['"', '\\'], HIDDEN)));
                }
            }
        }
        Node::List(items) => {
            let mut next = secret;
            for item in items {
                let Node::Text(range, text) = item else {
                    hide(item, secret, places);
                    continue;
                };
                let option = text.starts_with('-');
                match text.split_once('=') {
                    Some((name, _)) if !secret && !next && is_secret(name) => {
                        let name = name.replace(['"', '\\'], HIDDEN);
                        places.push((range.clone(), format!("{name}={HIDDEN}")));
                    }
                    _ => hide(item, secret || (next && !option), places),
                }
                next = option && is_secret(text) && !text.contains('=');
            }
        }
        Node::Object(members) => {
            for (name, value) in members {
                let private = PRIVATE.contains(&name.as_str());
                hide(
                    value,
                    secret || private || is_leaf_secret(name, value),
                    places,
                );
            }
        }
    }
}

/// Whether a plain value is named like a secret; `keymaps: {…}` as a whole is none.
fn is_leaf_secret(name: &str, value: &Node) -> bool {
    matches!(value, Node::Text(..)) && is_secret(name)
}

fn json(format: Format, text: &str) -> Option<Node> {
    let mark = text.len() - text.trim_start_matches('\u{feff}').len();
    let options = json_options(format);
    let parsed = parse_to_ast(&text[mark..], &CollectOptions::default(), &options).ok()?;
    Some(
        parsed
            .value
            .as_ref()
            .map_or(Node::List(Vec::new()), |value| of_json(value, mark)),
    )
}

fn of_json(value: &Json<'_>, mark: usize) -> Node {
    let range = value.start() + mark..value.end() + mark;
    match value {
        Json::StringLit(text) => Node::Text(range, text.value.clone().into_owned()),
        Json::Array(array) => Node::List(
            array
                .elements
                .iter()
                .map(|value| of_json(value, mark))
                .collect(),
        ),
        Json::Object(object) => {
            let members = object.properties.iter().map(|property| {
                let name = property.name.as_str().to_owned();
                (name, of_json(&property.value, mark))
            });
            Node::Object(members.collect())
        }
        _ => Node::Other(range),
    }
}

fn toml(text: &str) -> Option<Node> {
    let mark = text.len() - text.trim_start_matches('\u{feff}').len();
    let document = Document::parse(&text[mark..]).ok()?;
    Some(of_table(document.as_table().iter(), mark))
}

fn of_table<'a>(items: impl Iterator<Item = (&'a str, &'a Item)>, mark: usize) -> Node {
    let members = items.filter_map(|(name, item)| {
        let node = match item {
            Item::None => return None,
            Item::Value(value) => of_toml(value, mark),
            Item::Table(table) => of_table(table.iter(), mark),
            Item::ArrayOfTables(tables) => {
                let tables = tables.iter().map(|table| of_table(table.iter(), mark));
                Node::List(tables.collect())
            }
        };
        Some((name.to_owned(), node))
    });
    Node::Object(members.collect())
}

fn of_toml(value: &Toml, mark: usize) -> Node {
    let range = value.span().unwrap_or_default();
    let range = range.start + mark..range.end + mark;
    match value {
        Toml::String(text) => Node::Text(range, text.value().clone()),
        Toml::Array(items) => Node::List(items.iter().map(|item| of_toml(item, mark)).collect()),
        Toml::InlineTable(table) => Node::Object(
            table
                .iter()
                .map(|(name, value)| (name.to_owned(), of_toml(value, mark)))
                .collect(),
        ),
        _ => Node::Other(range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown_and_the_rest_is() {
        let json = "\u{feff}{\n  // \"OLD\": \"sk-abcdefghijklmnop\"\n  \"theme\": \"One\",\n  \"mcpServers\": {\"a\": {\"command\": \"npx\",\n    \"args\": [\"--token\", \"s3cret\", \"--api-key=s3cret\", \"postgres://u:s3cret@h/db\", \"-y\"],\n    \"env\": {\"X\": \"s3cret\", \"N\": 5}, \"password\": \"s3cret\"}}\n}\n";
        let shown = hidden(Format::Commented, json);
        assert!(
            !shown.contains("s3cret") && !shown.contains("sk-abc"),
            "{shown}"
        );
        assert_eq!(
            shown,
            "\u{feff}{\n  // \"OLD\": \"…\"\n  \"theme\": \"One\",\n  \"mcpServers\": {\"a\": {\"command\": \"npx\",\n    \"args\": [\"--token\", \"…\", \"--api-key=…\", \"postgres://…@h/db\", \"-y\"],\n    \"env\": {\"X\": \"…\", \"N\": \"…\"}, \"password\": \"…\"}}\n}\n"
        );
        let toml = "model = 'x'\n[mcp_servers.a]\nurl = \"https://h/mcp?key=s3cret\"\nhttp_headers = { A = \"s3cret\" }\n[mcp_servers.b.env]\nK = '''s3cret'''\n";
        let shown = hidden(Format::Toml, toml);
        assert_eq!(
            shown,
            "model = 'x'\n[mcp_servers.a]\nurl = \"https://h/mcp?key=…\"\nhttp_headers = { A = \"…\" }\n[mcp_servers.b.env]\nK = \"…\"\n"
        );
        assert_eq!(hidden(Format::Json, "{\"a\": \"s3cret\""), "…\n");
    }
}
