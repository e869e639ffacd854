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

/// Two tools of the same name, and patterns that fit no tool.
pub(super) fn check(
    config: &Config,
    parts: &[(&PackConfig, &CatalogHandle)],
    problems: &mut Problems,
) {
    let names = |part: &CatalogHandle| -> Vec<String> {
        let contents = part.contents();
        let tools = contents.iter().flat_map(|catalog| catalog.tools());
        tools.map(|tool| tool.definition().name.clone()).collect()
    };
    let parts: Vec<(&PackConfig, Vec<String>)> = parts
        .iter()
        .map(|(pack, part)| (*pack, names(part)))
        .collect();
    for (index, (pack, names)) in parts.iter().enumerate() {
        let before = parts[..index].iter();
        let clash = before.flat_map(|(other, theirs)| theirs.iter().map(move |name| (other, name)));
        let mut clash = clash.filter(|(_, name)| names.contains(name));
        if let Some((other, name)) = clash.next() {
            let more = match clash.count() {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            let reason = format!("the tool `{name}` is also one of {}{more}", other.called());
            let at = (&pack.place.source, &pack.place.main);
            problems.add(Problem::new(at.0, at.1, reason).next(PREFIX));
        }
        let prefix = match pack.common.prefix.as_str() {
            "" => String::new(),
            prefix => format!("{prefix}."),
        };
        let own: Vec<&str> = names
            .iter()
            .map(|name| name.strip_prefix(&prefix).unwrap_or(name))
            .collect();
        unmatched(&pack.place.patterns, &own, "this pack", problems);
    }
    let all: Vec<&str> = parts
        .iter()
        .flat_map(|(_, names)| names)
        .map(String::as_str)
        .collect();
    for (_, patterns) in &config.admits {
        unmatched(patterns, &all, "what is served", problems);
    }
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
