//! What of the tools is served: the patterns of a configuration against the tools of its packs.

use wharf::CatalogHandle;
use wharf::protocol::tools::Tool;

use super::admit::{Admit, matches};
use super::load::{Config, PackConfig, Patterns};
use super::nearest::did_you_mean;
use super::problem::{Problem, Problems};
use super::site::PREFIX;

/// What of one pack's tools is served.
pub(super) struct Filter {
    all: Vec<Admit>,
    own: Admit,
    /// What its names begin with.
    prefix: String,
}

impl Filter {
    pub(super) fn of(config: &Config, pack: &PackConfig) -> Self {
        let prefix = match pack.common.prefix.as_str() {
            "" => String::new(),
            prefix => format!("{prefix}."),
        };
        Self {
            all: config
                .admits
                .iter()
                .map(|(admit, _)| admit.clone())
                .collect(),
            own: pack.common.admit(),
            prefix,
        }
    }

    /// Whether a tool is served; its name has its prefix.
    pub(super) fn admits(&self, tool: &Tool) -> bool {
        let hints = tool.annotations.as_ref();
        let is_read_only = hints.and_then(|hints| hints.read_only_hint) == Some(true);
        let own = tool.name.strip_prefix(&self.prefix).unwrap_or(&tool.name);
        self.own.admits(own, is_read_only)
            && self
                .all
                .iter()
                .all(|admit| admit.admits(&tool.name, is_read_only))
    }
}

/// Items of the same name, and patterns that fit no tool.
pub(super) fn check(
    config: &Config,
    parts: &[(&PackConfig, &CatalogHandle)],
    problems: &mut Problems,
) {
    let parts: Vec<(&PackConfig, Vec<Name>)> = parts
        .iter()
        .map(|(pack, part)| (*pack, names(part)))
        .collect();
    for (index, (pack, names)) in parts.iter().enumerate() {
        clash(pack, names, &parts[..index], problems);
        let prefix = match pack.common.prefix.as_str() {
            "" => String::new(),
            prefix => format!("{prefix}."),
        };
        let own: Vec<&str> = tools(names)
            .map(|name| name.strip_prefix(&prefix).unwrap_or(name))
            .collect();
        unmatched(&pack.place.patterns, &own, "this pack", problems);
    }
    let all: Vec<&str> = parts.iter().flat_map(|(_, names)| tools(names)).collect();
    for (_, patterns) in &config.admits {
        unmatched(patterns, &all, "what is served", problems);
    }
}

/// An item: of which kind, and its name or URI.
type Name = (&'static str, String);

fn names(part: &CatalogHandle) -> Vec<Name> {
    let Some(catalog) = part.contents() else {
        return Vec::new();
    };
    let tools = catalog
        .tools()
        .map(|tool| (TOOL, tool.definition().name.clone()));
    let prompts = catalog
        .prompts()
        .map(|prompt| ("prompt", prompt.definition().name.clone()));
    let resources = catalog.resources().filter_map(|entry| entry.direct());
    let resources = resources.map(|resource| ("resource", resource.uri.clone()));
    let templates = catalog.templates().filter_map(|entry| entry.template());
    let templates = templates.map(|template| ("resource template", template.uri_template.clone()));
    tools
        .chain(prompts)
        .chain(resources)
        .chain(templates)
        .collect()
}

const TOOL: &str = "tool";

fn tools(names: &[Name]) -> impl Iterator<Item = &str> {
    let tools = names.iter().filter(|(kind, _)| *kind == TOOL);
    tools.map(|(_, name)| name.as_str())
}

/// What a pack has in common with one before it.
fn clash(
    pack: &PackConfig,
    names: &[Name],
    before: &[(&PackConfig, Vec<Name>)],
    problems: &mut Problems,
) {
    let same = before.iter().find_map(|(other, theirs)| {
        let mut same = theirs.iter().filter(|name| names.contains(name));
        same.next().map(|first| (other, first, same.count()))
    });
    let Some((other, (kind, name), more)) = same else {
        return;
    };
    let more = match more {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let reason = format!(
        "the {kind} `{name}` is also one of {}{more}",
        other.called()
    );
    let next = match kind.starts_with("resource") {
        true => "URIs have no prefix: leave one of the two out",
        false => PREFIX,
    };
    let problem = Problem::new(&pack.place.source, &pack.place.main, reason);
    problems.add(problem.next(next));
}

fn unmatched(patterns: &Patterns, names: &[&str], of: &str, problems: &mut Problems) {
    for pattern in &patterns.0 {
        if !names.iter().any(|name| matches(&pattern.text, name)) {
            let reason = format!("`{}` fits no tool of {of}", pattern.shown);
            let near = did_you_mean(&pattern.shown, names.iter().copied());
            let problem = Problem::new(&pattern.source, &pattern.span, reason);
            problems.add(problem.maybe_next(near));
        }
    }
}
