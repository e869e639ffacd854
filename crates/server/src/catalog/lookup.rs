//! Finding what a request names, or saying what it may have meant.

use std::sync::Arc;

use wharf_protocol::completion::{CompleteParams, CompleteResult, Completion, CompletionReference};
use wharf_protocol::resources::ReadResourceResult;

use super::Catalog;
use super::complete::{Completer, CompletionRequest};
use super::prompt::PromptEntry;
use super::resource::ResourceEntry;
use super::tool::ToolEntry;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::handler::extract::Variables;
use crate::handler::text::shown;

impl Catalog {
    /// The tool of this name.
    pub fn tool(&self, name: &str) -> Option<&Arc<ToolEntry>> {
        self.tools.get(name)
    }

    /// The prompt of this name.
    pub fn prompt(&self, name: &str) -> Option<&Arc<PromptEntry>> {
        self.prompts.get(name)
    }

    /// What serves this URI: a direct resource, or else the first template that matches.
    pub fn resource(&self, uri: &str) -> Option<&Arc<ResourceEntry>> {
        self.find_resource(uri).map(|(entry, _)| entry)
    }

    pub(crate) fn find_resource(&self, uri: &str) -> Option<(&Arc<ResourceEntry>, Variables<'_>)> {
        let direct = self.resources.get(uri);
        if let Some(entry) = direct.or_else(|| self.unlisted.get(uri)) {
            return Some((entry, Variables::default()));
        }
        self.templates
            .values()
            .find_map(|entry| entry.matches(uri).map(|variables| (entry, variables)))
    }

    /// Reads the resource at a URI.
    ///
    /// # Errors
    /// [`Error::not_found`], or the handler's own.
    pub async fn read_resource(&self, ctx: &Context, uri: &str) -> Result<ReadResourceResult> {
        let (entry, variables) = self
            .find_resource(uri)
            .ok_or_else(|| Error::not_found(uri))?;
        entry.read(ctx, uri, variables).await
    }

    /// The error for a tool that does not exist, with the nearest names.
    pub fn unknown_tool(&self, name: &str) -> Error {
        unknown("tool", name, self.tools.keys())
    }

    /// The error for a prompt that does not exist, with the nearest names.
    pub fn unknown_prompt(&self, name: &str) -> Error {
        unknown("prompt", name, self.prompts.keys())
    }

    /// Answers `completion/complete`. An argument that nobody completes has no suggestions.
    ///
    /// # Errors
    /// [`Error::invalid_params`] for a prompt, resource or argument that does not exist, or the
    /// completion function's own.
    pub async fn complete(&self, ctx: &Context, params: CompleteParams) -> Result<CompleteResult> {
        let completer = self.completer(&params.reference, &params.argument.name)?;
        let completion = match completer {
            Some(completer) => {
                let arguments = params
                    .context
                    .map(|context| context.arguments)
                    .unwrap_or_default();
                completer
                    .complete(CompletionRequest::new(
                        params.argument.value,
                        arguments,
                        ctx.clone(),
                    ))
                    .await?
            }
            None => Completion {
                values: Vec::new(),
                total: Some(0),
                has_more: Some(false),
            },
        };
        Ok(CompleteResult {
            completion,
            meta: None,
        })
    }

    fn completer(
        &self,
        reference: &CompletionReference,
        argument: &str,
    ) -> Result<Option<&Completer>> {
        let unknown_argument = |what: &str, of: &str| {
            Error::invalid_params(format_args!(
                "`{}` has no {what} `{}`",
                shown(of),
                shown(argument)
            ))
        };
        match reference {
            CompletionReference::Prompt { name, .. } => {
                let prompt = self.prompt(name).ok_or_else(|| self.unknown_prompt(name))?;
                if !prompt.has_argument(argument) {
                    return Err(unknown_argument("argument", name));
                }
                Ok(prompt.completer(argument))
            }
            CompletionReference::Resource { uri } => {
                let entry = self
                    .templates
                    .get(uri.as_str())
                    .or_else(|| self.resource(uri));
                let entry = entry
                    .ok_or_else(|| unknown("resource template", uri, self.templates.keys()))?;
                // A direct resource has nothing to complete.
                if entry.template().is_some() && !entry.has_variable(argument) {
                    return Err(unknown_argument("variable", uri));
                }
                Ok(entry.completer(argument))
            }
        }
    }
}

fn unknown<'n>(what: &str, name: &str, known: impl Iterator<Item = &'n Arc<str>>) -> Error {
    let near: Vec<_> = nearest(name, known.map(|name| &**name))
        .into_iter()
        .map(|name| format!("`{}`", shown(name)))
        .collect();
    let hint = if near.is_empty() {
        String::new()
    } else {
        format!("; did you mean {}?", near.join(" or "))
    };
    Error::invalid_params(format_args!("unknown {what} `{}`{hint}", shown(name)))
}

/// How many names are suggested.
const SUGGESTIONS: usize = 3;
/// Names and catalogs beyond these sizes get no suggestions: they would cost more than they help.
const MAX_LENGTH: usize = 64;
const MAX_NAMES: usize = 2_000;

