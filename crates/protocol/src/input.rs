//! Input a server requires before it can complete a request, since 2026-07-28
//! (spec 2026-07-28, basic/patterns/mrtr).

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;

use crate::{
    elicitation::{ElicitParams, ElicitResult},
    meta::Meta,
    roots::ListRootsResult,
    sampling::{CreateMessageParams, CreateMessageResult},
};

/// One thing a server asks of a client.
#[derive(Debug, Clone, PartialEq)]
pub enum InputRequest {
    /// `elicitation/create`.
    Elicit(ElicitParams),
    /// `sampling/createMessage`.
    Sample(Box<CreateMessageParams>),
    /// `roots/list`.
    Roots,
}

impl InputRequest {
    /// The method by which the same is asked in the revisions before.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Elicit(_) => "elicitation/create",
            Self::Sample(_) => "sampling/createMessage",
            Self::Roots => "roots/list",
        }
    }
}

impl<'de> Deserialize<'de> for InputRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Members {
            method: String,
            params: Option<Box<RawValue>>,
        }
        let Members { method, params } = Members::deserialize(deserializer)?;
        let params = || {
            let params = params.as_deref().map(RawValue::get);
            params.ok_or_else(|| D::Error::missing_field("params"))
        };
        match &*method {
            "elicitation/create" => serde_json::from_str(params()?).map(Self::Elicit),
            "sampling/createMessage" => serde_json::from_str(params()?).map(Self::Sample),
            "roots/list" => Ok(Self::Roots),
            other => {
                let methods = &["elicitation/create", "sampling/createMessage", "roots/list"];
                return Err(D::Error::unknown_variant(other, methods));
            }
        }
        .map_err(D::Error::custom)
    }
}

/// The answer of a client to one [`InputRequest`]. Which kind is expected is known from the
/// request, so each is read as its own type.
#[derive(Debug, Clone, PartialEq)]
pub enum InputResponse {
    /// To `elicitation/create`.
    Elicit(ElicitResult),
    /// To `sampling/createMessage`.
    Sample(Box<CreateMessageResult>),
    /// To `roots/list`.
    Roots(ListRootsResult),
}

/// A result that asks for input instead of completing: the client sends its request again, with
/// the answers and the state. At least one of the two members must be there.
///
/// It is written with [`ResultType::InputRequired`](crate::projection::ResultType).
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputRequiredResult {
    /// What is asked, by names that the answers repeat.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub input_requests: IndexMap<String, InputRequest>,
    /// What the client gives back unread.
    pub request_state: Option<String>,
    /// Additional information.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}
