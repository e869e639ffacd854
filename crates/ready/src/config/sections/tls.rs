//! `[tls]`

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// The certificate with which the server speaks HTTPS. Both files are read again when they change.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Tls {
    /// The chain of certificates, the server's own first (PEM).
    pub cert: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
}
