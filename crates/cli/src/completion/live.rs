//! Asking the server.

use std::time::Duration;

use serde_json::{Value, value::RawValue};
use wharf_client::{Client, Timeouts};
use wharf_protocol::CompletionReference;

use super::Candidate;
use super::cache::{self, LONG, SHORT};
use super::line::{Line, Wanted};
use crate::arguments::Schema;
use crate::hosts::Secret;
use crate::runtime;
use crate::target::{self, Target};

/// The longest that a Tab may take.
const PATIENCE: Duration = Duration::from_millis(1500);

pub(super) fn candidates(wanted: &Wanted, line: &Line) -> Vec<Candidate> {
    let Ok(resolved) = target::resolve(&line.target, &|_| None) else {
        return Vec::new();
    };
    let asked = runtime::here(async {
        let server = Server {
            line,
            target: resolved.target,
        };
        Ok(tokio::time::timeout(PATIENCE, server.candidates(wanted))
            .await
            .ok()
            .flatten())
    });
    asked.ok().flatten().unwrap_or_default()
}

/// The server of the line, connected to when it has to be.
struct Server<'a> {
    line: &'a Line,
    target: Target,
}

impl Server<'_> {
    async fn candidates(&self, wanted: &Wanted) -> Option<Vec<Candidate>> {
        match wanted {
            Wanted::Target => None,
            Wanted::Tool => Some(named(&self.list("tools").await?, "name", "")),
            Wanted::Prompt => Some(named(&self.list("prompts").await?, "name", "")),
            Wanted::Resource => {
                let mut found = named(&self.list("resources").await?, "uri", "");
                found.extend(named(
                    &self.list("resourceTemplates").await.unwrap_or_default(),
                    "uriTemplate",
                    "",
                ));
                Some(found)
            }
            Wanted::Reference => {
                let mut found = named(&self.list("prompts").await?, "name", "");
                found.extend(named(
                    &self.list("resourceTemplates").await.unwrap_or_default(),
                    "uriTemplate",
                    "",
                ));
                Some(found)
            }
            Wanted::ToolArgument(name) => {
                let tools = self.list("tools").await?;
                let tool = tools.into_iter().find(|tool| tool["name"] == *name)?;
                Some(of_schema(&tool["inputSchema"], self.line))
            }
            Wanted::PromptArgument(name) => {
                if let Some((argument, value)) = self.line.current.split_once('=') {
                    let reference = CompletionReference::Prompt {
                        name: name.clone(),
                        title: None,
                    };
                    return self.suggested(&reference, argument, value).await;
                }
                let prompts = self.list("prompts").await?;
                let prompt = prompts.into_iter().find(|prompt| prompt["name"] == *name)?;
                let arguments = prompt["arguments"].as_array()?.clone();
                Some(self.unused(named(&arguments, "name", "=")))
            }
            Wanted::Variable(template) => {
                if let Some((argument, value)) = self.line.current.split_once('=') {
                    let reference = CompletionReference::Resource {
                        uri: template.clone(),
                    };
                    return self.suggested(&reference, argument, value).await;
                }
                let parsed = wharf_protocol::uri_template::UriTemplate::parse(template).ok()?;
                let names = parsed.variables().map(|name| Candidate {
                    word: format!("{name}="),
                    about: String::new(),
                });
                Some(self.unused(names.collect()))
            }
        }
    }

    /// Those that are not on the line yet.
    fn unused(&self, mut names: Vec<Candidate>) -> Vec<Candidate> {
        names.retain(|name| {
            !self
                .line
                .before
                .iter()
                .any(|word| word.starts_with(&name.word))
        });
        names
    }

    /// A list, from the cache or from the server. A command is not started.
    async fn list(&self, list: &str) -> Option<Vec<Value>> {
        let key = &self.line.target;
        if matches!(self.target, Target::Command { .. }) {
            return cache::load(key, list, LONG);
        }
        if let Some(items) = cache::load(key, list, SHORT) {
            return Some(items);
        }
        let client = self.connect().await?;
        let raw = match list {
            "tools" => client
                .tools()
                .all()
                .await
                .map(|all| raws(all.iter().map(|item| item.raw()))),
            "prompts" => client
                .prompts()
                .all()
                .await
                .map(|all| raws(all.iter().map(|item| item.raw()))),
            "resources" => client
                .resources()
                .all()
                .await
                .map(|all| raws(all.iter().map(|item| item.raw()))),
            _ => client
                .resource_templates()
                .all()
                .await
                .map(|all| raws(all.iter().map(|item| item.raw()))),
        };
        let items = raw.ok()?;
        cache::store(key, list, &items);
        client.close().await;
        Some(items)
    }

    /// What the server suggests for the value of an argument.
    async fn suggested(
        &self,
        reference: &CompletionReference,
        argument: &str,
        value: &str,
    ) -> Option<Vec<Candidate>> {
        let known = self
            .line
            .before
            .iter()
            .filter_map(|word| word.split_once('='));
        let known = known
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let client = self.connect().await?;
        let result = client
            .complete(reference, argument, value, &known)
            .await
            .ok()?;
        client.close().await;
        let values = result.completion.values.into_iter();
        Some(
            values
                .map(|value| Candidate {
                    word: format!("{argument}={value}"),
                    about: String::new(),
                })
                .collect(),
        )
    }

    async fn connect(&self) -> Option<Client> {
        let Target::Url { url, headers, .. } = &self.target else {
            return None;
        };
        let timeouts = Timeouts {
            connect: PATIENCE,
            start: PATIENCE,
            request: PATIENCE,
            ..Timeouts::default()
        };
        let mut builder = Client::builder()
            .name("wharf", env!("CARGO_PKG_VERSION"))
            .timeouts(timeouts);
        for (name, Secret(value)) in headers {
            builder = builder.header(name, value);
        }
        for (name, value) in self
            .line
            .headers
            .iter()
            .filter_map(|header| header.split_once(':'))
        {
            builder = builder.header(name.trim(), value.trim());
        }
        builder.connect(url).await.ok()
    }
}

