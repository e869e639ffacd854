//! `wharf install`: a server into the configuration of hosts.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use crate::escape;
use crate::failure::Failure;
use crate::hosts::{
    Change, HOSTS, Host, Ledger, Places, Scope, Secret, What, env_lines, install, server_name, what,
};
use crate::show::Out;
use crate::terminal::{DIM, LITERAL, STRONG, say, styled};

/// Put a server into the configuration of Claude, Cursor, VS Code, Windsurf, Zed, Gemini CLI or Codex
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// An address, a command line, a `wharf.toml`, packs such as `files:~/notes`, a directory with
    /// a server in it; the starter if left out
    #[arg(value_name = "WHAT", allow_hyphen_values = false)]
    what: Vec<String>,

    #[command(flatten)]
    at: At,

    /// What the hosts call it, instead of a name made from WHAT
    #[arg(long, value_name = "NAME", value_parser = server_name)]
    name: Option<String>,

    /// A variable for the server; KEY alone takes the value that it has here
    #[arg(short = 'v', long = "env", value_name = "KEY=VALUE")]
    variables: Vec<String>,

    /// A file of lines KEY=VALUE with variables for the server
    #[arg(short = 'f', long = "env-file", value_name = "FILE")]
    env_file: Option<String>,
}

/// Where, and how carefully: what `install` and `uninstall` share.
#[derive(Debug, clap::Args)]
pub(super) struct At {
    /// A host, such as claude-code; may be given several times
    #[arg(long, value_name = "HOST", value_delimiter = ',', value_parser = host)]
    host: Vec<&'static Host>,

    /// Whose: for you everywhere, or for all who work on this project
    #[arg(long, value_name = "SCOPE", default_value = "user", value_parser = scope)]
    pub(super) scope: Scope,

    /// Show what would change, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Also change an entry that is another server's, or was not put there by `wharf install`
    #[arg(long)]
    pub(super) force: bool,

    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

const EXAMPLES: &str = "\
Hosts: claude-desktop, claude-code, cursor, vscode, windsurf, zed, gemini-cli, codex.
Their files keep their comments, indentation and line ends: nothing changes but what is added, and
`wharf uninstall` brings the old bytes back. The file as it was is kept beside it, as FILE.wharf-backup.
A file that is not understood is not touched. Values of variables stand in the host's file, and are never shown.

Examples:
  wharf install --host claude-code
  wharf install files:~/notes notes: --host cursor --host zed
  wharf install wharf.toml --host claude-desktop --dry-run
  wharf install https://mcp.example.com/mcp --host vscode --scope project
  wharf install 'npx -y some-server' --host codex --name some -v API_KEY -v LEVEL=debug
  wharf install ~/src/weather --host gemini-cli -f .env
  wharf install -- uvx some-server --verbose";

fn host(text: &str) -> Result<&'static Host, String> {
    HOSTS.iter().find(|host| host.id == text).ok_or_else(|| {
        let ids: Vec<_> = HOSTS.iter().map(|host| host.id).collect();
        format!("the hosts are {}", ids.join(", "))
    })
}

fn scope(text: &str) -> Result<Scope, String> {
    match text {
        "user" => Ok(Scope::User),
        "project" => Ok(Scope::Project),
        _ => Err("the scopes are user and project".into()),
    }
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let places = places()?;
    let env = variables(&args, &places)?;
    let wharf = std::env::current_exe()
        .map_err(|error| Failure::new(format!("this program cannot be found: {error}")))?;
    let What { offer, name, first } = what(&args.what, env, &places, &wharf)?;
    let name = args.name.unwrap_or(name);
    let hosts = args.at.hosts(&places)?;
    let mut ledger = ledger(&places, args.at.dry_run)?;
    // All are understood before one is changed.
    let changes = hosts.into_iter().map(|host| {
        let at = (host, args.at.scope);
        install(&places, &ledger, at, &name, &offer, args.at.force).map_err(Failure::new)
    });
    let changes = changes.collect::<Result<Vec<_>, _>>()?;
    let report = Report {
        places: &places,
        name: &name,
        added: true,
        dry_run: args.at.dry_run,
        first,
    };
    report.all(changes, &mut ledger, args.at.json)
}

pub(super) fn places() -> Result<Places, Failure> {
    Places::of_this_process()
        .ok_or_else(|| Failure::new("the home directory is unknown").next("set HOME"))
}

pub(super) fn ledger(places: &Places, dry_run: bool) -> Result<Ledger, Failure> {
    let ledger = if dry_run {
        Ledger::look(places)
    } else {
        Ledger::open(places)
    };
    ledger.map_err(Failure::new)
}