/// The names that differ in at most a third of their characters, nearest first.
fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let wanted: Vec<char> = name
        .chars()
        .take(MAX_LENGTH + 1)
        .flat_map(char::to_lowercase)
        .collect();
    if wanted.is_empty() || wanted.len() > MAX_LENGTH {
        return Vec::new();
    }
    let mut near: Vec<(usize, &str)> = known
        .take(MAX_NAMES)
        .filter_map(|candidate| {
            let letters: Vec<char> = candidate
                .chars()
                .take(MAX_LENGTH + 1)
                .flat_map(char::to_lowercase)
                .collect();
            let most = wanted.len().max(letters.len()).div_ceil(3);
            if letters.len() > MAX_LENGTH || wanted.len().abs_diff(letters.len()) > most {
                return None;
            }
            let distance = edit_distance(&wanted, &letters);
            (distance <= most).then_some((distance, candidate))
        })
        .collect();
    near.sort_by_key(|(distance, _)| *distance);
    near.into_iter()
        .take(SUGGESTIONS)
        .map(|(_, name)| name)
        .collect()
}

/// How many insertions, deletions, substitutions and swaps of neighbours lead from one to the other
/// (optimal string alignment).
fn edit_distance(a: &[char], b: &[char]) -> usize {
    let mut above: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(i + 1);
        for (j, y) in b.iter().enumerate() {
            let mut least = (row[j] + usize::from(x != y))
                .min(row[j + 1] + 1)
                .min(next[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(above[j - 1] + 1);
            }
            next.push(least);
        }
        above = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::CatalogSettings;
    use crate::handler::testing::{context, now};
    use crate::{Items, Prompt, Resource, Tool};
    use serde_json::json;

    fn catalog() -> Catalog {
        let tool = |name: &str| Tool::new(name).raw_handler(|_, _| async {});
        let template = |uri: &str, who: &'static str| {
            Resource::template(
                uri,
                move |_: std::collections::BTreeMap<String, String>, _| async move { who },
            )
        };
        let items = Items::new()
            .tool(tool("read_file"))
            .tool(tool("write_file"))
            .tool(tool("add"))
            .resource(template("a://{x}", "first").complete("x", ["one", "two"]))
            .resource(template("a://{y}/", "second"))
            .resource(Resource::text("a://direct", "direct"))
            .prompt(
                Prompt::new("ask")
                    .required("topic", "")
                    .optional("tone", "")
                    .complete("tone", ["kind"])
                    .raw_handler(|_, _| async { "" }),
            );
        Catalog::build(items, CatalogSettings::default()).expect("a catalog")
    }

    #[test]
    fn near_names_are_suggested() {
        let catalog = catalog();
        assert_eq!(
            catalog.unknown_tool("raed_file").message(),
            "unknown tool `raed_file`; did you mean `read_file` or `write_file`?"
        );
        assert_eq!(
            catalog.unknown_tool("ADD").message(),
            "unknown tool `ADD`; did you mean `add`?"
        );
        assert_eq!(catalog.unknown_tool("zzz").message(), "unknown tool `zzz`");
        assert_eq!(
            catalog.unknown_prompt("asks").message(),
            "unknown prompt `asks`; did you mean `ask`?"
        );
        let long = catalog.unknown_tool(&"\u{1b}".repeat(1_000_000));
        assert!(
            long.is_invalid_params()
                && long.message().len() < 1_000
                && !long.message().contains('\u{1b}')
        );
    }

    #[test]
    fn distances_count_edits() {
        let distance = |a: &str, b: &str| {
            edit_distance(
                &a.chars().collect::<Vec<_>>(),
                &b.chars().collect::<Vec<_>>(),
            )
        };
        for (a, b, expected) in [
            ("", "", 0),
            ("", "ab", 2),
            ("ask", "aks", 1),
            ("kitten", "sitting", 3),
            ("ab", "ba", 1),
            ("abc", "abc", 0),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn direct_resources_come_before_templates_and_templates_in_order() {
        let catalog = catalog();
        let read = |uri: &str| {
            now(catalog.read_resource(&context(), uri))
                .map(|result| format!("{:?}", result.contents[0]))
        };
        assert!(read("a://direct").expect("contents").contains("\"direct\""));
        assert!(read("a://other").expect("contents").contains("first"));
        assert_eq!(
            read("b://x").expect_err("an error").not_found_uri(),
            Some("b://x")
        );
    }

    fn complete(reference: serde_json::Value, argument: &str, value: &str) -> Result<Vec<String>> {
        let params = serde_json::from_value(
            json!({"ref": reference, "argument": {"name": argument, "value": value}}),
        )
        .expect("params");
        now(catalog().complete(&context(), params)).map(|result| result.completion.values)
    }

    #[test]
    fn arguments_and_variables_are_completed() {
        let prompt = json!({"type": "ref/prompt", "name": "ask"});
        let template = json!({"type": "ref/resource", "uri": "a://{x}"});
        assert_eq!(
            complete(prompt.clone(), "tone", "K").expect("values"),
            ["kind"]
        );
        assert_eq!(
            complete(template.clone(), "x", "t").expect("values"),
            ["two"]
        );
        assert!(
            complete(prompt.clone(), "topic", "")
                .expect("no completer")
                .is_empty()
        );
        assert!(
            complete(
                json!({"type": "ref/resource", "uri": "a://direct"}),
                "x",
                ""
            )
            .expect("nothing to complete")
            .is_empty()
        );
        for (reference, argument, why) in [
            (prompt, "nope", "no argument `nope`"),
            (template, "nope", "no variable `nope`"),
            (
                json!({"type": "ref/prompt", "name": "aks"}),
                "x",
                "did you mean `ask`",
            ),
            (
                json!({"type": "ref/resource", "uri": "b://{x}"}),
                "x",
                "did you mean `a://{x}`",
            ),
        ] {
            let error = complete(reference, argument, "").expect_err("an error");
            assert!(
                error.is_invalid_params() && error.message().contains(why),
                "{error}"
            );
        }
    }
}
