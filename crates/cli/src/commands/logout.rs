//! `wharf logout`: forgetting a token.

use crate::failure::Failure;
use crate::hosts::shown_url;
use crate::runtime;
use crate::show::Out;
use crate::tokens;

/// Sign out of a server: revoke the token, and forget it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// An address, or the name of a server in a host
    #[arg(value_name = "TARGET")]
    target: String,

    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
The token is forgotten here also where the server cannot revoke it.

Examples:
  wharf logout https://mcp.example.com/mcp
  wharf logout linear";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    runtime::here(async {
        let (url, oauth) = tokens::for_target(&args.target).await?;
        let fail = |error: wharf_auth::Error| tokens::failure(&error);
        let before = oauth.status().await.map_err(fail)?.is_some();
        let revoked = if before {
            oauth.sign_out().await.map_err(fail)?
        } else {
            false
        };
        let out = Out::new(args.json, false);
        if out.json {
            return out.document(&serde_json::json!({"server": shown_url(&url), "signedOut": before, "revoked": revoked}));
        }
        out.words(match (before, revoked) {
            (false, _) => "nobody was signed in\n",
            (true, true) => "signed out; the token is revoked\n",
            (true, false) => "signed out; the server revokes no tokens\n",
        })
    })
}