/// The variables of `-f`, and then those of `-v`.
fn variables(args: &Args, places: &Places) -> Result<Vec<(String, Secret)>, Failure> {
    let mut all = Vec::new();
    let mut put = |name: String, value: Secret| {
        all.retain(|(known, _): &(String, Secret)| *known != name);
        all.push((name, value));
    };
    if let Some(file) = &args.env_file {
        let path = places.absolute(file);
        let text = std::fs::metadata(&path).and_then(|about| {
            if about.len() > 1 << 20 {
                return Err(std::io::Error::other("it is larger than 1 MiB"));
            }
            std::fs::read_to_string(&path)
        });
        let text = text.map_err(|error| Failure::new(format!("{file} cannot be read: {error}")))?;
        for (name, value) in env_lines(&text) {
            put(is_variable(&name)?, value);
        }
    }
    for given in &args.variables {
        let (name, value) = match given.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None => {
                is_variable(given)?;
                let value = std::env::var(given).map_err(|_| {
                    Failure::new(format!("{given} is not set here")).next("write KEY=VALUE")
                })?;
                (given.as_str(), value)
            }
        };
        put(is_variable(name)?, Secret(value));
    }
    Ok(all)
}

fn is_variable(name: &str) -> Result<String, Failure> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(fits) || name.starts_with(|c: char| c.is_ascii_digit())
    {
        // What is no name may be a value that slipped.
        return Err(
            Failure::new("the name of a variable has letters, digits and `_`")
                .next("write KEY=VALUE"),
        );
    }
    Ok(name.to_owned())
}

impl At {
    /// The hosts that are named; asks for them where somebody can answer.
    fn hosts(&self, places: &Places) -> Result<Vec<&'static Host>, Failure> {
        if !self.host.is_empty() {
            return Ok(self.named());
        }
        let here: Vec<_> = HOSTS.iter().filter(|host| host.is_here(places)).collect();
        let stdin = std::io::stdin();
        if !stdin.is_terminal() || !std::io::stderr().is_terminal() || here.is_empty() {
            let ids: Vec<_> = here.iter().map(|host| host.id).collect();
            let found = match &ids[..] {
                [] => "no host was found on this machine".to_owned(),
                ids => format!("these are on this machine: {}", ids.join(", ")),
            };
            let example = ids.first().copied().unwrap_or("claude-code");
            return Err(Failure::new(format!("no host is given, and {found}"))
                .next(format!("say which, such as `--host {example}`")));
        }
        say(styled(STRONG, "Into which host?"));
        for (number, host) in here.iter().enumerate() {
            let id = styled(DIM, format!("({})", host.id));
            say(format_args!("  {}  {} {id}", number + 1, host.name));
        }
        say("Numbers, such as 1 or 1,3 (nothing to leave it):");
        let mut line = String::new();
        stdin
            .lock()
            .read_line(&mut line)
            .map_err(|error| Failure::new(format!("no answer: {error}")))?;
        let words = line.split([',', ' ']).map(str::trim);
        let chosen = words.filter(|word| !word.is_empty()).map(|word| {
            let number = word.parse::<usize>().ok();
            let host = number.and_then(|number| here.get(number.checked_sub(1)?));
            host.copied()
                .ok_or_else(|| Failure::new(format!("{word:?} is none of these numbers")))
        });
        let chosen = chosen.collect::<Result<Vec<_>, _>>()?;
        if chosen.is_empty() {
            return Err(Failure::new("nothing was chosen").next("nothing was changed"));
        }
        Ok(chosen)
    }

    /// The hosts that are named, each once.
    pub(super) fn named(&self) -> Vec<&'static Host> {
        let mut hosts: Vec<&'static Host> = Vec::new();
        for host in &self.host {
            if !hosts.iter().any(|known| known.id == host.id) {
                hosts.push(host);
            }
        }
        hosts
    }
}

/// Says what is changed.
pub(super) struct Report<'a> {
    pub(super) places: &'a Places,
    pub(super) name: &'a str,
    /// Whether an entry comes or goes.
    pub(super) added: bool,
    pub(super) dry_run: bool,
    pub(super) first: Option<String>,
}

