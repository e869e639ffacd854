//! [`Settings`]: everything of a configuration but its packs.

use schemars::JsonSchema;
use serde::Deserialize;

use super::admit::Admit;
use super::form;
use super::sections::{Audit, Auth, Limits, Metrics, Tls};

/// What the server is called, what of it is served, and how it is reached.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// The server's name for programs. Default: `wharf`.
    pub name: Option<String>,
    /// The server's name for people.
    pub title: Option<String>,
    /// The version of what is served. Default: that of Wharf.
    pub version: Option<String>,
    /// What the server is for, in a sentence.
    pub description: Option<String>,
    /// What a model should know to use the server well.
    pub instructions: Option<String>,
    /// Leaves out every tool that does not say that it only reads.
    pub read_only: bool,
    /// The tools that are served, by name with their prefix; `*` stands for any characters.
    /// Default: all.
    pub allow: Option<Vec<String>>,
    /// The tools that are not served; wins over `allow`.
    pub deny: Vec<String>,
    /// Where to keep what outlives the process, such as `sqlite:wharf.db`. Default: `memory:`.
    #[serde(deserialize_with = "form::optional::<_, form::State>")]
    pub state: Option<String>,
    /// How the server is reached over HTTP. The arguments of `wharf serve` win.
    pub http: Http,
    /// The certificate for HTTPS.
    pub tls: Option<Tls>,
    /// Who may call over HTTP.
    pub auth: Auth,
    /// How many requests callers may send over HTTP.
    pub limits: Limits,
    /// The log of who did what.
    pub audit: Audit,
    /// Numbers for Prometheus.
    pub metrics: Metrics,
}

impl Settings {
    /// What of the tools is served.
    pub(super) fn admit(&self) -> Admit {
        Admit {
            read_only: self.read_only,
            allow: self.allow.clone(),
            deny: self.deny.clone(),
        }
    }
}

/// How the server is reached over HTTP.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Http {
    /// Where to listen; port 0 takes a free one. Default: `127.0.0.1:8000`.
    #[serde(deserialize_with = "form::optional::<_, form::Address>")]
    pub addr: Option<String>,
    /// The path of the endpoint. Default: `/mcp`.
    #[serde(deserialize_with = "form::optional::<_, form::Path>")]
    pub path: Option<String>,
    /// Other names that the server is called by, such as `mcp.example.com`.
    #[serde(deserialize_with = "form::each::<_, form::Host>")]
    pub allow_host: Vec<String>,
    /// Web pages that may call the server, such as `https://app.example.com`.
    #[serde(deserialize_with = "form::each::<_, form::Origin>")]
    pub allow_origin: Vec<String>,
    /// Listen even where others can reach the server, although nobody checks who is calling.
    pub allow_public: bool,
    /// Serve clients of 2024-11-05, which open an event stream at `/sse`. Default: yes.
    pub sse: Option<bool>,
    /// Take WebSocket connections at `/ws`. Default: yes.
    pub ws: Option<bool>,
}

/// What every pack has besides its own options.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Common {
    /// What the names of the pack's tools and prompts begin with, before a dot. Several packs of a
    /// kind need one each.
    pub(super) prefix: String,
    /// The tools of the pack that are served, by name without the prefix; `*` stands for any
    /// characters. Default: all.
    pub(super) allow: Option<Vec<String>>,
    /// The tools of the pack that are not served; wins over `allow`.
    pub(super) deny: Vec<String>,
    /// Leaves out every tool of the pack that does not say that it only reads.
    pub(super) read_only: bool,
}

impl Common {
    pub(super) const KEYS: &[&str] = &["prefix", "allow", "deny", "read_only"];

    pub(super) fn admit(&self) -> Admit {
        Admit {
            read_only: self.read_only,
            allow: self.allow.clone(),
            deny: self.deny.clone(),
        }
    }
}
