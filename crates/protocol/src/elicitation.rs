//! Elicitation: a server asks the person for input (spec 2026-07-28, client/elicitation).

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};

use crate::{meta::Meta, revision::Revision};

/// What is asked by `elicitation/create`, since 2025-06-18.
#[derive(Debug, Clone, PartialEq)]
pub enum ElicitParams {
    /// A form. Not for secrets.
    Form {
        /// What is asked, and why.
        message: String,
        /// JSON Schema of the form: an object of fields that are strings, numbers, booleans or
        /// choices. Nesting, references and further keywords are flattened or left out when it
        /// is written.
        requested_schema: Value,
    },
    /// A page the person is sent to, since 2025-11-25.
    Url {
        /// What is asked, and why.
        message: String,
        /// The page.
        url: String,
        /// The name under which the end of it is announced. Required in 2025-11-25, and written
        /// only there.
        elicitation_id: Option<String>,
    },
}

impl<'de> Deserialize<'de> for ElicitParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Members {
            mode: Option<String>,
            message: String,
            requested_schema: Option<Value>,
            url: Option<String>,
            elicitation_id: Option<String>,
        }
        let members = Members::deserialize(deserializer)?;
        // No mode is what revisions before 2025-11-25 write, and means a form.
        match members.mode.as_deref() {
            None | Some("form") => Ok(Self::Form {
                message: members.message,
                requested_schema: members
                    .requested_schema
                    .ok_or_else(|| D::Error::missing_field("requestedSchema"))?,
            }),
            Some("url") => Ok(Self::Url {
                message: members.message,
                url: members.url.ok_or_else(|| D::Error::missing_field("url"))?,
                elicitation_id: members.elicitation_id,
            }),
            Some(other) => Err(D::Error::unknown_variant(other, &["form", "url"])),
        }
    }
}

/// What the person did with an elicitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ElicitAction {
    /// Submitted the form, or agreed to open the page.
    Accept,
    /// Said no.
    Decline,
    /// Closed it without a choice.
    Cancel,
}

/// The client's answer to `elicitation/create`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ElicitResult {
    /// What the person did.
    pub action: ElicitAction,
    /// The values of the form, where it was accepted: strings, numbers, booleans, and since
    /// 2025-11-25 lists of strings.
    pub content: Option<Map<String, Value>>,
    /// Additional information, up to 2025-11-25.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}

impl ElicitResult {
    /// The form was submitted with these values.
    #[must_use]
    pub const fn accept(content: Map<String, Value>) -> Self {
        Self {
            action: ElicitAction::Accept,
            content: Some(content),
            meta: None,
        }
    }

    /// The person agreed to open the page.
    #[must_use]
    pub const fn agree() -> Self {
        Self::without_content(ElicitAction::Accept)
    }

    /// The person said no.
    #[must_use]
    pub const fn decline() -> Self {
        Self::without_content(ElicitAction::Decline)
    }

    /// The person closed it without a choice.
    #[must_use]
    pub const fn cancel() -> Self {
        Self::without_content(ElicitAction::Cancel)
    }

    const fn without_content(action: ElicitAction) -> Self {
        Self {
            action,
            content: None,
            meta: None,
        }
    }

    /// Brings the answer back to the schema that was asked with in `revision`. Before 2025-11-25 a
    /// client can offer one choice only where several may be made; its answer becomes a list of one.
    pub fn fit(&mut self, requested_schema: &Value, revision: Revision) {
        if let Some(content) = &mut self.content
            && revision < Revision::V2025_11_25
        {
            crate::projection::fit_answer(content, requested_schema);
        }
    }
}