fn raws<'a>(raws: impl Iterator<Item = &'a RawValue>) -> Vec<Value> {
    raws.filter_map(|raw| serde_json::from_str(raw.get()).ok())
        .collect()
}

/// Items by their names.
fn named(items: &[Value], member: &str, end: &str) -> Vec<Candidate> {
    let one = |item: &Value| {
        let about = item["description"]
            .as_str()
            .or_else(|| item["title"].as_str())
            .unwrap_or_default();
        let about = about
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(80)
            .collect();
        Some(Candidate {
            word: format!("{}{end}", item[member].as_str()?),
            about,
        })
    };
    items.iter().filter_map(one).collect()
}

/// Arguments of a tool, and the values of those that have a list of them.
fn of_schema(schema: &Value, line: &Line) -> Vec<Candidate> {
    let schema = Schema::new(schema);
    if let Some((name, _)) = line.current.split_once('=') {
        let Some(property) = schema.property(name) else {
            return Vec::new();
        };
        let listed = property.values().unwrap_or_default();
        let mut values: Vec<String> = listed
            .iter()
            .map(|value| crate::arguments::plain(value))
            .collect();
        if property.types().contains(&"boolean") {
            values.extend(["true".to_owned(), "false".to_owned()]);
        }
        let word = |value| Candidate {
            word: format!("{name}={value}"),
            about: String::new(),
        };
        return values.into_iter().map(word).collect();
    }
    let given = |name: &str| {
        line.before
            .iter()
            .any(|word| word.split([':', '=']).next() == Some(name))
    };
    let properties = schema.properties().into_iter();
    let open =
        properties.filter(|(name, property)| !given(name) || property.types().contains(&"array"));
    let candidate = |(name, property): (&str, Schema<'_>)| {
        let about = property
            .text("description")
            .and_then(|text| text.lines().next());
        Candidate {
            word: format!("{name}="),
            about: about.map_or_else(|| property.expectation(), str::to_owned),
        }
    };
    open.map(candidate).collect()
}
