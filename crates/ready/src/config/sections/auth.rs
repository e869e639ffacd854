//! `[auth]`

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Secret;

/// Who may call over HTTP. With any token, nobody else may.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Auth {
    /// Callers, and the bearer tokens that they send.
    pub tokens: Vec<Token>,
    /// A file with more of them: a name and a token a line.
    pub token_file: Option<PathBuf>,
}

/// A caller with a token of their own.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Token {
    /// What the caller is called in logs; sessions and tasks belong to the name.
    pub name: String,
    /// What they send as `Authorization: Bearer …`: 128 random bits at least, such as
    /// `openssl rand -hex 32` makes.
    pub token: Secret,
}
