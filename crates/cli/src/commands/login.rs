//! `wharf login`: signing in to a server.

use serde_json::json;
use wharf_auth::{Browser, Client, Flow, Notice};

use crate::escape;
use crate::failure::{Exit, Failure};
use crate::hosts::shown_url;
use crate::runtime;
use crate::show::Out;
use crate::signal::StopSignal;
use crate::terminal::{DIM, STRONG, say, styled};
use crate::tokens;

/// Sign in to a server; the other commands then use the token
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// An address, or the name of a server in a host
    #[arg(value_name = "TARGET")]
    target: String,

    /// A scope to ask for, in place of those that the server recommends
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,

    /// Show a code to type in on another device, and open no browser here
    #[arg(long)]
    device: bool,

    /// The client that somebody registered for this; its secret is in WHARF_CLIENT_SECRET
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,

    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Opens a browser at the server's authorization server (OAuth 2.1) and keeps the token in a folder that only you
can read, ~/.local/share/wharf/tokens (macOS: ~/Library/Application Support/wharf/tokens), sealed with a key of the
system's keyring where there is one.

Examples:
  wharf login https://mcp.example.com/mcp
  wharf login linear                                (as a host has it: wharf hosts)
  wharf login https://mcp.example.com/mcp --device
  wharf login https://mcp.example.com/mcp --scope read --scope write";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    runtime::here(async {
        let (url, mut oauth) = tokens::for_target(&args.target).await?;
        if !args.scopes.is_empty() {
            oauth = oauth.scopes(&args.scopes);
        }
        if let Some(id) = &args.client_id {
            let secret = std::env::var("WHARF_CLIENT_SECRET")
                .ok()
                .filter(|secret| !secret.is_empty());
            let client = Client::new(id);
            oauth = oauth.client(match secret {
                Some(secret) => client.with_secret(secret),
                None => client,
            });
        }
        if args.device {
            oauth = oauth.flow(Flow::Device);
        }
        let oauth = oauth.interaction(Browser::new().announce(announce));
        let mut signal = StopSignal::new()
            .map_err(|error| Failure::new(format!("cannot wait for signals: {error}")))?;
        tokio::select! {
            biased;
            signed_in = oauth.sign_in() => signed_in.map_err(|error| tokens::failure(&error))?,
            _ = signal.wait() => {
                say(styled(DIM, "cancelled"));
                return Err(Failure::silent(Exit::Interrupted));
            }
        }
        let status = oauth
            .status()
            .await
            .map_err(|error| tokens::failure(&error))?;
        let status = status.ok_or_else(|| Failure::new("the token was not kept"))?;
        let out = Out::new(args.json, false);
        if out.json {
            return out.document(&json!({
                "server": shown_url(&url), "issuer": status.issuer, "scopes": status.scopes,
                "expiresIn": status.expires_in, "renewable": status.is_renewable,
            }));
        }
        let scopes = if status.scopes.is_empty() {
            String::new()
        } else {
            format!(" for {}", status.scopes.join(" "))
        };
        out.words(&format!(
            "signed in at {}{}\n",
            escape::line(&status.issuer),
            escape::line(&scopes)
        ))
    })
}

fn announce(notice: Notice<'_>) {
    match notice {
        Notice::Page(page) => {
            say(format_args!(
                "Sign in at {} in the browser; if none opened, open",
                escape::line(page.issuer())
            ));
            say(format_args!("  {}", escape::line(page.page())));
        }
        Notice::Code(code) => {
            say(format_args!("Open {} and type", escape::line(code.page())));
            say(format_args!(
                "  {}",
                styled(STRONG, escape::line(code.code()))
            ));
        }
        // What comes with a later version waits without words.
        _ => {}
    }
}
