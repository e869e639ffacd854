//! `wharf uninstall`: a server out of the configuration of hosts.

use super::install::{At, Report, ledger, places};
use crate::arguments::nearest;
use crate::failure::Failure;
use crate::hosts::{self, HOSTS, uninstall};

/// Take a server out of the configuration of hosts again
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// What the hosts call it
    name: String,

    #[command(flatten)]
    at: At,
}

const EXAMPLES: &str = "\
Without --host it goes from every host that has it from `wharf install`. What was made for it goes too:
the file is then, byte by byte, what it was before. Entries of others are taken out with --force only.
The file as it was is kept beside it, as FILE.wharf-backup.

Examples:
  wharf uninstall files
  wharf uninstall files --host cursor --dry-run
  wharf uninstall files --host vscode --scope project
  wharf uninstall github --host zed --force";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let places = places()?;
    let mut ledger = ledger(&places, args.at.dry_run)?;
    let named = args.at.named();
    let mut changes = Vec::new();
    let mut refused = Vec::new();
    let hosts = if named.is_empty() {
        HOSTS.iter().collect()
    } else {
        named.clone()
    };
    for host in hosts {
        let at = (host, args.at.scope);
        match uninstall(&places, &ledger, at, &args.name, args.at.force) {
            Ok(Some(change)) => changes.push(change),
            Ok(None) => {}
            Err(reason) => refused.push(reason),
        }
    }
    // A file that is not understood matters if it was named, or may be why nothing was found.
    let all = !named.is_empty();
    let refusal = refused.iter().find(|refused| all || refused.has_it);
    if let Some(refused) = refusal
        && (all || changes.is_empty())
    {
        return Err(Failure::new(refused.reason.clone()));
    }
    if changes.is_empty() {
        let names = hosts::names(&places);
        let close = nearest(&args.name, names.iter().map(|(name, _)| name.as_str()));
        let failure = Failure::new(format!(
            "no host has a server {:?} for a {}",
            args.name,
            args.at.scope.as_str()
        ));
        return Err(if close.is_empty() || close.contains(&args.name.as_str()) {
            failure.next("`wharf hosts` shows what is where")
        } else {
            failure.next(format!("did you mean {}?", close.join(" or ")))
        });
    }
    let report = Report {
        places: &places,
        name: &args.name,
        added: false,
        dry_run: args.at.dry_run,
        first: None,
    };
    report.all(changes, &mut ledger, args.at.json)
}
