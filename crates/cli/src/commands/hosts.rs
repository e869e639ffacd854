//! `wharf hosts`: what is configured where.

use serde_json::{Value, json};

use crate::escape;
use crate::failure::Failure;
use crate::hosts::{Contents, Entry, HOSTS, Listing, Places, Scope, State, read_all};
use crate::show::Out;
use crate::terminal::{DIM, ERROR, LITERAL, STRONG, styled};

/// List the MCP servers that the hosts on this machine know
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Only this host, such as claude-code
    #[arg(value_name = "HOST", value_parser = host)]
    host: Option<String>,

    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Reads what Claude Desktop, Claude Code, Cursor, VS Code, Windsurf, Zed, Gemini CLI and Codex have:
for this person, and for the project in the working directory. Changes nothing, starts nothing.
The name of a server is a TARGET for other commands. Values of headers and variables stay hidden.

Examples:
  wharf hosts
  wharf hosts claude-code
  wharf hosts --json
  wharf tools github
  wharf tools cursor/github        (where several hosts have that name)";

fn host(text: &str) -> Result<String, String> {
    match HOSTS.iter().find(|host| host.id == text) {
        Some(host) => Ok(host.id.to_owned()),
        None => {
            let ids: Vec<_> = HOSTS.iter().map(|host| host.id).collect();
            Err(format!("the hosts are {}", ids.join(", ")))
        }
    }
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let places = Places::of_this_process()
        .ok_or_else(|| Failure::new("the home directory is unknown").next("set HOME"))?;
    let mut listings = read_all(&places);
    listings.retain(|listing| {
        args.host
            .as_ref()
            .is_none_or(|wanted| listing.host.id == wanted)
    });
    let out = Out::new(args.json, false);
    if args.json {
        return out.document(&document(&listings));
    }
    if out.terminal {
        return out.words(&screen(&listings, &places));
    }
    out.words(&lines(&listings))
}

fn state(entry: &Entry) -> (&'static str, Option<&str>) {
    match &entry.state {
        State::Enabled => ("enabled", None),
        State::Disabled(reason) => ("disabled", Some(reason)),
        State::Broken(reason) => ("broken", Some(reason)),
    }
}

fn document(listings: &[Listing]) -> Value {
    let server = |entry: &Entry| {
        let (state, reason) = state(entry);
        let mut server = json!({
            "name": entry.name,
            "kind": entry.kind.as_ref().map(|kind| kind.as_str()),
            "target": entry.kind.as_ref().map(|kind| kind.shown()),
            "state": state,
        });
        if let Some(reason) = reason {
            server["reason"] = reason.into();
        }
        if !entry.inputs.is_empty() {
            server["inputs"] = entry.inputs.clone().into();
        }
        server
    };
    let file = |listing: &Listing| {
        let mut file = json!({
            "scope": listing.scope.as_str(),
            "path": listing.path.display().to_string(),
            "state": "read",
            "servers": [],
        });
        match &listing.contents {
            Contents::Absent => file["state"] = "absent".into(),
            Contents::Unreadable(reason) => {
                file["state"] = "unreadable".into();
                file["reason"] = reason.as_str().into();
            }
            Contents::Entries(entries) => file["servers"] = entries.iter().map(server).collect(),
        }
        file
    };
    let hosts = HOSTS.iter().filter_map(|host| {
        let files: Vec<Value> = listings
            .iter()
            .filter(|listing| listing.host.id == host.id)
            .map(file)
            .collect();
        (!files.is_empty()).then(|| json!({"id": host.id, "name": host.name, "files": files}))
    });
    json!({"hosts": hosts.collect::<Vec<_>>()})
}

/// A server a line: host, scope, name, kind, state, target.
fn lines(listings: &[Listing]) -> String {
    let mut text = String::new();
    for listing in listings {
        let at = format!("{}\t{}", listing.host.id, listing.scope.as_str());
        let Contents::Entries(entries) = &listing.contents else {
            continue;
        };
        for entry in entries {
            let kind = entry.kind.as_ref().map_or("", |kind| kind.as_str());
            let target = entry
                .kind
                .as_ref()
                .map(|kind| kind.shown())
                .unwrap_or_default();
            let cells = [
                at.as_str(),
                &escape::line(&entry.name),
                kind,
                state(entry).0,
                &escape::line(&target),
            ];
            text.push_str(&cells.join("\t"));
            text.push('\n');
        }
    }
    text
}

fn screen(listings: &[Listing], places: &Places) -> String {
    let mut text = String::new();
    let mut absent: Vec<&str> = Vec::new();
    for host in HOSTS {
        let files: Vec<_> = listings
            .iter()
            .filter(|listing| listing.host.id == host.id)
            .collect();
        if files.is_empty() {
            continue;
        }
        if files
            .iter()
            .all(|listing| matches!(listing.contents, Contents::Absent))
        {
            absent.push(host.name);
            continue;
        }
        let id = styled(DIM, format!("({})", host.id));
        text.push_str(&format!("{} {id}\n", styled(STRONG, host.name)));
        for listing in files {
            let path = escape::line(&places.shown(&listing.path)).into_owned();
            match &listing.contents {
                Contents::Absent => {}
                Contents::Unreadable(reason) => {
                    let why = styled(ERROR, escape::line(reason));
                    text.push_str(&format!("  {} {why}\n", styled(DIM, format!("{path}:"))));
                }
                // The same file is listed once more, for everybody's servers.
                Contents::Entries(entries)
                    if entries.is_empty() && listing.scope == Scope::Local => {}
                Contents::Entries(entries) if entries.is_empty() => {
                    text.push_str(&format!(
                        "  {}\n",
                        styled(DIM, format!("{path}: no servers"))
                    ));
                }
                Contents::Entries(entries) => {
                    let of = format!("{path} ({})", listing.scope.as_str());
                    text.push_str(&format!("  {}\n", styled(DIM, of)));
                    text.push_str(&servers(entries));
                }
            }
        }
        text.push('\n');
    }
    if !absent.is_empty() {
        text.push_str(&format!(
            "{}\n",
            styled(DIM, format!("Nothing of {} is here.", absent.join(", ")))
        ));
    }
    text
}

fn servers(entries: &[Entry]) -> String {
    let width = entries
        .iter()
        .map(|entry| escape::line(&entry.name).chars().count())
        .max();
    let width = width.unwrap_or_default().min(32);
    let mut text = String::new();
    for entry in entries {
        let name = escape::line(&entry.name);
        let gap = " ".repeat(width.saturating_sub(name.chars().count()));
        let target = entry
            .kind
            .as_ref()
            .map(|kind| kind.shown())
            .unwrap_or_default();
        text.push_str(&format!(
            "    {}{gap}  {}",
            styled(LITERAL, &name),
            escape::line(&target)
        ));
        let gap = if target.is_empty() { "" } else { "  " };
        match state(entry) {
            ("broken", Some(reason)) => {
                text.push_str(&format!(
                    "{gap}{}",
                    styled(ERROR, format!("broken: {}", escape::line(reason)))
                ));
            }
            (_, Some(reason)) => {
                text.push_str(&format!(
                    "{gap}{}",
                    styled(DIM, format!("off: {}", escape::line(reason)))
                ));
            }
            _ => {}
        }
        if !entry.inputs.is_empty() {
            let inputs = escape::line(&entry.inputs.join(", ")).into_owned();
            text.push_str(&styled(DIM, format!("  asks for {inputs}")).to_string());
        }
        text.push('\n');
    }
    text
}