impl Report<'_> {
    /// Does what is due, and tells it. What was done before a failure stays done, and is told.
    pub(super) fn all(
        &self,
        changes: Vec<Change>,
        ledger: &mut Ledger,
        json: bool,
    ) -> Result<(), Failure> {
        let out = Out::new(json, false);
        let mut documents = Vec::new();
        let mut failed = None;
        for change in changes {
            let (host, scope, path) = (change.host, change.scope, change.path.clone());
            let backup = change.backup();
            let warnings = change.warnings.clone();
            let none = change.is_none();
            let diff = (self.dry_run && !none).then(|| self.diff(&change));
            if !self.dry_run
                && !none
                && let Err(reason) = change.apply(ledger)
            {
                let reason = format!("{}: {reason}", self.places.shown(&path));
                failed = Some(Failure::new(reason));
                break;
            }
            let state = match (none, self.dry_run, self.added) {
                (true, ..) => "unchanged",
                (_, true, _) => "dry-run",
                (_, _, true) => "installed",
                _ => "uninstalled",
            };
            if json {
                let mut document = json!({
                    "host": host.id,
                    "scope": scope.as_str(),
                    "path": path.display().to_string(),
                    "state": state,
                    "warnings": warnings,
                    "next": host.next,
                });
                if state.ends_with("installed") {
                    document["backup"] = backup.map(|path| path.display().to_string()).into();
                }
                if let Some(diff) = diff {
                    document["diff"] = diff.into();
                }
                documents.push(document);
                continue;
            }
            let mut text = String::new();
            match diff {
                Some(diff) => text.push_str(&coloured(&diff)),
                None => text.push_str(&self.done(state, host, &path, backup.as_deref())),
            }
            out.words(&text)?;
            for warning in &warnings {
                say(format_args!(
                    "{} {}",
                    styled(AnsiColor::Yellow.on_default().bold(), "warning:"),
                    escape::text(warning)
                ));
            }
        }
        if json {
            let mut whole = json!({"name": self.name, "hosts": Value::Array(documents)});
            if let Some(first) = &self.first {
                whole["first"] = first.as_str().into();
            }
            out.document(&whole)?;
        } else if self.dry_run && failed.is_none() {
            say(styled(DIM, "Nothing was changed: --dry-run."));
        } else if let Some(first) = &self.first
            && failed.is_none()
        {
            say(format_args!("Now {}", escape::line(first)));
        }
        failed.map_or(Ok(()), Err)
    }

    fn done(&self, state: &str, host: &Host, path: &Path, backup: Option<&Path>) -> String {
        let name = styled(LITERAL, escape::line(self.name));
        let at = escape::line(&self.places.shown(path)).into_owned();
        let at = styled(DIM, format!("({at})"));
        let mut text = match state {
            "unchanged" => format!("{} has {name} already {at}\n", host.name),
            "installed" => format!("{} has {name} now {at}\n", host.name),
            _ => format!("{} has {name} no more {at}\n", host.name),
        };
        if state != "unchanged"
            && let Some(backup) = backup
        {
            let backup = self.places.shown(backup);
            text.push_str(&format!("  backup  {}\n", escape::line(&backup)));
        }
        text.push_str(&format!("  next    {}\n", host.next));
        if state != "uninstalled" {
            let target = format!("{}/{}", host.id, self.name);
            text.push_str(&format!("  try     wharf tools {target}\n"));
        }
        text
    }

    /// What changes, as a unified diff without anything secret.
    fn diff(&self, change: &Change) -> String {
        let (old, new) = change.shown();
        let path = self.places.shown(&change.path);
        let name = |there: bool| {
            if there {
                path.clone()
            } else {
                "/dev/null".to_owned()
            }
        };
        let before = name(change.old.is_some());
        let after = name(change.new.is_some());
        let diff = similar::TextDiff::from_lines(&old, &new);
        let text = diff
            .unified_diff()
            .context_radius(3)
            .header(&before, &after)
            .to_string();
        if text.is_empty() {
            // What changes is hidden.
            return format!("--- {before}\n+++ {after}\n");
        }
        text
    }
}

/// A diff in colours, safe to show.
fn coloured(diff: &str) -> String {
    const ADDED: Style = AnsiColor::Green.on_default();
    const REMOVED: Style = AnsiColor::Red.on_default();
    const PLACE: Style = AnsiColor::Cyan.on_default();
    let mut text = String::new();
    for line in diff.lines() {
        let line = line.trim_end_matches('\r');
        let safe = escape::text(line);
        let style = match line.as_bytes().first() {
            _ if line.starts_with("---") || line.starts_with("+++") => STRONG,
            Some(b'+') => ADDED,
            Some(b'-') => REMOVED,
            Some(b'@') => PLACE,
            Some(b'\\') => DIM,
            _ => Style::new(),
        };
        text.push_str(&format!("{}\n", styled(style, safe)));
    }
    text
}

/// The name of backups, for help that must not go stale.
#[cfg(test)]
#[test]
fn the_help_names_the_backup() {
    assert!(EXAMPLES.contains(crate::hosts::BACKUP));
}
