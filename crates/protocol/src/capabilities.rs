//! Capabilities: what each side offers (spec 2026-07-28, basic/lifecycle;
//! spec 2025-11-25, basic/lifecycle, "Capability Negotiation").

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// What a client offers.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct ClientCapabilities {
    /// It can list roots.
    pub roots: Option<RootsCapability>,
    /// It can sample a model.
    pub sampling: Option<SamplingCapability>,
    /// It can ask the person, since 2025-06-18.
    pub elicitation: Option<ElicitationCapability>,
    /// It can run tasks: kept as sent, in 2025-11-25 only.
    pub tasks: Option<Value>,
    /// What is not in the specification. Values that are not objects are not written.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub experimental: Map<String, Value>,
    /// Extensions by identifier, with their settings. The schemas name the member since
    /// 2026-07-28; SEP-2133 puts it into `initialize` too. Values that are not objects are not
    /// written.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub extensions: Map<String, Value>,
}

/// A client's roots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RootsCapability {
    /// It tells when they change, up to 2025-11-25.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub list_changed: bool,
}

/// A client's sampling. Its members are known since 2025-11-25.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct SamplingCapability {
    /// It can add context (`includeContext`).
    #[serde(default, deserialize_with = "crate::lenient::present")]
    pub context: bool,
    /// It can offer tools to the model.
    #[serde(default, deserialize_with = "crate::lenient::present")]
    pub tools: bool,
}

/// A client's elicitation. An empty object on the wire means forms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ElicitationCapability {
    /// It can show forms.
    pub form: bool,
    /// It can open pages, since 2025-11-25.
    pub url: bool,
}

impl<'de> Deserialize<'de> for ElicitationCapability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Members {
            #[serde(default, deserialize_with = "crate::lenient::present")]
            form: bool,
            #[serde(default, deserialize_with = "crate::lenient::present")]
            url: bool,
        }
        let Members { form, url } = Members::deserialize(deserializer)?;
        Ok(Self {
            form: form || !url,
            url,
        })
    }
}

/// What a server offers.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct ServerCapabilities {
    /// It has tools.
    pub tools: Option<ToolsCapability>,
    /// It has resources.
    pub resources: Option<ResourcesCapability>,
    /// It has prompts.
    pub prompts: Option<PromptsCapability>,
    /// It sends log messages.
    #[serde(default, deserialize_with = "crate::lenient::present")]
    pub logging: bool,
    /// It suggests arguments; declared since 2025-03-26.
    #[serde(default, deserialize_with = "crate::lenient::present")]
    pub completions: bool,
    /// It can run tasks: kept as given, in 2025-11-25 only.
    pub tasks: Option<Value>,
    /// What is not in the specification. Values that are not objects are not written.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub experimental: Map<String, Value>,
    /// Extensions by identifier, with their settings. The schemas name the member since
    /// 2026-07-28; SEP-2133 puts it into `initialize` too. Values that are not objects are not
    /// written.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub extensions: Map<String, Value>,
}

/// A server's tools.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolsCapability {
    /// It tells when the list changes.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub list_changed: bool,
}

/// A server's resources.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourcesCapability {
    /// It tells when the list changes.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub list_changed: bool,
    /// It tells when a single resource changes.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub subscribe: bool,
}

/// A server's prompts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PromptsCapability {
    /// It tells when the list changes.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub list_changed: bool,
}
