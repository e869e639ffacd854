//! `[metrics]`

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::form;

/// Numbers for Prometheus, at an address of their own.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Metrics {
    /// Where they are shown, such as `127.0.0.1:9464`. Default: nowhere.
    #[serde(deserialize_with = "form::optional::<_, form::Address>")]
    pub addr: Option<String>,
    /// The path. Default: `/metrics`.
    #[serde(deserialize_with = "form::optional::<_, form::Path>")]
    pub path: Option<String>,
    /// Other names that the address is called by, such as `wharf.internal`.
    #[serde(deserialize_with = "form::each::<_, form::Host>")]
    pub allow_host: Vec<String>,
    /// Show them even where others can reach the address, although nobody checks who is asking.
    pub allow_public: bool,
}
