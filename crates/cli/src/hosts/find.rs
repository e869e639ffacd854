//! A server by the name that it has in a host.

use super::entry::{Entry, State};
use super::expand::{Ready, Sources};
use super::places::Places;
use super::read::{Contents, Listing, read_all};
use crate::failure::Failure;

/// A server in a host's file.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) ready: Ready,
    /// The host and the file, for people.
    pub(crate) origin: String,
    /// Whether somebody else may have written the file: it came with a project.
    pub(crate) of_project: bool,
}

/// Looks for `name`, or `host/name`. `None` where no host has it.
///
/// # Errors
/// Several hosts have it and mean different servers, or it cannot be used.
pub(crate) fn find(
    places: &Places,
    wanted: &str,
    answers: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Found>, Failure> {
    let listings = read_all(places);
    let all = candidates(&listings, wanted);
    let Some((listing, entry)) = all.first().copied() else {
        return Ok(None);
    };
    let differing = all.iter().find(|(_, other)| other.kind != entry.kind);
    if differing.is_some() {
        let mut names: Vec<_> = all
            .iter()
            .map(|(listing, entry)| format!("{}/{}", listing.host.id, entry.name))
            .collect();
        names.dedup();
        return Err(Failure::new(format!(
            "several hosts have a server {wanted:?}, and not the same one"
        ))
        .next(format!("say which: {}", names.join(", "))));
    }
    let origin = format!("{}, {}", listing.host.name, places.shown(&listing.path));
    let unusable = |reason: &str| {
        Failure::new(format!(
            "the server {:?} of {origin} cannot be used: {reason}",
            entry.name
        ))
    };
    let kind = match (&entry.kind, &entry.state) {
        (Some(kind), _) => kind,
        (None, State::Broken(reason)) => return Err(unusable(reason)),
        (None, _) => return Err(unusable("it says neither what to start nor what to call")),
    };
    let sources = Sources {
        places,
        syntax: listing.host.variables,
        project: listing.project(places),
        answers,
    };
    let ready = sources.ready(kind).map_err(|reason| unusable(&reason))?;
    Ok(Some(Found {
        ready,
        origin,
        of_project: listing.scope == super::Scope::Project,
    }))
}

/// Every entry that the name may mean: one for each host, the one that it prefers.
fn candidates<'a>(listings: &'a [Listing], wanted: &str) -> Vec<(&'a Listing, &'a Entry)> {
    let mut found: Vec<(&Listing, &Entry)> = Vec::new();
    for listing in listings {
        let Contents::Entries(entries) = &listing.contents else {
            continue;
        };
        for entry in entries {
            let qualified = || {
                wanted
                    .strip_prefix(listing.host.id)
                    .and_then(|rest| rest.strip_prefix('/'))
            };
            let named = entry.name == wanted || qualified() == Some(&entry.name);
            // The files of a host stand in the order in which it prefers them.
            let known = || {
                found
                    .iter()
                    .any(|(other, _)| other.host.id == listing.host.id)
            };
            if named && !known() {
                found.push((listing, entry));
            }
        }
    }
    found
}

/// The names of all servers, qualified where two hosts have the same; for completion.
pub(crate) fn names(places: &Places) -> Vec<(String, String)> {
    let listings = read_all(places);
    let mut names: Vec<(String, String)> = Vec::new();
    for listing in &listings {
        let Contents::Entries(entries) = &listing.contents else {
            continue;
        };
        for entry in entries.iter().filter(|entry| entry.kind.is_some()) {
            let all = candidates(&listings, &entry.name);
            let ambiguous = all.iter().any(|(_, other)| other.kind != all[0].1.kind);
            let name = if ambiguous {
                format!("{}/{}", listing.host.id, entry.name)
            } else {
                entry.name.clone()
            };
            if !names.iter().any(|(known, _)| *known == name) {
                names.push((name, listing.host.name.to_owned()));
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::super::read::tests::Machine;
    use super::*;

    fn program(machine: &Machine, name: &str) -> Result<Option<String>, String> {
        let found =
            find(&machine.places, name, &|_| None).map_err(|failure| failure.to_string())?;
        Ok(found.map(|found| match found.ready {
            Ready::Command { program, .. } => program,
            Ready::Url { url, .. } => url,
        }))
    }

    #[test]
    fn by_name_and_by_host() {
        let machine = Machine::new(
            "find",
            &[
                (
                    "home/.claude.json",
                    r#"{"mcpServers": {"a": {"command": "user"}, "same": {"command": "s"}},
                "projects": {"PROJECT": {"mcpServers": {"a": {"command": "local"}}}}}"#,
                ),
                (
                    "home/.cursor/mcp.json",
                    r#"{"mcpServers": {"b": {"command": "one"}, "same": {"command": "s"}, "bad": {}}}"#,
                ),
                (
                    "home/.gemini/settings.json",
                    r#"{"mcpServers": {"b": {"command": "two"}}}"#,
                ),
            ],
        );
        assert_eq!(program(&machine, "nobody"), Ok(None));
        assert_eq!(program(&machine, "a"), Ok(Some("local".into())));
        assert_eq!(program(&machine, "claude-code/a"), Ok(Some("local".into())));
        assert_eq!(program(&machine, "cursor/a"), Ok(None));
        assert_eq!(program(&machine, "same"), Ok(Some("s".into())));
        assert_eq!(program(&machine, "gemini-cli/b"), Ok(Some("two".into())));
        let error = program(&machine, "b").expect_err("two of them");
        assert!(
            error.contains("say which: cursor/b, gemini-cli/b"),
            "{error}"
        );
        let error = program(&machine, "bad").expect_err("broken");
        assert!(
            error.contains("neither a `command` nor a `url`")
                && error.contains("~/.cursor/mcp.json"),
            "{error}"
        );
        let names: Vec<_> = names(&machine.places)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["a", "same", "cursor/b", "gemini-cli/b"]);
    }
}
